#include "bad_line.h"

#include <utility>

namespace sluice::e2e {

namespace {

std::vector<std::string> with_public_store(std::vector<std::string> flags, std::uint16_t port) {
  flags.insert(flags.end(), {"--store-public", "127.0.0.1:" + std::to_string(port)});
  return flags;
}

}  // namespace

BadLine::BadLine(std::uint64_t seed, Settings const& settings, std::vector<std::string> emulator_flags)
    : proxy_(seed), site_(settings, with_public_store(std::move(emulator_flags), proxy_.open("store"))) {
  auto const& emulator = site_.emulator();
  proxy_.lead("store", emulator.store_port());
  auto const api = proxy_.open("api", emulator.api_port());
  write_config(site_.home(), settings, "http://127.0.0.1:" + std::to_string(api) + "/v1.3");
}

}  // namespace sluice::e2e

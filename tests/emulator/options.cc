#include "options.h"

namespace sluice::emulator {

namespace {

std::uint64_t scaled(Options const& options, double bytes) {
  return static_cast<std::uint64_t>(bytes * options.limits_scale);
}

}  // namespace

std::uint64_t direct_limit_bytes(Options const& options, std::string const& type) {
  return scaled(options, type == "image" ? 32e6 : 200e6);
}

std::uint64_t multipart_limit_bytes(Options const& options, std::string const& type) {
  return scaled(options, type == "image" ? 32e6 : 10e9);
}

}  // namespace sluice::emulator

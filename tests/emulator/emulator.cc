#include "emulator.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "api.h"
#include "chunk_store.h"
#include "listen.h"
#include "router.h"

namespace sluice::emulator {

namespace {

std::filesystem::path prepared(std::filesystem::path const& dir) {
  std::filesystem::create_directories(dir);
  if (std::filesystem::exists(dir / "ledger.jsonl")) {
    throw std::runtime_error(dir.string() +
                             " holds the ledger of an earlier run: give an empty or new folder to --dir");
  }
  return dir;
}

std::string content_of(std::filesystem::path const& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return text.str();
}

// A presigned URL signs its host, and the store verifies the Host header that came: so a proxy in front must be named.
std::string public_store(Options const& options, Listener const& listener) {
  return options.store_public.empty() ? listener.authority() : options.store_public;
}

}  // namespace

// In order of construction; the servers come last and go first, the hasher goes before the world.
struct Emulator::Parts {
  Parts(Options given, Clock given_clock)
      : options(std::move(given)),
        clock(std::move(given_clock)),
        store_listener(options.store_listen),
        api_listener(options.listen),
        ledger(prepared(options.dir), clock),
        world(options, ledger),
        scenario(options.seed),
        rate(options.rate_bytes_per_s, sleeper),
        hasher([this](Hasher::Result const& result) {
          std::lock_guard const lock(world.mutex);
          world.hashed(result.asset_id, result.sha256, result.head, clock());
        }),
        context{options, clock,   world, ledger,      scenario,
                hasher,  sleeper, rate,  credentials, public_store(options, store_listener)},
        router(context) {
    if (!options.scenario_file.empty()) scenario.arm(content_of(options.scenario_file));
    store.emplace(store_listener,
                  [this](Request request) { return begin_store_exchange(context, std::move(request)); });
    api.emplace(api_listener, [this](Request request) { return router.begin(std::move(request)); });
  }

  ~Parts() { sleeper.stop(); }

  Options options;
  Clock clock;
  Listener store_listener;  // before the ledger: a bad address leaves no trace in the folder
  Listener api_listener;
  sigv4::Credentials credentials{"EMULATORACCESSKEY", "emulator-secret-that-protects-nothing"};
  Sleeper sleeper;
  Ledger ledger;
  World world;
  Scenario scenario;
  RateLimit rate;
  Hasher hasher;
  Context context;
  Router router;
  std::optional<HttpServer> store;
  std::optional<HttpServer> api;
};

Emulator::Emulator(Options options, Clock clock) : parts_(new Parts(std::move(options), std::move(clock))) {}

Emulator::~Emulator() = default;

std::string Emulator::base_url() const {
  return "http://" + parts_->api_listener.authority() + parts_->options.base_path;
}

std::string Emulator::store_url() const { return "http://" + parts_->store_listener.authority(); }

Clock system_clock() {
  return [] {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  };
}

}  // namespace sluice::emulator

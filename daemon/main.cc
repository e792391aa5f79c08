// sluiced - the daemon. Foreground, made for systemd; see docs/OPERATIONS.md for its exit codes.

#include <sys/prctl.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "config/load.h"
#include "core/journal/journal.h"
#include "daemon/api_key.h"
#include "daemon/log_spdlog.h"
#include "daemon/policy.h"
#include "daemon/real_folders.h"
#include "daemon/service.h"

namespace {

namespace daemon = sluice::daemon;
namespace config = sluice::config;

enum Exit : int { kFine = 0, kInternal = 1, kUsage = 2, kNoKey = 7, kJournal = 10, kBadConfig = 78 };

std::optional<std::string> environment(std::string const& name) {
  auto const* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

// Configuration, then key, then state: each with its own exit code, each failure said once.
int run(config::Config const& settings, sluice::ports::Log& log) {
  auto key = daemon::read_api_key(daemon::key_source_from(*settings.platform.api_key));
  if (!key) {
    log.error(key.error().text);
    return kNoKey;
  }
  try {
    auto service = daemon::Service::open(settings, std::move(*key), log);
    if (service) return (*service)->run();
    log.error(service.error().text);
    auto const& code = service.error().code;
    if (code == "route") return kBadConfig;
    if (code == "key_missing" || code == "key_unusable") return kNoKey;  // a hook's secret
    return code == "locked" || code == "state_dir" ? kJournal : kInternal;
  } catch (sluice::journal::JournalError const& error) {
    log.error(error.what());
    return kJournal;
  }
}

}  // namespace

int main(int argc, char** argv) {
  ::prctl(PR_SET_DUMPABLE, 0);  // the key is in memory: no core dump, no ptrace by others of our uid (K2)
  CLI::App app("sluiced: puts media into the TwelveLabs platform, each file once, whatever happens.");
  std::string file;
  bool check = false;
  app.add_option("--config", file, "configuration file");
  app.add_flag("--check-config", check, "read the configuration, say what is wrong with it, and end");
  app.set_version_flag("--version", "sluiced " SLUICE_VERSION);
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& error) {
    return app.exit(error) == 0 ? kFine : kUsage;
  }
  try {
    auto const real_folders = [](auto const& folders) { return daemon::real_folders(folders); };
    auto const settings = config::load(config::find_config(file, environment), {.real_folders = real_folders});
    if (!settings) {
      for (auto const& error : settings.error()) std::cerr << error.to_text() << "\n";
      return kBadConfig;
    }
    if (check) {
      std::cout << settings->file << ": fine\n";
      return kFine;
    }
    auto const level = static_cast<sluice::ports::Level>(settings->log.level);
    daemon::LogSpdlog log(level, static_cast<daemon::LogFormat>(settings->log.format));
    return run(*settings, log);
  } catch (std::exception const& error) {
    std::cerr << "sluiced: internal error: " << error.what() << "\n";
    return kInternal;
  }
}

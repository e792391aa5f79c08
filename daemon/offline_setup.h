// offline_setup.h - what a command that works without the daemon begins with: configuration, key, files.
//
// For `sluice ingest` and `sluice journal`. Whatever cannot be had ends the command before anything was sent:
// with its exit code (product page, section 8), what and why, and the next command.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "core/base/secret.h"
#include "core/stage/policy.h"
#include "daemon/state_lock.h"
#include "daemon/wire_curl.h"

namespace sluice::daemon {

enum Exit : int {
  kFine = 0,
  kInternal = 1,
  kUsage = 2,
  kSomeFailed = 3,
  kNoKey = 7,
  kUnreachable = 8,
  kNoSource = 9,
  kJournal = 10,
  kBadConfig = 78
};

struct Stop {
  int code;
  std::string text;
  std::string remedy;
};
template <class T>
using OrStop = std::expected<T, Stop>;

// The configuration as it is found always (config::find_config); `lenient`: it need not be there, nor have a
// source or a key. Stops with 78.
OrStop<config::Config> offline_configuration(std::string const& config_file, bool lenient);

// The configured key, else the one in TWELVE_LABS_API_KEY: a credential of the daemon's unit cannot be read
// from a shell. Stops with 7.
OrStop<ApiKey> offline_key(config::Config const& config);
// The way to the platform that it wants; kBadConfig where that cannot be had.
OrStop<WireRoute> offline_route(config::Config const& config);

// Where the journal of `sluice ingest` lies, unless `asked` says.
std::string ingest_state_dir(std::string const& asked);

// The lock of the state directory; `by_hand`: of `sluice ingest`. Stops with 10.
OrStop<StateLock> offline_lock(std::string const& state_dir, bool by_hand);

// All files that the given paths mean, absolute: a folder's with the media in it, a file itself whatever it
// is. Stops with 9.
OrStop<std::vector<std::string>> files_at(std::vector<std::string> const& paths);

// The policy of `sluice ingest`: one source that is never scanned, rooted at "/", settled at once.
stage::Policy ingest_policy(config::Config const& config);

}  // namespace sluice::daemon

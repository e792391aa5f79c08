#include "daemon/offline_setup.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "config/load.h"
#include "core/base/text.h"
#include "core/source/kind.h"
#include "core/source/names.h"
#include "daemon/api_key.h"
#include "daemon/desk.h"
#include "daemon/policy.h"
#include "daemon/wire_route.h"

namespace sluice::daemon {

namespace fs = std::filesystem;

namespace {

constexpr char kKeyVariable[] = "TWELVE_LABS_API_KEY";

std::optional<std::string> environment(std::string const& name) {
  auto const* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace

OrStop<config::Config> offline_configuration(std::string const& config_file, bool lenient) {
  auto const file = config::find_config(config_file, environment);
  std::error_code error;
  config::LoadOptions const options{.needs_source = !lenient, .needs_key = false};
  auto const wanted = !lenient || !config_file.empty() || environment("SLUICE_CONFIG");
  auto loaded = !wanted && !fs::exists(file, error) ? config::load_texts({{"defaults", "{}"}}, options)
                                                    : config::load(file, options);
  if (loaded) return std::move(*loaded);
  std::string text;
  for (auto const& one : loaded.error()) text += (text.empty() ? "" : "\n") + one.to_text();
  return std::unexpected(Stop{kBadConfig, text, "mend the file, or check it with: sluiced --check-config"});
}

OrStop<ApiKey> offline_key(config::Config const& config) {
  KeySource const variable{KeySource::Kind::kEnvironment, kKeyVariable};
  auto key = read_api_key(config.platform.api_key ? key_source_from(*config.platform.api_key) : variable);
  if (!key && config.platform.api_key && environment(kKeyVariable)) key = read_api_key(variable);
  if (key) return std::move(*key);
  return std::unexpected(
      Stop{kNoKey, key.error().text, "set TWELVE_LABS_API_KEY, or platform.api_key in the configuration"});
}

OrStop<WireRoute> offline_route(config::Config const& config) {
  auto route = wire_route_from(config.platform);
  if (route) return std::move(*route);
  return std::unexpected(Stop{kBadConfig, route.error().text, "mend the file, or the key in the configuration"});
}

std::string ingest_state_dir(std::string const& asked) {
  if (!asked.empty()) return asked;
  auto const state = environment("XDG_STATE_HOME");
  if (state && state->starts_with('/')) return *state + "/sluice/ingest";
  return environment("HOME").value_or("/root") + "/.local/state/sluice/ingest";
}

OrStop<StateLock> offline_lock(std::string const& state_dir, bool by_hand) {
  auto lock = StateLock::take(state_dir);
  if (lock) return std::move(*lock);
  auto const* const who = by_hand ? "wait for the other run to end"
                                  : "systemctl stop sluiced, then run it again, as root or as the daemon's user";
  auto const* const what =
      "mend that and run it again, as root or as the daemon's user; where that cannot be mended (a disk that is only "
      "read), copy the whole folder to another disk and name that one as state_dir";
  return std::unexpected(Stop{kJournal, lock.error().text, lock.error().code == "locked" ? who : what});
}

OrStop<std::vector<std::string>> files_at(std::vector<std::string> const& paths) {
  std::vector<std::string> files;
  std::error_code error;
  for (auto const& path : paths) {
    auto const whole = resolved_path(fs::absolute(path).string());
    if (whole.empty() || !fs::exists(whole, error))
      return std::unexpected(Stop{kNoSource, "no such file or folder: " + printable(path), "check the path"});
    if (!fs::is_directory(whole, error)) {
      files.push_back(whole);
      continue;
    }
    for (fs::recursive_directory_iterator it(whole, error), end; !error && it != end; it.increment(error)) {
      auto const name = it->path().filename().string();
      if (source::is_ignored_name(name)) {
        it.disable_recursion_pending();
      } else if (it->is_regular_file(error) && source::media_by_name(name)) {
        files.push_back(it->path().string());
      }
    }
    if (error)
      return std::unexpected(
          Stop{kNoSource, "cannot read " + printable(path) + ": " + error.message(), "check its permissions"});
  }
  std::ranges::sort(files);
  files.erase(std::ranges::unique(files).begin(), files.end());
  return files;
}

stage::Policy ingest_policy(config::Config const& config) {
  auto policy = policy_from(config, host_name());
  policy.sources.clear();
  policy.hooks.clear();  // whoever calls `ingest` sees how it ends
  stage::SourcePolicy source{
      .name = "ingest", .root = "/", .settle = Millis(0), .duplicates = stage::DuplicatePolicy::kSkip, .swept = false};
  for (auto const& pipeline : policy.pipelines) source.pipelines.push_back(pipeline.name);
  source.fetch = policy.hand.fetch;
  source.allow_hosts = policy.hand.allow_hosts;
  policy.sources.push_back(std::move(source));
  return policy;
}

}  // namespace sluice::daemon

#include "config/load.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>

#include "config/parts.h"
#include "core/base/text.h"
#include "core/base/yaml_tree.h"

namespace sluice::config {
namespace {

namespace fs = std::filesystem;

void read_main(At const& at, Draft& draft, LoadOptions const& options) {
  auto& config = draft.config;
  Section section(at);
  Node const nothing{.mark = {1, 1}};  // so that a missing `platform` still reports its missing key
  auto const platform = section.find("platform");
  config.platform = read_platform(platform.value_or(At{&nothing, inside(at.origin, "platform"), at.report}), options);
  if (auto key = section.find("state_dir")) assign(config.state_dir, read_path(*key));
  if (auto key = section.find("pipelines")) read_pipelines(*key, draft);
  if (auto key = section.find("sources")) read_sources(*key, draft);
  if (auto key = section.find("transfer")) config.transfer = read_transfer(*key);
  if (auto key = section.find("retry")) config.retry = read_retry(*key);
  if (auto key = section.find("rate_limits")) config.rate_limits = read_rate_limits(*key);
  if (auto key = section.find("poll")) config.poll = read_poll(*key);
  if (auto key = section.find("spool")) config.spool_max_bytes = read_spool(*key);
  if (auto key = section.find("by_hand")) config.by_hand = read_by_hand(*key);
  if (auto key = section.find("hooks")) config.hooks = read_hooks(*key);
  if (auto key = section.find("control")) config.control_socket = read_control_socket(*key);
  if (auto key = section.find("log")) config.log = read_log(*key);
  section.finish();
}

void read_addition(At const& at, Draft& draft) {
  Section section(at);
  if (auto key = section.find("pipelines")) read_pipelines(*key, draft);
  if (auto key = section.find("sources")) read_sources(*key, draft);
  for (auto const* key : {"platform", "state_dir", "transfer", "retry", "rate_limits", "poll", "spool", "by_hand",
                          "hooks", "control", "log"}) {
    if (auto const found = section.find(key)) {
      found->complain("belongs in the main file; conf.d adds `sources` and `pipelines` only");
    }
  }
  section.finish();
}

// FNV-1a: tells one configuration from another; not a safeguard against anyone.
std::string hash_of(std::vector<Text> const& texts) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  auto const mix = [&](std::string_view bytes) {
    for (char const byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
  };
  for (auto const& [file, text] : texts) {
    mix(text);
    mix(std::string_view("\0", 1));  // between the files
  }
  std::byte bytes[6];
  for (auto& byte : bytes) {
    byte = static_cast<std::byte>(hash >> 56);
    hash <<= 8;
  }
  return to_hex(bytes);
}

std::expected<std::string, std::string> read_whole(fs::path const& file) {
  std::error_code error;
  if (fs::is_directory(file, error)) return std::unexpected("is a folder; name a file");
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  std::string bytes(kFileBytesMax + 1, '\0');
  if (stream) stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!stream.is_open() || stream.bad()) {
    auto const why = errno;
    return std::unexpected(
        "cannot be read: " + std::generic_category().message(why == 0 ? EIO : why) +
        (why == ENOENT ? "; create it, or name another with --config or SLUICE_CONFIG" : "; check its owner and mode"));
  }
  bytes.resize(static_cast<std::size_t>(stream.gcount()));
  return bytes;  // one byte too many is kept, so that read_yaml refuses it
}

// conf.d/*.yaml beside the file, by name. A folder that cannot be listed is an error: half a
// configuration must not pass for a whole one.
std::expected<std::vector<fs::path>, ConfigError> additions_of(fs::path const& file) {
  auto const folder = file.parent_path() / "conf.d";
  std::vector<fs::path> files;
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error == std::errc::no_such_file_or_directory) return files;
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    auto const name = entries->path().filename().string();
    if (name.ends_with(".yaml") && !name.starts_with(".")) files.push_back(entries->path());
  }
  if (error) {
    return std::unexpected(ConfigError{printable(folder.string()), 0, 0, "",
                                       "cannot be listed: " + error.message() + "; check its owner and mode"});
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

fs::path find_config(fs::path const& flag, Environment const& environment) {
  return find_config(flag, environment, [](fs::path const& path) {
    std::error_code error;
    return fs::exists(path, error);
  });
}

fs::path find_config(fs::path const& flag, Environment const& environment, Exists const& exists) {
  if (!flag.empty()) return flag;
  if (auto const named = environment("SLUICE_CONFIG"); named && !named->empty()) return *named;
  if (exists(kSystemConfig)) return kSystemConfig;
  auto const xdg = environment("XDG_CONFIG_HOME");
  auto const home = environment("HOME");
  fs::path folder;
  if (xdg && xdg->starts_with('/')) {
    folder = *xdg;
  } else if (home && home->starts_with('/')) {
    folder = fs::path(*home) / ".config";
  }
  auto const own = folder / "sluice" / "sluice.yaml";
  return !folder.empty() && exists(own) ? own : fs::path(kSystemConfig);
}

Loaded load_texts(std::vector<Text> const& texts, LoadOptions options) {
  Draft draft;
  Report report;
  draft.root = {texts.front().file, ""};
  draft.config.file = texts.front().file;
  draft.config.hash = hash_of(texts);
  bool is_whole = true;
  for (auto const& [file, text] : texts) {
    auto const root = yaml::read_yaml(text);
    if (!root) {
      report.add({file, root.error().key}, root.error().mark, root.error().text);
      is_whole = false;
      continue;
    }
    At const at{&*root, {file, ""}, &report};
    report.remember(at.origin, root->mark);
    if (&file == &texts.front().file) {
      read_main(at, draft, options);
    } else {
      read_addition(at, draft);
    }
  }
  if (is_whole) check(draft, options, report);  // what a broken file did not say would be reported as missing
  if (!report.empty()) return std::unexpected(report.take());
  return std::move(draft.config);
}

Loaded load(fs::path const& file, LoadOptions options) {
  auto additions = additions_of(file);
  if (!additions) return std::unexpected(std::vector{additions.error()});
  std::vector<fs::path> files = {file};
  files.insert(files.end(), additions->begin(), additions->end());
  std::vector<std::string> bytes;
  for (auto const& each : files) {
    auto read = read_whole(each);
    if (!read) return std::unexpected(std::vector{ConfigError{printable(each.string()), 0, 0, "", read.error()}});
    bytes.push_back(std::move(*read));
  }
  std::vector<Text> texts;
  for (std::size_t i = 0; i < files.size(); ++i) texts.push_back({printable(files[i].string()), bytes[i]});
  return load_texts(texts, options);
}

}  // namespace sluice::config

// load.h - finds the configuration file and reads it into a checked Config.
//
// Reading has two ends only: a Config that is right in every part, or a list of errors, each naming
// file, line, column and key and saying what to do. Nothing is ignored: an unknown key, or a value
// that this release does not support yet, is an error. Errors never repeat a value that could be a
// secret. The daemon never writes these files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "core/base/yaml_tree.h"

namespace sluice::config {

inline constexpr std::size_t kErrorsMax = 20;                  // no more are collected
inline constexpr std::size_t kFileBytesMax = yaml::kBytesMax;  // of one file (Y2)
inline constexpr char kSystemConfig[] = "/etc/sluice/sluice.yaml";

struct ConfigError {
  std::string file;
  int line = 0;     // from 1; 0: the file as a whole
  int column = 0;   // from 1, in bytes; 0 with line 0
  std::string key;  // "sources[0].settle"; "" for the file as a whole
  std::string text;

  // "/etc/sluice/sluice.yaml:12:3: sources[0].settle: a duration needs a unit; write 5s": one line.
  std::string to_text() const;
};

// Where a folder is on the disk.
struct RealFolder {
  std::string path = {};                // links followed, as far as it is there
  std::uint64_t device = 0, inode = 0;  // 0: it is not there
};
// Looks folders up. What it cannot tell is left out, and compared by its text.
using RealFolders = std::function<std::map<std::string, RealFolder>(std::vector<std::string> const& folders)>;

struct LoadOptions {
  bool needs_source = true;  // sluiced does nothing without one; `sluice` and `sluice ingest` do
  bool needs_key = true;
  RealFolders real_folders = {};  // nothing: the disk is not asked, since a dead mount may hold up who asks it
};

using Environment = std::function<std::optional<std::string>(std::string const& name)>;
using Exists = std::function<bool(std::filesystem::path const&)>;

// Which file to read: `flag` (--config) if not empty, else SLUICE_CONFIG, else kSystemConfig if it is
// there, else $XDG_CONFIG_HOME/sluice/sluice.yaml (~/.config) if that is there, else kSystemConfig,
// so that the error names the place where it belongs. A relative XDG_CONFIG_HOME counts as unset.
std::filesystem::path find_config(std::filesystem::path const& flag, Environment const& environment);
std::filesystem::path find_config(std::filesystem::path const& flag, Environment const& environment,
                                  Exists const& exists);

using Loaded = std::expected<Config, std::vector<ConfigError>>;

// Reads `file`, and then conf.d/*.yaml beside it in the order of their names (hidden ones left out),
// which may hold `sources` and `pipelines` only. A missing conf.d is fine.
Loaded load(std::filesystem::path const& file, LoadOptions options = {});

// One file's text that came from elsewhere, so without conf.d: for tests, and for `sluice ingest`.
struct Text {
  std::string file;  // for messages
  std::string_view text;
};
// The first is the main file; the others count as conf.d. Requires  at least one.
Loaded load_texts(std::vector<Text> const& texts, LoadOptions options = {});

}  // namespace sluice::config

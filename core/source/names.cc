#include "core/source/names.h"

#include <algorithm>
#include <array>

#include "core/base/text.h"

namespace sluice::source {
namespace {

// A leading dot is not in the list: the rule for it, below, covers .DS_Store, ._*, .Trashes, .snapshot,
// .nfs*, .smbdelete*, .fuse_hidden*, .in.* (ProFTPD), .~tmp~ and .NAME.XXXXXX (rsync), .syncthing.*.tmp.
constexpr auto kIgnored = std::to_array<std::string_view>(
    {// What systems leave in folders (D13).
     "__MACOSX", "Thumbs.db", "desktop.ini", "~$*", "*~", "@eaDir", "#recycle", "lost+found", "$RECYCLE.BIN",
     "System Volume Information",
     // Downloads and transfers under way (D15): browsers, rclone, WinSCP, torrent and sync clients.
     "*.part", "*.partial", "*.crdownload", "*.download", "*.opdownload", "*.filepart", "*.tmp", "*.temp",
     "*.incomplete", "*.uploading", "*.upload", "*.!ut", "*.!qB", "*.bc!", "*.!sync", "*.aria2", "~syncthing~*",
     // Editors, renderers and locks (D15).
     "*.swp", "*.lock", "*.prlock", "*.processing", "*.wip", "*.rendering"});

constexpr auto kCompanions =
    std::to_array<std::string_view>({"*.error.json", "*.sluice.json", "*.md5", "*.sha256", "*.done"});

struct Spelling {
  std::string_view small;
  std::string_view capital;
};
constexpr auto kSuffixes = std::to_array<Spelling>({{".md5", ".MD5"}, {".sha256", ".SHA256"}, {".done", ".DONE"}});

// The name with another suffix of the same length.
std::string with_suffix(std::string_view name, std::string_view suffix) {
  return std::string(name.substr(0, name.size() - suffix.size())).append(suffix);
}

bool matches_one(auto const& patterns, std::string_view name) {
  return std::ranges::any_of(patterns, [&](std::string_view pattern) { return glob_match(pattern, name, true); });
}

}  // namespace

bool is_ignored_name(std::string_view name) { return name.starts_with('.') || matches_one(kIgnored, name); }
bool is_companion_name(std::string_view name) { return matches_one(kCompanions, name); }

std::optional<std::string> in_capitals(std::string_view name) {
  for (auto const& [small, capital] : kSuffixes)
    if (name.ends_with(small)) return with_suffix(name, capital);
  return std::nullopt;
}

std::string in_small_letters(std::string_view name) {
  for (auto const& [small, capital] : kSuffixes)
    if (name.ends_with(capital)) return with_suffix(name, small);
  return std::string(name);
}

}  // namespace sluice::source

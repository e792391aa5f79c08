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

bool matches_one(auto const& patterns, std::string_view name) {
  return std::ranges::any_of(patterns, [&](std::string_view pattern) { return glob_match(pattern, name, true); });
}

}  // namespace

bool is_ignored_name(std::string_view name) { return name.starts_with('.') || matches_one(kIgnored, name); }
bool is_companion_name(std::string_view name) { return matches_one(kCompanions, name); }

}  // namespace sluice::source

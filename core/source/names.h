// names.h - names that never become items, whatever is in the files.
//
// Pure, over one name (the last component of a path, bytes). Letters are compared without case: the
// same tools write Thumbs.db and THUMBS.DB, .part and .PART. User patterns come on top, in sweep.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::source {

// Names that a system or a tool made for itself (D13), and names of files that are still being
// written, until their rename (D15). Applies to folders too: nothing below such a folder is looked at.
bool is_ignored_name(std::string_view name);

// Names of files that belong to another file: checksums, done-markers, and what Sluice itself writes
// beside a file (product page, Sources). Sidecars (NAME.json, NAME.yaml) are not in here: no pipeline
// takes their kind.
bool is_companion_name(std::string_view name);

// "clip.mp4.md5" -> "clip.mp4.MD5": the other spelling that the name of a checksum file or a done-marker may have on
// the disk; nothing for any other name.
std::optional<std::string> in_capitals(std::string_view name);
// "clip.mp4.MD5" -> "clip.mp4.md5"; any other name as it is.
std::string in_small_letters(std::string_view name);

// aria2 writes under the final name, and keeps NAME.aria2 beside it until the download is whole (D15).
inline constexpr std::string_view kControlSuffix = ".aria2";

}  // namespace sluice::source

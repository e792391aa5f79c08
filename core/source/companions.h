// companions.h - the files that belong to another file and go where it goes (D71).
//
// By name alone: the sidecars, checksum files and markers that exist for exactly this name ("clip.mp4.json" of
// "clip.mp4"). What may belong to two files ("clip.json", of clip.mp4 and of clip.mov) goes with the last of them that
// used it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/template.h"

namespace sluice::source {

// The names that the companions of a file would have, always the same ones in the same order, so that the lists of two
// names can be held side by side. `marker` is the source's ready_marker.
std::vector<std::string> companions_of(std::string_view name, std::optional<Template> const& marker);

// Whether a sidecar is one that a file shares with others of its stem: "clip.json" of "clip.mp4".
bool is_shared_sidecar(std::string_view sidecar, std::string_view name);
// "clip.json" of "clip~2.mp4" -> "clip~2.json". Requires is_shared_sidecar() of the file as it was called before.
std::string shared_sidecar_of(std::string_view sidecar, std::string_view new_name);
// Whether another name is of a file that may use it too: "clip.Mov", "clip.mp3", "clip" for "clip.mp4". By the
// extensions that are known, without case.
bool may_share_sidecar(std::string_view other, std::string_view name);

// "clip.mp4" -> "clip~2.mp4", beneath whatever folders; the path itself for 0 (D64).
std::string numbered(std::string_view path, unsigned n);

}  // namespace sluice::source

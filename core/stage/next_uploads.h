// next_uploads.h - whose upload begins next: fair between sources, and between large files and small ones (D53).
//
// The higher priority first. Among files of one priority the source that has the fewest uploads under way, and of that
// the file that waits the longest: a source that brings a hundred thousand files does not stand before another's one.
// A quarter of the slots is never taken by upload sessions, so that a small file need not wait for hours behind large
// ones; and while sessions wait, it is left to them by the small ones.
#pragma once

#include <string_view>
#include <vector>

#include "core/stage/stage.h"

namespace sluice::stage {

inline constexpr std::string_view kByDirect = "direct";
inline constexpr std::string_view kByMultipart = "multipart";
inline constexpr std::string_view kByRelay = "relay";  // is downloaded before it goes up by one of the first two
inline constexpr std::string_view kByUrl = "url";  // takes a slot like a direct one, until the platform has answered

// Of `files_max` slots, how many upload sessions may hold.
std::uint32_t session_slots(std::uint32_t files_max);

// The items in `stable` whose upload by that method may begin now, as many as there are slots for. Reads only.
std::vector<journal::ItemRow> next_uploads(Context const& ctx, std::string_view method);

}  // namespace sluice::stage

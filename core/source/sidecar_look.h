// sidecar_look.h - finds the sidecars of one file and reads them, beneath its root (D47, D48).
//
// For lanes: asks the file system. Whatever is wrong with a sidecar itself is part of what was found; only what the
// disk or this host could not do now fails, and is asked again. Links, folders and special files are none, whatever
// they are called.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/ports/files.h"
#include "core/source/sidecar.h"

namespace sluice::source {

struct SidecarLook {
  std::int64_t newest_ns = 0;  // the latest of their times that is not after `now_ns`
  bool has_own = false;        // not the folder's defaults alone
  Result<Sidecar> sidecar = Sidecar{};
  std::vector<std::string> unknown = {};  // keys that mean nothing
  std::vector<std::string> links = {};    // named like a sidecar, and passed over; as people should see them
};

// `path` is the media file's, beneath the root; `now_ns` wall time. A time in the future is a skewed clock's, and says
// nothing (D29).
// Fails  kLocal, "io", "busy".
Result<SidecarLook> look_for_sidecar(ports::Files& files, std::string const& root, std::string const& path,
                                     std::int64_t now_ns);

// The text of a small file.
// Fails  kRejected "too_large", and as read_at().
Result<std::string> read_whole(ports::OpenFile const& file, std::size_t bytes_max);

// What the disk or this host could not do now says nothing of the file.
bool is_passing(Error const& error);

// "day1/clip.mp4", "clip.json" -> "day1/clip.json".
std::string beside(std::string const& path, std::string_view name);

}  // namespace sluice::source

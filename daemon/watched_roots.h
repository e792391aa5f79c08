// watched_roots.h - what the folders of the sources are on the disk, by device and inode, as the last listing saw them.
//
// Listings tell; nobody asks a folder for it, since another source's may be on a mount that does not answer. Safe to
// use from several threads at once.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

struct stat;

namespace sluice::daemon {

class WatchedRoots {
 public:
  // Nothing is kept of any other folder.
  void watch(std::vector<std::string> const& roots);

  // `root` was opened, and is this folder now.
  void saw(std::string const& root, struct stat const& folder);

  // The source's root that this folder is; nothing if it is none.
  std::optional<std::string> root_of(struct stat const& folder) const;

 private:
  using Identity = std::pair<std::uint64_t, std::uint64_t>;  // device, inode

  std::mutex mutable mutex_;
  std::map<std::string, std::optional<Identity>> roots_;
};

}  // namespace sluice::daemon

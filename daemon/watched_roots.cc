#include "daemon/watched_roots.h"

#include <sys/stat.h>

namespace sluice::daemon {

void WatchedRoots::watch(std::vector<std::string> const& roots) {
  std::lock_guard const lock(mutex_);
  for (auto const& root : roots) roots_.try_emplace(root);
}

void WatchedRoots::saw(std::string const& root, struct stat const& folder) {
  std::lock_guard const lock(mutex_);
  auto const found = roots_.find(root);
  if (found != roots_.end()) found->second = Identity{folder.st_dev, folder.st_ino};
}

std::optional<std::string> WatchedRoots::root_of(struct stat const& folder) const {
  std::lock_guard const lock(mutex_);
  for (auto const& [root, identity] : roots_)
    if (identity == Identity{folder.st_dev, folder.st_ino}) return root;
  return std::nullopt;
}

}  // namespace sluice::daemon

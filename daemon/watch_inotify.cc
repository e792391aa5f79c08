#include "daemon/watch_inotify.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "core/base/text.h"
#include "daemon/beneath_linux.h"
#include "daemon/mount_kind.h"

namespace sluice::daemon {
namespace {

// D3. IN_DELETE_SELF, IN_MOVE_SELF and IN_UNMOUNT tell that a root went away.
constexpr std::uint32_t kMask = IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE | IN_DELETE_SELF |
                                IN_MOVE_SELF | IN_ATTRIB | IN_ONLYDIR | IN_EXCL_UNLINK;

constexpr int kReadsMax = 64;  // of 64 KiB: more than a full queue of 16,384 short names; the rest is for the next turn

std::string joined(std::string const& folder, std::string_view name) {
  return folder.empty() ? std::string(name) : folder + "/" + std::string(name);
}

constexpr std::string_view kLimitReached = "the limit of inotify watches is reached";

std::string why_not_watched(int error) { return error == ENOSPC ? std::string(kLimitReached) : errno_words(error); }

// What to set so that so many more folders can be watched: at the limit, all watches that it allows are in use.
std::string limit_to_set(std::size_t missing) {
  std::size_t limit = 0;
  std::ifstream("/proc/sys/fs/inotify/max_user_watches") >> limit;
  return ": set the sysctl fs.inotify.max_user_watches=" + std::to_string(std::bit_ceil(limit + missing)) + " or more";
}

// The names of the folders in an open folder; links are none.
std::vector<std::string> subfolders_of(int folder_fd) {
  std::vector<std::string> names;
  UniqueFd again(::openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  auto const closer = [](DIR* dir) { ::closedir(dir); };
  std::unique_ptr<DIR, decltype(closer)> const dir(again ? ::fdopendir(again.get()) : nullptr, closer);
  if (!dir) return names;
  again.release();
  while (auto const* entry = ::readdir(dir.get())) {
    std::string_view const name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat about {};
    bool const is_folder =
        entry->d_type == DT_DIR ||
        (entry->d_type == DT_UNKNOWN &&
         ::fstatat(::dirfd(dir.get()), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(about.st_mode));
    if (is_folder) names.emplace_back(name);
  }
  return names;
}

}  // namespace

struct WatchInotify::Root {
  std::string path;
  bool recursive = false;
  bool is_remote = false;
  bool is_open = false;  // watched, or scanned by the clock; no descriptor is held, which would keep it mounted
  std::uint64_t inode = 0;
  std::uint64_t device = 0;
  std::map<std::string, int> watches;        // folder -> watch
  std::map<std::string, std::string> blind;  // folder -> why it has none
  bool rewalk = false;
  bool whole = false;
  std::set<std::string> dirty;
  RootWatch state;

  bool is(struct stat const& about) const { return about.st_ino == inode && about.st_dev == device; }
  void describe(std::string const& no_inotify) {
    state.watched = watches.size();
    state.needed = watches.size() + blind.size();
    if (!no_inotify.empty()) {
      state.coverage = Coverage::kPollingOnly;
      state.reason = no_inotify;
    } else if (blind.empty()) {
      state.coverage = Coverage::kFull;
      state.reason.clear();
    } else {
      auto const limited = std::ranges::find(blind, kLimitReached, &std::pair<std::string const, std::string>::second);
      auto const& [folder, why] = limited == blind.end() ? *blind.begin() : *limited;
      state.coverage = Coverage::kDegraded;
      state.reason =
          std::to_string(state.watched) + " of " + std::to_string(state.needed) +
          " folders are watched, the others are scanned where they can be read: " + printable(joined(path, folder)) +
          ": " + why;
      if (why == kLimitReached) state.reason += limit_to_set(blind.size());
    }
  }
};

WatchInotify::WatchInotify() { refresh(); }
WatchInotify::~WatchInotify() = default;

RootWatch const& WatchInotify::state(std::string const& root) const {
  auto const at = roots_.find(root);
  assert(at != roots_.end());
  return at->second->state;
}

void WatchInotify::mark(Root& root, std::string const& folder) {
  if (root.whole) return;
  root.dirty.insert(folder);
  root.whole = root.dirty.size() > kDirtyFoldersMax;
}

void WatchInotify::add_root(std::string const& root, bool recursive) {
  auto& known = roots_[root];
  if (!known) {
    known = std::make_unique<Root>();
    known->path = root;
    known->recursive = recursive;
    open_root(*known);
    known->whole = true;
  } else if (recursive && !known->recursive) {
    known->recursive = known->rewalk = known->whole = true;
    walk_again(*known);
  }
}

void WatchInotify::remove_root(std::string const& root) {
  auto const at = roots_.find(root);
  if (at == roots_.end()) return;
  close_root(*at->second);
  roots_.erase(at);
}

// Opens and watches the root; afterwards it is dirty as a whole, unless it is still missing.
void WatchInotify::open_root(Root& root) {
  UniqueFd fd(::open(root.path.c_str(), O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC));
  auto const error = errno;
  struct stat about {};
  if (!fd || ::fstat(fd.get(), &about) != 0) {
    root.state = {.coverage = Coverage::kMissing, .reason = printable(root.path) + ": " + errno_words(error)};
    return;
  }
  root.inode = about.st_ino;
  root.device = about.st_dev;
  root.whole = true;
  root.rewalk = false;
  auto const remote = remote_kind(fd.get());
  root.is_open = true;
  root.is_remote = !remote.empty();
  if (root.is_remote) {
    root.state = {.coverage = Coverage::kPollingOnly,
                  .reason = printable(root.path) + " is on " + std::string(remote) +
                            ", where changes made by other hosts make no events; it is scanned by the clock"};
    return;
  }
  if (inotify_) watch_tree(root, "");
  root.describe(no_inotify_);
}

void WatchInotify::close_root(Root& root) {
  while (!root.watches.empty()) unwatch(root, root.watches.begin()->first);
  root.blind.clear();
  root.is_open = false;
  root.state = {.coverage = Coverage::kMissing, .reason = printable(root.path) + " is gone"};
  root.whole = true;
}

// Whether the path still leads to the folder that is watched. No event can be relied on for this: a mount over it
// makes none, and IN_DELETE_SELF waits until nobody holds the folder open. A remote
// root is never asked: a dead mount would hold up the loop, and it is scanned by the clock anyway.
bool WatchInotify::is_in_place(Root const& root) const {
  struct stat about {};
  if (root.is_remote) return true;
  return ::stat(root.path.c_str(), &about) == 0 && root.is(about);
}

// Watches `folder`. Returns false if it is of no use to look into it.
bool WatchInotify::watch_folder(Root& root, std::string const& folder, int folder_fd) {
  struct stat about {};
  if (::fstat(folder_fd, &about) == 0 && about.st_dev != root.device) {
    if (auto const remote = remote_kind(folder_fd); !remote.empty()) {
      root.blind[folder] = "it is on " + std::string(remote);
      return false;
    }
  }
  // By the descriptor, not by a path: nobody can put a link in the way (F2). Hence no IN_DONT_FOLLOW.
  auto const path = "/proc/self/fd/" + std::to_string(folder_fd);
  auto const watch = ::inotify_add_watch(inotify_.get(), path.c_str(), kMask);
  if (watch < 0) {
    root.blind[folder] = why_not_watched(errno);
    return true;
  }
  root.blind.erase(folder);
  if (auto const at = root.watches.find(folder); at != root.watches.end() && at->second != watch) unwatch(root, folder);
  if (!root.watches.emplace(folder, watch).second) return true;
  places_[watch].push_back({&root, folder});
  return true;
}

// Watches `top` and, in a recursive root, all beneath it; every folder is watched before it is read.
void WatchInotify::watch_tree(Root& root, std::string const& top) {
  UniqueFd const root_fd(::open(root.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat about {};
  bool const is_same = root_fd && ::fstat(root_fd.get(), &about) == 0 && root.is(about);
  if (!is_same) return;  // gone or replaced: the next look at all roots says so
  std::vector<std::string> open{top};
  while (!open.empty()) {
    auto const folder = std::move(open.back());
    open.pop_back();
    auto const fd = open_beneath(root_fd.get(), folder, O_RDONLY | O_DIRECTORY);
    if (!fd) {
      // Gone again, or replaced by something else: the event or the scan that tells so is under way.
      bool const is_there = fd.error() != ENOENT && fd.error() != ENOTDIR && fd.error() != ELOOP;
      if (is_there) root.blind[folder] = why_not_watched(fd.error());
      if (is_there) mark(root, folder);
      continue;
    }
    bool const is_of_use = watch_folder(root, folder, fd->get());
    mark(root, folder);
    if (!root.recursive || !is_of_use) continue;
    for (auto const& name : subfolders_of(fd->get())) open.push_back(joined(folder, name));
  }
}

// Looks again for folders without a watch, if something said so, and tells how the root stands.
void WatchInotify::walk_again(Root& root) {
  bool const asked = std::exchange(root.rewalk, false);
  if (!root.is_open || root.is_remote) return;
  if (asked && inotify_) {
    root.blind.clear();
    watch_tree(root, "");
  }
  root.describe(no_inotify_);
}

void WatchInotify::unwatch(Root& root, std::string folder) {
  auto const found = root.watches.find(folder);
  auto const watch = found->second;
  root.watches.erase(found);
  auto const at = places_.find(watch);
  if (at == places_.end()) return;
  std::erase_if(at->second, [&](Place const& place) { return place.root == &root && place.folder == folder; });
  if (!at->second.empty()) return;
  places_.erase(at);
  ::inotify_rm_watch(inotify_.get(), watch);  // fails for one that the kernel has dropped already; so be it
}

// Forgets `top` and all beneath it, which moved away or is no more.
void WatchInotify::forget_tree(Root& root, std::string const& top) {
  auto const front = top + "/";
  auto const is_within = [&](std::string const& folder) { return folder == top || folder.starts_with(front); };
  std::erase_if(root.blind, [&](auto const& entry) { return is_within(entry.first); });
  if (root.watches.contains(top)) unwatch(root, top);
  for (auto at = root.watches.lower_bound(front); at != root.watches.end() && at->first.starts_with(front);) {
    unwatch(root, (at++)->first);
  }
}

void WatchInotify::on_folder_event(Root& root, std::string const& folder, std::uint32_t what, std::string const& name) {
  if ((what & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) != 0) {
    if (folder.empty()) return close_root(root);
    if ((what & IN_MOVE_SELF) != 0) return;            // its parent's IN_MOVED_FROM said so
    if ((what & IN_UNMOUNT) != 0) root.rewalk = true;  // what was beneath the mount is back
    if (root.watches.contains(folder)) unwatch(root, folder);
    return mark(root, folder);
  }
  mark(root, folder);
  if ((what & IN_ISDIR) == 0 || name.empty() || !root.recursive) return;
  auto const child = joined(folder, name);
  if ((what & (IN_MOVED_FROM | IN_DELETE)) != 0) return forget_tree(root, child);
  if ((what & IN_MOVED_TO) != 0) forget_tree(root, child);  // an older one of that name
  if ((what & IN_ATTRIB) != 0 && root.watches.contains(child)) return;
  watch_tree(root, child);
}

void WatchInotify::on_event(inotify_event const& event) {
  if ((event.mask & IN_Q_OVERFLOW) != 0) {
    overflow_ = true;
    for (auto& [path, root] : roots_) root->whole = root->rewalk = true;
    return;
  }
  auto const at = places_.find(event.wd);
  if (at == places_.end()) return;  // of a watch that was taken back
  auto const places = at->second;   // a copy: acting on an event changes the table
  std::string const name = event.len > 0 ? event.name : "";
  for (auto const& place : places) {
    if (place.root->watches.contains(place.folder)) on_folder_event(*place.root, place.folder, event.mask, name);
  }
}

Dirty WatchInotify::collect() {
  alignas(inotify_event) char buffer[64 * 1024];
  for (int reads = 0; inotify_ && reads < kReadsMax; ++reads) {
    auto const got = ::read(inotify_.get(), buffer, sizeof buffer);
    if (got <= 0) break;
    for (ssize_t at = 0; at < got;) {
      auto const& event = *reinterpret_cast<inotify_event const*>(buffer + at);
      on_event(event);
      at += static_cast<ssize_t>(sizeof event + event.len);
    }
  }

  Dirty dirty{.roots = {}, .overflow = std::exchange(overflow_, false)};
  for (auto& [path, root] : roots_) {
    if (root->is_open && !is_in_place(*root)) close_root(*root);
    if (!root->is_open) open_root(*root);
    walk_again(*root);
    if (!root->whole && root->dirty.empty()) continue;
    DirtyRoot told{.root = path, .whole = root->whole, .folders = {}};
    if (!told.whole) told.folders.assign(root->dirty.begin(), root->dirty.end());
    root->whole = false;
    root->dirty.clear();
    dirty.roots.push_back(std::move(told));
  }
  return dirty;
}

void WatchInotify::refresh() {
  if (!inotify_) {
    inotify_.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    auto const error = errno;
    no_inotify_.clear();
    if (!inotify_) {
      no_inotify_ = "no inotify instance to be had, all folders are scanned by the clock: " + errno_words(error);
      if (error == EMFILE) no_inotify_ += "; raise the sysctl fs.inotify.max_user_instances, or LimitNOFILE";
    }
    for (auto& [path, root] : roots_) root->rewalk = bool(inotify_);
  }
  for (auto& [path, root] : roots_) {
    if (root->is_open && !is_in_place(*root)) close_root(*root);
    if (!root->is_open) open_root(*root);
    root->rewalk = root->rewalk || !root->blind.empty();
    walk_again(*root);
  }
}

}  // namespace sluice::daemon

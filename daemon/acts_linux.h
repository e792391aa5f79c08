// acts_linux.h - steps on files at the end of their items, by openat2 and the *at calls (the contract:
// core/ports/acts.h).
//
// Every step opens the folder of its place and goes beneath it by beneath_linux.h, to the folder that the name stands
// in; the last step is a call with that descriptor and the bare name, which follows no link. So a folder that an
// uploader replaces by a link meanwhile leads nowhere. Holds nothing between two calls: several lanes use one.
#pragma once

#include "core/ports/acts.h"
#include "daemon/watched_roots.h"

namespace sluice::daemon {

class ActsLinux final : public ports::Acts {
 public:
  // Without `watched` every place stands apart.
  explicit ActsLinux(WatchedRoots const* watched = nullptr) : watched_(watched) {}

  Result<std::optional<ports::Standing>> look(ports::Place const& at) override;
  // Where the file system knows no rename that leaves alone what stands there (NFS), it is linked and unlinked.
  Result<bool> rename(ports::Place const& from, ports::Place const& to) override;
  Result<void> replace(ports::Place const& from, ports::Place const& to) override;
  Result<void> remove(ports::Place const& at) override;
  // By device and inode of the folders, those above them included, so that neither links nor mounts hide anything.
  Result<void> stands_apart(ports::Place const& to) override;
  // The folders are as open to others as the one that they are made in, whatever the umask, and notes to everybody.
  Result<void> make_way(ports::Place const& to) override;
  Result<void> copy(ports::Place const& from, ports::FilePrint const& print, ports::Place const& to) override;
  Result<bool> same_bytes(ports::Place const& one, ports::Place const& other) override;
  Result<void> write(ports::Place const& to, std::string_view text) override;
  Result<std::string> head(ports::Place const& at, std::size_t bytes_max) override;
  Result<void> sync(ports::Place const& at) override;
  Result<bool> any_beside(ports::Place const& at, std::function<bool(std::string_view name)> const& fits) override;

 private:
  WatchedRoots const* watched_;
};

}  // namespace sluice::daemon

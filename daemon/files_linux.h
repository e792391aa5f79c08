// files_linux.h - source files beneath their roots' descriptors (the contract: core/ports/files.h).
//
// A root is opened for each call and not held: a held descriptor, even by O_PATH, would keep its file system from being
// unmounted, and would go on showing a folder that was replaced or mounted over (D8). Open files do both, as they must.
//
// It never writes, renames or deletes, and never follows a link beneath a root. The root's own path is
// the operator's word and may lead through links. Safe to use from several threads at once: file
// workers share it (D58); a slow mount holds up only the thread that touches it.
//
// Errors carry a code beside the fault: "gone", "symlink", "not_regular", "permission" (EACCES, with
// uids and mode in the text, D36), "busy" (another program holds a lease), "io" for the rest. Texts name
// the path in printable form.
#pragma once

#include <csignal>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/ports/files.h"
#include "daemon/unique_fd.h"
#include "daemon/watched_roots.h"

namespace sluice::daemon {

// The signal by which the kernel tells that a program wants to write to a file whose lease is held (D32).
inline constexpr int kWriterSignal = SIGURG;

class FilesLinux final : public ports::Files {
 public:
  // A list gives no more prints than this: those of a longer one would be old when their turn comes.
  static constexpr std::size_t kPrintsMax = 4096;

  // Tells `watched` of the roots that are listed.
  explicit FilesLinux(WatchedRoots* watched = nullptr);
  ~FilesLinux() override;
  FilesLinux(FilesLinux const&) = delete;
  FilesLinux& operator=(FilesLinux const&) = delete;

  // Regular files only; the type is looked at before the open and again after it (D14). The kernel is
  // told that reading will be sequential (D37).
  Result<std::shared_ptr<ports::OpenFile>> open(std::string const& root, std::string const& relative) override;

  // Of the entry itself: a link's own print, not its target's.
  Result<ports::FilePrint> stat(std::string const& root, std::string const& relative) override;

  // An entry that vanishes while the folder is read is left out; one whose stat fails is kOther.
  Result<std::unique_ptr<ports::Listing>> list(std::string const& root, std::string const& relative) override;

  // By libmagic over the first 64 KiB; its compressed, archive and ELF readers stay off, because the
  // bytes are an uploader's (F16). "" also for what libmagic knows only as application/octet-stream.
  Result<std::string> sniff(ports::OpenFile const& file) override;

 private:
  struct Magic;

  WatchedRoots* watched_;
  std::mutex magic_mutex_;  // a libmagic cookie is for one thread at a time
  std::unique_ptr<Magic> magic_;
};

}  // namespace sluice::daemon

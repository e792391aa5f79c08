// journal_watch.h - notices that the journal was removed or exchanged while it is open.
//
// An open file lives on without its name: the daemon would write into it for weeks, and everything would be lost with
// its end. So the daemon looks now and then whether what it opened still lies under its name. It only looks, by
// stat(2): opening the file would cost SQLite its lock (howtocorrupt.html). A file that cannot be looked at is no
// reason for anything.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <vector>

namespace sluice::daemon {

// Which file lies under a name.
struct FileIdentity {
  dev_t device;
  ino_t inode;
  friend bool operator==(FileIdentity const&, FileIdentity const&) = default;
};
// Whether `file` is gone, or another one. False where that cannot be known.
bool is_gone(std::filesystem::path const& file, FileIdentity const& was);
// Of an open file.
FileIdentity identity_of(int fd);

class JournalWatch {
 public:
  // Notes what lies there now: the database, and its log. Requires  they are open.
  explicit JournalWatch(std::filesystem::path const& journal_file);

  // Returns  the first file that is no longer the one that was opened; nothing while all are.
  std::optional<std::filesystem::path> gone() const;

 private:
  struct Watched {
    std::filesystem::path file;
    FileIdentity identity;
  };
  std::vector<Watched> watched_;
};

}  // namespace sluice::daemon

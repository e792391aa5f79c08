// sim_files.h - a folder tree in memory whose files are made of arithmetic.
//
// A byte of a file is a function of the file's seed and the byte's offset, so that a file of many
// gigabytes costs nothing until it is read. Every write changes the print as a real file system would:
// size, mtime, ctime. Whoever holds a file open goes on reading that very file after it was replaced or
// removed, and sees what is written into it in place.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/ports/files.h"
#include "tests/sim/sim_ports.h"

namespace sluice::sim {

// The content of a file at one time: what the oracle compares assets with.
struct Content {
  std::uint64_t seed = 0;
  std::uint64_t size_bytes = 0;
  friend auto operator<=>(Content const&, Content const&) = default;

  void fill(std::span<std::byte> into, std::uint64_t offset_bytes) const;
  std::string sha256_hex() const;  // reads it all
};

class SimFiles final : public ports::Files {
 public:
  explicit SimFiles(SimClock const& clock) : clock_(clock) {}

  // --- what other programs do to the tree; paths are beneath the one root there is
  void create(std::string const& path, Content content);      // a new inode, also over an old file
  void overwrite(std::string const& path, Content content);   // in place: the inode stays
  void append(std::string const& path, std::uint64_t bytes);  // what was there stays as it was
  void remove(std::string const& path);

  // Every content that ever stood at the path, oldest first; the last is there now unless removed.
  std::vector<Content> const& history(std::string const& path) const { return history_.at(path); }
  std::set<std::string> paths() const;  // of all files that ever were

  // --- the port
  Result<std::shared_ptr<ports::OpenFile>> open(std::string const& root, std::string const& relative) override;
  Result<ports::FilePrint> stat(std::string const& root, std::string const& relative) override;
  Result<std::vector<ports::DirEntry>> list(std::string const& root, std::string const& relative) override;
  Result<std::string> sniff(ports::OpenFile const& file) override;

 private:
  struct Inode {
    Content content = {};
    ports::FilePrint print = {};
  };
  class Opened;
  void touch(Inode& inode);

  SimClock const& clock_;
  std::map<std::string, std::shared_ptr<Inode>> tree_;
  std::map<std::string, std::vector<Content>> history_;
  std::uint64_t next_inode_ = 1'000;
};

}  // namespace sluice::sim

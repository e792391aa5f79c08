// sim_files.h - a folder tree in memory whose files are made of arithmetic.
//
// A byte of a file is a function of the file's seed and the byte's offset, so that a file of many
// gigabytes costs nothing until it is read. Every write changes the print as a real file system would:
// size, mtime, ctime. Whoever holds a file open goes on reading that very file after it was replaced or
// removed, and sees what is written into it in place. A writer does not wait for a lease to be given up: he is the one
// whom the kernel has let in by force.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/files.h"
#include "tests/sim/sim_ports.h"
#include "tests/sim/sim_spool.h"

namespace sluice::sim {

// The content of a file at one time: what the oracle compares assets with.
struct Content {
  std::uint64_t seed = 0;
  std::uint64_t size_bytes = 0;
  friend auto operator<=>(Content const&, Content const&) = default;

  void fill(std::span<std::byte> into, std::uint64_t offset_bytes) const;
  std::string sha256_hex() const;  // reads it all
};

// kWrite: of results, syncs and all. kAct: any that moves, deletes or describes files. kActFolder: the same, and it
// finds its folder away for that moment.
enum class FileCall : std::uint8_t { kOpen, kStat, kList, kRead, kWrite, kAct, kActFolder };
inline constexpr std::size_t kFileCalls = 7;

class SimFiles final : public ports::Files {
  friend class SimActs;     // which moves what is in the tree
  friend class SimResults;  // which writes into it

 public:
  explicit SimFiles(SimClock const& clock, std::uint64_t seed = 0) : clock_(clock), trouble_(seed) {}

  // --- trouble: an I/O error, or for an open the want of a descriptor
  // The n-th call from now (from 1) of that kind fails: once, or it and every later one until heal().
  void fail_at(FileCall call, std::uint64_t nth, bool for_good) { trouble_.fail_at(call, nth, for_good); }
  // Each call fails with this probability, until `most` have failed.
  void fail_by_dice(double probability, std::uint32_t most) { trouble_.by_dice(probability, most); }
  void heal() { trouble_.heal(); }
  std::uint64_t calls(FileCall call) const { return trouble_.calls[static_cast<std::size_t>(call)]; }
  std::map<std::string_view, std::uint64_t> const& fired() const { return trouble_.fired; }

  // What is beneath that root, too: its paths are absolute, those of the first root never are.
  void add_root(std::string root) { roots_.insert(std::move(root)); }

  // A folder of a source or of targets is not there: missing, or an empty mount point on another device. What is in it
  // is as it was when it is back.
  void take_away(std::string folder, bool is_mount_point) { away_.emplace(std::move(folder), is_mount_point); }
  void bring_back(std::string const& folder) { away_.erase(folder); }
  bool is_away(std::string const& folder) const { return away_.contains(folder); }

  // --- what other programs do to the tree; paths are beneath the first root, or absolute
  void create(std::string const& path, Content content);            // a new inode, also over an old file
  void overwrite(std::string const& path, Content content);         // in place: the inode stays
  void append(std::string const& path, std::uint64_t bytes);        // what was there stays as it was
  void write(std::string const& path, std::string text);            // a new inode of a text, also over an old one
  void write_more(std::string const& path, std::string_view text);  // behind the text that is there, in place
  void remove(std::string const& path);
  void change_mode(std::string const& path);                    // no byte: only the ctime shows it
  void open_to_write(std::string const& path, WallTime until);  // and writes nothing

  bool is_there(std::string const& path) const { return tree_.contains(path); }
  // Every content that ever stood at the path, oldest first; the last is there now unless removed.
  std::vector<Content> const& history(std::string const& path) const { return history_.at(path); }
  std::set<std::string> paths() const;  // of all files that ever were
  // Likewise of the texts that other programs wrote.
  std::map<std::string, std::vector<std::string>> const& texts() const { return texts_; }
  std::string text_at(std::string const& path) const;  // as it is now; "" where there is none

  // What is beneath another root. Requires: outlives this.
  void mount(std::string root, SimSpool const& spool) { spool_root_ = std::move(root), spool_ = &spool; }

  // --- the port
  Result<std::shared_ptr<ports::OpenFile>> open(std::string const& root, std::string const& relative) override;
  Result<ports::FilePrint> stat(std::string const& root, std::string const& relative) override;
  Result<std::unique_ptr<ports::Listing>> list(std::string const& root, std::string const& relative) override;
  Result<std::string> sniff(ports::OpenFile const& file) override;

 private:
  struct Inode {
    Content content = {};
    ports::FilePrint print = {};
    bool has_leases = true;     // half of the files have none, as if they were another user's
    std::uint64_t writers = 0;  // that have come so far
    WallTime written_until{};   // by the last of them
    std::string text = {};      // of a note or a sidecar, instead of the content
  };
  class Opened;
  struct Trouble {
    explicit Trouble(std::uint64_t seed) : dice(seed, 6) {}
    void fail_at(FileCall call, std::uint64_t nth, bool for_good);
    void by_dice(double chance, std::uint32_t most);
    void heal();
    bool strikes(FileCall call);  // whether this call, which is counted, fails

    SimRandom dice;
    std::uint64_t calls[kFileCalls] = {};
    std::optional<FileCall> armed = {};
    std::uint64_t armed_at = 0;
    bool for_good = false;
    double probability = 0;
    std::uint32_t left = 0;
    std::map<std::string_view, std::uint64_t> fired = {};
  };
  void touch(Inode& inode);
  std::string place(std::string const& root, std::string const& relative) const;
  bool is_mount_point(std::string const& root) const;  // an empty one

  SimClock const& clock_;
  SimSpool const* spool_ = nullptr;
  std::string spool_root_ = {};
  Trouble trouble_;
  std::map<std::string, std::shared_ptr<Inode>> tree_;
  std::map<std::string, std::vector<Content>> history_;
  std::map<std::string, std::vector<std::string>> texts_;
  std::set<std::string> roots_;
  std::map<std::string, bool> away_ = {};  // folders that are not there: whether each is an empty mount point
  std::uint64_t next_inode_ = 1'000;
};

}  // namespace sluice::sim

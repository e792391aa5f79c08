// sim_disk.h - the disk beneath the simulated journal: an SQLite VFS in memory that knows what is synced.
//
// Production SQLite runs on it unchanged. A file has two contents: what a reader sees (the page cache) and
// what the medium holds. A write changes the first; a sync brings the second up. When the process is
// killed the page cache survives; when the power goes, every write since the last sync is kept, lost or torn
// by dice, each for itself, in 512-byte sectors, and so are the file's length and the names not yet synced.
// After a failed sync the kernel calls the pages clean although they never reached the medium, so that a later
// sync that succeeds says nothing about them (fsync(2), "fsyncgate"): here, too.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/sim_ports.h"

struct sqlite3_vfs;

namespace sluice::sim {

enum class DiskCall : std::uint8_t { kOpen, kRead, kWrite, kSync, kTruncate, kDelete, kSize };
std::string_view name_of(DiskCall call);
inline constexpr std::size_t kDiskCalls = 7;

enum class DiskError : std::uint8_t { kIo, kFull, kReadOnly, kNoDescriptors };

class SimDisk {
 public:
  using Image = std::map<std::string, std::string>;  // file name -> bytes

  SimDisk(std::uint64_t seed, Image files);
  ~SimDisk();  // Requires  every database on it is closed
  SimDisk(SimDisk const&) = delete;
  SimDisk& operator=(SimDisk const&) = delete;

  // By which SQLite finds it: sqlite3_open_v2's last argument.
  std::string const& vfs_name() const { return name_; }

  // --- the end of a life
  // The process dies here: whatever its handles still try to write comes to nothing, until they are closed.
  void freeze() { frozen_ = true; }
  bool frozen() const { return frozen_; }
  // The next process begins. Requires  the dead one's handles are closed.
  void thaw() { frozen_ = false; }
  // The power goes: what was not synced is kept, lost or torn.
  void cut_power();

  // --- trouble
  // The n-th call from now (from 1) of that kind fails: once, or it and every later one.
  void fail_at(DiskCall call, std::uint64_t nth, DiskError error, bool for_good);
  // Every write fails for want of space while this is on.
  void set_full(bool full) { full_ = full; }
  // Each call fails so with this probability while it is not zero.
  void fail_by_dice(double probability) { probability_ = probability; }
  void heal();  // ends all of the above
  std::uint64_t calls(DiskCall call) const { return calls_[static_cast<std::size_t>(call)]; }

  // Asked before every sync; when it says true, the process dies right there, with its writes unsynced.
  void ask_before_sync(std::function<bool()> dies) { dies_before_sync_ = std::move(dies); }

  // What became of writes and calls, by name of the trouble, for the counters: "disk.write_torn".
  std::map<std::string_view, std::uint64_t> const& fired() const { return fired_; }

  // What a process would read now.
  Image image() const;

 private:
  friend struct DiskVfs;
  struct Write {
    std::uint64_t offset = 0;
    std::string bytes = {};                    // of a write
    std::optional<std::uint64_t> cut_to = {};  // of a truncation
  };
  struct File {
    std::string seen = {};
    std::string held = {};  // by the medium
    bool name_held = false;
    std::vector<Write> unsynced = {};
    std::vector<Write> never = {};  // a sync of these failed: no later one will reach them
  };
  std::optional<DiskError> trouble(DiskCall call);
  void write(File& file, std::uint64_t offset, std::string_view bytes);
  void truncate(File& file, std::uint64_t size);
  void sync(File& file);
  void fail_sync(File& file);
  void lose_power(File& file);
  void count(std::string_view what) { ++fired_[what]; }

  std::string name_;
  std::unique_ptr<sqlite3_vfs> vfs_;
  SimRandom dice_;
  std::map<std::string, std::shared_ptr<File>> files_ = {};
  std::map<std::string, std::shared_ptr<File>> removed_ = {};  // whose removal is not synced
  bool frozen_ = false;
  bool full_ = false;
  double probability_ = 0;
  struct Armed {
    DiskCall call;
    std::uint64_t at;  // of calls_
    DiskError error;
    bool for_good;
  };
  std::optional<Armed> armed_ = {};
  std::uint64_t calls_[kDiskCalls] = {};
  std::function<bool()> dies_before_sync_ = {};
  std::map<std::string_view, std::uint64_t> fired_ = {};
};

}  // namespace sluice::sim

// fault_board.h - what the fault shim and the test that loaded it share: a file that both have mapped.
//
// The shim counts every call on it, by the place that the call goes to and by what it does, so that a test
// learns how many there are even of a process that was killed. The test lifts the fault through it while
// the process runs, and sets the clock that it sees. One writer per field; nothing in here needs a lock.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::shim {

// Where a call goes, by its path or its descriptor's.
enum Place : std::size_t {
  kDatabase,  // journal.db
  kLog,       // journal.db-wal
  kState,     // all else in the state directory, and itself
  kSource,    // the watched folder and all beneath it
  kNetwork,   // TCP
  kOther,     // configuration, key, libraries, local sockets, pipes
  kPlaces,
};
inline constexpr std::array<std::string_view, kPlaces> kPlaceNames{"db", "log", "state", "source", "net", "other"};

enum What : std::size_t {
  kOpen,      // open, openat, openat2, socket; opendir is an open
  kRead,      // read, pread
  kWrite,     // write, pwrite
  kSync,      // fsync, fdatasync
  kStat,      // stat and its kin
  kList,      // readdir
  kTruncate,  // ftruncate
  kName,      // rename, unlink, mkdir
  kSend,      // send, sendto, sendmsg
  kReceive,   // recv, recvfrom
  kWhats,
};
inline constexpr std::array<std::string_view, kWhats> kWhatNames{"open", "read",     "write", "sync", "stat",
                                                                 "list", "truncate", "name",  "send", "receive"};

struct FaultBoard {
  std::array<std::array<std::atomic<std::uint64_t>, kWhats>, kPlaces> counts;
  std::atomic<std::uint64_t> named;   // calls that the rule names, so far
  std::atomic<std::uint64_t> fired;   // how often it struck
  std::atomic<std::uint64_t> lifted;  // not 0: it strikes no more
  std::atomic<std::int64_t> clock_s;  // the wall clock that the process is shown is so many seconds ahead
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "two processes share them");

}  // namespace sluice::shim

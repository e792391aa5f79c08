// stall_watch.h - which chunk PUT hangs alone, and may be cut long before the stall limit (B14, B15).
//
// A connection can die silently while all others to the same host go on: a router forgot it, a load balancer's node
// is gone. Waiting for the stall limit (transfer.stall, a minute) would keep its slot, and with the last chunk of a
// file the whole file, for nothing. So a PUT of which the host took nothing for five times as long
// as a healthy connection waits before it sends again, while it took bytes of other PUTs, is cut and sent again. That
// is a second where the line is short; two seconds are enough for any. Where nothing else moves, nothing is cut: that
// is an outage, and a new connection would fare no better.
//
// What is cut must be sent again, so the bytes that this may waste are a fiftieth of those that arrived, and 16 MiB at
// the begin. Memory only; pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/base/time.h"
#include "core/ports/wire.h"

namespace sluice::budget {

class StallWatch {
 public:
  static constexpr Millis kQuietMin{1'000};
  static constexpr Millis kQuietMax{2'000};

  void moved(std::string const& host, WallTime now) { moved_at_[host] = now; }  // it took bytes of a chunk
  void arrived(std::uint64_t bytes);                                            // of a chunk that was stored

  // Whether a PUT that is quiet and had sent `bytes_sent` is to be cut now; then its bytes are paid for.
  // One that has sent nothing is still on its way to a connection, which has a limit of its own.
  bool cuts(std::string const& host, ports::Quiet quiet, std::uint64_t bytes_sent, WallTime now);

  void forget_idle(WallTime now);  // hosts that nothing was sent to for long

 private:
  std::map<std::string, WallTime> moved_at_ = {};  // by host
  std::uint64_t budget_bytes_ = kBudgetBegin;
  static constexpr std::uint64_t kBudgetBegin = 16 * 1024 * 1024;
};

}  // namespace sluice::budget

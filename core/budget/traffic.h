// traffic.h - what is in the air, and what may still start now.
//
// Memory only: after a restart nothing is in the air. Calls that a turn decides on are held back in
// the outbox until its commit (release), and forgotten if that fails (discard), so that nothing ever
// leaves before its intent is on disk. Bounds: `api_calls_max` API calls, `chunks_max` chunk PUTs, and, once the
// platform has refused calls for their rate, the pace of their group.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/time.h"
#include "core/budget/pace.h"
#include "core/journal/rows.h"
#include "core/ports/reader.h"
#include "core/ports/wire.h"

namespace sluice::budget {

// What a call is for; it names the stage that settles it. `kLook...` are the reads that come before or
// after a create whose outcome is not known.
enum class Errand : std::uint8_t {
  kOpenSession,
  kLeaseUrls,
  kPutChunk,
  kReportChunks,
  kConfirmSession,
  kSendDirect,
  kLookAsset,
  kAwaitAsset,
  kLookNamed,
  kCreateNamed,
  kDeleteStep,
  kCreateStep,
  kLookStep,
  kAwaitStep,
};
inline constexpr std::size_t kErrands = 14;

// The quota groups of R63; a refusal pauses its group only.
enum class Group : std::uint8_t { kAssets, kIndexing, kEntities, kStorage };
inline constexpr std::size_t kGroups = 4;
std::string_view name_of(Group group);

// One call in the air and what its stage must remember of it.
struct Flight {
  Errand errand = Errand::kAwaitAsset;
  Group group = Group::kAssets;                // who pays for a refusal
  journal::RowId row = 0;                      // the item, session, named or step row it is about
  std::vector<journal::RowId> rows = {};       // of a batch: all of them
  journal::RowId item = 0;                     // for pruning when the item is cancelled
  std::uint32_t chunk_index = 0;               // kPutChunk
  std::vector<std::uint32_t> chunks = {};      // kReportChunks
  int page = 1;                                // of a look or a status read
  int mode = 0;                                // the stage's own: which of its ways of looking or sending
  std::string host = {};                       // kPutChunk: whose ETag it will be
  std::shared_ptr<ports::FileBody> body = {};  // kPutChunk, kSendDirect: for what it was found to hold
};

class Traffic {
 public:
  // `first_ticket`: tickets count up from here.
  explicit Traffic(std::uint64_t first_ticket = 1) : next_ticket_(first_ticket) {}

  // --- within a turn
  void send(Flight flight, ports::Call call, WallTime now);  // into the outbox
  Flight const* flight(std::uint64_t ticket) const;          // null when unknown, or cancelled in this turn
  void landed(std::uint64_t ticket);                         // its outcome was settled in this turn
  void cancel_item(journal::RowId item);                     // all its calls: their outcomes will be nobody's

  // --- at the end of a turn: exactly one of the two
  struct Departure {
    std::vector<ports::Call> calls = {};
    std::vector<std::uint64_t> cancelled = {};
  };
  Departure release();  // the outbox takes off; landed and cancelled flights are forgotten
  void discard();       // as if the turn had not been

  // --- questions
  bool busy(Errand errand, journal::RowId row) const;  // a call of that kind for that row is on its way
  std::size_t in_air(Errand errand) const { return count_[static_cast<std::size_t>(errand)]; }
  std::size_t api_calls() const;  // all but chunk PUTs
  bool idle() const { return flights_.empty() && outbox_.empty(); }
  std::vector<std::pair<std::uint64_t, Flight>> flights(Errand errand) const;  // tickets, and copies

  // --- pauses
  // A call of the group was refused for its rate: none leaves before `until`, and those after it follow each other
  // more slowly. The storage has no pace: its URLs come at that of the assets.
  void throttled(Group group, WallTime now, WallTime until);
  std::optional<WallTime> paused_until(Group group, WallTime now) const;
  // The key was refused (401): all API calls pause until `probe_at`, then one goes out alone (B18).
  void key_refused(WallTime now, WallTime probe_at);
  void key_accepted();
  std::optional<WallTime> key_refused_since() const { return key_refused_since_; }
  // No byte could leave: kept for show, cleared by the next answer.
  void offline(WallTime now);
  void online() { offline_since_.reset(); }
  std::optional<WallTime> offline_since() const { return offline_since_; }

  // The platform's clock minus ours, from its newest Date header; zero until one came.
  void set_clock_offset(Millis offset) { clock_offset_ = offset; }
  Millis clock_offset() const { return clock_offset_; }

  // Whether one more API call of this group may start now, within `calls_max` in the air.
  bool may_call(Group group, WallTime now, std::size_t calls_max) const;
  // Calls per second of the group; nothing while the platform has refused none.
  std::optional<double> calls_per_second(Group group, WallTime now) const;
  // The earliest time after `now` at which a pause ends or the pace of a group lets its next call leave.
  std::optional<WallTime> next_pause_end(WallTime now) const;

 private:
  struct Departing {
    std::uint64_t ticket;
    Flight flight;
    ports::Call call;
  };
  using Key = std::pair<Errand, journal::RowId>;
  Pace& pace_of(Group group) { return paces_[static_cast<std::size_t>(group)]; }
  Pace const& pace_of(Group group) const { return paces_[static_cast<std::size_t>(group)]; }
  void count_in(Flight const& flight);
  void count_out(Flight const& flight);

  std::uint64_t next_ticket_;
  std::map<std::uint64_t, Flight> flights_;
  std::vector<Departing> outbox_ = {};
  std::vector<std::uint64_t> landed_ = {};
  std::vector<std::uint64_t> cancelled_ = {};
  std::map<Key, int> busy_;
  std::size_t count_[kErrands] = {};
  std::map<Group, WallTime> paused_;
  std::array<Pace, kGroups> paces_ = {};
  std::optional<WallTime> key_refused_since_ = {};
  std::optional<WallTime> key_probe_at_ = {};
  std::optional<WallTime> offline_since_ = {};
  Millis clock_offset_{0};
};

}  // namespace sluice::budget

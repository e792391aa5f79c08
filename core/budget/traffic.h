// traffic.h - what is in the air, and what may still start now.
//
// Memory only: after a restart nothing is in the air. Calls that a turn decides on are held back in
// the outbox until its commit (release), and forgotten if that fails (discard), so that nothing ever
// leaves before its intent is on disk. Bounds: as many API calls and chunk PUTs as the caller names, what the
// configuration allows their group to spend, and, once the platform has refused calls for their rate, the pace of their
// group. What is paused, refused for its key, out of
// reach or failing for everybody lets nothing pass but a single probe now and then.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/time.h"
#include "core/budget/allowance.h"
#include "core/budget/away_folders.h"
#include "core/budget/breaker.h"
#include "core/budget/clock_offset.h"
#include "core/budget/concurrency.h"
#include "core/budget/group.h"
#include "core/budget/link.h"
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
  kSendUrl,
  kLookAsset,
  kAwaitAsset,
  kLookNamed,
  kCreateNamed,
  kDeleteStep,
  kCreateStep,
  kLookStep,
  kAwaitStep,
  kVerifyAsset,
  kFetchPiece,
  kProbeUrl,
  kSendHook,
  kAmend,
};
inline constexpr std::size_t kErrands = 20;

// It goes to a host that is not the platform's: no quota, pause, key or breaker of the platform's is about it.
inline bool is_elsewhere(Errand errand) {
  return errand == Errand::kFetchPiece || errand == Errand::kProbeUrl || errand == Errand::kSendHook;
}

// One call in the air and what its stage must remember of it.
struct Flight {
  Errand errand = Errand::kAwaitAsset;
  Group group = Group::kAssets;                // who pays for a refusal, unless it goes elsewhere
  journal::RowId row = 0;                      // the item, session, named, step or act row it is about
  std::vector<journal::RowId> rows = {};       // of a batch: all of them
  journal::RowId item = 0;                     // for pruning when the item is cancelled
  std::uint32_t chunk_index = 0;               // kPutChunk; kFetchPiece: the first block
  std::vector<std::uint32_t> chunks = {};      // kReportChunks
  int page = 1;                                // of a look or a status read; kFetchPiece, kProbeUrl: counts redirects
  int mode = 0;                                // the stage's own: which of its ways of looking or sending
  Millis media{0};                             // handed in to be indexed: spent from the group's allowance
  std::string host = {};                       // kPutChunk: whose ETag it will be; "" for the API's
  std::shared_ptr<ports::FileBody> body = {};  // kPutChunk, kSendDirect: for what it was found to hold
  WallTime sent_at = {};                       // given by send()
  bool is_probe = false;                       // likewise: nothing else of its kind may leave beside it
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
  std::size_t api_calls() const;  // all but chunk PUTs, hooks and what is fetched elsewhere
  bool idle() const { return flights_.empty() && outbox_.empty(); }
  std::vector<std::pair<std::uint64_t, Flight>> flights(Errand errand) const;                 // tickets, and copies
  std::vector<std::pair<std::uint64_t, Flight>> queued(Errand errand) const;                  // decided on in this turn
  void each_put(std::function<void(std::uint64_t ticket, Flight const&)> const& look) const;  // chunk PUTs in the air
  std::optional<WallTime> oldest_put() const;                                                 // when it left

  // --- what the configuration allows
  void allow(Group group, RateLimits const& limits);  // once, before the first call
  Allowance& allowance(Group group) { return allowances_[static_cast<std::size_t>(group)]; }
  Allowance const& allowance(Group group) const { return allowances_[static_cast<std::size_t>(group)]; }
  // Whether a call that hands in so much media may leave, beside may_call(). If not, next_pause_end() knows when.
  bool may_spend(Group group, Millis media, WallTime now);
  // No byte of the call left, or none arrived: what it cost is given back. It was refused: its media is.
  void came_to_nothing(Flight const& flight);
  void was_refused(Flight const& flight);
  // The limit that holds a call of the group back: any, or the last that may_spend() refused.
  std::optional<Allowance::Exhausted> exhausted(Group group, WallTime now) const;

  // --- pauses
  // A call of the group was refused for its rate: none leaves before `until`, and those after it follow each other
  // more slowly. The storage has no pace: its URLs come at that of the assets.
  void throttled(Group group, WallTime now, WallTime until);
  // A pause from before a restart, whose refusal the pace has not seen.
  void pause(Group group, WallTime until);
  std::optional<WallTime> paused_until(Group group, WallTime now) const;
  // The key was refused (401): all API calls pause, and one goes out alone after 1, 2, 4 ... 15 minutes (B18).
  // Answers to calls that carried the key before the last replaced one say nothing.
  void key_refused(std::uint64_t ticket, WallTime now);
  void key_replaced(WallTime now);  // another one is used from now on: tried at once. Between turns
  void key_accepted() { key_.end(); }
  std::optional<WallTime> key_refused_since() const { return key_.since(); }
  // No byte of a call could leave, or an answer of the host came. "" is the API's host.
  void unreachable(std::string const& host, WallTime now, std::string text);
  void reached(std::string const& host);
  // The host's addresses or routes changed: what is out of reach is tried at once.
  void network_changed(WallTime now);  // between turns
  // Hosts of the storage that nobody wants to call any more are no outage.
  void forget_unused_hosts(WallTime now);
  // The tickets in the air whose host may be out of reach, each with it: who sees one move calls reached().
  std::vector<std::pair<std::uint64_t, std::string>> probes_of_lost_hosts() const;
  // The API's link; nothing asked of the platform works without it.
  Link const& api() const { return api_; }
  std::optional<WallTime> offline_since() const { return api_.down_since(); }
  // The storage's hosts of which calls failed since they last answered; down or not.
  std::map<std::string, Link> const& storage() const { return storage_; }
  std::size_t lost_hosts() const;  // how many are down, the API's among them

  // A call failed for no reason of its own that is known (server error, cut, stall), or worked. The subject is what
  // it was about.
  void failed(Flight const& flight, WallTime now);
  void succeeded(Group group) { breaker_of(group).succeeded(); }
  Breaker const& breaker(Group group) const { return breakers_[static_cast<std::size_t>(group)]; }

  // Whether a hook works, by its name: one that fails for one item after the other is tried by one of them now and
  // then.
  Breaker& hook(std::string const& name) { return hooks_[name]; }
  std::map<std::string, Breaker> const& hooks() const { return hooks_; }

  // Folders that acts wait for.
  AwayFolders& away_folders() { return away_folders_; }
  AwayFolders const& away_folders() const { return away_folders_; }

  // The platform's clock minus ours, by its Date headers; zero until one came.
  void note_clock_offset(Millis offset) { clock_offset_.note(offset); }
  Millis clock_offset() const { return clock_offset_.median(); }

  // Whether one more API call of this group may start now, within `calls_max` in the air.
  bool may_call(Group group, WallTime now, std::size_t calls_max) const;
  // The same for one that only asks whether things are ready.
  bool may_poll(Group group, WallTime now, std::size_t calls_max) const;
  // How many more chunk PUTs may start now, within `chunks_max` in the air; and whether one to this host may.
  std::size_t room_for_chunks(WallTime now, std::size_t chunks_max) const;
  bool may_put(std::string const& host, WallTime now) const;
  // How many chunk PUTs the line bears, below the ceiling.
  Concurrency& concurrency() { return concurrency_; }
  Concurrency const& concurrency() const { return concurrency_; }
  // Calls per second of the group since the platform has refused some; nothing if it has not, or long ago.
  std::optional<double> calls_per_second(Group group, WallTime now) const;
  // The earliest time after `now` at which a pause ends, a probe may leave, an away folder is looked for, or the pace
  // of a group lets its next call.
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
  Breaker& breaker_of(Group group) { return breakers_[static_cast<std::size_t>(group)]; }
  std::size_t probes(Group group) const { return probes_[static_cast<std::size_t>(group)]; }
  std::size_t api_probes() const;
  void forget_probes();
  bool is_held(Flight const& flight) const;
  void take_back(Departing const& departing);
  void count_in(Flight const& flight);
  void count_out(Flight const& flight);

  std::uint64_t next_ticket_;
  std::map<std::uint64_t, Flight> flights_;
  std::vector<Departing> outbox_ = {};
  std::vector<std::uint64_t> landed_ = {};
  std::vector<std::uint64_t> cancelled_ = {};
  std::map<Key, int> busy_;
  std::size_t count_[kErrands] = {};
  std::array<std::size_t, kGroups> probes_ = {};  // in the air
  std::map<std::string, std::size_t> probes_to_;  // by host of the storage
  std::map<Group, WallTime> paused_;
  std::array<Pace, kGroups> paces_ = {};
  std::array<Allowance, kGroups> allowances_ = {};
  std::optional<std::pair<Group, Allowance::Exhausted>> refused_media_ = {};  // by may_spend(), last
  std::uint64_t first_with_key_ = 0;  // tickets from here on carry the key of now
  Probe key_{Millis(60'000), Millis(900'000)};
  std::array<Breaker, kGroups> breakers_ = {};
  std::map<std::string, Breaker> hooks_ = {};
  AwayFolders away_folders_ = {};
  Link api_ = {};
  std::map<std::string, Link> storage_ = {};  // by host: those that failed since they last answered
  Concurrency concurrency_ = {};
  ClockOffset clock_offset_ = {};
};

}  // namespace sluice::budget

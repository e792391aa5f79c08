// mishaps.h - what goes wrong with single calls, and when: by rule, or by dice.
//
// A plan is asked once for every call that leaves, in order. Rules win over dice; dice are bounded in
// number and in time, so that a run always has an end in which everything works. Every mishap that happened
// is counted under its name and its kind of call, such as "create.lost_after".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/sim/sim_ports.h"
#include "tests/sim/sim_request.h"

namespace sluice::sim {

enum class Mishap : std::uint8_t {
  kNone,
  kNotSent,         // connect refused: no byte left
  kLostBefore,      // the connection is cut, and the platform never had the whole request
  kLostAfter,       // the platform did it, and its answer is lost
  kLateEffect,      // the client hears of the cut first; the platform does it some seconds later
  kErrorBefore,     // 500, and nothing was done
  kErrorAfter,      // 500, although it was done
  kThrottled,       // 429 with Retry-After
  kThrottledMute,   // 429 with an empty body and no header
  kKeyRefused,      // 401
  kUrlRefused,      // storage: 403 AccessDenied although the URL was young
  kWrongEtag,       // storage: 200, and an ETag of other bytes
  kSlowDown,        // storage: 503
  kCut,             // the request's body is cut half-way: nothing was done
  kTimedOut,        // 408: nothing was done
  kUnavailable,     // 503 with Retry-After as a date
  kThrottledOddly,  // 429 with a Retry-After that is no time
  kTruncated,       // it was done, and its answer breaks off in the middle
  kWrongTypes,      // it was done, and its answer is JSON of another shape
  kNotThePlatform,  // 200 with a web page: somebody else answered
  kMoreFields,      // it was done; the answer holds fields that nobody knows
  kRedirected,      // 302 to another host: nothing was done
  kTwice,           // the network delivers a repeatable request twice
  kSilent,          // nothing comes back until the sender gives up; nothing was done
  kSilentAfter,     // nothing comes back, and it was done
  kNoEtag,          // storage: 200 without an ETag
  kSkewed,          // storage: 403 RequestTimeTooSkewed
};
inline constexpr std::size_t kMishaps = static_cast<std::size_t>(Mishap::kSkewed) + 1;
std::string_view name_of(Mishap mishap);

// The kinds of calls that mishaps are counted by.
enum class CallGroup : std::uint8_t { kRead, kCreate, kPut, kElsewhere };
inline constexpr std::size_t kCallGroups = 4;
CallGroup group_of(Ask ask);
// Every mishap that dice may bring to a kind of call, by its whole name.
std::vector<std::string> all_mishap_names();

class MishapPlan {
 public:
  // The n-th call (from 1) that is_looked_for() meets with this.
  void at_create(std::uint64_t n, Mishap mishap) { rules_.push_back({std::nullopt, n, mishap}); }
  // The n-th call of that kind does.
  void at(Ask ask, std::uint64_t n, Mishap mishap) { rules_.push_back({ask, n, mishap}); }
  // Every API call between these times since the beginning is refused with 401.
  void refuse_key(Millis from, Millis until) { key_refused_ = {from, until}; }
  // Between these times not a byte leaves, for the API and the storage alike.
  void unplug(Millis from, Millis until) { unplugged_ = {from, until}; }
  // Each call fails with this probability, until `most` have failed; at most one ETag is wrong.
  void by_dice(std::uint64_t seed, double probability, std::uint32_t most);
  // For ever: 5 % of all calls are reset, 3 % get a server error, 2 % stall, and every five minutes not a byte leaves
  // for half a minute.
  void as_in_a_bad_hotel(std::uint64_t seed);
  // From here on nothing goes wrong by itself.
  void end();

  Mishap pick(Ask ask, WallTime now);
  std::uint64_t creates_seen() const { return creates_; }
  std::uint64_t seen(Ask ask) const { return seen_[static_cast<std::size_t>(ask)]; }
  std::map<std::string, std::uint64_t> fired() const;

 private:
  struct Rule {
    std::optional<Ask> ask;
    std::uint64_t n;
    Mishap mishap;
  };
  Mishap choose(Ask ask, WallTime now);
  Mishap roll(Ask ask);
  Mishap of_the_hotel(Ask ask, Millis since);
  std::vector<Rule> rules_ = {};
  std::uint64_t creates_ = 0;
  std::uint64_t seen_[static_cast<std::size_t>(Ask::kUnknown) + 1] = {};
  std::uint64_t fired_[kCallGroups][kMishaps] = {};
  std::pair<Millis, Millis> key_refused_ = {}, unplugged_ = {};
  SimRandom dice_{0, 3};
  double probability_ = 0;
  std::uint32_t dice_left_ = 0;
  bool odd_etag_rolled_ = false;
  bool in_bad_hotel_ = false;
};

}  // namespace sluice::sim

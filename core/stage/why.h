// why.h - says in plain words why an item waits, for what, until when, and what a person could do.
//
// Pure: rows and the surroundings go in, words come out; nothing is read, kept or decided here. What is
// said is never more than what the rows prove: a reason that only the daemon's memory knows (the key
// is refused, the network is down, a quota group is paused) comes in through Surroundings.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/time.h"
#include "core/budget/allowance.h"
#include "core/journal/rows.h"

namespace sluice::stage {

struct Why {
  std::string code = {};               // one stable word for programs: "settling", "throttled", "empty_file"
  std::string text = {};               // one sentence for people, without a full stop at its end
  std::optional<WallTime> until = {};  // when it is looked at again; nothing if no time is known or none will come
  std::string remedy = {};             // what a person could do; "" when nothing needs to be done
  std::string whose = {};              // where the cause lies: "file", "platform", "network", "key", "configuration",
                                       // "daemon", "person"; "" when nothing is wrong
  bool heals = true;                   // it goes on by itself; false: it needs a person
};

// The quota groups whose pauses are looked up; one is paused as a whole and its items are not charged
// (R36 wait, R63). A group that is not in the map, or whose time has passed, is not paused.
inline constexpr std::string_view kGroupAssets = "assets";      // assets and upload sessions, polls too
inline constexpr std::string_view kGroupStorage = "storage";    // chunk PUTs
inline constexpr std::string_view kGroupIndexing = "indexing";  // indexes and indexed assets
inline constexpr std::string_view kGroupEntities = "entities";  // entity collections and entities

// A limit of `rate_limits` that a quota group has reached.
struct ReachedLimit {
  budget::Allowance::Of of = {};
  std::uint64_t limit = 0;  // calls, or milliseconds of media
  WallTime until = {};      // when the next call may leave
};

// What the daemon knows beyond the rows.
struct Surroundings {
  std::optional<WallTime> key_refused_since = {};   // 401: nothing is asked of the platform until it works again
  std::optional<WallTime> offline_since = {};       // the platform cannot be reached
  std::string offline_text = {};                    // how it showed last: "connect to h: Connection refused"
  std::optional<WallTime> storage_lost_since = {};  // a host of the storage cannot be reached
  std::string storage_text = {};
  std::map<std::string, WallTime, std::less<>> failing_since = {};   // by quota group: its calls fail for all items
  std::map<std::string, WallTime, std::less<>> paused_until = {};    // by quota group
  std::map<std::string, double, std::less<>> calls_per_second = {};  // of a quota group that was refused (R64)
  std::map<std::string, ReachedLimit, std::less<>> reached = {};     // by quota group
  std::uint32_t files_under_way = 0;                                 // uploads that hold a slot now
  std::uint32_t sessions_under_way = 0;                              // those of them that go by upload sessions
  std::uint32_t max_files = 8;                                       // transfer.max_files
  std::optional<std::uint64_t> bandwidth = {};                       // transfer.bandwidth, bytes a second, now
};

// Why the item is where it is.
//
// `steps` are the item's, in their order; `session` is its open upload session, if it has one.
// Returns  nothing for an item that is done; else the reason. For `failed` it says what happened and
//          names the next command; for `cancelled` and `skipped` it says which. For an item at work
//          right now the code is "working" and the text says at what. A wait that many items share
//          (key, network, quota) is named before one that is the item's own.
std::optional<Why> why(journal::ItemRow const& item, std::span<journal::StepRow const> steps,
                       std::optional<journal::SessionRow> const& session, Surroundings const& surroundings,
                       WallTime now);

// "2000 calls a day about indexing", of a limit that was reached.
std::string words_of(std::string_view group, ReachedLimit const& reached);

// What a code in `reason` or in a Why means, as a sentence: "the file is empty". For a code that is
// not in the table (the platform's own, for one) the code itself.
std::string meaning_of(std::string_view code);

}  // namespace sluice::stage

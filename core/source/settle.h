// settle.h - is a file finished? Decided from two looks at it, never by waiting here.
//
// Pure: the clock comes in as `now`. A file is finished when it has been quiet for the settle time,
// with an identical print at both looks, and nobody is known to have it open for writing (D22, D23). Where its source
// has markers, the marker stands for the settle time: without it the file waits for ever, with it it is finished at
// once. A size that does not move proves nothing by itself: tools allocate first and fill later (D30).
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/time.h"
#include "core/ports/files.h"

namespace sluice::source {

// Whether the file that says "finished" is there (D21). One that is older than the file tells of a former one.
enum class Marker : std::uint8_t { kNotAsked, kMissing, kThere };

struct SettleFacts {
  ports::FilePrint recorded;              // as the journal has it
  std::optional<ports::FilePrint> fresh;  // as it is now; nothing: the file is gone
  ports::Writer writer = ports::Writer::kUnknown;
  Marker marker = Marker::kNotAsked;
  WallTime quiet_since;  // when `recorded` was first seen
  WallTime first_seen;   // when the file was
  WallTime now;
  Millis settle{0};
  Millis max_settle{0};
};

// An empty file stays quiet this many times as long before it counts as finished: copies over SMB
// begin with an empty file, which is filled some seconds later (D17, D26).
inline constexpr int kEmptySettleFactor = 3;

struct Verdict {
  enum class Is : std::uint8_t {
    kStable,         // finished. An empty one too: to refuse it is the caller's business
    kWait,           // look again at `again_at`
    kChanged,        // record `fresh`, with now as its quiet_since; look again at `again_at`
    kGone,           // no longer there
    kStillChanging,  // as kChanged, or kWait if `fresh` is what was recorded, but since longer than
                     // max_settle: people are told (D28), and it is looked at on
  };
  enum class Reason : std::uint8_t {
    kNone,
    kQuiet,     // not quiet for long enough
    kWriter,    // a program has it open for writing
    kChanging,  // its print differs from the recorded one
    kMarker,    // its marker is not there
  };
  Is is = Is::kWait;
  Reason reason = Reason::kNone;
  WallTime again_at;  // later than now, unless stable or gone
  friend bool operator==(Verdict const&, Verdict const&) = default;
};

Verdict settle(SettleFacts const& facts);

}  // namespace sluice::source

// faults.h - the one table from (what kind of call, how it ended) to a Fault (B1, R31, R35 to R39).
//
// Text in, text out: no clock but the `now` it is given, no state. Every status and code has a row or
// falls under R38's rule by status; nothing is left undefined.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/error.h"
#include "core/base/time.h"
#include "core/ports/wire.h"

namespace sluice::platform {

// How a call may be treated when its outcome is not known.
enum class CallKind : std::uint8_t {
  kRead,       // GET, and calls that may be repeated freely (R49): an unknown outcome is kTransient
  kCreate,     // must not be repeated before looking (R48): cut, stall, 408 and 5xx are kOutcomeUnknown
  kStorage,    // a chunk PUT on a presigned URL: the table R31, XML bodies
  kElsewhere,  // a GET of somebody else's URL: every status comes back as the reply that it is
};

// Our own code for answers that somebody else gave in the platform's place.
inline constexpr char kNotThePlatform[] = "not_the_platform";

// ... and for a chunk that hung while others went on, and was cut for that: a connection's matter, which nobody pays
// for.
inline constexpr char kHung[] = "hung";

// Sorts an outcome.
// Returns  the reply, when its status is 2xx; else the Error with its fault, code, retry_after, the
//          platform's own message in `text` (bounded to 300 bytes, made printable) and request id.
// A WireFailure before the first byte left is kOffline for every kind. Outcome::body_error wins over
// everything: it is returned as it is. A web page where the API's JSON should be, and HTTP 511, are a captive portal's
// or a proxy's (B7): kOffline for a read, kOutcomeUnknown for a create, with the code kNotThePlatform.
// Retry-After is read as seconds or as an HTTP date against the reply's own Date (else `now`), else
// X-Ratelimit-Reset; garbage and negative values are ignored; values above 24 h are cut to 24 h (R64, B3).
Result<ports::Reply> sort_outcome(CallKind kind, ports::Outcome outcome, WallTime now);

// How long the quota that this answer counted for is spent: X-Ratelimit-Remaining says 0, and X-Ratelimit-Reset when
// that ends (R64); nothing where they do not. Also of an answer that was a success: it was the last one.
std::optional<Millis> wait_when_spent(ports::Reply const& reply, WallTime now);

// Codes by which a platform says that it takes no user_metadata (R50, second branch, R68).
bool refuses_metadata(Error const& error);

// Whether a refusal blames the host or the content of a URL that the platform was given (R39, media_url_*): the
// platform itself answered as it should.
bool blames_the_url(Error const& error);

// How often a refusal with this code may be tried again, where R31 and R39 say "once" or "twice";
// nothing for all other codes, which follow their fault alone. `parameter_invalid` is kRejected with two
// repeats: only a direct upload may use them, since there the code can mean "try again" (R39).
std::optional<std::uint32_t> repeats_max(Error const& error);

// What Retry-After asks for, 24 h at the most; nothing where it says nothing plain.
std::optional<Millis> retry_after(ports::Reply const& reply, WallTime now);

// The offset of the platform's clock: its Date header minus `now`; nothing without a readable Date.
std::optional<Millis> clock_offset(ports::Reply const& reply, WallTime now);

}  // namespace sluice::platform

// wire.h - the way out to the network: HTTP calls leave, outcomes come back.
//
// Production: daemon/wire_curl (libcurl multi). Tests: the simulated platform. The wire never
// retries, never follows a redirect, and never decides: one call gives exactly one outcome, also
// after a cancel of the loop (then none). A call is described whole before it leaves, so that the
// turn can commit its intent first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/allowed_hosts.h"
#include "core/base/error.h"
#include "core/base/secret.h"
#include "core/base/time.h"

namespace sluice::ports {

// Bytes that are made while they are sent: a chunk of a file, or a form around a file.
//
// The wire reads it once, from the start, and never seeks back: a second send of the same bytes must
// be the caller's decision (libcurl would repeat a request by itself when a reused connection dies).
class Body {
 public:
  virtual ~Body() = default;
  virtual std::uint64_t size_bytes() const = 0;

  // Fills up to into.size() bytes and returns how many: 0 only at the end, and nothing while the next ones are
  // still being read from the disk; then the notice says when to ask again. Never waits.
  // Fails with kSourceChanged or kSourceIo: the wire then aborts the call before its last byte, so
  // that no torn content is ever completed (D33), and hands the error on in Outcome::body_error.
  virtual Result<std::optional<std::size_t>> read(std::span<std::byte> into) = 0;

  // Set once, before the first read. A body calls it after a read gave nothing, from any thread and at least
  // once, when there are bytes or a failure; never after the body is gone. It must not call the body back.
  virtual void on_more(std::function<void()> notice) { static_cast<void>(notice); }
};

enum class Method : std::uint8_t { kGet, kPost, kPut, kPatch, kDelete };

// A host that the operator did not choose: whoever wrote a URL did (M21 to M25). It is called by https at public
// addresses only, of whichever name, but for what is allowed; never through a proxy unless it is named there.
struct Stranger {
  std::shared_ptr<AllowedHosts const> allowed = {};  // null: nothing
  std::size_t body_bytes_max = 0;                    // what is longer is cut off
};

struct Call {
  std::uint64_t ticket = 0;  // given by the turn; comes back with the outcome
  Method method = Method::kGet;
  // Path and query beneath the configured base URL ("/assets?page=1"), with the API key added by the
  // wire; or a whole presigned URL, with no key ever (R2).
  std::variant<std::string, SecretUrl> target;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string text_body;       // sent when body is null; may be empty
  std::shared_ptr<Body> body;  // a stream; exclusive with text_body
  // False for calls that must not be sent twice (R48): these never go by a path on which the library
  // could repeat them silently.
  bool repeatable = true;
  // Aborted when less than `stall_below_bytes_per_s` moved for this long (calls with a streamed body), or
  // when no answer came for this long (others).
  Millis stall_limit{60'000};
  std::uint64_t stall_below_bytes_per_s = 64 * 1024;
  std::optional<Stranger> stranger = {};  // a GET of a whole URL, without body
  bool status_is_all = false;             // of an answer that is too long, the rest is left, and its status counts
};

struct Reply {
  int status = 0;                                            // any HTTP status
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;                                          // bounded: 8 MiB for the API, 64 KiB for the storage (T5)
  std::shared_ptr<std::string const> payload = {};           // a stranger's body in its place; null of all others
  bool is_cut = false;  // a stranger's body was longer, or the connection broke before its end: the first of it is here

  // The value of a header by its lower-case name; nothing if absent.
  std::optional<std::string_view> header(std::string_view name) const;
};

// Codes of a WireFailure: nothing was sent to a stranger, since it must not be.
inline constexpr char kAddressDenied[] = "address_denied";
inline constexpr char kProxyDenied[] = "proxy_denied";
inline constexpr char kHttpDenied[] = "http_denied";

// No usable HTTP answer came.
struct WireFailure {
  enum class Phase : std::uint8_t { kBeforeSend, kAfterSend };  // kBeforeSend: no byte of the request left
  Phase phase = Phase::kAfterSend;
  std::string text;       // "connect: refused", "timed out after 60 s", "TLS: certificate has expired"; no secret
  std::string code = {};  // our own word where the cause decides what follows, else ""
};

struct Outcome {
  std::uint64_t ticket = 0;
  std::expected<Reply, WireFailure> answer;
  std::optional<Error> body_error;  // the Body's own failure, when that ended the call
  std::uint64_t body_bytes_sent = 0;
};

// A call of which the other side has acknowledged no further byte for a while.
struct Quiet {
  Millis lasts{0};
  Millis timeout{0};  // after so long a healthy connection like this one would have sent again (RFC 6298); 0: not known
};

class Wire {
 public:
  virtual ~Wire() = default;
  virtual void send(Call call) = 0;
  virtual std::vector<Outcome> collect() = 0;  // what has ended since the last time
  // Ends a call without an outcome; unknown tickets are ignored.
  virtual void cancel(std::uint64_t ticket) = 0;
  // Payload bytes of a call still in the air that have left so far; 0 if unknown.
  virtual std::uint64_t progress_bytes(std::uint64_t ticket) const = 0;
  // How long it has been so for a call that has bytes to send; nothing where there are none (all are acknowledged, the
  // source or the bandwidth cap gives none), or where it cannot be known.
  virtual std::optional<Quiet> quiet(std::uint64_t ticket) const = 0;
};

}  // namespace sluice::ports

// error.h - what went wrong, in the one word that decides what to do next.
//
// Code branches on `fault` only; `text` is for people and logs. A broken promise of our own is not
// an Error: it is an assert, which stays on in release and stops the daemon, because the journal is
// safe and a restart reads it anew.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sluice {

// The remedy classes. Each names the cause that decides the remedy, and says who pays for the try.
enum class Fault : std::uint8_t {
  kOffline,         // no byte of the request left: DNS, connect, TLS. Repeat; charges nobody
  kTransient,       // 408, 5xx, cut or stall on a repeatable call: repeat with backoff; charges the row
  kOutcomeUnknown,  // a call that must not be repeated left and no definite answer came: look (R48)
  kThrottled,       // 429, 503 SlowDown: repeat no sooner than retry_after; charges nobody (R36 wait)
  kUrlExpired,      // the storage refused the presigned URL: ask for another; charges nobody (R31)
  kKeyRefused,      // 401: all API calls pause until the key works again; charges nobody (R36 reauth)
  kGone,            // 404, or 400 with a code that means "no such resource" (R37)
  kSourceChanged,   // the file is not what was admitted: take it anew
  kSourceIo,        // the file cannot be read now (EIO, ESTALE, EACCES): repeat with backoff
  kCorrupt,         // the ETag says that other bytes arrived than were sent (product page, section 5)
  kRejected,        // a refusal that no retry mends: fail, for a person (R36 permanent)
  kProtocol,        // an answer that breaks the contract (R6): treated as transient, and said
  kLocal,           // this host: disk full, descriptor limit, bad state; the text says which
};

// The fault's word, as the journal and the logs write it: "throttled", "outcome_unknown", ...
std::string_view name_of(Fault fault);

// Whom a failure is about, as far as the other calls of its time show.
enum class Spread : std::uint8_t {
  kOne,      // this call alone
  kSeveral,  // calls about other things failed in the same way: nobody is charged
  kAll,      // nothing of its kind gets through: nobody is charged, and all go on together as soon as a probe does
};

struct Error {
  Fault fault;
  std::string text;                                                     // for people; holds no secret
  std::string code = {};                                                // the platform's code, or ours: "empty_file"
  std::optional<std::chrono::milliseconds> retry_after = std::nullopt;  // a lower bound (R64)
  std::string request_id = {};                                          // the platform's; empty if no reply came
  Spread spread = Spread::kOne;                                         // judged by the turn, before a stage settles

  // Adds the outer context, outermost first: "open session: connect: refused".
  Error in(std::string_view where) && {
    text.insert(0, std::string(where) + ": ");
    return std::move(*this);
  }
};

template <class T>
using Result = std::expected<T, Error>;

// A failure as the value a function returns: `return fail(Fault::kRejected, "the file is empty");`
inline std::unexpected<Error> fail(Fault fault, std::string text, std::string code = {}) {
  return std::unexpected(Error{fault, std::move(text), std::move(code)});
}

}  // namespace sluice

#define SLUICE_CONCAT_(a, b) a##b
#define SLUICE_CONCAT(a, b) SLUICE_CONCAT_(a, b)
#define SLUICE_TRY_(tmp, name, expr)                        \
  auto tmp = (expr);                                        \
  if (!tmp) return std::unexpected(std::move(tmp).error()); \
  auto name = std::move(*tmp)

// SLUICE_TRY(chunks, plan_chunks(...)); returns the Error to the caller, or binds the value.
#define SLUICE_TRY(name, expr) SLUICE_TRY_(SLUICE_CONCAT(try_, __LINE__), name, expr)

// SLUICE_CHECK(expr); the same for a Result<void>.
#define SLUICE_CHECK(expr) \
  if (auto checked = (expr); !checked) return std::unexpected(std::move(checked).error())

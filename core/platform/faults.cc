#include "core/platform/faults.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstdlib>
#include <utility>

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/platform/faults_codes.h"
#include "core/platform/reply_reader.h"

namespace sluice::platform {
namespace {

using ports::Outcome;
using ports::Reply;
using ports::WireFailure;
using std::chrono::hours;
using std::chrono::seconds;

constexpr std::size_t kMessageMax = 300;
constexpr std::size_t kWordMax = 80;  // of a code or a request id: they go to logs and the journal

// What a refusal says in its body, whichever envelope it came in.
struct Refusal {
  std::string code;
  std::string message;
  std::string request_id;
};

std::string bounded(std::string_view text, std::size_t bytes_max) {
  return std::string(cut_to(printable(cut_to(trimmed(text), bytes_max)), bytes_max));
}

// Takes what is there and passes over what has another type: an odd refusal is still a refusal.
std::string lenient_text(Json const& object, std::string_view key) {
  auto const* member = object.find(key);
  auto const* text = member != nullptr ? member->as_text() : nullptr;
  return text != nullptr ? *text : std::string();
}

// Reads either envelope (R35); a body that is neither JSON nor markup is taken as the message.
Refusal read_api_refusal(Reply const& reply) {
  auto const body = trimmed(reply.body);
  if (body.empty() || body.front() == '<') return {};
  auto const parsed = parse_json(body);
  if (!parsed) return {{}, std::string(body), {}};
  auto const* nested = parsed->find("error");
  auto const& envelope = nested != nullptr && nested->is_object() ? *nested : *parsed;
  Refusal refusal{lenient_text(envelope, "code"), lenient_text(envelope, "message"), {}};
  if (refusal.message.empty()) refusal.message = lenient_text(*parsed, "error");
  return refusal;
}

// The text of the first element of that name. No XML reader: three flat words of one known document,
// and whatever is not of that form counts as unreadable (R30, Y3).
std::string xml_element(std::string_view xml, std::string_view name) {
  auto const open = "<" + std::string(name) + ">";
  auto const begin = xml.find(open);
  if (begin == std::string_view::npos) return {};
  auto const text = xml.substr(begin + open.size());
  auto const end = text.find("</" + std::string(name) + ">");
  return end == std::string_view::npos ? std::string() : std::string(trimmed(text.substr(0, end)));
}

Refusal read_storage_refusal(Reply const& reply) {
  return {xml_element(reply.body, "Code"), xml_element(reply.body, "Message"), xml_element(reply.body, "RequestId")};
}

std::string request_id_of(Reply const& reply, Refusal const& refusal) {
  for (std::string_view const name : {"x-request-id", "request-id", "x-amz-request-id", "x-amzn-requestid"}) {
    if (auto const id = reply.header(name); id && !id->empty()) return bounded(*id, kWordMax);
  }
  return bounded(refusal.request_id, kWordMax);
}

// A whole number from 0; one too large to hold is the largest.
std::optional<std::int64_t> whole_number(std::string_view text) {
  text = trimmed(text);
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  std::int64_t value = 0;
  auto const read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc() ? value : INT64_MAX;
}

constexpr Millis kWaitMax = hours(24);

std::optional<Millis> bounded_wait(Millis wait) {
  if (wait < Millis(0)) return std::nullopt;
  return std::min(wait, kWaitMax);
}

std::optional<Millis> seconds_from_now(std::int64_t count) {
  auto const most = std::chrono::duration_cast<seconds>(kWaitMax).count();
  return bounded_wait(seconds(std::min(count, most)));
}

std::optional<Millis> read_retry_after(Reply const& reply, WallTime platform_now) {
  auto const value = reply.header("retry-after");
  if (!value) return std::nullopt;
  if (auto const count = whole_number(*value)) return seconds_from_now(*count);
  if (auto const at = parse_http_date(trimmed(*value))) return bounded_wait(*at - platform_now);
  return std::nullopt;
}

std::optional<Millis> read_rate_reset(Reply const& reply, WallTime platform_now) {
  auto const value = reply.header("x-ratelimit-reset");
  auto const epoch = value ? whole_number(*value) : std::nullopt;
  if (!epoch) return std::nullopt;
  return seconds_from_now(*epoch - std::chrono::floor<seconds>(platform_now).time_since_epoch().count());
}

// Retry-After counts on every refusal. X-Ratelimit-Reset may stand on any answer, so it is a reason to
// wait only where the refusal is about the rate.
std::optional<Millis> wait_of(Reply const& reply, Remedy remedy, CodeRow const* row, WallTime now) {
  auto const platform_now = now + clock_offset(reply, now).value_or(Millis(0));
  if (auto const wait = read_retry_after(reply, platform_now)) return wait;
  if (remedy != Remedy::kWait) return std::nullopt;
  if (auto const wait = read_rate_reset(reply, platform_now)) return wait;
  if (row != nullptr && row->default_wait > Millis(0)) return row->default_wait;
  return std::nullopt;
}

// A refusal that broke off on its way: its code is what decides, and it is not there.
bool is_cut_short(Reply const& reply) {
  auto const body = trimmed(reply.body);
  return body.starts_with('{') && !parse_json(body);
}

// Where status and code disagree, the status counts if it is one that the platform gives for one
// reason only; in all other 4xx the code does (R35 to R38).
Remedy api_remedy(int status, CodeRow const* row) {
  bool const status_decides = status >= 500 || status == 401 || status == 404 || status == 408 || status == 429;
  return row == nullptr || status_decides ? api_remedy_by_status(status) : row->remedy;
}

// Whether a create may have happened although it was refused (R48). A 4xx is definite, but for the two
// ways of saying that the time ran out.
bool is_unclear(int status, std::string_view code) {
  return status >= 500 || status == 408 || code == "request_canceled_or_timed_out";
}

Fault fault_of(Remedy remedy, bool unclear_create) {
  switch (remedy) {
    case Remedy::kRetry: return unclear_create ? Fault::kOutcomeUnknown : Fault::kTransient;
    case Remedy::kPermanent: return Fault::kRejected;
    case Remedy::kReauth: return Fault::kKeyRefused;
    case Remedy::kRefreshUrl: return Fault::kUrlExpired;
    case Remedy::kWait: return Fault::kThrottled;
    case Remedy::kGone: return Fault::kGone;
  }
  std::abort();  // no default above: -Wswitch finds a remedy that has no fault
}

std::string text_of(Reply const& reply, Refusal const& refusal) {
  auto text = "HTTP " + std::to_string(reply.status);
  if (!refusal.code.empty()) text += " " + refusal.code;
  if (!refusal.message.empty()) return text + ": " + bounded(without_queries(refusal.message), kMessageMax);
  auto const type = reply.header("content-type");
  if (refusal.code.empty() && type) text += " with a body of " + bounded(*type, kWordMax);
  return text;
}

Error sort_failure(CallKind kind, WireFailure failure) {
  auto const before = failure.phase == WireFailure::Phase::kBeforeSend;
  auto const after = kind == CallKind::kCreate ? Fault::kOutcomeUnknown : Fault::kTransient;
  return {before ? Fault::kOffline : after, std::move(failure.text), std::move(failure.code)};
}

Error sort_refusal(CallKind kind, Reply const& reply, WallTime now) {
  auto refusal = kind == CallKind::kStorage ? read_storage_refusal(reply) : read_api_refusal(reply);
  refusal.code = bounded(refusal.code, kWordMax);
  Error error{Fault::kProtocol, text_of(reply, refusal), refusal.code, std::nullopt, request_id_of(reply, refusal)};
  // Redirects are never followed, and nothing else below 400 or from 600 has a meaning here.
  if (reply.status < 400 || reply.status > 599) return error;

  auto const* row = find_code(kind == CallKind::kStorage ? storage_codes() : api_codes(), refusal.code);
  Remedy remedy = Remedy::kPermanent;
  if (kind == CallKind::kStorage) {
    remedy = row != nullptr ? row->remedy : storage_remedy_by_status(reply.status);
  } else {
    remedy = api_remedy(reply.status, row);
  }
  if (kind != CallKind::kStorage && remedy == Remedy::kPermanent && is_cut_short(reply)) return error;
  error.fault = fault_of(remedy, kind == CallKind::kCreate && is_unclear(reply.status, error.code));
  error.retry_after = wait_of(reply, remedy, row, now);
  return error;
}

// The API answers in JSON, whatever it says; only a hotel's sign-in page comes as HTML with a status of success.
bool is_somebody_elses(CallKind kind, Reply const& reply) {
  if (kind == CallKind::kStorage) return false;
  if (reply.status == 511) return true;  // RFC 6585: Network Authentication Required
  auto const type = reply.header("content-type").value_or("");
  return reply.status < 300 && to_lower_ascii(type.substr(0, 9)) == "text/html" && trimmed(reply.body).starts_with('<');
}

Error not_the_platform(CallKind kind, Reply const& reply) {
  auto text = "HTTP " + std::to_string(reply.status) +
              " from somebody in the platform's place, such as a captive portal or a proxy";
  return {kind == CallKind::kCreate ? Fault::kOutcomeUnknown : Fault::kOffline, std::move(text), kNotThePlatform};
}

}  // namespace

Result<Reply> sort_outcome(CallKind kind, Outcome outcome, WallTime now) {
  if (outcome.body_error) return std::unexpected(std::move(*outcome.body_error));
  if (!outcome.answer) return std::unexpected(sort_failure(kind, std::move(outcome.answer.error())));
  auto& reply = *outcome.answer;
  if (kind == CallKind::kElsewhere) return std::move(reply);
  if (is_somebody_elses(kind, reply)) return std::unexpected(not_the_platform(kind, reply));
  if (reply.status >= 200 && reply.status <= 299) return std::move(reply);
  return std::unexpected(sort_refusal(kind, reply, now));
}

std::optional<Millis> wait_when_spent(Reply const& reply, WallTime now) {
  auto const remaining = reply.header("x-ratelimit-remaining");
  if (!remaining || whole_number(*remaining) != 0) return std::nullopt;
  auto const wait = read_rate_reset(reply, now + clock_offset(reply, now).value_or(Millis(0)));
  return wait && *wait > Millis(0) ? wait : std::nullopt;
}

bool refuses_metadata(Error const& error) {
  return error.fault == Fault::kRejected && (error.code == "parameter_unknown" || error.code == "tags_not_allowed");
}

bool blames_the_url(Error const& error) { return error.code.starts_with("media_url_"); }

std::optional<std::uint32_t> repeats_max(Error const& error) {
  auto const* row = find_code(api_codes(), error.code);
  if (row == nullptr) row = find_code(storage_codes(), error.code);
  if (row == nullptr || row->repeats_max == 0) return std::nullopt;
  // The one place where a message counts: R31 tells two refusals of one code apart by it.
  if (row->code == "AccessDenied" && error.text.find("expired") != std::string::npos) return std::nullopt;
  return row->repeats_max;
}

std::optional<Millis> retry_after(Reply const& reply, WallTime now) {
  return read_retry_after(reply, now + clock_offset(reply, now).value_or(Millis(0)));
}

std::optional<Millis> clock_offset(Reply const& reply, WallTime now) {
  auto const date = reply.header("date");
  auto const at = date ? parse_http_date(trimmed(*date)) : std::nullopt;
  if (!at) return std::nullopt;
  return *at - now;
}

}  // namespace sluice::platform

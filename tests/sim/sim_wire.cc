#include "tests/sim/sim_wire.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "tests/sim/sim_answer.h"

namespace sluice::sim {

using ports::Outcome;
using ports::Reply;
using ports::WireFailure;

namespace {

constexpr std::size_t kPieceBytes = 4'096;
constexpr Millis kLate{4'000};  // how long after the cut a late effect happens

bool never_arrives(Mishap mishap) {
  return mishap == Mishap::kNotSent || mishap == Mishap::kLostBefore || mishap == Mishap::kCut ||
         mishap == Mishap::kSilent;
}

bool is_silent(Mishap mishap) { return mishap == Mishap::kSilent || mishap == Mishap::kSilentAfter; }

bool has_no_answer(Mishap mishap) {
  return never_arrives(mishap) || mishap == Mishap::kLostAfter || mishap == Mishap::kLateEffect ||
         mishap == Mishap::kSilentAfter;
}

Reply web_page(int status, char const* text) {
  return {.status = status, .headers = {{"content-type", "text/html"}}, .body = text};
}

}  // namespace

std::size_t SimWire::waiting(Ask ask) const {
  return static_cast<std::size_t>(std::ranges::count_if(trips_, [&](auto const& numbered) {
    auto const& trip = numbered.second;
    return trip.request.ask == ask && trip.awaited && !trip.heard;
  }));
}

void SimWire::send(ports::Call call) {
  auto const now = clock_.now();
  auto const number = ++sent_;
  auto& trip = trips_[number];
  trip.request = read_request(call);
  trip.call = std::move(call);
  auto const ask = trip.request.ask;
  if (is_looked_for(ask) == trip.call.repeatable && ask != Ask::kPutChunk)
    complaints_.push_back(std::string(name_of(ask)) + " is marked wrongly as repeatable or not (R48)");
  if (watch_) watch_(ask, waiting(ask));
  trip.mishap = plan_.pick(ask, now);
  if (trip.mishap != Mishap::kNotSent) ++reached_;
  auto const slow = ask == Ask::kPutChunk || ask == Ask::kCreateAsset;
  auto const there = dice_.between(Millis(10), Millis(slow ? 900 : 250));
  auto const back = dice_.between(Millis(10), Millis(250));
  trip.left = now;
  trip.arrives = now + there;
  trip.answers = now + there + back;
  if (trip.mishap == Mishap::kLateEffect) trip.arrives = trip.answers + kLate;
  if (is_silent(trip.mishap)) trip.answers = std::max(trip.arrives, now) + trip.call.stall_limit;
  if (never_arrives(trip.mishap)) trip.arrived = true;
  if (trip.call.body && trip.mishap != Mishap::kNotSent) read_body(trip, trip.call.body->size_bytes() / 2);
  if (trip.mishap == Mishap::kLateEffect) read_rest(trip);  // what happens late left in time
  log_.tell("-> " + std::to_string(number) + " " + std::string(name_of(ask)) + " " + trip.request.path +
            (trip.mishap == Mishap::kNone ? "" : " !" + std::string(name_of(trip.mishap))));
}

// Reads until at least `up_to` bytes are there, the body ends, or it fails.
void SimWire::read_body(Trip& trip, std::uint64_t up_to) {
  std::array<std::byte, kPieceBytes> piece;
  while (trip.call.body && !trip.body_error && trip.bytes_read < up_to) {
    auto const got = trip.call.body->read(piece);
    if (!got) {
      trip.body_error = got.error();
      trip.arrived = true;  // aborted before its last byte: the platform makes nothing of it
      trip.answers = std::max(trip.arrives, clock_.now());
      return;
    }
    auto const count = got->value();  // the simulated disk gives at once
    if (count == 0) return;
    trip.request.body.append(reinterpret_cast<char const*>(piece.data()), count);
    trip.bytes_read += count;
    body_bytes_ += count;
  }
}

void SimWire::read_rest(Trip& trip) {
  if (!trip.call.body) return;
  auto const promised = trip.call.body->size_bytes();
  read_body(trip, promised);
  if (!trip.body_error && trip.bytes_read != promised)
    complaints_.push_back(std::string(name_of(trip.request.ask)) + ": a body gave other than its size");
  trip.call.body.reset();
}

// What the platform did, told wrongly.
std::optional<Reply> SimWire::garble(Trip const& trip, Reply reply) const {
  auto& body = reply.body;
  switch (trip.mishap) {
    case Mishap::kTruncated:
      body.resize(body.size() / 2);
      reply.is_cut = reply.payload != nullptr;
      if (reply.payload) reply.payload = std::make_shared<std::string>(*reply.payload, 0, reply.payload->size() / 2);
      break;
    case Mishap::kWrongTypes: body = R"({"_id":7,"data":"none","page_info":[],"status":{},"upload_id":null})"; break;
    case Mishap::kMoreFields:
      if (body.starts_with('{') && body.size() > 2)
        body.insert(1, R"("x_new":{"deep":[[[{"a":null}]]]},"x_null":null,)");
      break;
    case Mishap::kWrongEtag:
      for (auto& [name, value] : reply.headers)
        if (name == "etag") value = "\"00000000000000000000000000000000\"";
      break;
    case Mishap::kNoEtag:
      std::erase_if(reply.headers, [](auto const& header) { return header.first == "etag"; });
      break;
    default: break;
  }
  return reply;
}

// An answer from somebody on the way, or a refusal: nothing was done.
std::optional<Reply> SimWire::refuse(Trip const& trip, WallTime now) const {
  switch (trip.mishap) {
    case Mishap::kErrorBefore:
      if (trip.request.ask == Ask::kPutChunk)
        return SimPlatform::refuse_storage(500, "InternalError", "We encountered an internal error");
      return web_page(502, "<html>bad gateway</html>");
    case Mishap::kThrottled: {
      auto reply = ends_.platform.refuse(429, "too_many_requests", now);
      reply.headers.emplace_back("retry-after", "3");
      return reply;
    }
    case Mishap::kThrottledMute: return Reply{.status = 429, .headers = {}, .body = {}};
    case Mishap::kThrottledOddly:
      return Reply{.status = 429, .headers = {{"retry-after", "-7 fortnights"}}, .body = "{}"};
    case Mishap::kUnavailable:
      return Reply{.status = 503,
                   .headers = {{"retry-after", http_date(now + ends_.platform.traits().clock_ahead + Millis(40'000))},
                               {"date", http_date(now + ends_.platform.traits().clock_ahead)}},
                   .body = {}};
    case Mishap::kTimedOut: return ends_.platform.refuse(408, "request_timeout", now);
    case Mishap::kNotThePlatform: return web_page(200, "<html>Please sign in to HotelNet</html>");
    case Mishap::kRedirected:
      return Reply{.status = 302, .headers = {{"location", "https://elsewhere.sim/login"}}, .body = {}};
    case Mishap::kKeyRefused: return ends_.platform.refuse(401, "api_key_invalid", now);
    case Mishap::kUrlRefused: return SimPlatform::refuse_storage(403, "AccessDenied", "Request has expired");
    case Mishap::kSkewed:
      return SimPlatform::refuse_storage(403, "RequestTimeTooSkewed", "The difference between the times is too large");
    case Mishap::kSlowDown: return SimPlatform::refuse_storage(503, "SlowDown", "Please reduce your request rate.");
    default: return std::nullopt;
  }
}

// What its host does and answers.
Reply SimWire::give(Trip const& trip, WallTime now) {
  if (trip.request.ask == Ask::kFetchPiece) return ends_.hosts.serve(trip.call);
  if (trip.request.ask == Ask::kTellHook) return ends_.listeners.serve(trip.call);
  return ends_.platform.serve(trip.request, now);
}

std::optional<Reply> SimWire::serve(Trip& trip, WallTime now) {
  if (never_arrives(trip.mishap)) return std::nullopt;
  if (auto refusal = refuse(trip, now)) return refusal;
  auto reply = give(trip, now);
  if (trip.mishap == Mishap::kTwice) reply = give(trip, now);
  if (trip.mishap == Mishap::kErrorAfter) return web_page(500, "<html>oops</html>");
  return garble(trip, std::move(reply));
}

void SimWire::arrive(Trip& trip, WallTime now) {
  read_rest(trip);
  if (trip.body_error) return;
  trip.arrived = true;
  trip.reply = serve(trip, now);
}

void SimWire::run_until_now() {
  while (true) {
    Trip* first = nullptr;
    std::uint64_t number = 0;
    for (auto& [at, trip] : trips_)
      if (!trip.arrived && trip.arrives <= clock_.now() && (first == nullptr || trip.arrives < first->arrives)) {
        first = &trip;
        number = at;
      }
    if (first == nullptr) break;
    arrive(*first, first->arrives);
    if (first->reply)
      log_.tell("   " + std::to_string(number) + " arrived, status " + std::to_string(first->reply->status));
  }
  forget_finished();
}

Outcome SimWire::outcome_of(Trip& trip) const {
  Outcome outcome{
      .ticket = trip.call.ticket,
      .answer = std::unexpected(WireFailure{.phase = WireFailure::Phase::kAfterSend, .text = "connection cut"}),
      .body_error = trip.body_error,
      .body_bytes_sent = trip.bytes_read};
  if (trip.mishap == Mishap::kNotSent)
    outcome.answer = std::unexpected(WireFailure{.phase = WireFailure::Phase::kBeforeSend, .text = "connect: refused"});
  else if (trip.reply && !has_no_answer(trip.mishap))
    outcome.answer = *trip.reply;
  return outcome;
}

std::vector<Outcome> SimWire::collect() {
  run_until_now();
  std::vector<std::pair<WallTime, std::uint64_t>> due;
  for (auto const& [number, trip] : trips_)
    if (trip.awaited && !trip.heard && trip.answers <= clock_.now()) due.emplace_back(trip.answers, number);
  std::ranges::sort(due);
  std::vector<Outcome> outcomes;
  for (auto const& [at, number] : due) {
    auto& trip = trips_.at(number);
    trip.heard = true;
    outcomes.push_back(outcome_of(trip));
    log_.tell("<- " + std::to_string(number));
  }
  forget_finished();
  return outcomes;
}

void SimWire::cancel(std::uint64_t ticket) {
  for (auto& [number, trip] : trips_) {
    if (trip.call.ticket != ticket || !trip.awaited || trip.heard) continue;
    trip.awaited = false;
    if (!trip.arrived && dice_.chance(0.5)) trip.arrived = true;  // its last bytes never left
    if (!trip.arrived) read_rest(trip);
  }
  forget_finished();
}

SimWire::Trip const* SimWire::trip_of(std::uint64_t ticket) const {
  for (auto const& [number, trip] : trips_)
    if (trip.call.ticket == ticket && trip.awaited && !trip.heard) return &trip;
  return nullptr;
}

std::uint64_t SimWire::progress_bytes(std::uint64_t ticket) const {
  auto const* trip = trip_of(ticket);
  return trip == nullptr ? 0 : trip->bytes_read;
}

std::optional<ports::Quiet> SimWire::quiet(std::uint64_t ticket) const {
  auto const* trip = trip_of(ticket);
  if (trip == nullptr || trip->mishap == Mishap::kSilentAfter) return std::nullopt;
  return ports::Quiet{.lasts = trip->mishap == Mishap::kSilent ? clock_.now() - trip->left : Millis(0)};
}

std::optional<WallTime> SimWire::next_outcome() const {
  std::optional<WallTime> next;
  for (auto const& [number, trip] : trips_)
    if (trip.awaited && !trip.heard && (!next || trip.answers < *next)) next = trip.answers;
  return next;
}

void SimWire::crash(Aftermath aftermath) {
  for (auto& [number, trip] : trips_) {
    if (!trip.awaited) continue;
    trip.awaited = false;
    if (trip.arrived) continue;
    auto const goes_on = aftermath == Aftermath::kAllArrive || (aftermath == Aftermath::kByDice && dice_.chance(0.5));
    if (goes_on) read_rest(trip);  // all of it was in the kernel's hands
    if (!goes_on) trip.arrived = true;
    log_.tell("xx " + std::to_string(number) + (goes_on ? " goes on without us" : " is lost"));
  }
  for (auto& [number, trip] : trips_) trip.call.body.reset();
  forget_finished();
}

void SimWire::forget_finished() {
  std::erase_if(trips_, [](auto const& numbered) {
    auto const& trip = numbered.second;
    return trip.arrived && (trip.heard || !trip.awaited);
  });
}

}  // namespace sluice::sim

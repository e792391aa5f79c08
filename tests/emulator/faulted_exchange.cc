#include "faulted_exchange.h"

#include <string>
#include <utility>

namespace sluice::emulator {

FaultedExchange::FaultedExchange(Context& context, Verdict verdict, std::string endpoint)
    : context_(context), verdict_(std::move(verdict)), endpoint_(std::move(endpoint)) {}

FaultedExchange::~FaultedExchange() {
  if (!counted_) context_.ledger.count(endpoint_, 0);
}

bool FaultedExchange::take(std::span<std::byte const> bytes) {
  if (verdict_.action == Action::kCutBody && body_bytes_ + bytes.size() >= verdict_.after_bytes) {
    consume(bytes.first(verdict_.after_bytes - body_bytes_));
    body_bytes_ = verdict_.after_bytes;
    return false;
  }
  if (verdict_.action == Action::kStall && !stalled_ && body_bytes_ + bytes.size() >= verdict_.after_bytes) {
    stalled_ = true;
    context_.sleeper.sleep(std::chrono::milliseconds(verdict_.stall_ms));
  }
  body_bytes_ += bytes.size();
  consume(bytes);
  return true;
}

std::optional<Reply> FaultedExchange::refuse_body() {
  if (verdict_.action != Action::kNone) return std::nullopt;
  auto reply = early();
  if (reply) count(*reply);
  return reply;
}

Outcome FaultedExchange::finish() {
  context_.sleeper.sleep(std::chrono::milliseconds(verdict_.delay_ms));
  switch (verdict_.action) {
    case Action::kCutBefore:
    case Action::kCutBody:  // the body was shorter than the rule thought
      return {std::nullopt, Cut::kReset};
    case Action::kStatus:
    case Action::kThrottle:
      if (verdict_.after_effect) act();
      return answered(injected());
    case Action::kCutAfter: act(); return {std::nullopt, Cut::kClose};
    default: return answered(act());
  }
}

Reply FaultedExchange::injected() const {
  bool const throttled = verdict_.action == Action::kThrottle;
  int const status = throttled ? 429 : verdict_.status;
  auto reply = canned(status, verdict_.code, verdict_.message);
  if (verdict_.body) {
    reply.body = *verdict_.body;
    if (reply.body.starts_with('<') && !reply.body.starts_with("<?xml")) reply.content_type = "text/html";
  }
  if (verdict_.empty_body) {
    reply.body.clear();
    reply.content_type.clear();
  }
  if (!verdict_.retry_after.empty()) reply.headers.emplace_back("Retry-After", verdict_.retry_after);
  for (auto const& header : verdict_.headers) {
    if (lower(header.first) == "content-type") {
      reply.content_type = header.second;
    } else {
      reply.headers.push_back(header);
    }
  }
  return reply;
}

Outcome FaultedExchange::answered(Reply reply) {
  count(reply);
  return {std::move(reply), Cut::kClose};
}

void FaultedExchange::count(Reply& reply) {
  counted_ = true;
  auto const number = context_.ledger.count(endpoint_, reply.status);
  reply.headers.emplace_back(id_header(), "emu-" + std::to_string(number));
}

}  // namespace sluice::emulator

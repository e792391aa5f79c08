// faulted_exchange.h - an exchange that suffers what its verdict says, and is counted in the ledger.
//
// The base of every exchange of the API and of the store. It does the waiting, the cutting and the
// canned answers; the derived class does the work, in `consume` and `act`, and knows only those faults
// that change what the work is (an expired URL, a damaged byte).

#pragma once

#include <chrono>
#include <string>

#include "api.h"
#include "http.h"

namespace sluice::emulator {

class FaultedExchange : public Exchange {
 public:
  // `endpoint` is the name under which the ledger counts this request.
  FaultedExchange(Context& context, Verdict verdict, std::string endpoint);
  // Counts the request as cut if it never came to an answer.
  ~FaultedExchange() override;

  bool take(std::span<std::byte const> bytes) final;
  Outcome finish() final;
  std::optional<Reply> refuse_body() final;

 protected:
  // The next bytes of the body. Never called again after `act`.
  virtual void consume(std::span<std::byte const> bytes) = 0;
  // The whole body is in: takes effect, and answers.
  virtual Reply act() = 0;
  // A reply that stands before the body has been read; asked only of clients that wait for it.
  virtual std::optional<Reply> early() { return std::nullopt; }
  // The reply of an injected status, in the envelope that this side speaks.
  virtual Reply canned(int status, std::string const& code, std::string const& message) const = 0;
  // The name of the header that carries the request's id, for support tickets.
  virtual char const* id_header() const { return "X-Request-Id"; }

  Context& context() { return context_; }
  Verdict const& verdict() const { return verdict_; }

 private:
  Reply injected() const;
  Outcome answered(Reply reply);
  void count(Reply& reply);

  Context& context_;
  Verdict verdict_;
  std::string endpoint_;
  std::uint64_t body_bytes_ = 0;
  bool counted_ = false;
  bool stalled_ = false;
};

}  // namespace sluice::emulator

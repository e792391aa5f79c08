#include "core/budget/breaker.h"

#include <algorithm>

namespace sluice::budget {

void Breaker::remember(bool failed) {
  last_[next_] = failed;
  next_ = (next_ + 1) % kWindow;
  known_ = std::min(known_ + 1, kWindow);
}

void Breaker::failed(Subject const& subject, WallTime now) {
  remember(true);
  if (last_failed_ != subject.item) budget_ = std::max(0, budget_ - kFailureCosts);  // one alone proves nothing
  last_failed_ = subject.item;
  if (!first_) {
    first_ = subject;
    first_at_ = now;
  }
  several_items_ = several_items_ || subject.and_others || first_->item != subject.item;
  several_ = several_ || several_items_ || first_->part != subject.part;
  if (probe_.since())
    probe_.failed(now);
  else if (budget_ == 0 || (several_ && known_ == kWindow && 2 * last_.count() >= kWindow))
    probe_.begin(first_at_, now);
}

// One success closes an open breaker, and twenty calls more have to decide before it opens again.
void Breaker::succeeded() {
  if (probe_.since()) {
    last_.reset();
    known_ = 0;
    budget_ = std::max(budget_, kBudgetAfterOutage);
  }
  budget_ = std::min(kBudget, budget_ + kSuccessBrings);
  remember(false);
  first_.reset();
  several_ = several_items_ = false;
  probe_.end();
}

}  // namespace sluice::budget

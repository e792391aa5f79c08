#include "until.h"

#include <poll.h>

namespace sluice::e2e {

namespace {
constexpr int kPauseMs = 10;
}

bool until(Millis patience, std::function<bool()> const& condition) {
  auto const deadline = std::chrono::steady_clock::now() + patience;
  while (true) {
    if (condition()) return true;
    if (std::chrono::steady_clock::now() >= deadline) return false;
    ::poll(nullptr, 0, kPauseMs);
  }
}

}  // namespace sluice::e2e

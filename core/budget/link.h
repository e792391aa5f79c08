// link.h - whether a host can be reached at all: the API's, or one of the storage's.
//
// Calls of which no byte left (no name, no connection, no TLS) say nothing about any item. After three in a row the
// link is down: nothing else is tried on it, nobody is charged and no row waits by itself, and one call leaves alone
// after 1, 2, 4 ... 30 s (B7). The first answer of any kind, or bytes that left, end that, and all rows go on at once.
//
// Memory only: after a restart three failures teach it anew.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "core/base/time.h"
#include "core/budget/probe.h"

namespace sluice::budget {

class Link {
 public:
  void failed(WallTime now, std::string text);  // no byte of a call left
  void reached();                               // a byte left, or an answer came
  // The host's addresses or routes changed: what is known about an outage may be over.
  void network_changed(WallTime now) { probe_.soon(now); }

  std::optional<WallTime> down_since() const { return probe_.since(); }  // the first of the failures
  std::optional<WallTime> probe_at(WallTime now) const { return probe_.at(now); }
  WallTime failed_at() const { return failed_at_; }  // the newest failure
  std::string const& text() const { return text_; }  // of the newest failure, for people

 private:
  static constexpr std::uint32_t kFailuresMin = 3;
  Probe probe_{Millis(1'000), Millis(30'000)};
  std::uint32_t failures_ = 0;  // in a row
  WallTime first_failure_{}, failed_at_{};
  std::string text_ = {};
};

inline void Link::failed(WallTime now, std::string text) {
  if (failures_++ == 0) first_failure_ = now;
  failed_at_ = now;
  text_ = std::move(text);
  if (probe_.since())
    probe_.failed(now);
  else if (failures_ >= kFailuresMin)
    probe_.begin(first_failure_, now);
}

inline void Link::reached() {
  failures_ = 0;
  probe_.end();
}

}  // namespace sluice::budget

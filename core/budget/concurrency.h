// concurrency.h - how many chunk PUTs may be in the air, below the ceiling that is configured (B13).
//
// It begins at the ceiling, since a fast line is filled at once by that. On a narrow line many connections carry no
// more than a few, and each of their chunks takes minutes, all of which are lost when the line is cut: so where the
// connections are slow, there are by and by fewer of them, for as long as all together carry as much as before. Where
// that made them carry less, it was not the line, and the last step is taken back. When the storage asks for slower
// calls, they are three tenths fewer at once. What was taken away comes back a quarter at a time, for as long as all
// together carry more for it; where they did not, it is tried again after ten minutes.
//
// Memory only: it begins anew after a restart. Pure; the clock is an argument.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/base/time.h"

namespace sluice::budget {

class Concurrency {
 public:
  // What all PUTs in the air have sent so far and what came before them, in bytes; it never shrinks.
  void look(std::size_t in_air, std::uint64_t bytes_sent, std::size_t ceiling, WallTime now);
  void throttled(std::size_t ceiling, WallTime now);  // the storage asked for fewer
  void begin_anew();  // another bandwidth cap holds: what was learned was about the old one

  std::size_t limit(std::size_t ceiling) const { return limit_ && *limit_ < ceiling ? *limit_ : ceiling; }

 private:
  struct Window {
    WallTime began{};
    std::uint64_t bytes = 0;
    bool was_full = true;  // as many as allowed were in the air all the time
  };
  struct Step {  // the last change, on trial
    std::size_t from = 0;
    std::uint64_t rate_before = 0;
  };
  void judge(std::uint64_t rate, std::size_t ceiling, WallTime now);
  void set(std::size_t limit, std::uint64_t rate, std::size_t ceiling);

  std::optional<std::size_t> limit_ = {};  // nothing: the ceiling
  std::optional<Window> window_ = {};
  std::optional<Step> step_ = {};
  WallTime holds_until_{};  // no further step before
};

}  // namespace sluice::budget

// lines.h - what the journal remembers of its rows between two writes: how many are in each state, and when the
// first of them is due.
//
// Every turn and every sleep asks about all lines, most of which are empty or as they were at the last turn, and
// counting a million rows takes a second. The journal tells each of its writes to these counters, in the same
// transaction, and puts a copy back when that is rolled back. For core/journal only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "core/base/time.h"
#include "core/journal/states.h"

namespace sluice::journal {

// The rows of a table that are in one state.
struct Line {
  struct Due {
    std::optional<WallTime> at;  // nothing: no row of the line waits for a time
  };
  std::int64_t rows = 0;
  std::optional<Due> first_due = {};  // nothing: not known since a row was written

  void written(std::int64_t more = 0) {
    rows += more;
    first_due.reset();
  }
  bool surely_nothing_due(WallTime now) const {
    return rows == 0 || (first_due && (!first_due->at || *first_due->at > now));
  }
};

class Lines {
 public:
  Line& of(ItemState state) { return items_[static_cast<std::size_t>(state)]; }
  Line& of(StepState state) { return steps_[static_cast<std::size_t>(state)]; }
  Line& of(NamedState state) { return named_[static_cast<std::size_t>(state)]; }
  Line& of(ActState state) { return acts_[static_cast<std::size_t>(state)]; }
  Line& open_sessions() { return open_sessions_; }  // together with their chunks

  // A row that was in `from` was written, and is in `to` now.
  template <class State>
  void moved(State from, State to) {
    of(from).written(-1);
    of(to).written(1);
  }

 private:
  // Of finished steps and acts and of present names there may be very many, and nobody asks: theirs are not counted at
  // the start, and so are of no meaning.
  std::array<Line, 13> items_{};  // by ItemState
  std::array<Line, 5> steps_{};   // by StepState
  std::array<Line, 3> named_{};   // by NamedState
  std::array<Line, 4> acts_{};    // by ActState
  Line open_sessions_{};
};

}  // namespace sluice::journal

// fates.h - which faults strike which connection and which turn.
//
// Pure, and the same for the same seed: chances are drawn by the number of the connection, of its turn and of the
// fault, so that the fate of the third turn of the fifth connection does not depend on what others did meanwhile.
// `nth`, `every` and `times` count over the whole line, in the order of the arrivals.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/chaos/rules.h"

namespace sluice::chaos {

// A fault that will strike one connection: when byte `at`, counted from 0, of the turn or the connection is next.
struct Blow {
  Fault fault;
  std::uint64_t at = 0;
};

class Fates {
 public:
  explicit Fates(std::uint64_t seed) : seed_(seed) {}

  void set(std::vector<Fault> faults);  // replaces all; counting begins anew
  // Both are to be asked once for each connection, and once for each turn: they count. Numbers are from 1.
  std::vector<Blow> of_connection(std::uint64_t connection);
  std::vector<Blow> of_turn(std::uint64_t connection, std::uint64_t turn);

  // A number from 0 to below 1, the same for the same words.
  double chance(std::uint64_t connection, std::uint64_t turn, std::uint64_t what) const;

 private:
  struct Counted {
    Fault fault;
    std::uint64_t seen = 0;
    std::uint64_t chosen = 0;
  };
  std::vector<Blow> choose(bool of_connection, std::uint64_t connection, std::uint64_t turn);

  std::uint64_t seed_;
  std::vector<Counted> faults_;
};

}  // namespace sluice::chaos

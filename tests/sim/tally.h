// tally.h - what many runs add up to: counts, troubles by name, and how large the runs were.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "tests/sim/world.h"

namespace sluice::sim {

class Tally {
 public:
  // Takes in a run that is over.
  void add(World const& world, std::vector<std::string> const& broken);
  void add(Tally const& other);
  void bump(std::string const& name, std::uint64_t by = 1) { counts_[name] += by; }

  std::uint64_t count(std::string const& name) const;
  // Troubles that happened at least once, of all_trouble_names().
  std::size_t troubles_seen() const;

  // One "name number" pair a line, for another process to read() and add.
  void write(std::ostream& out) const;
  static Tally read(std::istream& in);

  // For people: totals, distributions, and every trouble by name with its number.
  std::string report() const;

 private:
  // The value below which half of the runs lie, of a kind of size such as "items".
  std::uint64_t quantile(std::string const& size, double part) const;

  std::map<std::string, std::uint64_t> counts_ = {};
  std::map<std::string, std::map<std::uint64_t, std::uint64_t>> sizes_ = {};  // of the runs: value -> how many
};

// Every trouble that the simulation knows, by name.
std::vector<std::string> all_trouble_names();

}  // namespace sluice::sim

#include "tests/chaos/fates.h"

#include <cmath>
#include <utility>

namespace sluice::chaos {

namespace {

constexpr double kMiB = 1 << 20;

// splitmix64: neighbours give numbers that have nothing to do with each other.
std::uint64_t mixed(std::uint64_t word) {
  word += 0x9E3779B97F4A7C15U;
  word = (word ^ (word >> 30U)) * 0xBF58476D1CE4E5B9U;
  word = (word ^ (word >> 27U)) * 0x94D049BB133111EBU;
  return word ^ (word >> 31U);
}

}  // namespace

void Fates::set(std::vector<Fault> faults) {
  faults_.clear();
  for (auto& fault : faults) faults_.push_back({.fault = std::move(fault)});
}

double Fates::chance(std::uint64_t connection, std::uint64_t turn, std::uint64_t what) const {
  auto const word = mixed(mixed(mixed(mixed(seed_) ^ connection) ^ turn) ^ what);
  return static_cast<double>(word >> 11U) * 0x1p-53;
}

std::vector<Blow> Fates::of_connection(std::uint64_t connection) { return choose(true, connection, 0); }

std::vector<Blow> Fates::of_turn(std::uint64_t connection, std::uint64_t turn) {
  return choose(false, connection, turn);
}

std::vector<Blow> Fates::choose(bool of_connection, std::uint64_t connection, std::uint64_t turn) {
  std::vector<Blow> blows;
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    auto& [fault, seen, chosen] = faults_[i];
    if (fault.of_connection != of_connection) continue;
    ++seen;
    if (fault.nth != 0 && seen != fault.nth) continue;
    if (fault.every != 0 && seen % fault.every != 0) continue;
    if (fault.share && chance(connection, turn, 2 * i) >= *fault.share) continue;
    if (fault.times && chosen >= *fault.times) continue;
    ++chosen;
    auto const where = chance(connection, turn, 2 * i + 1);
    auto const span = static_cast<double>(fault.within_bytes) + 1;
    auto const at = fault.per_mib > 0 ? -std::log1p(-where) * kMiB / fault.per_mib  // memoryless, as accidents are
                                      : static_cast<double>(fault.after_bytes) + std::floor(where * span);
    blows.push_back({.fault = fault, .at = static_cast<std::uint64_t>(at)});
  }
  return blows;
}

}  // namespace sluice::chaos

#include "tests/sim/sim_ports.h"

#include <cstdio>
#include <cstdlib>

namespace sluice::sim {
namespace {

constexpr std::size_t kLinesKept = 120;

}  // namespace

std::uint64_t mixed(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

std::uint64_t SimRandom::bits() {
  state_ += 0x9e3779b97f4a7c15;
  return mixed(state_);
}

std::int64_t SimRandom::between(std::int64_t least, std::int64_t most) {
  auto const span = static_cast<std::uint64_t>(most - least) + 1;
  return least + static_cast<std::int64_t>(bits() % span);
}

void SimLog::write(ports::Level, std::string_view line) { tell(line); }

void SimLog::tell(std::string_view line) {
  auto whole = std::to_string((clock_.now() - kBeginning).count()) + " ms  " + std::string(line);
  for (char const c : whole) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  static bool const aloud = std::getenv("SLUICE_SIM_TALK") != nullptr;
  if (aloud) std::fprintf(stderr, "%s\n", whole.c_str());
  lines_.push_back(std::move(whole));
  if (lines_.size() > kLinesKept) lines_.pop_front();
}

std::string SimLog::last_lines() const {
  std::string all;
  for (auto const& line : lines_) all += "    " + line + "\n";
  return all;
}

}  // namespace sluice::sim

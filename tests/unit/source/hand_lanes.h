// hand_lanes.h - lanes whose work is done when the test says so, or at once (the contract: core/ports/lanes.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/ports/lanes.h"

namespace sluice::source {

class HandLanes final : public ports::Lanes {
 public:
  bool start(std::string const& lane, std::uint64_t ticket, std::function<void()> work) override {
    if (at_once) work();
    if (!at_once) pieces.emplace_back(lane, ticket, std::move(work));
    return at_once;
  }
  std::vector<std::uint64_t> collect() override { return std::exchange(done, {}); }
  void finish(std::string const& lane = "/srv/drop") {
    for (auto& [name, ticket, work] : pieces)
      if (name == lane && work) {
        std::exchange(work, nullptr)();
        done.push_back(ticket);
      }
  }
  std::size_t started() const { return pieces.size(); }

  bool at_once = false;  // instead
  std::vector<std::tuple<std::string, std::uint64_t, std::function<void()>>> pieces;
  std::vector<std::uint64_t> done;
};

}  // namespace sluice::source

// sim_listeners.h - whoever is told of ends: programs and URLs that remember what they heard.
//
// A hook's program is /bin/tell with the hook's name as its argument, and a hook's URL is https://desk.sim/NAME. They
// complain of a program that is started once more for an event although it ended well in the same life of the daemon.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/ports/programs.h"
#include "core/ports/wire.h"
#include "tests/sim/sim_ports.h"

namespace sluice::sim {

class SimListeners final : public ports::Programs {
 public:
  explicit SimListeners(std::uint64_t seed) : dice_(seed, 8) {}

  // Called before and after a program does its work; may throw, and then the daemon is dead.
  void on_work(std::function<void()> moment) { moment_ = std::move(moment); }
  // Each program fails with this probability, half of them with their work done, until `most` have.
  void fail_by_dice(double probability, std::uint32_t most) { probability_ = probability, left_ = most; }
  void heal() { left_ = 0; }
  void new_life() { ended_well_.clear(); }  // of the daemon: what it did not write down it may have told again

  ports::Reply serve(ports::Call const& call);
  Result<ports::Ended> run(ports::Program const& program) override;

  // What each hook heard: the payload, by the event's id.
  using Heard = std::map<std::string, std::string>;
  Heard const& heard_by(std::string const& hook) { return heard_[hook]; }
  std::vector<std::string> const& complaints() const { return complaints_; }
  std::map<std::string, std::uint64_t> const& fired() const { return fired_; }

 private:
  void hear(std::string const& hook, std::string const& id, std::string payload);

  SimRandom dice_;
  double probability_ = 0;
  std::uint32_t left_ = 0;
  std::function<void()> moment_ = {};
  std::map<std::string, Heard> heard_ = {};
  std::set<std::pair<std::string, std::string>> ended_well_ = {};  // programs of this life, by hook and event
  std::vector<std::string> complaints_ = {};
  std::map<std::string, std::uint64_t> fired_ = {};
};

}  // namespace sluice::sim

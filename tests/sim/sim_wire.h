// sim_wire.h - the wire to the simulated platform and to the hosts beside it, in virtual time.
//
// A call that leaves arrives after a latency, is served then, and its answer comes back after another.
// Its body is read in two halves, when it leaves and when it arrives, so that a file can change in
// between. What goes wrong is asked of the MishapPlan. When the daemon dies, what has not arrived yet
// may arrive all the same: dice decide, as a kernel's send buffer would.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/ports/wire.h"
#include "tests/sim/mishaps.h"
#include "tests/sim/sim_hosts.h"
#include "tests/sim/sim_listeners.h"
#include "tests/sim/sim_platform.h"
#include "tests/sim/sim_ports.h"

namespace sluice::sim {

// What becomes of calls that had left and not arrived when the daemon died.
enum class Aftermath : std::uint8_t { kByDice, kAllArrive, kNoneArrives };

class SimWire final : public ports::Wire {
 public:
  struct Ends {  // where calls arrive
    SimPlatform& platform;
    SimHosts& hosts;
    SimListeners& listeners;
  };
  SimWire(Ends ends, SimClock const& clock, SimLog& log, MishapPlan& plan, std::uint64_t seed)
      : ends_(ends), clock_(clock), log_(log), plan_(plan), dice_(seed, 1) {}

  void send(ports::Call call) override;
  std::vector<ports::Outcome> collect() override;
  void cancel(std::uint64_t ticket) override;
  std::uint64_t progress_bytes(std::uint64_t ticket) const override;
  // A call that never comes to its end moves no byte from its departure on; all others move for as long as they fly.
  std::optional<ports::Quiet> quiet(std::uint64_t ticket) const override;

  // Lets everything happen that is due by now, in order of time.
  void run_until_now();
  // When the next outcome is to be collected; nothing if nobody waits for one.
  std::optional<WallTime> next_outcome() const;
  // The daemon is dead: no outcome reaches anybody.
  void crash(Aftermath aftermath);

  // Told of every call before it leaves, with the number of calls of that kind whose sender still waits,
  // this one included: the driver then looks whether as many intents are on disk.
  void watch_departures(std::function<void(Ask, std::size_t)> watch) { watch_ = std::move(watch); }
  std::vector<std::string> const& complaints() const { return complaints_; }
  std::uint64_t requests() const { return reached_; }       // of which at least a byte left
  std::uint64_t body_bytes() const { return body_bytes_; }  // of files, that left

 private:
  struct Trip {
    ports::Call call = {};  // its body is let go once it was read
    Request request = {};
    Mishap mishap = Mishap::kNone;
    bool awaited = true;  // somebody still waits for the outcome
    bool arrived = false;
    bool heard = false;  // the outcome was handed out
    WallTime left = {};
    WallTime arrives = {};
    WallTime answers = {};
    std::uint64_t bytes_read = 0;
    std::optional<Error> body_error = {};
    std::optional<ports::Reply> reply = {};
  };
  Trip const* trip_of(std::uint64_t ticket) const;
  void read_body(Trip& trip, std::uint64_t up_to);
  void read_rest(Trip& trip);
  void arrive(Trip& trip, WallTime now);
  std::optional<ports::Reply> serve(Trip& trip, WallTime now);
  std::optional<ports::Reply> refuse(Trip const& trip, WallTime now) const;
  ports::Reply give(Trip const& trip, WallTime now);
  std::optional<ports::Reply> garble(Trip const& trip, ports::Reply reply) const;
  ports::Outcome outcome_of(Trip& trip) const;
  std::size_t waiting(Ask ask) const;
  void forget_finished();

  Ends ends_;
  SimClock const& clock_;
  SimLog& log_;
  MishapPlan& plan_;
  SimRandom dice_;
  std::function<void(Ask, std::size_t)> watch_ = {};
  std::map<std::uint64_t, Trip> trips_ = {};  // by number of departure
  std::uint64_t sent_ = 0;
  std::uint64_t reached_ = 0, body_bytes_ = 0;
  std::vector<std::string> complaints_ = {};
};

}  // namespace sluice::sim

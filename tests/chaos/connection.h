// connection.h - one connection through the proxy: two sockets, a lane each way, and the faults that wait for it.
//
// It is pumped whenever something may have changed, and asks for nothing else; it never waits.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "tests/chaos/fates.h"
#include "tests/chaos/lane.h"
#include "tests/chaos/poll.h"
#include "tests/chaos/rules.h"
#include "tests/chaos/sockets.h"

namespace sluice::chaos {

// What the connections of one line share.
struct Street {
  Poll& poll;
  Fates fates;
  Rules rules = {};
  Counts counts = {};
  std::uint16_t to_port = 0;
  std::array<Instant, 2> paid = {};  // by Way: until when the bytes so far take the line's rate
};

class Connection {
 public:
  // `number`: the so-manieth of its line, from 1. The street must outlive it.
  Connection(std::uint64_t number, Fd client, Street& street);
  ~Connection();
  Connection(Connection const&) = delete;
  Connection& operator=(Connection const&) = delete;

  bool pump(Instant now);  // moves what can be moved. Returns false when it has ended
  // When it wants to be pumped although nothing has happened; nothing: never.
  std::optional<Instant> next(Instant now) const;
  void pause();  // until the next pump nothing is read or noticed
  void reset();  // RST to both sides; it has ended

 private:
  struct Half {
    Way way;
    Fd& from;
    Fd& to;
    Lane lane = {};
    bool from_ended = false;
    bool ended = false;     // `to` was told so
    bool discards = false;  // what comes is thrown away
    bool blocked = false;   // `to` takes nothing now
    Instant free_at = {};   // the bytes so far are paid for then
    std::uint64_t pieces = 0;
  };
  Course const& course(Half const& half) const;
  bool fill(Half& half, Instant now);   // returns whether something came
  bool drain(Half& half, Instant now);  // ... or went
  void begin_turn();
  bool strike_due(Half const& half, Instant now);  // returns whether nothing is as it was
  void strike(Fault const& fault, Instant now);
  std::size_t bytes_to_next_blow(Half const& half) const;
  void pay(Half& half, std::size_t bytes, Instant now);
  double chance(Half& half);
  bool finish_reset(Instant now);
  bool stand_still();
  void want_events();

  std::uint64_t number_;
  Street& street_;
  Fd client_;
  Fd platform_;
  Half there_;
  Half back_;
  std::vector<Blow> blows_;  // positions counted from the start of the connection
  std::uint64_t turn_ = 0;
  bool answered_ = true;           // the next byte from the client begins a turn
  std::uint64_t answer_from_ = 0;  // where in back_ this turn's answer begins
  std::optional<Instant> still_until_;
  std::optional<Instant> reset_by_;
  bool black_hole_ = false;
  bool lost_ = false;
};

}  // namespace sluice::chaos

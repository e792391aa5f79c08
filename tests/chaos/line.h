// line.h - one port of the proxy, where it leads, its rules, and the connections on it.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <vector>

#include "tests/chaos/connection.h"

namespace sluice::chaos {

class Line {
 public:
  // Listens on 127.0.0.1; port 0 picks one. Throws std::runtime_error, as the others may.
  Line(Poll& poll, std::uint64_t seed, std::uint16_t port);
  ~Line();
  Line(Line const&) = delete;
  Line& operator=(Line const&) = delete;

  std::uint16_t port() const { return port_of(listener_); }
  // Where connections from now on go.
  void lead_to(std::uint16_t port) { street_.to_port = port; }
  // For connections that stand, too. Faults are chosen anew as turns and connections begin.
  void set(Rules rules, Instant now);
  Rules const& rules() const { return street_.rules; }
  Counts const& counts() const { return street_.counts; }
  void cut();  // resets all connections

  void pump(Instant now);
  std::optional<Instant> next(Instant now) const;

 private:
  struct Phase {
    std::optional<Outage::Kind> out = {};
    std::optional<Instant> until = {};
  };
  Phase phase(Instant now) const;
  void follow_outage(Instant now);
  void begin_outage(Outage::Kind kind);
  void end_outage();
  void accept_all();

  Street street_;
  Fd listener_;
  std::list<Connection> connections_;
  Instant set_at_{};
  std::optional<Outage::Kind> out_;
  std::vector<Fd> fillers_;  // of the queue of connections, so that the kernel answers no SYN
};

}  // namespace sluice::chaos

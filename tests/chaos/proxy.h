// proxy.h - the chaos proxy: a bad line, on loopback, between programs that know nothing of it.
//
// It passes TCP bytes on between 127.0.0.1 ports, and does to them what its rules say (rules.h). One thread of its own,
// one epoll, bounded buffers. What is random comes from one seed. All functions may be called from any thread, at any
// time; what they change holds from the next byte on.
//
//   Proxy proxy(seed);
//   auto const port = proxy.open("store", emulator_port);    // clients connect to `port`
//   proxy.set("store", {.there = {.delay = 100ms}, .faults = {{.kind = Fault::Kind::kReset, .nth = 3}}});
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/chaos/line.h"

namespace sluice::chaos {

class Proxy {
 public:
  explicit Proxy(std::uint64_t seed);
  ~Proxy();  // ends all connections
  Proxy(Proxy const&) = delete;
  Proxy& operator=(Proxy const&) = delete;

  // Opens a line. It listens on `at_port`, or on one that it picks, which is returned; connections go to `to_port`,
  // which may be told later (lead). Throws std::runtime_error when it cannot.
  std::uint16_t open(std::string const& name, std::uint16_t to_port = 0, std::uint16_t at_port = 0);

  // Each of these throws std::out_of_range where there is no line of that name.
  void lead(std::string const& name, std::uint16_t to_port);
  void set(std::string const& name, Rules rules);
  Rules rules(std::string const& name) const;
  Counts counts(std::string const& name) const;
  void cut(std::string const& name);  // resets every connection on it

 private:
  Line& line(std::string const& name) const;
  void run();

  std::uint64_t seed_;
  mutable std::mutex mutex_;
  Poll poll_;
  std::map<std::string, std::unique_ptr<Line>> lines_;
  std::atomic<bool> ends_ = false;
  std::jthread thread_;  // last: it uses all the others
};

}  // namespace sluice::chaos

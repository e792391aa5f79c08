// bad_line.h - a site whose daemon reaches the platform through the chaos proxy only (tests/chaos).
//
// Two lines: "api" and "store". The emulator names the proxy in its presigned URLs and signs that as their host.
// Without rules the lines are good ones.
#pragma once

#include <string>
#include <vector>

#include "site.h"
#include "tests/chaos/proxy.h"

namespace sluice::e2e {

class BadLine {
 public:
  // `seed`: of everything that goes wrong by chance.
  explicit BadLine(std::uint64_t seed, Settings const& settings = {}, std::vector<std::string> emulator_flags = {});

  Site& site() { return site_; }
  Daemon& daemon() { return site_.daemon(); }
  void set_api(chaos::Rules rules) { proxy_.set("api", std::move(rules)); }
  void set_store(chaos::Rules rules) { proxy_.set("store", std::move(rules)); }
  chaos::Counts api() const { return proxy_.counts("api"); }
  chaos::Counts store() const { return proxy_.counts("store"); }

 private:
  chaos::Proxy proxy_;  // before the site: it is there when the emulator starts, and still when the daemon ends
  Site site_;
};

}  // namespace sluice::e2e

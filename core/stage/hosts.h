// hosts.h - what was heard of the hosts that URLs name: pauses that they asked for, and that they do not answer here.
//
// Memory only: after a start every host is asked anew. Bounded: of more than kHostsMax at once, further ones are not
// remembered.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "core/base/time.h"

namespace sluice::stage {

class Hosts {
 public:
  static constexpr std::size_t kHostsMax = 256;

  // A host asked for a pause.
  void pause(std::string const& host, WallTime until);
  std::optional<WallTime> paused_until(std::string const& host, WallTime now) const;

  // It did not answer, and need not be tried before `until`, where it was only to be tried.
  void fell_silent(std::string const& host, WallTime until);
  bool is_silent(std::string const& host, WallTime now) const;

  // Somebody out there answered, whoever: so there is a network.
  void heard(WallTime now) { heard_at_ = now; }
  bool has_heard_since(WallTime at) const { return heard_at_ && *heard_at_ >= at; }

 private:
  std::optional<WallTime> heard_at_ = {};
  std::map<std::string, WallTime> paused_ = {};  // by host
  std::map<std::string, WallTime> silent_ = {};
};

}  // namespace sluice::stage

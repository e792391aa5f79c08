// hotel.h - a line at its worst, for as long as it takes: the "bad hotel".
//
// Of all calls 5 % are reset (half of them after the platform had done what was asked), 3 % get a server error and 2 %
// stall; every five minutes nothing leaves at all for half a minute. Nobody helps and nothing ends, but the files.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.h"

namespace sluice::sim {

struct Stay {
  std::vector<std::string> broken = {};                  // promises; a file that is not done is one
  std::uint64_t requests = 0;                            // of which a byte left
  std::uint64_t body_bytes = 0;                          // of files, that left
  std::uint64_t troubles = 0;                            // calls that failed
  std::map<std::string_view, std::uint64_t> calls = {};  // by kind, those included of which no byte left
  Millis virtual_time{0};
  std::string story = {};
};

// `files` of them, videos by sessions and small ones in one request each, dropped within ten minutes. The same without
// any trouble, for comparison, where `is_bad` is false.
Stay stay_in_hotel(std::uint64_t seed, std::uint64_t files, bool is_bad);

}  // namespace sluice::sim

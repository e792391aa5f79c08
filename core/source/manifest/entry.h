// entry.h - what one line of a manifest asks for, or why it asks for nothing (M1, M6).
//
// Values only. Nothing in here was looked up anywhere: a URL is a text that parses, a name is only a name (M27).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/time.h"

namespace sluice::source::manifest {

inline constexpr std::size_t kLineBytesMax = 64 * 1024;  // of a line, and of a CSV record over several lines

// Where a line begins: its number, counted from 1, and its first byte, in what was unpacked of a compressed file.
struct Place {
  std::uint64_t line = 1;
  std::uint64_t offset = 0;
  friend bool operator==(Place const&, Place const&) = default;
};

struct Entry {
  Place place = {};
  std::string url = {};                   // as written; canonical once finish_entry() has seen it. May hold a signature
  std::string shown = {};                 // without its query; set by finish_entry()
  std::vector<std::string> mirrors = {};  // other places of the same bytes
  std::string name = {};                  // "" until finish_entry(): then from the URL
  std::string key = {};                   // the explicit key; "" for none
  std::string item_key = {};              // what tells it from all others (M2); set by finish_entry()
  std::optional<std::uint64_t> size = {};  // of the bytes behind the URL
  std::string md5 = {};                    // 32 hex digits, lower case
  std::string sha256 = {};                 // 64
  std::string kind = {};                   // "video", "audio", "image"; "" to be told by the name
  std::string index = {};
  std::string collection = {};
  std::string entity = {};
  Json metadata = {};                         // an object of scalars, or null
  std::optional<std::int64_t> priority = {};  // 0 to 100
  std::optional<WallTime> not_before = {};
  std::optional<WallTime> not_after = {};
};

// A line that asks for nothing.
struct LineError {
  Place place = {};
  std::uint64_t column = 0;  // in bytes, from 1; 0 where the reason says what is meant
  std::string reason = {};   // for people; quotes no URL
};

// What was found in some lines. `refused`: the whole file is none that can be read, and says why; nothing of it counts.
struct Found {
  std::vector<Entry> entries = {};
  std::vector<LineError> errors = {};
  std::optional<std::string> refused = {};

  void fail(Place const& place, std::uint64_t column, std::string reason) {
    errors.push_back({place, column, std::move(reason)});
  }
};

}  // namespace sluice::source::manifest

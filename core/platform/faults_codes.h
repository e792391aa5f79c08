// faults_codes.h - the tables behind faults.h: which remedy each code asks for (R31, R36 to R39).
//
// A row is a code as the platform or the storage spells it. What stands in no row falls under its
// status (R38); the two by_status functions leave no status undefined.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/time.h"

namespace sluice::platform {

enum class Remedy : std::uint8_t {
  kRetry,       // again, with backoff
  kPermanent,   // a person must act
  kReauth,      // stop all calls with this key
  kRefreshUrl,  // storage only: by another URL
  kWait,        // pause the quota group; no failure
  kGone,        // the thing is not there (R37)
};

struct CodeRow {
  std::string_view code;
  Remedy remedy;
  std::uint32_t repeats_max = 0;  // where the table says "once" or "twice"; 0: the remedy alone decides
  Millis default_wait{0};         // the lower bound of a wait, when no header names one
};

std::span<CodeRow const> api_codes();      // R37, R39
std::span<CodeRow const> storage_codes();  // R31

// Null when the table has no such code.
CodeRow const* find_code(std::span<CodeRow const> table, std::string_view code);

// For a status of 400 to 599.
Remedy api_remedy_by_status(int status);      // R38
Remedy storage_remedy_by_status(int status);  // R38, but that no key is refused: the URL holds the rights

}  // namespace sluice::platform

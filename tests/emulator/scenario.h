// scenario.h - the fault rules: which request is to go wrong, and how (R69).
//
// A rule names requests by method, by a glob over the path beneath the base path (chunk PUTs are
// "/chunk-store/*") and by which of the matching ones are meant. Rules are asked in order; every rule
// that matches counts the request, delays add up, and the first other action that fires is taken.
// The rule set can be replaced while the emulator runs; counting then starts anew.
//
// {"rules": [{"method": "POST", "path": "/assets/*", "nth": 3, "action": "cut_after"}, ...]}
//
//   which      "nth": n   the n-th matching request since the rule was armed
//              "every": n   each n-th        "probability": p   by the seeded dice        none: each one
//              "times": n   fires at most n times; 1 with nth, else without end
//              "reused_only": true   not the first request on its connection
//   action     status        "status", "body" or "code", "retry_after", "headers": {}, "after_effect": true
//              throttle      429, "retry_after", "empty_body": true
//              delay         "ms": before the effect, once the body is in
//              stall         "after_bytes", "ms": stops reading in the middle of the body
//              cut_before    reset, nothing done          cut_after    done, closed without a byte of an answer
//              cut_body      "after_bytes": reset while the body is being read
//              expire        a chunk PUT: 403 as after its expiry; a session call: the session expires first
//              fail_asset    the asset (or indexed asset) made by this call ends as failed; "message"
//              fail_chunk    a chunk PUT, or the first new chunk of a report: shows up as failed after its report
//              wrong_etag    one byte of the chunk arrives damaged: ETag and stored bytes agree, the file does not
//              opaque_etag   32 hex digits that are no MD5; "kms_header": true says so in a header (R33)

#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "text.h"

namespace sluice::emulator {

enum class Action {
  kNone,
  kStatus,
  kThrottle,
  kDelay,
  kStall,
  kCutBefore,
  kCutAfter,
  kCutBody,
  kExpire,
  kFailAsset,
  kFailChunk,
  kWrongEtag,
  kOpaqueEtag,
};

// What is to happen to one request; the fields beside `action` belong to some actions only.
struct Verdict {
  Action action = Action::kNone;
  std::int64_t delay_ms = 0;  // sum of the delay rules that fired
  std::int64_t stall_ms = 0;
  std::uint64_t after_bytes = 0;
  int status = 503;
  std::optional<std::string> body = std::nullopt;
  std::string code = {};
  std::string message = {};
  std::string retry_after = {};
  Pairs headers = {};
  bool after_effect = false;
  bool empty_body = false;
  bool kms_header = false;
};

struct BadScenario : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Scenario {
 public:
  explicit Scenario(std::uint64_t seed) : dice_(seed) {}

  // Replaces all rules by those of a JSON text. Throws BadScenario, which names the rule and the key,
  // and then leaves the old rules as they were.
  void arm(std::string const& json_text);

  // Counts this request against every rule it matches, and says what is to happen to it.
  Verdict judge(std::string_view method, std::string_view path, bool reused_connection);

 private:
  struct Rule {
    std::string method;  // empty: any
    std::string path = "*";
    std::uint64_t nth = 0;
    std::uint64_t every = 0;
    std::optional<double> probability;
    std::optional<std::uint64_t> times;
    bool reused_only = false;
    Verdict then;
    std::uint64_t seen = 0;
    std::uint64_t fired = 0;
  };
  friend struct RuleReader;
  bool fires(Rule& rule);

  std::mutex mutex_;
  std::vector<Rule> rules_;
  std::mt19937_64 dice_;
};

}  // namespace sluice::emulator

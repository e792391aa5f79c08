// rules.h - what goes wrong on a line of the chaos proxy, and when: plain values, which may change while it runs.
//
// The proxy knows bytes and no HTTP, so that TLS passes as it is. All the same it knows *turns*: one begins with the
// first byte that the client sends after it was answered, or first of all, and ends with the answer. Where a
// connection carries one call at a time, as HTTP/1.1 without pipelining does, a turn is a call. An answer that comes
// before its question is out splits it into two turns.
//
// What a user-space proxy cannot do: delay or lose single packets, and hold a connection up before it is accepted.
// For the latter there is Outage::kSilence.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::chaos {

using Millis = std::chrono::milliseconds;
using Instant = std::chrono::steady_clock::time_point;

enum class Way : std::uint8_t {
  kThere,  // from who connected to where the line leads
  kBack,
};

// What holds for every byte of one way. Order is always kept.
struct Course {
  Millis delay{0};
  Millis jitter{0};                   // each piece takes `delay`, more or less by up to this much
  std::uint64_t bytes_per_s = 0;      // of each connection; 0 for no limit
  std::uint64_t all_bytes_per_s = 0;  // of all connections of the line together; 0 for no limit
};

// One thing that goes wrong. It is chosen for a turn or for a connection as that begins, and strikes when the byte
// after `after_bytes` (of the turn or the connection, in that way) is about to be passed on: those before it arrive.
// On a turn whose question is shorter, what should strike on the way there strikes before the answer's first byte.
struct Fault {
  enum class Kind : std::uint8_t {
    kReset,      // RST to both sides
    kStall,      // no byte moves, in neither way, for `lasts`; then it goes on as if nothing had been
    kHalfClose,  // this way ends in good order (FIN) and takes no more bytes; the other goes on
    kCorrupt,    // `flip` is XORed into the byte; nothing else changes
    kBlackHole,  // bytes are taken and thrown away from here on, in both ways
  };
  Kind kind = Kind::kReset;
  Way way = Way::kThere;
  bool of_connection = false;      // else of a turn
  std::uint64_t after_bytes = 0;   // ...
  std::uint64_t within_bytes = 0;  // ... and up to so many more, by the dice
  std::optional<Millis> lasts{};   // kStall; nothing: until the client gives up
  std::uint8_t flip = 0x01;        // kCorrupt
  // Which turns or connections, counted over the line since the rules were set; all of these must hold.
  std::uint64_t nth = 0;          // that one alone; 0: no matter
  std::uint64_t every = 0;        // each so-manieth; 0: no matter
  std::optional<double> share{};  // by the dice, 0 to 1
  // Of connections: strikes after a number of bytes that makes it happen so often per MiB passed in this way.
  // `after_bytes` and `within_bytes` do not matter then.
  double per_mib = 0;
  std::optional<std::uint64_t> times{};  // at most; nothing: without end
};

// All of a line is gone, again and again: the last `lasts` of each `every`, counted from when the rules were set.
// With `every` 0 it is gone at once and for `lasts`; and with that 0 too, until the rules change.
struct Outage {
  enum class Kind : std::uint8_t {
    kRefuse,   // connections are reset, new ones refused
    kSilence,  // connections stand still and go on afterwards; the SYN of a new one is not answered
  };
  Kind kind = Kind::kRefuse;
  Millis lasts{0};
  Millis every{0};
};

struct Rules {
  Course there{};
  Course back{};
  std::vector<Fault> faults{};  // all that fit strike
  std::optional<Outage> outage{};
};

// What came by a line since it was opened.
struct Counts {
  std::uint64_t connections = 0;
  std::uint64_t turns = 0;
  std::uint64_t bytes_there = 0;  // taken from clients
  std::uint64_t bytes_back = 0;   // taken from the other side
  std::uint64_t resets = 0;       // faults that struck
  std::uint64_t stalls = 0;
  std::uint64_t half_closes = 0;
  std::uint64_t corruptions = 0;
  std::uint64_t black_holes = 0;
  std::uint64_t outages = 0;  // that began
};

}  // namespace sluice::chaos

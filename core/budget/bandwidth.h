// bandwidth.h - the bucket that keeps payload to a rate.
//
// What is counted is payload handed to the network library, not the bytes that TLS and TCP put around it (some 3 %).
// Pure: the clock is an argument.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/base/time.h"

namespace sluice::budget {

// A token bucket over all uploads. Holds a twentieth of a second's bytes at the most, so that a pause is not
// followed by a burst.
class SendRate {
 public:
  // Nothing: no cap. What is in the bucket stays, up to what the new rate lets it hold.
  void set(std::optional<std::uint64_t> bytes_per_s, BootTime now);
  bool is_capped() const { return bytes_per_s_.has_value(); }
  std::optional<std::uint64_t> bytes_per_s() const { return bytes_per_s_; }

  // How many of `wanted` bytes may leave now, where `sharers` uploads wait for their turn: 0 to `wanted`.
  std::size_t take(std::size_t wanted, std::size_t sharers, BootTime now);
  // Those that did not leave after all.
  void give_back(std::size_t bytes) { tokens_ += static_cast<double>(bytes); }
  // How many of `sharers` uploads can be given a piece now.
  std::size_t served(std::size_t sharers, BootTime now);
  // When it is worth asking again; `now` where something may leave.
  BootTime next(BootTime now) const;

 private:
  double bucket() const;
  void fill(BootTime now);

  std::optional<std::uint64_t> bytes_per_s_ = {};
  double tokens_ = 0;
  BootTime filled_{};
};

}  // namespace sluice::budget

// media.h - files to ingest, made from a seed, and their digests; and the dice of a test.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace sluice::e2e {

// Writes a file of seeded bytes, beginning with `head`.
// Returns  the SHA-256 of what was written, in hex digits.
std::string write_media(std::string const& path, std::uint64_t bytes, std::uint64_t seed, std::string_view head = "");

// The seed of this run: $SLUICE_SEED, else the clock. It is printed, so that a failure can be replayed.
std::uint64_t run_seed();

// A number of the environment, else `otherwise`. For byte counts 64MiB and 2GiB are understood.
std::uint64_t setting(char const* name, std::uint64_t otherwise);

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t between(std::uint64_t least, std::uint64_t most) {
    return std::uniform_int_distribution<std::uint64_t>(least, most)(engine_);
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace sluice::e2e

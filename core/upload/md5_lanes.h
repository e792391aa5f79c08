// md5_lanes.h - MD5 of several streams side by side, in the lanes of vector registers.
//
// Each step of MD5 waits for the one before, so one stream leaves most of a core idle; fed together, streams cost far
// less. In GB per CPU second, pieces of 64 KiB in the core's cache, GCC 12.2 on an AMD EPYC of family 26 (2026-11), by
// tests/bench/micro/md5_bench.cc:
//
//   pieces fed together       1     2     3     4     5     6     8    12    16    20    24    32
//   OpenSSL 3.0 (EVP)      0.83  0.80  0.81  0.81  0.81  0.81  0.82  0.81  0.81  0.81  0.81  0.81
//   here, any x86-64       0.84  1.63  1.91  1.88  1.84  1.91  2.52  2.52  2.51  2.52  2.50  2.50
//         AVX2             0.83  1.62  1.89  1.88  1.83  1.97  2.61  3.58  4.60  4.61  4.61  4.60
//         AVX-512F         0.86  1.66  1.91  1.83  2.27  2.72  3.61  5.44  6.98  6.91  7.89  9.78
//
// For a second now and then 2 to 6 pieces gave 1.4 only, probably while a neighbour had the core's other thread.
//
// OpenSSL has no part in it, not even for one piece: a state cannot be handed from EVP to the lanes and back, its old
// MD5_CTX that could is deprecated, and this code is no slower than either (MD5_Update: 0.82). So a host in FIPS mode,
// where EVP refuses MD5, can compare ETags too. That comparison finds damage, not forgery: MD5 is here because many
// ETags are MD5 (R33), and nothing may rely on it for safety.
//
// No threads, no I/O, no state but what is in the digests; different digests may be used by different threads. The
// instruction set is chosen at run time, so one binary serves every x86-64. Elsewhere it is plain code, with NEON where
// the compiler has it; that was not tried on such a machine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::upload {

struct Md5Piece;
enum class Md5Isa;

// The digest of one stream, as far as it was fed. A plain value: a copy goes its own way, and a move is a copy.
class Md5 {
 public:
  // The same as md5_update over this one piece.
  void update(std::span<std::byte const> bytes);

  // Returns   the MD5 of all that was fed so far, its bytes in the order in which an ETag writes them.
  //           The digest stays as it was: it may be fed more, and asked again.
  std::array<std::byte, 16> finish() const;

 private:
  friend void md5_update(std::span<Md5Piece const> pieces, Md5Isa isa);

  static constexpr std::size_t kBlockBytes = 64;  // RFC 1321: MD5 advances by 512 bits

  std::size_t tail_bytes() const { return static_cast<std::size_t>(fed_bytes_ % kBlockBytes); }
  std::span<std::byte const> fill_tail(std::span<std::byte const> bytes);

  std::array<std::uint32_t, 4> state_{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};  // RFC 1321, 3.3
  std::uint64_t fed_bytes_ = 0;
  std::array<std::byte, kBlockBytes> tail_{};  // the last fed_bytes_ % 64 bytes, not yet in state_
};

// The bytes by which one digest is to advance. They are only read, and not kept.
struct Md5Piece {
  Md5* digest;
  std::span<std::byte const> bytes;
};

// Advances each digest over its piece, all of them side by side.
//
// Any number of pieces, of any lengths. Where there are more than lanes, those with the most left go first, a few KiB
// in turn, so that all end together and no lane idles for long. What is then left alone runs at the speed of one:
// pieces of like lengths are best.
//
// Requires  a different digest for each piece.
void md5_update(std::span<Md5Piece const> pieces);

// The instruction sets there is code for; md5_update uses the last one that runs here.
enum class Md5Isa { kBaseline, kAvx2, kAvx512 };

// Whether this processor, and the system on it, can run that code.
bool md5_runs(Md5Isa isa);

// The same as md5_update above, by this instruction set: for tests and benchmarks.
//
// Requires  md5_runs(isa), and a different digest for each piece.
void md5_update(std::span<Md5Piece const> pieces, Md5Isa isa);

}  // namespace sluice::upload

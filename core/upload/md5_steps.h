// md5_steps.h - the 64 steps of MD5 over any word: one stream, or as many as a vector has lanes.
//
// For the md5_kernels_*.cc alone. Each of them is compiled for another instruction set, so nothing in here has external
// linkage, and nothing with inline functions of its own is included: the linker keeps one copy of an inline function,
// and it might keep the one that only the newest machines can run.
//
// A `Word` is std::uint32_t, a vector of it (GCC's vector extension, a stream in each lane), or a Pair of either: one
// MD5 is a chain of steps that wait for one another, so two chains in turn take little longer than one. A Pair may hold
// a Pair, which makes three. For the same reason the additions stand in an order that needs the newest word, `b`, last;
// GCC's -ftree-reassoc would undo that.
//
// Source: RFC 1321.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::upload {
namespace {

using Byte = unsigned char;

template <unsigned kLanes>
struct VectorOf {
  using Type [[gnu::vector_size(4 * kLanes)]] = std::uint32_t;
};
template <unsigned kLanes>
using Vector = typename VectorOf<kLanes>::Type;

// Inlined by force: GCC gives up on so many calls, and what is passed in memory costs more than MD5 itself.
template <class X, class Y = X>
struct Pair {
  X x;
  Y y;
  [[gnu::always_inline]] friend Pair operator+(Pair const& p, Pair const& q) { return {p.x + q.x, p.y + q.y}; }
  [[gnu::always_inline]] friend Pair operator&(Pair const& p, Pair const& q) { return {p.x & q.x, p.y & q.y}; }
  [[gnu::always_inline]] friend Pair operator|(Pair const& p, Pair const& q) { return {p.x | q.x, p.y | q.y}; }
  [[gnu::always_inline]] friend Pair operator^(Pair const& p, Pair const& q) { return {p.x ^ q.x, p.y ^ q.y}; }
  [[gnu::always_inline]] friend Pair operator~(Pair const& p) { return {~p.x, ~p.y}; }
  [[gnu::always_inline]] friend Pair operator+(Pair const& p, std::uint32_t n) { return {p.x + n, p.y + n}; }
  [[gnu::always_inline]] friend Pair operator<<(Pair const& p, int n) { return {p.x << n, p.y << n}; }
  [[gnu::always_inline]] friend Pair operator>>(Pair const& p, int n) { return {p.x >> n, p.y >> n}; }
};

// clang-format off
constexpr std::uint32_t kSines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
// clang-format on
constexpr int kTurns[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
constexpr int kWordFactor[4] = {1, 5, 3, 7};
constexpr int kWordOffset[4] = {0, 1, 5, 0};

template <int kStep, class Word>
[[gnu::always_inline]] inline void step(Word& a, Word const& b, Word const& c, Word const& d, Word const (&w)[16]) {
  constexpr int kRound = kStep / 16;
  constexpr int kTurn = kTurns[kRound][kStep % 4];
  Word sum = a + w[(kWordFactor[kRound] * kStep + kWordOffset[kRound]) % 16] + kSines[kStep];
  if constexpr (kRound == 0) sum = sum + (d ^ (b & (c ^ d)));
  // RFC 1321 has an OR here; its sides have no bit in common, so the one without `b` can be added ahead of time.
  if constexpr (kRound == 1) sum = sum + (c & ~d) + (b & d);
  if constexpr (kRound == 2) sum = sum + ((c ^ d) ^ b);
  if constexpr (kRound == 3) sum = sum + (c ^ (b | ~d));
  a = b + ((sum << kTurn) | (sum >> (32 - kTurn)));
}

template <int kFrom, class Word>
[[gnu::always_inline]] inline void sixteen_steps(Word& a, Word& b, Word& c, Word& d, Word const (&w)[16]) {
  step<kFrom + 0>(a, b, c, d, w), step<kFrom + 1>(d, a, b, c, w);
  step<kFrom + 2>(c, d, a, b, w), step<kFrom + 3>(b, c, d, a, w);
  step<kFrom + 4>(a, b, c, d, w), step<kFrom + 5>(d, a, b, c, w);
  step<kFrom + 6>(c, d, a, b, w), step<kFrom + 7>(b, c, d, a, w);
  step<kFrom + 8>(a, b, c, d, w), step<kFrom + 9>(d, a, b, c, w);
  step<kFrom + 10>(c, d, a, b, w), step<kFrom + 11>(b, c, d, a, w);
  step<kFrom + 12>(a, b, c, d, w), step<kFrom + 13>(d, a, b, c, w);
  step<kFrom + 14>(c, d, a, b, w), step<kFrom + 15>(b, c, d, a, w);
}

// Loads: one 64-byte block of each stream, so that w[i] holds the i-th word of all of them.
// With 16 lanes the shuffles below give 7.0 GB/s, the gather instruction 4.2, and inserts word by word 3.8.

// Word by word: chains in turn read the words where they lie, and not from a copy.
[[gnu::always_inline]] inline void load(std::uint32_t (&w)[16], Byte const* const* at) {
  for (int i = 0; i < 16; ++i) {
    __builtin_memcpy(&w[i], *at + 4 * i, 4);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    w[i] = __builtin_bswap32(w[i]);
#endif
  }
}

[[gnu::always_inline]] inline Vector<4> quarter(Byte const* at) {
  Vector<4> words;
  __builtin_memcpy(&words, at, sizeof words);
  return words;
}
// The same 16 bytes of every fourth stream, side by side.
[[gnu::always_inline]] inline void fourths(Vector<4>& to, Byte const* const* at, int offset) {
  to = quarter(at[0] + offset);
}
[[gnu::always_inline]] inline void fourths(Vector<8>& to, Byte const* const* at, int offset) {
  to = __builtin_shufflevector(quarter(at[0] + offset), quarter(at[4] + offset), 0, 1, 2, 3, 4, 5, 6, 7);
}
[[gnu::always_inline]] inline void fourths(Vector<16>& to, Byte const* const* at, int offset) {
  Vector<8> low, high;
  fourths(low, at, offset);
  fourths(high, at + 8, offset);
  to = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

// Words 0 and 1, or 2 and 3, of each four lanes of `p` and `q` in turn: p0 q0 p1 q1, as one shuffle instruction does.
[[gnu::always_inline]] inline void zip(Vector<4>& low, Vector<4>& high, Vector<4> const& p, Vector<4> const& q) {
  low = __builtin_shufflevector(p, q, 0, 4, 1, 5);
  high = __builtin_shufflevector(p, q, 2, 6, 3, 7);
}
[[gnu::always_inline]] inline void zip(Vector<8>& low, Vector<8>& high, Vector<8> const& p, Vector<8> const& q) {
  low = __builtin_shufflevector(p, q, 0, 8, 1, 9, 4, 12, 5, 13);
  high = __builtin_shufflevector(p, q, 2, 10, 3, 11, 6, 14, 7, 15);
}
[[gnu::always_inline]] inline void zip(Vector<16>& low, Vector<16>& high, Vector<16> const& p, Vector<16> const& q) {
  low = __builtin_shufflevector(p, q, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
  high = __builtin_shufflevector(p, q, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
}

// Two zips turn four streams' four words into four words' four streams: first streams 0 and 2, 1 and 3, then those.
template <class Word>
[[gnu::always_inline]] inline void load(Word (&w)[16], Byte const* const* at) {
  for (int i = 0; i < 16; i += 4) {
    Word p, q, r, s, even_low, even_high, odd_low, odd_high;
    fourths(p, at, 4 * i);
    fourths(q, at + 1, 4 * i);
    fourths(r, at + 2, 4 * i);
    fourths(s, at + 3, 4 * i);
    zip(even_low, even_high, p, r);
    zip(odd_low, odd_high, q, s);
    zip(w[i], w[i + 1], even_low, odd_low);
    zip(w[i + 2], w[i + 3], even_high, odd_high);
  }
}

template <class X, class Y>
[[gnu::always_inline]] inline void load(Pair<X, Y> (&w)[16], Byte const* const* at) {
  X x[16];
  Y y[16];
  load(x, at);
  load(y, at + sizeof(X) / 4);
  for (int i = 0; i < 16; ++i) w[i] = {x[i], y[i]};
}

// Advances sizeof(Word)/4 streams by `blocks` blocks of 64 bytes each. `state` holds the word A of each stream, then B,
// C and D; `streams` the address of each stream's bytes.
template <class Word>
[[gnu::always_inline]] inline void advance(std::uint32_t* state, Byte const* const* streams, std::size_t blocks) {
  constexpr unsigned kLanes = sizeof(Word) / 4;
  Byte const* at[kLanes];
  for (unsigned i = 0; i < kLanes; ++i) at[i] = streams[i];
  Word a, b, c, d;
  __builtin_memcpy(&a, state, sizeof a);
  __builtin_memcpy(&b, state + kLanes, sizeof b);
  __builtin_memcpy(&c, state + 2 * kLanes, sizeof c);
  __builtin_memcpy(&d, state + 3 * kLanes, sizeof d);
  for (; blocks > 0; --blocks) {
    Word const old_a = a, old_b = b, old_c = c, old_d = d;
    Word w[16];
    load(w, at);
    sixteen_steps<0>(a, b, c, d, w);
    sixteen_steps<16>(a, b, c, d, w);
    sixteen_steps<32>(a, b, c, d, w);
    sixteen_steps<48>(a, b, c, d, w);
    a = a + old_a, b = b + old_b, c = c + old_c, d = d + old_d;
    for (auto& stream : at) stream += 64;
  }
  __builtin_memcpy(state, &a, sizeof a);
  __builtin_memcpy(state + kLanes, &b, sizeof b);
  __builtin_memcpy(state + 2 * kLanes, &c, sizeof c);
  __builtin_memcpy(state + 3 * kLanes, &d, sizeof d);
}

}  // namespace
}  // namespace sluice::upload

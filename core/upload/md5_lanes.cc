#include "core/upload/md5_lanes.h"

#include <algorithm>
#include <cassert>
#include <functional>
#include <iterator>
#include <utility>
#include <vector>

#include "core/upload/md5_kernels.h"

namespace sluice::upload {
namespace {

// Whole blocks that one digest has to take.
struct Run {
  std::uint32_t* state;  // four words
  unsigned char const* at;
  std::size_t blocks;
};

// A kernel, and from how many runs on it is the quickest. The break-evens are from an AMD EPYC of family 26 (Zen 5)
// with GCC 12.2: n of L lanes in use give n/L of the kernel's throughput, so a wider kernel must make up for its empty
// lanes. Where two are within 3 %, it is the wider: fewer instructions lose less on a core that is shared.
struct Choice {
  std::size_t from_runs;
  std::size_t lanes;
  Md5Kernel* kernel;
};
constexpr std::size_t kLanesMax = 32;
#if defined(__SSE2__) || defined(__ARM_NEON)
constexpr Choice kBaseline[] = {{1, 1, md5_x1}, {2, 2, md5_x2}, {3, 3, md5_x3}, {6, 8, md5_x8}};
#else
constexpr Choice kBaseline[] = {{1, 1, md5_x1}, {2, 2, md5_x2}, {3, 3, md5_x3}};  // vectors would be taken apart again
#endif
#ifdef __x86_64__
constexpr Choice kAvx2[] = {{1, 1, md5_x1}, {2, 2, md5_x2}, {3, 3, md5_x3}, {6, 8, md5_x8_avx2}, {9, 16, md5_x16_avx2}};
constexpr Choice kAvx512[] = {
    {1, 1, md5_x1}, {2, 2, md5_x2}, {3, 3, md5_x3}, {4, 16, md5_x16_avx512}, {24, 32, md5_x32_avx512}};
#endif

// More runs than lanes take turns of 8 KiB: long against the cost of a turn, short against a piece.
constexpr std::size_t kTurnBlocks = 128;

std::span<Choice const> choices(Md5Isa isa) {
#ifdef __x86_64__
  if (isa == Md5Isa::kAvx512) return kAvx512;
  if (isa == Md5Isa::kAvx2) return kAvx2;
#endif
  assert(isa == Md5Isa::kBaseline);
  return kBaseline;
}

Choice const& choose(std::span<Choice const> from, std::size_t runs) {
  auto const too_wide = std::ranges::upper_bound(from, runs, {}, &Choice::from_runs);
  assert(too_wide != from.begin());
  return *std::prev(too_wide);
}

// Advances the runs, at most as many as there are lanes, by as many blocks each.
void advance(std::span<Run> runs, Choice const& choice, std::size_t blocks) {
  auto const lanes = choice.lanes;
  assert(!runs.empty() && runs.size() <= lanes && lanes <= kLanesMax);
  std::array<std::uint32_t, 4 * kLanesMax> state;
  std::array<unsigned char const*, kLanesMax> streams;
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    auto const& run = runs[lane < runs.size() ? lane : 0];  // an idle lane computes the first run again, for nobody
    streams[lane] = run.at;
    for (std::size_t word = 0; word < 4; ++word) state[word * lanes + lane] = run.state[word];
  }
  choice.kernel(state.data(), streams.data(), blocks);
  for (std::size_t lane = 0; lane < runs.size(); ++lane) {
    for (std::size_t word = 0; word < 4; ++word) runs[lane].state[word] = state[word * lanes + lane];
    runs[lane].at += 64 * blocks;
    runs[lane].blocks -= blocks;
  }
}

// Brings all runs to their ends.
void advance_all(std::vector<Run>& runs, Md5Isa isa) {
  auto const from = choices(isa);
  std::erase_if(runs, [](Run const& run) { return run.blocks == 0; });
  while (!runs.empty()) {
    auto const& choice = choose(from, runs.size());
    auto const lanes = std::min(runs.size(), choice.lanes);
    auto blocks = SIZE_MAX;
    if (lanes < runs.size()) {
      // Those with the most left now: none of them may be left over, alone, when the others have ended.
      auto const rest = runs.begin() + static_cast<std::ptrdiff_t>(lanes);
      std::ranges::nth_element(runs, rest, std::greater(), &Run::blocks);
      blocks = kTurnBlocks;
    }
    auto const now = std::span(runs).first(lanes);
    blocks = std::min(blocks, std::ranges::min(now, {}, &Run::blocks).blocks);
    advance(now, choice, blocks);
    std::erase_if(runs, [](Run const& run) { return run.blocks == 0; });
  }
}

unsigned char const* raw(std::byte const* bytes) { return reinterpret_cast<unsigned char const*>(bytes); }

bool all_different(std::span<Md5Piece const> pieces) {
  if (pieces.size() < 2) return true;
  std::vector<Md5*> digests(pieces.size());
  std::ranges::transform(pieces, digests.begin(), &Md5Piece::digest);
  std::ranges::sort(digests);
  return std::ranges::adjacent_find(digests) == digests.end();
}

Md5Isa best_isa() {
  for (auto const isa : {Md5Isa::kAvx512, Md5Isa::kAvx2}) {
    if (md5_runs(isa)) return isa;
  }
  return Md5Isa::kBaseline;
}

}  // namespace

bool md5_runs(Md5Isa isa) {
#ifdef __x86_64__
  // These ask the system as well: it must save the wide registers.
  if (isa == Md5Isa::kAvx512) return __builtin_cpu_supports("avx512f") != 0;
  if (isa == Md5Isa::kAvx2) return __builtin_cpu_supports("avx2") != 0;
#endif
  return isa == Md5Isa::kBaseline;
}

void md5_update(std::span<Md5Piece const> pieces) { md5_update(pieces, best_isa()); }

void md5_update(std::span<Md5Piece const> pieces, Md5Isa isa) {
  assert(md5_runs(isa));
  assert(all_different(pieces));

  // First the tails that now become whole blocks, then the blocks that can be read where they lie.
  std::vector<std::span<std::byte const>> left(pieces.size());
  std::vector<Run> runs;
  runs.reserve(pieces.size());
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    auto& md5 = *pieces[i].digest;
    auto const had_tail = md5.tail_bytes() > 0;
    left[i] = md5.fill_tail(pieces[i].bytes);
    if (had_tail && md5.tail_bytes() == 0) runs.push_back({md5.state_.data(), raw(md5.tail_.data()), 1});
  }
  advance_all(runs, isa);

  for (std::size_t i = 0; i < pieces.size(); ++i) {
    runs.push_back({pieces[i].digest->state_.data(), raw(left[i].data()), left[i].size() / Md5::kBlockBytes});
  }
  advance_all(runs, isa);

  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (left[i].empty()) continue;
    auto& md5 = *pieces[i].digest;
    md5.fed_bytes_ += left[i].size();
    std::ranges::copy(left[i].last(md5.tail_bytes()), md5.tail_.begin());
  }
}

void Md5::update(std::span<std::byte const> bytes) {
  Md5Piece const piece{this, bytes};
  md5_update(std::span(&piece, 1));
}

// Fills up the tail, if there is one; returns what is left of the bytes.
std::span<std::byte const> Md5::fill_tail(std::span<std::byte const> bytes) {
  auto const used = tail_bytes();
  if (used == 0) return bytes;
  auto const head = bytes.first(std::min(bytes.size(), kBlockBytes - used));
  std::ranges::copy(head, tail_.begin() + static_cast<std::ptrdiff_t>(used));
  fed_bytes_ += head.size();
  return bytes.subspan(head.size());
}

// RFC 1321, 3.1 and 3.2: a 1 bit, zeros up to 8 bytes short of a block's end, then the count of bits, low byte first.
std::array<std::byte, 16> Md5::finish() const {
  std::array<std::byte, 2 * kBlockBytes> end{};
  std::ranges::copy(std::span(tail_).first(tail_bytes()), end.begin());
  end[tail_bytes()] = std::byte{0x80};
  auto const blocks = tail_bytes() + 1 + 8 <= kBlockBytes ? 1u : 2u;
  auto const bits = fed_bytes_ * 8;  // modulo 2^64, as the RFC says
  for (unsigned i = 0; i < 8; ++i) end[blocks * kBlockBytes - 8 + i] = static_cast<std::byte>(bits >> (8 * i));

  auto state = state_;
  auto const* const at = raw(end.data());
  md5_x1(state.data(), &at, blocks);

  std::array<std::byte, 16> md5;
  for (unsigned i = 0; i < 16; ++i) md5[i] = static_cast<std::byte>(state[i / 4] >> (8 * (i % 4)));
  return md5;
}

}  // namespace sluice::upload

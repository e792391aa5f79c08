// md5_bench - MD5 in GB per CPU second, by instruction set and number of pieces fed together, against OpenSSL's.
//
// Pieces of 64 KiB that stay in the second-level cache, as a caller has just read them. The figures in md5_lanes.h are
// the rows `best`, by CPU time: other work on the machine can only slow them.
//
//   md5_bench --benchmark_min_time=0.02 --benchmark_repetitions=20 --benchmark_report_aggregates_only
#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/upload/md5_lanes.h"

namespace sluice::upload {
namespace {

constexpr std::size_t kPieceBytes = 64 << 10;
constexpr std::size_t kPiecesMax = 32;

std::vector<std::byte> const& bytes() {
  static std::vector<std::byte> const all = [] {
    std::vector<std::byte> made(kPiecesMax * kPieceBytes);
    std::uint32_t word = 1;
    for (auto& byte : made) byte = static_cast<std::byte>((word = word * 1664525 + 1013904223) >> 24);
    return made;
  }();
  return all;
}

std::span<std::byte const> piece(std::size_t index) {
  return std::span(bytes()).subspan(index * kPieceBytes, kPieceBytes);
}

void together(benchmark::State& state, Md5Isa isa) {
  if (!md5_runs(isa)) return state.SkipWithError("not on this processor");
  auto const count = static_cast<std::size_t>(state.range(0));
  std::vector<Md5> digests(count);
  std::vector<Md5Piece> pieces;
  for (std::size_t i = 0; i < count; ++i) pieces.push_back({&digests[i], piece(i)});
  for (auto _ : state) md5_update(pieces, isa);
  for (auto const& digest : digests) benchmark::DoNotOptimize(digest.finish());
  state.SetBytesProcessed(state.iterations() * state.range(0) * static_cast<std::int64_t>(kPieceBytes));
}

// The pieces one after the other, as OpenSSL can only do.
void openssl(benchmark::State& state) {
  auto const count = static_cast<std::size_t>(state.range(0));
  auto* const context = EVP_MD_CTX_new();
  if (EVP_DigestInit_ex(context, EVP_md5(), nullptr) != 1) state.SkipWithError("OpenSSL has no MD5 here");
  for (auto _ : state) {
    for (std::size_t i = 0; i < count; ++i) EVP_DigestUpdate(context, piece(i).data(), kPieceBytes);
  }
  EVP_MD_CTX_free(context);
  state.SetBytesProcessed(state.iterations() * state.range(0) * static_cast<std::int64_t>(kPieceBytes));
}

void counts(benchmark::internal::Benchmark* bench) {
  bench->ArgName("pieces");
  for (auto const count : {1, 2, 3, 4, 5, 6, 8, 12, 16, 20, 24, 32}) bench->Arg(count);
  bench->ComputeStatistics("best", [](auto const& times) { return *std::ranges::min_element(times); });
}

BENCHMARK(openssl)->Apply(counts);
BENCHMARK_CAPTURE(together, baseline, Md5Isa::kBaseline)->Apply(counts);
BENCHMARK_CAPTURE(together, avx2, Md5Isa::kAvx2)->Apply(counts);
BENCHMARK_CAPTURE(together, avx512, Md5Isa::kAvx512)->Apply(counts);

}  // namespace
}  // namespace sluice::upload

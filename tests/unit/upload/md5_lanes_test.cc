// SLUICE_SEED=41 in the environment repeats a run; a failure names its seed.
#include "core/upload/md5_lanes.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "core/base/text.h"

namespace sluice::upload {

static std::string name(Md5Isa isa) {
  switch (isa) {
    case Md5Isa::kBaseline: return "Baseline";
    case Md5Isa::kAvx2: return "Avx2";
    case Md5Isa::kAvx512: return "Avx512";
  }
  std::abort();
}
void PrintTo(Md5Isa isa, std::ostream* to) { *to << name(isa); }  // found by GoogleTest

namespace {

static_assert(std::is_trivially_copyable_v<Md5>);

using Bytes = std::span<std::byte const>;

std::string by_openssl(Bytes bytes) {
  std::array<std::byte, 16> md5{};
  auto* const to = reinterpret_cast<unsigned char*>(md5.data());
  EXPECT_EQ(EVP_Digest(bytes.data(), bytes.size(), to, nullptr, EVP_md5(), nullptr), 1);
  return to_hex(md5);
}

std::string hex(Md5 const& md5) { return to_hex(md5.finish()); }

Bytes text(std::string_view of) { return std::as_bytes(std::span(of)); }

std::uint64_t seed() {
  auto const* const given = std::getenv("SLUICE_SEED");
  return given == nullptr || *given == '\0' ? std::random_device()() : std::strtoull(given, nullptr, 10);
}

// Dice, and bytes without a pattern to cut streams from.
struct Dice {
  std::uint64_t const seed_used = seed();
  std::mt19937_64 engine{seed_used};
  std::vector<std::byte> const bytes = random_bytes();
  testing::ScopedTrace const trace{__FILE__, __LINE__, "SLUICE_SEED=" + std::to_string(seed_used)};

  std::size_t up_to(std::size_t most) { return std::uniform_int_distribution<std::size_t>(0, most)(engine); }

  std::vector<std::byte> random_bytes() {
    std::vector<std::byte> random((2 << 20) + 4096);
    std::ranges::generate(random, [this] { return static_cast<std::byte>(engine()); });
    return random;
  }
  // A stream that begins anywhere, aligned or not.
  Bytes stream(std::size_t length) { return Bytes(bytes).subspan(up_to(bytes.size() - length), length); }
};

// One digest, what it is of, and how much of that was not fed yet.
struct Stream {
  Bytes whole;
  Bytes left = whole;
  Md5 md5 = {};
};

// Feeds all of the streams, in pieces of up to `piece_max` bytes, some of them empty.
void feed(std::vector<Stream>& streams, Dice& dice, std::size_t piece_max, Md5Isa isa) {
  while (std::ranges::any_of(streams, [](Stream const& stream) { return !stream.left.empty(); })) {
    std::vector<Md5Piece> pieces;
    for (auto& stream : streams) {
      auto const length = std::min(dice.up_to(piece_max), stream.left.size());
      pieces.push_back({&stream.md5, stream.left.first(length)});
      stream.left = stream.left.subspan(length);
    }
    md5_update(pieces, isa);
  }
}

struct Md5Lanes : testing::TestWithParam<Md5Isa> {
  void SetUp() override {
    if (!md5_runs(GetParam())) GTEST_SKIP() << "this processor has no " << name(GetParam());
  }
};
INSTANTIATE_TEST_SUITE_P(Each, Md5Lanes, testing::Values(Md5Isa::kBaseline, Md5Isa::kAvx2, Md5Isa::kAvx512),
                         [](auto const& param) { return name(param.param); });

TEST_P(Md5Lanes, AgreeWithOpenSslOnEveryShortLength) {
  Dice dice;
  std::vector<Stream> streams;
  for (std::size_t length = 0; length <= 300; ++length) streams.push_back({dice.stream(length)});
  std::vector<Md5Piece> pieces;
  for (auto& stream : streams) pieces.push_back({&stream.md5, stream.whole});
  md5_update(pieces, GetParam());
  for (auto const& stream : streams) EXPECT_EQ(hex(stream.md5), by_openssl(stream.whole)) << stream.whole.size();
}

TEST_P(Md5Lanes, AgreeWithOpenSslForAnyNumberOfStreams) {
  Dice dice;
  for (std::size_t count = 1; count <= 70; ++count) {
    std::vector<Stream> streams;
    while (streams.size() < count) streams.push_back({dice.stream(dice.up_to(8192))});
    feed(streams, dice, 8192, GetParam());
    for (auto const& stream : streams) ASSERT_EQ(hex(stream.md5), by_openssl(stream.whole)) << count << " streams";
  }
}

TEST_P(Md5Lanes, AgreeWithOpenSslWhereverStreamsAreCut) {
  Dice dice;
  for (std::size_t const piece_max : {90u, 1000u, 70'000u, 2u << 20}) {
    for (int round = 0; round < 3; ++round) {
      std::vector<Stream> streams;
      auto const count = 1 + dice.up_to(39);
      while (streams.size() < count) streams.push_back({dice.stream(dice.up_to(std::min(200 * piece_max, 2zu << 20)))});
      feed(streams, dice, piece_max, GetParam());
      for (auto const& stream : streams) ASSERT_EQ(hex(stream.md5), by_openssl(stream.whole)) << stream.whole.size();
    }
  }
}

TEST_P(Md5Lanes, TakeNoPiecesAndEmptyPieces) {
  md5_update({}, GetParam());
  std::array<Md5, 3> md5;
  std::array const pieces{Md5Piece{&md5[0], {}}, Md5Piece{&md5[1], text("abc")}, Md5Piece{&md5[2], {}}};
  md5_update(pieces, GetParam());
  EXPECT_EQ(hex(md5[0]), by_openssl({}));
  EXPECT_EQ(hex(md5[1]), by_openssl(text("abc")));
  EXPECT_EQ(hex(md5[2]), by_openssl({}));
}

TEST_P(Md5Lanes, RefuseTwoPiecesForOneDigest) {
  Md5 md5;
  std::array const pieces{Md5Piece{&md5, text("abc")}, Md5Piece{&md5, text("def")}};
  EXPECT_DEATH(md5_update(pieces, GetParam()), "all_different");
}

// RFC 1321, A.5.
TEST(Md5, GivesTheDigestsOfTheRfc) {
  std::pair<std::string_view, std::string_view> const suite[] = {
      {"", "d41d8cd98f00b204e9800998ecf8427e"},
      {"a", "0cc175b9c0f1b6a831c399e269772661"},
      {"abc", "900150983cd24fb0d6963f7d28e17f72"},
      {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
      {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
      {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f"},
      {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
       "57edf4a22be3c955ac49da2e2107b67a"}};
  for (auto const& [of, digest] : suite) {
    Md5 md5;
    md5.update(text(of));
    EXPECT_EQ(hex(md5), digest);
  }
}

TEST(Md5, IsFedAloneAndTogetherInTurn) {
  Dice dice;
  Md5 md5, other;
  auto const whole = dice.stream(300'000);
  md5.update(whole.first(100'001));
  std::array const pieces{Md5Piece{&md5, whole.subspan(100'001, 77'777)}, Md5Piece{&other, whole.first(5)}};
  md5_update(pieces);
  md5.update(whole.subspan(177'778));
  EXPECT_EQ(hex(md5), by_openssl(whole));
}

TEST(Md5, MayBeAskedAndFedOn) {
  Md5 md5;
  md5.update(text("ab"));
  EXPECT_EQ(hex(md5), by_openssl(text("ab")));
  auto const copy = md5;
  md5.update(text("c"));
  EXPECT_EQ(hex(md5), by_openssl(text("abc")));
  EXPECT_EQ(hex(copy), by_openssl(text("ab")));
}

// From 512 MiB on the count of bits needs more than 32 of its own.
TEST(Md5, CountsBitsBeyond32) {
  std::vector<std::byte> const mebibyte(1 << 20, std::byte{'x'});
  Md5 md5;
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> const openssl(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  ASSERT_EQ(EVP_DigestInit_ex(openssl.get(), EVP_md5(), nullptr), 1);
  for (int i = 0; i < 513; ++i) {
    md5.update(mebibyte);
    ASSERT_EQ(EVP_DigestUpdate(openssl.get(), mebibyte.data(), mebibyte.size()), 1);
  }
  std::array<std::byte, 16> expected{};
  EVP_DigestFinal_ex(openssl.get(), reinterpret_cast<unsigned char*>(expected.data()), nullptr);
  EXPECT_EQ(hex(md5), to_hex(expected));
}

}  // namespace
}  // namespace sluice::upload

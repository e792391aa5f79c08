// The small rooms of core/base: fault words, ids, secrets.
#include <gtest/gtest.h>

#include <concepts>
#include <ostream>
#include <set>

#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/secret.h"

namespace sluice {
namespace {

TEST(FaultWords, AreAllDifferent) {
  std::set<std::string_view> words;
  for (int fault = 0; fault <= static_cast<int>(Fault::kLocal); ++fault) {
    EXPECT_TRUE(words.insert(name_of(static_cast<Fault>(fault))).second) << fault;
  }
  EXPECT_EQ(name_of(Fault::kOutcomeUnknown), "outcome_unknown");
  EXPECT_EQ(name_of(Fault::kLocal), "local");
}

TEST(Errors, NameTheirOuterContextFirst) {
  auto const error = Error{Fault::kOffline, "refused"}.in("connect").in("open session");
  EXPECT_EQ(error.text, "open session: connect: refused");
  EXPECT_EQ(error.fault, Fault::kOffline);
}

TEST(Ulid, HoldsTheTimeAndEightyBitsOfDice) {
  // The time part is the ULID specification's own example.
  auto const id = make_ulid(from_unix_ms(1'469'918'176'385), 0, 0);
  EXPECT_EQ(id, "01ARYZ6S410000000000000000");
  EXPECT_EQ(make_ulid(from_unix_ms(0), UINT64_MAX, UINT64_MAX), "0000000000ZZZZZZZZZZZZZZZZ");
  EXPECT_EQ(make_ulid(from_unix_ms(0), 1, 0), "0000000000000G000000000000");  // bit 64 of the dice
}

TEST(Ulid, SortsByTimeWhateverTheDice) {
  std::string last;
  for (std::int64_t const ms : {0ll, 1ll, 31ll, 32ll, 1'000'000ll, 1'795'316'645'000ll, (1ll << 48) - 1}) {
    auto const id = make_ulid(from_unix_ms(ms), ms % 2 == 0 ? UINT64_MAX : 0, 5);
    EXPECT_EQ(id.size(), 26u);
    EXPECT_LT(last, id);
    last = id;
  }
}

TEST(Ulid, KeepsItsFormForTimesItCannotHold) {
  EXPECT_EQ(make_ulid(from_unix_ms(-5), 0, 0), "00000000000000000000000000");
  EXPECT_EQ(make_ulid(from_unix_ms(INT64_MAX), 0, 0), "7ZZZZZZZZZ0000000000000000");
}

TEST(SecretUrl, IsShownWithoutQueryUserAndFragment) {
  EXPECT_EQ(shown(SecretUrl("https://host/a/b?X-Amz-Signature=s1")), "https://host/a/b");
  EXPECT_EQ(without_query("https://user:p@ss@host:8443/a#frag"), "https://host:8443/a");
  EXPECT_EQ(without_query("https://host?sig=1@2"), "https://host");
  EXPECT_EQ(without_query("https://host/a@b?c"), "https://host/a@b");
  EXPECT_EQ(without_query("/assets?page=1"), "/assets");
  EXPECT_EQ(without_query("https://host/a\nb"), "https://host/a\\x0ab");
  EXPECT_EQ(without_query(""), "");
}

TEST(SecretUrl, HasAHostWithItsPort) {
  EXPECT_EQ(host_of("https://storage.example.net:8443/k?sig=a@b"), "storage.example.net:8443");
  EXPECT_EQ(host_of("http://user:p@ss@127.0.0.1:9"), "127.0.0.1:9");
  EXPECT_EQ(host_of("https://host?x=://y/"), "host");
  EXPECT_EQ(host_of("/assets?page=1"), "");
  EXPECT_EQ(host_of(""), "");
}

template <class T>
concept Printable = requires(std::ostream& out, T const& value) {
  out << value;
};

TEST(SecretUrl, CannotBePrinted) {
  static_assert(!Printable<SecretUrl>);
  static_assert(!Printable<ApiKey>);
  static_assert(!std::convertible_to<SecretUrl, std::string>);
  EXPECT_TRUE(SecretUrl().empty());
}

}  // namespace
}  // namespace sluice

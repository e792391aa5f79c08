#include "core/base/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/base/text.h"

namespace sluice {
namespace {

Json parsed(std::string_view text) {
  auto value = parse_json(text);
  EXPECT_TRUE(value) << (value ? "" : value.error().text);
  return value.value_or(Json());
}

std::string refusal(std::string_view text, JsonLimits const& limits = {}) {
  auto const value = parse_json(text, limits);
  EXPECT_FALSE(value) << text;
  if (!value) {
    EXPECT_EQ(value.error().fault, Fault::kProtocol);
  }
  return value ? "" : value.error().text;
}

std::string nested(std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

TEST(Json, ReadsEveryTypeOfValue) {
  auto const value = parsed(R"({"n":null,"b":true,"i":-7,"r":2.5,"t":"\u00e9\n","a":[1,[]],"o":{"k":"v"}})");
  EXPECT_EQ(value.find("n"), nullptr);
  EXPECT_EQ(value.find("b")->as_bool(), true);
  EXPECT_EQ(value.find("i")->as_int(), -7);
  EXPECT_EQ(value.find("r")->as_real(), 2.5);
  EXPECT_EQ(*value.find("t")->as_text(), "\xC3\xA9\n");
  EXPECT_EQ(value.find("a")->elements().size(), 2u);
  EXPECT_EQ(*value.find("o")->find("k")->as_text(), "v");
}

TEST(Json, TakesNullForAbsent) {
  auto const value = parsed(R"({"t":null,"a":null})");
  EXPECT_EQ(value.text("t").value(), std::nullopt);
  EXPECT_EQ(value.text("absent").value(), std::nullopt);
  EXPECT_EQ(value.array_at("a").value(), nullptr);
}

TEST(Json, RefusesAMemberOfAnotherType) {
  auto const value = parsed(R"({"i":1,"t":"x","neg":-1})");
  EXPECT_EQ(value.text("i").error().fault, Fault::kProtocol);
  EXPECT_EQ(value.size("t").error().text, "`t` is not an integer from 0");
  EXPECT_FALSE(value.size("neg"));
  EXPECT_FALSE(value.boolean("i"));
  EXPECT_FALSE(value.array_at("t"));
  EXPECT_FALSE(value.object_at("t"));
}

TEST(Json, TellsIntegersFromRealsButTakesAnIntegralReal) {
  EXPECT_EQ(parsed("5242880.0").as_uint(), 5242880u);
  EXPECT_EQ(parsed("1.5").as_int(), std::nullopt);
  EXPECT_EQ(parsed("1e300").as_int(), std::nullopt);
  EXPECT_EQ(parsed("18446744073709551615").as_uint(), UINT64_MAX);
  EXPECT_EQ(parsed("18446744073709551615").as_int(), std::nullopt);
  EXPECT_EQ(parsed("-9223372036854775808").as_int(), INT64_MIN);
}

TEST(Json, RefusesWhatIsNoJson) {
  for (auto const* text : {"", " ", "{", "[1,]", "{\"a\":1,}", "'a'", "nul", "01", "1 2", "{}x", "\"\xFF\"",
                           "\"\\ud800\"", "<html></html>", "{\"a\" 1}", "1e999", "\"a\nb\""}) {
    EXPECT_NE(refusal(text), "") << text;
  }
  EXPECT_NE(refusal(std::string_view("{}\0{}", 5)), "");
}

TEST(Json, DoesNotQuoteWhatItRefused) {
  EXPECT_EQ(refusal(R"({"url":"https://h/k?sig=secret)").find("secret"), std::string::npos);
}

TEST(Json, RefusesTooDeepADocument) {
  EXPECT_TRUE(parse_json(nested(64)));
  EXPECT_EQ(refusal(nested(65)), "the JSON document is nested deeper than 64 levels");
  EXPECT_NE(refusal(std::string(1'000'000, '[')), "");
  EXPECT_NE(refusal(nested(3), {.depth_max = 2}), "");
}

TEST(Json, RefusesTooLargeADocument) {
  EXPECT_NE(refusal("[1,2,3]", {.bytes_max = 6}), "");
  EXPECT_NE(refusal("[1,2,3]", {.values_max = 3}), "");
  EXPECT_TRUE(parse_json("[1,2,3]", {.values_max = 4}));
}

TEST(Json, LetsTheLastOfRepeatedKeysCountOrRefusesThem) {
  auto const value = parsed(R"({"a":1,"b":2,"a":3})");
  EXPECT_EQ(value.members().size(), 2u);
  EXPECT_EQ(value.find("a")->as_int(), 3);
  EXPECT_EQ(refusal(R"({"a":1,"b":2,"a":3})", {.refuse_duplicate_keys = true}),
            "the JSON document names `a` twice in one object");
}

TEST(Json, FindsTheRepeatedKeyHoweverManyMembersAreAroundIt) {
  for (int count = 2; count <= 40; ++count) {
    for (auto const first : {0, count / 2 - 1}) {
      std::string members;
      for (int i = 0; i < count; ++i) {
        auto const name = "k" + std::to_string(i == count - 1 ? first : i);
        members += (i == 0 ? "\"" : ",\"") + name + "\":" + std::to_string(i);
      }
      auto const text = "{" + members + "}";
      auto const value = parsed(text);
      EXPECT_EQ(value.members().size(), static_cast<std::size_t>(count - 1)) << text;
      EXPECT_EQ(value.find("k" + std::to_string(first))->as_int(), count - 1) << text;
      EXPECT_NE(refusal(text, {.refuse_duplicate_keys = true}), "") << text;
    }
  }
}

TEST(Json, IsBuiltAndWrittenInOrder) {
  auto value = Json::object({{"name", "a\"b"}, {"page", 1}, {"ok", true}});
  value.set("list", Json::array({1, "two", nullptr, 2.5})).set("page", 2u);
  EXPECT_EQ(value.dump(), R"({"name":"a\"b","page":2,"ok":true,"list":[1,"two",null,2.5]})");
}

TEST(Json, IsWrittenWithLineBreaksWhenAsked) {
  auto const value = Json::object({{"a", Json::array({1})}, {"b", Json::object()}});
  EXPECT_EQ(value.dump(2), "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}");
}

TEST(Json, KeepsARealAReal) {
  EXPECT_EQ(Json(3.0).dump(), "3.0");
  EXPECT_EQ(Json(0.1).dump(), "0.1");
  EXPECT_EQ(Json(1e300).dump(), "1e+300");
  EXPECT_EQ(Json(std::nan("")).dump(), "null");
}

TEST(Json, WritesInvalidUtf8AsReplacementCharacters) {
  EXPECT_EQ(Json("a\xFF\xC3z").dump(), "\"a\xEF\xBF\xBD\xEF\xBF\xBDz\"");
  EXPECT_EQ(json_quoted("\x01\x1F\n\\"), "\"\\u0001\\u001f\\n\\\\\"");
}

TEST(Json, TakesNothingForNull) {
  EXPECT_TRUE(Json(std::optional<int>()).is_null());
  EXPECT_EQ(Json(std::optional<int>(4)).as_int(), 4);
}

TEST(Json, TellsScalars) {
  EXPECT_TRUE(Json(1).is_scalar() && Json("a").is_scalar() && Json(true).is_scalar() && Json(1.5).is_scalar());
  EXPECT_FALSE(Json().is_scalar() || Json::array().is_scalar() || Json::object().is_scalar());
}

Json random_value(std::mt19937& dice, int depth) {
  switch (dice() % (depth > 0 ? 7 : 5)) {
    case 0: return {};
    case 1: return dice() % 2 == 0;
    case 2: return static_cast<std::int64_t>(dice()) - 2'000'000'000;
    case 3: return static_cast<double>(dice()) / 7.0;
    case 4: {
      std::string text(dice() % 12, ' ');
      for (auto& c : text) c = static_cast<char>(dice() % 128);
      return text;
    }
    case 5: {
      auto array = Json::array();
      for (auto left = dice() % 4; left > 0; --left) array.push(random_value(dice, depth - 1));
      return array;
    }
    default: {
      auto object = Json::object();
      for (auto left = dice() % 4; left > 0; --left)
        object.set(std::to_string(dice() % 9), random_value(dice, depth - 1));
      return object;
    }
  }
}

TEST(Json, ReadsBackWhatItWrites) {
  std::mt19937 dice(5);
  for (int run = 0; run < 1000; ++run) {
    auto const value = random_value(dice, 4);
    ASSERT_EQ(parsed(value.dump()), value) << value.dump();
    ASSERT_EQ(parsed(value.dump(2)), value) << value.dump(2);
  }
}

TEST(Json, SurvivesRandomInput) {
  static constexpr std::string_view kParts = "{}[]\",:0123456789.eE+-truefalsn\\u \n\xFF\xC3";
  std::mt19937 dice(6);
  for (int run = 0; run < 5000; ++run) {
    std::string text(dice() % 40, ' ');
    for (auto& c : text) c = kParts[dice() % kParts.size()];
    auto const value = parse_json(text);
    if (value) {
      ASSERT_EQ(parsed(value->dump()), *value) << printable(text);
    }
  }
}

}  // namespace
}  // namespace sluice

#include "core/base/template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice {
namespace {

using testing::HasSubstr;

WallTime const kLateEvening = *parse_rfc3339("2026-11-22T23:59:59Z");

std::string expanded(std::string_view text, std::string_view path) {
  auto const parsed = parse_template(text);
  if (!parsed) return "error: " + parsed.error().text;
  return expand(*parsed, template_values("drop", path, "ingest01", kLateEvening));
}

std::string complaint(std::string_view text) {
  auto const parsed = parse_template(text);
  return parsed ? "" : parsed.error().text;
}

TEST(Template, ExpandsEveryVariable) {
  EXPECT_EQ(expanded("{name}|{stem}|{ext}|{dir}|{path}|{source}|{host}|{date}", "2026/day1/clip.MP4"),
            "clip.MP4|clip|mp4|day1|2026/day1/clip.MP4|drop|ingest01|2026-11-22");
}

TEST(Template, TakesTheSourcesNameAsTheDirOfAFileAtTheRoot) { EXPECT_EQ(expanded("{dir}", "clip.mp4"), "drop"); }

TEST(Template, TakesDoubleBracesAsOne) { EXPECT_EQ(expanded("{{{stem}}} {{}}", "a.mp4"), "{a} {}"); }

TEST(Template, NeverExpandsWhatAFilesNameHolds) { EXPECT_EQ(expanded("<{name}>", "{path}.mp4"), "<{path}.mp4>"); }

TEST(Template, OfNothingIsTheEmptyText) { EXPECT_EQ(expanded("", "a.mp4"), ""); }

TEST(Template, NamesTheNearestVariableForAnUnknownOne) {
  EXPECT_EQ(complaint("a {sorce}"), "unknown variable {sorce}; did you mean {source}?");
  EXPECT_EQ(parse_template("a {sorce}").error().at_byte, 2u);
}

TEST(Template, ListsTheVariablesWhenNoneIsNear) { EXPECT_THAT(complaint("{resolution}"), HasSubstr("{date}")); }

TEST(Template, StandsForTheNamedGroupsOfTheSourcesMatch) {
  auto const parsed = parse_template("{match.reel}-{match.take_2}{match.none}");
  ASSERT_TRUE(parsed);
  EXPECT_THAT(groups_in(*parsed), testing::ElementsAre("none", "reel", "take_2"));
  auto values = template_values("drop", "a.mp4", "ingest01", kLateEvening);
  EXPECT_EQ(expand(*parsed, values), "-");
  values.match = {{"reel", "{name}"}, {"take_2", "7"}, {"none", ""}};
  EXPECT_EQ(expand(*parsed, values), "{name}-7") << "what a path holds is never expanded";
}

TEST(Template, RefusesAGroupWithoutAName) {
  for (auto const* text : {"{match.}", "{match.a b}", "{match.a.b}", "{match.\u00fc}"})
    EXPECT_THAT(complaint(text), HasSubstr("names no group")) << text;
  EXPECT_EQ(parse_template("ab{match.}").error().at_byte, 2u);
}

TEST(Template, TakesAnItemsOwnMetadataByItsKey) {
  auto const parsed = *parse_template("{stem}-{meta.Reel no. 1}");
  auto values = template_values("drop", "a.mp4", "host", {});
  ASSERT_NE(missing_key(parsed, values), nullptr);
  EXPECT_EQ(*missing_key(parsed, values), "Reel no. 1");
  values.meta["Reel no. 1"] = "{name}";
  EXPECT_EQ(missing_key(parsed, values), nullptr);
  EXPECT_EQ(expand(parsed, values), "a-{name}");
  EXPECT_THAT(complaint("{meta.}"), HasSubstr("names no key"));
}

TEST(Template, RefusesABraceWithoutItsPartner) {
  EXPECT_THAT(complaint("{name"), HasSubstr("without its `}`"));
  EXPECT_THAT(complaint("{na{me}"), HasSubstr("without its `}`"));
  EXPECT_THAT(complaint("name}"), HasSubstr("without its `{`"));
  EXPECT_THAT(complaint("{}"), HasSubstr("names no variable"));
}

TEST(Template, KeepsItsTextSoThatItCanBeParsedAnew) {
  auto const parsed = parse_template("{{x}} {stem}-{date}");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed, *parse_template(parsed->text));
}

}  // namespace
}  // namespace sluice

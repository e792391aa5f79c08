#include "core/base/yaml_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::yaml {
namespace {

using testing::HasSubstr;

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

// "line:column: text" of the error; "" when it is read.
std::string refusal(std::string_view text) {
  auto const tree = read_yaml(text);
  if (tree) return "";
  auto const& error = tree.error();
  return std::to_string(error.mark.line) + ":" + std::to_string(error.mark.column) + ": " + error.text;
}

TEST(YamlTree, KeepsOrderMarksAndQuotes) {
  auto const tree = read_yaml("b: [1, \"2\"]\na:\n  c: ~\n");
  ASSERT_TRUE(tree);
  ASSERT_EQ(tree->entries.size(), 2u);
  EXPECT_EQ(tree->entries[0].first.text, "b");
  auto const& list = tree->entries[0].second;
  ASSERT_EQ(list.items.size(), 2u);
  EXPECT_FALSE(list.items[0].quoted);
  EXPECT_TRUE(list.items[1].quoted);
  EXPECT_EQ(list.items[1].mark.column, 8);
  auto const& inner = tree->entries[1].second.entries.at(0);
  EXPECT_EQ(inner.first.mark.line, 3);
  EXPECT_EQ(inner.first.mark.column, 3);
  EXPECT_EQ(inner.second.type, Node::Type::kNull);
}

TEST(YamlTree, OfAnEmptyFileIsNull) {
  for (auto const* text : {"", "\n", "# only a comment\n", "---\n", "\xEF\xBB\xBF"}) {
    auto const tree = read_yaml(text);
    ASSERT_TRUE(tree) << text;
    EXPECT_EQ(tree->type, Node::Type::kNull) << text;
  }
}

TEST(YamlTree, RefusesAnchorsAliasesTagsAndMergeKeys) {
  EXPECT_THAT(refusal("a: &x 1\n"), HasSubstr("1:4: anchors"));
  EXPECT_THAT(refusal("a: &x [1]\n"), HasSubstr("1:4: anchors"));
  EXPECT_THAT(refusal("a: &x {b: 1}\n"), HasSubstr("anchors"));
  EXPECT_THAT(refusal("a: &x\n"), HasSubstr("anchors"));
  EXPECT_THAT(refusal("a: 1\nb: *a\n"), HasSubstr("2:4: aliases"));
  EXPECT_THAT(refusal("include: [*.mp4]\n"), HasSubstr("needs quotes"));
  EXPECT_THAT(refusal("include: [*]\n"), HasSubstr("needs quotes"));
  EXPECT_THAT(refusal("a: !!str 1\n"), HasSubstr("1:4: tags"));
  EXPECT_THAT(refusal("a: !t ~\n"), HasSubstr("tags"));
  EXPECT_THAT(refusal("a: ! b\n"), HasSubstr("tags"));
  EXPECT_THAT(refusal("a: !t\n"), HasSubstr("tags"));
  EXPECT_THAT(refusal("!t a: 1\n"), HasSubstr("tags"));
  EXPECT_THAT(refusal("a: {<<: {b: 1}}\n"), HasSubstr("merge keys"));
  EXPECT_THAT(refusal("%YAML 1.2\n---\na: 1\n"), HasSubstr("1:1: directives"));
}

TEST(YamlTree, TakesSuchBytesInsideQuotes) { EXPECT_EQ(refusal("a: \"*.mp4\"\nb: '&x'\nc: \"!t\"\n"), ""); }

TEST(YamlTree, RefusesDuplicateKeysAndNamesTheFirst) {
  EXPECT_EQ(refusal("a: 1\nb: 2\na: 3\n"), "3:1: this key is there already, in line 1; remove one of the two");
  EXPECT_THAT(refusal("m: {x: 1, \"x\": 2}\n"), HasSubstr("there already"));
}

TEST(YamlTree, RefusesASecondDocument) { EXPECT_THAT(refusal("a: 1\n---\nb: 2\n"), HasSubstr("a second document")); }

TEST(YamlTree, RefusesKeysThatAreNotOneWord) {
  EXPECT_THAT(refusal("? [a]\n: 1\n"), HasSubstr("a key must be"));
  EXPECT_THAT(refusal("~: 1\n"), HasSubstr("a key must be"));
}

TEST(YamlTree, RefusesControlBytesAndForeignEncodings) {
  EXPECT_THAT(refusal("a: 1\nb: \x04\n"), HasSubstr("2:4: a control byte"));
  EXPECT_THAT(refusal(std::string_view("a: \0", 4)), HasSubstr("a control byte"));
  EXPECT_THAT(refusal("a: 1\nb: \xff\n"), HasSubstr("2:1: this line is not UTF-8"));
}

TEST(YamlTree, SaysWhereItIsNotYaml) {
  EXPECT_THAT(refusal("a: 1\nb: [1, 2\nc: 3\n"), HasSubstr("this is not YAML"));
  EXPECT_THAT(refusal("a: b: c\n"), HasSubstr("1:"));
  EXPECT_THAT(refusal("a: {b: 1\n"), HasSubstr("this is not YAML"));
}

TEST(YamlTree, RefusesAFileThatWasCutShortInsideQuotes) {
  EXPECT_THAT(refusal("a: 1\nb: \"never closed\n"), HasSubstr("2:4: this quote is never closed"));
  EXPECT_THAT(refusal("b: 'it''s\n"), HasSubstr("this quote is never closed"));
  EXPECT_THAT(refusal("b: \"a\\\"\n"), HasSubstr("this quote is never closed"));
  EXPECT_THAT(refusal("b: \"at the very end"), HasSubstr("this is not YAML"));
  EXPECT_EQ(refusal("b: \"a\\\\\""), "");
  EXPECT_EQ(refusal("b: 'it''s'"), "");
}

TEST(YamlTree, Takes32LevelsAndNoMore) {
  EXPECT_EQ(refusal(repeated("[", kDepthMax) + repeated("]", kDepthMax)), "");
  EXPECT_THAT(refusal(repeated("[", kDepthMax + 1) + repeated("]", kDepthMax + 1)), HasSubstr("32 levels"));
}

// A deep file must not cost the stack or the time that it asks for.
TEST(YamlTree, SurvivesAMegabyteOfBrackets) {
  for (auto const* text : {"[", "{a: ", "- ", "? ", "\"", "*", "a: "}) {
    EXPECT_FALSE(read_yaml(repeated(text, kBytesMax / std::string_view(text).size()))) << text;
  }
}

TEST(YamlTree, TakesOneMebibyteAndNoMore) {
  EXPECT_EQ(refusal("#" + std::string(kBytesMax - 1, 'x')), "");
  EXPECT_THAT(refusal("#" + std::string(kBytesMax, 'x')), HasSubstr("larger than 1 MiB"));
}

}  // namespace
}  // namespace sluice::yaml

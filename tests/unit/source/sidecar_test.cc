// What a sidecar may say, and what is refused of it.
#include "core/source/sidecar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sluice::source {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Sidecar read(std::string_view text, std::string_view file = "a.mp4.yaml") {
  auto const read = read_sidecar(file, text);
  EXPECT_TRUE(read) << (read ? "" : read.error().text);
  return read ? read->sidecar : Sidecar{};
}

// What is wrong with it; "" if nothing.
std::string refusal(std::string_view text, std::string_view file = "a.mp4.yaml") {
  auto const read = read_sidecar(file, text);
  if (read) return "";
  EXPECT_EQ(read.error().code, kBadSidecar);
  EXPECT_EQ(read.error().fault, Fault::kRejected);
  EXPECT_THAT(read.error().text, testing::StartsWith(std::string(file) + ": "));
  return read.error().text;
}

std::string nested(std::size_t levels) {
  return R"({"x": )" + std::string(levels, '[') + std::string(levels, ']') + "}";
}

TEST(Sidecar, IsLookedForByTheWholeNameFirst) {
  EXPECT_THAT(sidecar_names("clip.mp4"),
              ElementsAre("clip.mp4.json", "clip.mp4.yaml", "clip.mp4.yml", "clip.json", "clip.yaml", "clip.yml"));
  EXPECT_THAT(sidecar_names("clip"), ElementsAre("clip.json", "clip.yaml", "clip.yml")) << "each once";
  EXPECT_TRUE(is_sidecar_name("clip.JSON"));
  EXPECT_FALSE(is_sidecar_name("json"));
}

TEST(Sidecar, SaysTheSameInJsonAndInYaml) {
  auto const json = read(R"({"index": "footage", "name": "b.mp4", "priority": 80,
                             "metadata": {"reel": "7", "take": 3, "gain": 1.5, "good": true, "none": null}})",
                         "a.mp4.json");
  auto const yaml = read(
      "index: footage\nname: b.mp4\npriority: 80\nmetadata:\n  reel: \"7\"\n  take: 3\n  gain: 1.5\n  good: true\n"
      "  none: ~\n");
  EXPECT_TRUE(want_the_same(json, yaml)) << yaml.to_json().dump();
  EXPECT_EQ(json.index, "footage");
  EXPECT_EQ(json.name, "b.mp4");
  EXPECT_EQ(json.priority, 80);
  EXPECT_EQ(json.metadata.dump(), R"({"reel":"7","take":3,"gain":1.5,"good":true})");
  EXPECT_THAT(json.files, ElementsAre("a.mp4.json"));
  EXPECT_EQ(json.keys(), "index, name, priority, metadata");
}

TEST(Sidecar, ComesBackFromTheJournalAsItWas) {
  auto const sidecar = read("collection: Cast\nentity: Ada\nmetadata: {a: 1}\npriority: 0\n");
  auto const back = sidecar_from(sidecar.to_json());
  EXPECT_EQ(back.to_json(), sidecar.to_json());
  EXPECT_EQ(back.files, sidecar.files);
  EXPECT_EQ(Sidecar{}.to_json().dump(), "{}");
}

TEST(Sidecar, ThatIsEmptyWantsNothing) {
  EXPECT_EQ(read("").keys(), "");
  EXPECT_EQ(read("# nothing yet\n").keys(), "");
  EXPECT_EQ(read("{}", "a.json").keys(), "");
  EXPECT_EQ(read("index: ~\nmetadata:\n").keys(), "");
}

TEST(Sidecar, TellsOfKeysThatMeanNothingAndGoesOn) {
  auto const read = read_sidecar("a.yaml", "indx: footage\nurl: https://x\npriority: 7\n");
  ASSERT_TRUE(read);
  EXPECT_THAT(read->unknown, ElementsAre("`indx` (did you mean `index`?)", "`url`"));
  EXPECT_EQ(read->sidecar.keys(), "priority");
  std::string many;
  for (int i = 0; i < 100; ++i) many += "k" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(read_sidecar("a.yaml", many)->unknown.size(), 8u);
}

TEST(Sidecar, NamesFileLineAndKeyOfWhatIsWrong) {
  EXPECT_THAT(refusal("index: a\npriority: 101\n"), HasSubstr("line 2: `priority` is no whole number from 0 to 100"));
  EXPECT_THAT(refusal("{\n\"metadata\": {\"priority\": 1},\n \"priority\": \"high\"}", "a.json"),
              HasSubstr("line 3: "));
  EXPECT_THAT(refusal("metadata: [1]\n"), HasSubstr("`metadata` is no object"));
  EXPECT_THAT(refusal("metadata: {fps: 25}\n"), HasSubstr("names `fps`, which the platform sets itself"));
  EXPECT_THAT(refusal("metadata: {client_op: x}\n"), HasSubstr("`client_op`"));
  EXPECT_THAT(refusal("index: {name: a}\n"), HasSubstr("`index` is no text"));
  EXPECT_THAT(refusal("pipeline: 7\n"), HasSubstr("`pipeline` is no text"));
  EXPECT_THAT(refusal("Index: a\nindex: b\n"), HasSubstr("said twice"));
  EXPECT_THAT(refusal("index: " + std::string(1025, 'x')), HasSubstr("more than 1024 bytes"));
  EXPECT_THAT(refusal("metadata: {a: " + std::string(kMetadataBytesMax, 'x') + "}"), HasSubstr("more than 64 KiB"));
  EXPECT_THAT(refusal("index: a\npipeline: b\n"), HasSubstr("line 2: `pipeline` says where the file goes"));
  EXPECT_THAT(refusal("metadata: {a: 0755}\n"),
              HasSubstr("line 1: the number or boolean here can be read in two ways"));
  EXPECT_THAT(refusal("- a\n"), HasSubstr("`sidecar: ignore`"));
  EXPECT_THAT(refusal("[]", "a.json"), HasSubstr("no map of keys and values"));
}

// Escapes, strings of any length, and keys of the same name further in, before it.
TEST(Sidecar, FindsTheLineOfAKeyWhateverStandsBeforeIt) {
  struct Case {
    char const* text;
    int line;
  };
  for (auto const& [text, line] :
       {Case{"{\"priority\": 101}", 1}, Case{"{\"a\": \"b\",\n\n\"priority\": 101}", 3},
        Case{"{\"metadata\": {\"priority\": 1},\n\"priority\": 101}", 2},
        Case{"{\"x\": [{\"priority\": 1}, [2]],\n\"priority\": 101}", 2},
        Case{"{\"x\": \"priority\",\n\"priority\"\n : 101}", 2},
        Case{"{\"x\": \"a \\\" b: {\",\n\"priority\": 101}", 2}, Case{"{\"x\": \"a \\\\\",\n\"priority\": 101}", 2},
        Case{"{\"abc\": \"]}\",\n\"de\": \"[{\",\n\"priority\": 101}", 3}})
    EXPECT_THAT(refusal(text, "a.json"), HasSubstr("line " + std::to_string(line) + ": `priority`")) << text;
}

TEST(Sidecar, NamesNoLineWhereNoneIsMeant) {
  EXPECT_THAT(refusal("[]", "a.json"), Not(HasSubstr("line")));
  EXPECT_THAT(refusal("name: {a: b}\n"), HasSubstr("line 1: `name` is no text"));
  EXPECT_EQ(with_defaults(read("entity: Ada\n"), {}).error().text,
            "a.mp4.yaml: `entity` needs `collection` beside it: write both");
}

TEST(Sidecar, TakesWhatIsJustNotTooMuch) {
  EXPECT_EQ(refusal("index: " + std::string(1024, 'x')), "");
  auto const metadata = [](std::size_t keys) {
    std::string text = "metadata:\n";
    for (std::size_t i = 0; i < keys; ++i) text += "  k" + std::to_string(i) + ": 1\n";
    return refusal(text);
  };
  EXPECT_EQ(metadata(kMetadataKeysMax), "");
  EXPECT_THAT(metadata(kMetadataKeysMax + 1), HasSubstr("more than " + std::to_string(kMetadataKeysMax) + " keys"));
  auto const around = std::string(R"({"a":""})").size();
  EXPECT_EQ(refusal("metadata: {a: " + std::string(kMetadataBytesMax - around, 'x') + "}"), "");
  EXPECT_NE(refusal("metadata: {a: " + std::string(kMetadataBytesMax - around + 1, 'x') + "}"), "");
}

TEST(Sidecar, ReadsNumbersAsTheyAreWritten) {
  EXPECT_EQ(read("metadata: {a: +1.5, b: -2, c: 9223372036854775807, d: \"7\", e: false}\n").metadata.dump(),
            R"({"a":1.5,"b":-2,"c":9223372036854775807,"d":"7","e":false})");
  EXPECT_THAT(refusal("index: a\nmetadata: {c: 9223372036854775808}\n"), HasSubstr("line 2: the number or boolean"));
  EXPECT_THAT(refusal("metadata: {c: 1e999}\n"), HasSubstr("is out of range"));
}

TEST(Sidecar, HasANameOfPrintableBytesOnly) {
  EXPECT_EQ(refusal("name: \"a b.mp4\"\n"), "") << "0x20";
  EXPECT_EQ(refusal("name: \"a~.mp4\"\n"), "") << "0x7e";
  EXPECT_NE(refusal("name: \"a\\x7f.mp4\"\n"), "");
  EXPECT_NE(refusal("name: \"a\\x1f.mp4\"\n"), "");
  EXPECT_EQ(refusal("name: ...mp4\n"), "");
}

TEST(Sidecar, CanNameNoPath) {
  for (auto const* name : {"../a.mp4", "/etc/passwd", "a/b.mp4", ".", "..", "\"a\\nb\""})
    EXPECT_THAT(refusal("name: " + std::string(name) + "\n"), HasSubstr("`name` is no file name")) << name;
}

TEST(Sidecar, RefusesWhatCouldExhaustOrMislead) {
  EXPECT_THAT(refusal("a: &x [1]\nb: *x\n"), HasSubstr("anchors"));
  EXPECT_THAT(refusal("index: !!str a\n"), HasSubstr("tags"));
  EXPECT_THAT(refusal("<<: {index: a}\n"), HasSubstr("merge keys"));
  EXPECT_THAT(refusal("index: a\nindex: b\n"), HasSubstr("line 2: `index`: this key is there already"));
  EXPECT_THAT(refusal(R"({"index": "a", "index": "b"})", "a.json"), HasSubstr("no JSON that can be read"));
  EXPECT_THAT(refusal(R"({"index": "a")", "a.json"), HasSubstr("broken at byte"));
  EXPECT_THAT(refusal("{\"index\": \"\xff\"}", "a.json"), HasSubstr("no JSON"));
  EXPECT_THAT(refusal("index: \xff\n"), HasSubstr("UTF-8"));
  for (auto const* file : {"a.json", "a.yaml"}) {
    EXPECT_EQ(refusal(nested(31), file), "") << file;
    EXPECT_NE(refusal(nested(32), file), "") << file;
    EXPECT_NE(refusal(std::string(kSidecarBytesMax + 1, ' '), file), "") << file;
  }
}

TEST(Sidecar, LiesOverTheDefaultsOfItsFolder) {
  auto const merged = with_defaults(read("entity: Ada\nmetadata: {a: 1, b: 2}\n"),
                                    read("collection: Cast\npriority: 9\nmetadata: {b: 1, c: 3}\n", "_defaults.yaml"));
  ASSERT_TRUE(merged);
  EXPECT_EQ(merged->collection, "Cast");
  EXPECT_EQ(merged->entity, "Ada");
  EXPECT_EQ(merged->priority, 9);
  EXPECT_EQ(merged->metadata.dump(), R"({"b":2,"c":3,"a":1})");
  EXPECT_THAT(merged->files, ElementsAre("a.mp4.yaml", "_defaults.yaml"));
}

TEST(Sidecar, ThatNamesAPipelineLeavesThePlacesOfTheDefaultsAndTheOtherWayRound) {
  auto const by_pipeline = with_defaults(read("pipeline: cast\n"), read("index: footage\n"));
  EXPECT_EQ(by_pipeline->pipeline, "cast");
  EXPECT_EQ(by_pipeline->index, "");
  auto const by_index = with_defaults(read("index: footage\n"), read("pipeline: cast\n"));
  EXPECT_EQ(by_index->pipeline, "");
  EXPECT_EQ(by_index->index, "footage");
}

TEST(Sidecar, WithAnEntityNeedsACollectionSomewhere) {
  EXPECT_THAT(with_defaults(read("entity: Ada\n"), {}).error().text, HasSubstr("`entity` needs `collection`"));
  EXPECT_THAT(with_defaults(read("collection: Cast\n"), {}).error().text, HasSubstr("`collection` needs `entity`"));
  EXPECT_TRUE(with_defaults({}, {}));
}

TEST(Sidecar, IsKnownByTheBytesOfItsNameAfterItWasKept) {
  auto const kept = sidecar_from(Sidecar{.files = {"a\xff.json", "_defaults.yaml"}, .index = "x"}.to_json());
  EXPECT_EQ(own_sidecar(kept.files, "a\xff.mp4"), "a\xff.json");
  EXPECT_EQ(own_sidecar({"ä.mp4.yml"}, "ä.mp4"), "ä.mp4.yml");
  EXPECT_EQ(own_sidecar({"_defaults.yaml"}, "a.mp4"), "");
  EXPECT_EQ(own_sidecar({}, "a.mp4"), "");
}

TEST(Sidecar, HasAnotherPrintWhereverItWasTouched) {
  ports::FilePrint const print{.size_bytes = 1, .mtime_ns = 2, .ctime_ns = 3, .inode = 4, .device = 5};
  auto const first = print_of_sidecar("a.json", print);
  auto const differs = [&](auto change) {
    auto other = print;
    change(other);
    return print_of_sidecar("a.json", other) != first;
  };
  EXPECT_TRUE(differs([](auto& p) { p.size_bytes = 9; }));
  EXPECT_TRUE(differs([](auto& p) { p.mtime_ns = 9; }));
  EXPECT_TRUE(differs([](auto& p) { p.ctime_ns = 9; }));
  EXPECT_TRUE(differs([](auto& p) { p.inode = 9; }));
  EXPECT_FALSE(differs([](auto& p) { p.device = 9; })) << "another number at each mount";
  EXPECT_NE(print_of_sidecar("b.json", print), first);
  EXPECT_NE(print_of_sidecars(first, 0), print_of_sidecars(0, first));
  EXPECT_EQ(print_of_sidecars(0, 0), 0);
}

}  // namespace
}  // namespace sluice::source

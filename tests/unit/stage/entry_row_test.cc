// What of a manifest's line is kept in its row, and comes back from it: core/stage/entry_row.h.
#include "core/stage/entry_row.h"

#include <gtest/gtest.h>

namespace sluice::stage {
namespace {

using source::manifest::Entry;

Entry full_entry() {
  Entry entry{.place = {.line = 7}, .url = "https://h.example/a.mp4?sig=1", .mirrors = {"https://m/1", "https://m/2"}};
  entry.name = "a.mp4";
  entry.item_key = "k:7";
  entry.size = 12;
  entry.md5 = std::string(32, 'a');
  entry.sha256 = std::string(64, 'b');
  entry.kind = "video";
  entry.index = "i";
  entry.collection = "c";
  entry.entity = "e";
  entry.metadata.set("reel", 4);
  entry.priority = 90;
  entry.not_before = from_unix_ms(1'000);
  entry.not_after = from_unix_ms(2'000);
  return entry;
}

TEST(EntryRow, KeepsEveryWordOfItsLine) {
  auto const back = to_entry(to_row(full_entry(), 50));
  auto const entry = full_entry();
  EXPECT_EQ(back.place.line, 7u);
  EXPECT_EQ(back.url, entry.url);
  EXPECT_EQ(back.shown, "https://h.example/a.mp4");
  EXPECT_EQ(back.mirrors, entry.mirrors);
  EXPECT_EQ(back.name, entry.name);
  EXPECT_EQ(back.item_key, entry.item_key);
  EXPECT_EQ(back.size, entry.size);
  EXPECT_EQ(back.md5, entry.md5);
  EXPECT_EQ(back.sha256, entry.sha256);
  EXPECT_EQ(back.kind + back.index + back.collection + back.entity, "videoice");
  EXPECT_EQ(back.metadata, entry.metadata);
  EXPECT_EQ(back.priority, 90);
  EXPECT_EQ(back.not_before, entry.not_before);
  EXPECT_EQ(back.not_after, entry.not_after);
}

TEST(EntryRow, OfALineThatSaysNothingMoreHasNoOptions) {
  auto const row = to_row({.url = "https://h.example/a.mp4"}, 50);
  EXPECT_EQ(row.options, "");
  EXPECT_EQ(row.priority, 50) << "its source's";
  EXPECT_EQ(row.not_before_ms, 0);
  auto const back = to_entry(row);
  EXPECT_TRUE(back.mirrors.empty());
  EXPECT_FALSE(back.size || back.not_before || back.not_after);
  EXPECT_TRUE(back.metadata.is_null());
}

TEST(EntryRow, SetsOnlyTheOptionsThatItsLineHas) {
  Entry entry{.url = "https://h.example/a.mp4"};
  entry.size = 0;
  EXPECT_EQ(to_row(entry, 50).options, R"({"size":0})");
  entry.size.reset();
  entry.entity = "e";
  EXPECT_EQ(to_row(entry, 50).options, R"({"entity":"e"})");
}

TEST(EntryRow, WaitsFromTheFirstMillisecondOn) {
  for (auto const& [ms, kept] : {std::pair<std::int64_t, std::int64_t>{-5, 0}, {0, 0}, {1, 1}}) {
    Entry entry{.url = "https://h.example/a.mp4"};
    entry.not_before = from_unix_ms(ms);
    auto const row = to_row(entry, 50);
    EXPECT_EQ(row.not_before_ms, kept);
    EXPECT_EQ(to_entry(row).not_before.has_value(), kept > 0);
  }
}

TEST(EntryRow, PacksTheKeyThatIsAHashAndNoOther) {
  auto const hash = "u:" + std::string(32, '6');
  EXPECT_EQ(packed_key(hash), std::string(16, 'f'));
  for (std::string const& key : {hash, std::string("u:6b3a") + std::string(28, '0'), std::string("k:7"),
                                 std::string("k:14 bytes more."), std::string("u:66"), hash + "6", std::string()})
    EXPECT_EQ(unpacked_key(packed_key(key)), key);
  EXPECT_EQ(packed_key("u:6b3a" + std::string(28, '0')).size(), 34u) << "it would be read as a key that was given";
  EXPECT_EQ(packed_key("k:" + std::string(32, '6')).size(), 34u);
}

TEST(EntryRow, WithoutAnEndAmongItsOptionsHasNone) {
  Entry entry{.url = "https://h.example/a.mp4"};
  entry.size = 5;
  auto const back = to_entry(to_row(entry, 50));
  EXPECT_EQ(back.size, 5u);
  EXPECT_FALSE(back.not_after);
}

}  // namespace
}  // namespace sluice::stage

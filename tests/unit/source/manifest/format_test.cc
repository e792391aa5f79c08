// What the formats make of lines: txt.h, csv.h, jsonl.h.
#include "core/source/manifest/format.h"

#include <gtest/gtest.h>

#include "core/base/text.h"

namespace sluice::source::manifest {
namespace {

Found read(std::string_view file_name, std::string_view text) {
  auto const format = format_for(file_name);
  Lines lines;
  Found found;
  lines.feed(text);
  while (auto const line = lines.rest()) format->take(*line, found);
  format->finish(found);
  EXPECT_FALSE(format->held());
  return found;
}

std::string only_error(Found const& found) {
  if (found.errors.size() != 1) return std::to_string(found.errors.size()) + " errors";
  auto const& error = found.errors[0];
  return std::to_string(error.place.line) + ":" + std::to_string(error.column) + ": " + error.reason;
}

// --- by name

TEST(ManifestFormat, IsToldByTheNameAndGzLeftAway) {
  for (auto const* name : {"a.txt", "a.m3u", "a.csv", "a.tsv", "a.jsonl", "a.ndjson", "a.JSONL.gz", "a.csv.gz"})
    EXPECT_TRUE(format_for(name)) << name;
  for (auto const* name : {"a.mp4", "a", "a.gz", "a.json", "a.jsonl.zst"}) EXPECT_FALSE(format_for(name)) << name;
}

// --- lists

TEST(ManifestTxt, TakesUrlsAndPassesOverCommentsAndEmptyLines) {
  auto const found = read("a.txt", "# list\nhttps://h/a.mp4  \n;x\n]y\n\n\thttps://h/b.mp4\n");
  ASSERT_EQ(found.entries.size(), 2u);
  EXPECT_EQ(found.entries[0].url, "https://h/a.mp4");
  EXPECT_EQ(found.entries[1].url, "https://h/b.mp4");
  EXPECT_EQ(found.entries[1].place.line, 6u);
  EXPECT_TRUE(found.errors.empty());
}

TEST(ManifestTxt, TakesMirrorsAndOptionsAsAria2WritesThem) {
  auto const found = read("a.txt",
                          "https://h/a\thttps://m/a\n"
                          "  out=film.mp4\n"
                          "  dir=/srv\n"
                          "  checksum=md5=9E107D9D372BB6826BD81D3542A419D6\n"
                          "https://h/b?x=1\n");
  ASSERT_EQ(found.entries.size(), 2u);
  EXPECT_EQ(found.entries[0].mirrors, std::vector<std::string>{"https://m/a"});
  EXPECT_EQ(found.entries[0].name, "film.mp4");
  EXPECT_EQ(found.entries[0].md5, "9e107d9d372bb6826bd81d3542a419d6");
  EXPECT_EQ(found.entries[1].url, "https://h/b?x=1");
}

TEST(ManifestTxt, RefusesAnEntryThatWantsHeaders) {
  auto const found = read("a.txt", "https://h/a\n  header=Authorization: x\n  out=a\nhttps://h/b\n");
  EXPECT_EQ(only_error(found), "2:1: `header` is not taken from a manifest; remove it");
  ASSERT_EQ(found.entries.size(), 1u);
  EXPECT_EQ(found.entries[0].url, "https://h/b");
}

TEST(ManifestTxt, SaysOfAnOptionThatItHasNoUrl) {
  EXPECT_EQ(only_error(read("a.txt", "  out=a.mp4\n")), "1:1: is indented like an option, and no URL stands before it");
}

TEST(ManifestTxt, TakesAPlaylistOfFilesAndRefusesAMediaPlaylist) {
  auto const files = read("a.m3u", "#EXTM3U\n#EXTINF:12,Clip\nhttps://h/a.mp4\n");
  EXPECT_EQ(files.entries.size(), 1u);
  EXPECT_FALSE(files.refused);
  auto const pieces = read("a.m3u", "#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:4,\nhttps://h/0.ts\n");
  ASSERT_TRUE(pieces.refused);
  EXPECT_NE(pieces.refused->find("media playlist"), std::string::npos);
}

// --- tables

TEST(ManifestCsv, MapsItsColumnsByTheHeaderWhateverTheDelimiter) {
  for (auto const* text : {"Name,URL,Size\na.mp4,https://h/a,12\n", "Name;URL;Size\na.mp4;https://h/a;12\n",
                           "Name\tURL\tSize\na.mp4\thttps://h/a\t12\n"}) {
    auto const found = read("a.csv", text);
    ASSERT_EQ(found.entries.size(), 1u) << text;
    EXPECT_EQ(found.entries[0].name, "a.mp4");
    EXPECT_EQ(found.entries[0].url, "https://h/a");
    EXPECT_EQ(found.entries[0].size, 12u);
    EXPECT_EQ(found.entries[0].place.line, 2u);
  }
}

TEST(ManifestCsv, TakesQuotedFieldsWithDelimitersQuotesAndEndsOfLines) {
  auto const found = read("a.csv", "url,title\nhttps://h/a,\"one, \"\"two\"\"\nthree\"\r\nhttps://h/b,x\n");
  ASSERT_EQ(found.entries.size(), 2u) << found.errors.size();
  EXPECT_EQ(*found.entries[0].metadata.find("title")->as_text(), "one, \"two\"\nthree");
  EXPECT_EQ(found.entries[1].place.line, 4u);
}

TEST(ManifestCsv, LosesOneLineAndNoOtherToAQuoteThatIsNeverClosed) {
  std::string text = "url,title\nhttps://h/a,\"open\n";
  for (int i = 0; i < 250; ++i) text += "https://h/" + std::to_string(i) + ",t\n";
  auto const found = read("a.csv", text);
  EXPECT_EQ(only_error(found), "2:13: has a quote that is never closed");
  EXPECT_EQ(found.entries.size(), 250u);
}

TEST(ManifestCsv, NamesLineAndColumnOfWhatIsWrong) {
  EXPECT_EQ(only_error(read("a.csv", "url,size\nhttps://h/a,many\n")), "2:13: `size` is no number of bytes");
  EXPECT_EQ(only_error(read("a.csv", "url,x\n\"https://h/a\"b,1\n")),
            "2:14: has text behind the quote that closes a field");
  EXPECT_EQ(only_error(read("a.csv", "url,x\nhttps://h/a,1,2\n")), "2:15: has 3 fields, and the header 2");
  EXPECT_EQ(only_error(read("a.csv", "url,x\n,1\n")), "2:1: has no URL");
}

TEST(ManifestCsv, RefusesAFileWithoutAHeader) {
  auto const found = read("a.csv", "https://h/a.mp4,1\nhttps://h/b.mp4,2\n");
  ASSERT_TRUE(found.refused);
  EXPECT_NE(found.refused->find("must name the columns"), std::string::npos);
  EXPECT_TRUE(found.entries.empty());
}

TEST(ManifestTsv, ReadsStorageTransfersList) {
  auto const found =
      read("a.tsv", "TsvHttpData-1.0\nhttps://h/a.mp4\t1357\twHENa08V36iPYAsOa2JAdw==\nhttps://h/b.mp4\n");
  ASSERT_EQ(found.entries.size(), 2u);
  EXPECT_EQ(found.entries[0].size, 1357u);
  EXPECT_EQ(found.entries[0].md5, "c0710d6b4f15dfa88f600b0e6b624077");
  EXPECT_FALSE(found.entries[1].size);
}

// --- JSON lines

TEST(ManifestJsonl, TakesEveryFieldAndKeepsTheRestAsMetadata) {
  auto const found = read("a.jsonl", R"({"url":"https://h/a.mp4","name":"a.mp4","key":7,"size":12,"type":"video/mp4",)"
                                     R"("index":"i","collection":"c","entity":"e","priority":90,)"
                                     R"("not_before":"2026-11-22T00:00:00Z","not_after":1795316645,)"
                                     R"("metadata":{"reel":"4"},"Site":"north","take":3,"tags":["x"],"none":null})"
                                     "\n");
  ASSERT_EQ(found.entries.size(), 1u) << only_error(found);
  auto const& entry = found.entries[0];
  EXPECT_EQ(entry.key, "7");
  EXPECT_EQ(entry.size, 12u);
  EXPECT_EQ(entry.kind, "video");
  EXPECT_EQ(entry.index + entry.collection + entry.entity, "ice");
  EXPECT_EQ(entry.priority, 90);
  EXPECT_EQ(to_rfc3339(*entry.not_before), "2026-11-22T00:00:00Z");
  EXPECT_EQ(to_unix_ms(*entry.not_after), 1795316645000);
  EXPECT_EQ(entry.metadata.dump(), R"({"reel":"4","Site":"north","take":3,"tags":"[\"x\"]"})");
}

TEST(ManifestJsonl, GoesOnBehindABadLine) {
  auto const found = read("a.jsonl", "{\"url\":\n[1]\n{\"url\":\"https://h/a\"}\n{\"name\":\"x\"}\n");
  ASSERT_EQ(found.errors.size(), 3u);
  EXPECT_EQ(found.errors[0].place.line, 1u);
  EXPECT_EQ(found.errors[1].reason, "is no JSON object");
  EXPECT_EQ(found.errors[2].reason, "names no `url`");
  EXPECT_EQ(found.entries.size(), 1u);
}

TEST(ManifestJsonl, LeavesOutWhatThePlatformSetsItself) {
  auto const found = read("a.jsonl", R"({"url":"https://h/a","duration":3,"width":1,"client_op":"x"})");
  ASSERT_EQ(found.entries.size(), 1u);
  EXPECT_TRUE(found.entries[0].metadata.is_null());
  EXPECT_EQ(only_error(read("a.jsonl", R"({"url":"https://h/a","metadata":{"filename":"x"}})")),
            "1:0: `metadata` names `filename`, which the platform sets itself");
}

TEST(ManifestJsonl, RefusesWhatItCannotDoRatherThanDoHalfOfIt) {
  EXPECT_EQ(only_error(read("a.jsonl", R"({"url":"https://h/a","mode":"fetch"})")),
            "1:0: `mode` is not supported yet; only platform is");
  EXPECT_EQ(only_error(read("a.jsonl", R"({"url":"https://h/a","headers":{"X":"y"}})")),
            "1:0: `headers` is not taken from a manifest; remove it");
  EXPECT_EQ(only_error(read("a.jsonl", R"({"url":"https://h/a","priority":101})")),
            "1:0: `priority` is no whole number from 0 to 100");
}

TEST(ManifestJsonl, RefusesAKeyThatIsThereTwice) {
  EXPECT_EQ(read("a.jsonl", R"({"url":"https://h/a","url":"https://h/b"})").errors.size(), 1u);
}

}  // namespace
}  // namespace sluice::source::manifest

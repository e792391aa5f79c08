// Where a manifest's formats draw their lines: the last value that is taken, and the first that is not.
#include <gtest/gtest.h>

#include "core/base/text.h"
#include "core/source/manifest/csv.h"
#include "core/source/manifest/finish_entry.h"
#include "core/source/manifest/format.h"

namespace sluice::source::manifest {
namespace {

Found read(std::string_view file_name, std::string_view text) {
  auto const format = format_for(file_name);
  Lines lines;
  Found found;
  lines.feed(text);
  while (auto const line = lines.rest()) format->take(*line, found);
  format->finish(found);
  return found;
}

// What is wrong with a text; "taken" where it is one entry and nothing else.
std::string said(Found const& found) {
  if (found.refused) return "refused: " + *found.refused;
  if (found.errors.empty())
    return found.entries.size() == 1 ? "taken" : std::to_string(found.entries.size()) + " taken";
  auto const& error = found.errors[0];
  return std::to_string(error.place.line) + ":" + std::to_string(error.column) + ": " + error.reason;
}

// One line of JSON that has a URL, and this beside it.
Found with(std::string const& more) { return read("a.jsonl", R"({"url":"https://h/a",)" + more + "}"); }

std::string times(int n, std::string const& text) {
  std::string all;
  for (int i = 0; i < n; ++i) all += text;
  return all;
}

// --- the words of a line

TEST(ManifestBounds, ANameOfAFieldIsKnownInAnySpelling) {
  EXPECT_EQ(field_of("SIZE"), Field::kSize);
  EXPECT_EQ(field_of("NAME"), Field::kName);
  EXPECT_EQ(field_of(" Not-Before "), Field::kNotBefore);
  EXPECT_EQ(field_of("NOT AFTER"), Field::kNotAfter);
  EXPECT_EQ(field_of("n@me"), Field::kOther);
  EXPECT_EQ(field_of("si[e"), Field::kOther);
  EXPECT_EQ(field_of("not_before_at_all"), Field::kOther);
  EXPECT_EQ(field_of(""), Field::kOther);
}

TEST(ManifestBounds, NumbersAreTakenWholeOrNotAtAll) {
  struct Case {
    char const* line;
    char const* said;
  };
  for (auto const& [line, expected] :
       {Case{R"("priority":0)", "taken"}, Case{R"("priority":100)", "taken"},
        Case{R"("priority":-1)", "1:0: `priority` is no whole number from 0 to 100"},
        Case{R"("priority":101)", "1:0: `priority` is no whole number from 0 to 100"},
        Case{R"("priority":"5x")", "1:0: `priority` is no whole number from 0 to 100"},
        Case{R"("priority":5.5)", "1:0: `priority` is no text or whole number"}, Case{R"("size":0)", "taken"},
        Case{R"("size":"18446744073709551615")", "taken"},
        Case{R"("size":"18446744073709551616")", "1:0: `size` is no number of bytes"},
        Case{R"("size":"12 MB")", "1:0: `size` is no number of bytes"},
        Case{R"("size":-1)", "1:0: `size` is no number of bytes"}, Case{R"("not_after":4294967295)", "taken"},
        Case{R"("not_after":4294967296)", "1:0: `not_after` is no time, such as 2026-11-22T03:04:05Z or 1795316645"},
        Case{R"("not_before":"soon")", "1:0: `not_before` is no time, such as 2026-11-22T03:04:05Z or 1795316645"}})
    EXPECT_EQ(said(with(line)), expected) << line;
}

TEST(ManifestBounds, AChecksumIsOfItsLengthInHexOrBase64) {
  auto const taken = [](std::string const& name, std::string const& text) {
    return said(with("\"" + name + "\":\"" + text + "\"")) == "taken";
  };
  EXPECT_TRUE(taken("md5", std::string(32, 'a')));
  EXPECT_FALSE(taken("md5", std::string(31, 'a')));
  EXPECT_FALSE(taken("md5", std::string(33, 'a')));
  EXPECT_FALSE(taken("md5", std::string(31, 'a') + "g"));
  EXPECT_TRUE(taken("sha256", std::string(64, 'B')));
  EXPECT_FALSE(taken("sha256", std::string(32, 'a')));
  EXPECT_TRUE(taken("sha256", std::string(43, 'A') + "="));
  EXPECT_TRUE(taken("md5", std::string(22, 'A') + "=="));
  EXPECT_FALSE(taken("md5", std::string(24, 'A'))) << "these are 18 bytes";
  EXPECT_FALSE(taken("md5", std::string(21, 'A') + "===")) << "these are 15";
  EXPECT_FALSE(taken("md5", std::string(21, 'A') + "!=="));
  EXPECT_FALSE(taken("md5", std::string(22, 'A') + "="));
  EXPECT_EQ(with(R"("sha256":"/////////////////////////////////////////+8=")").entries.at(0).sha256,
            std::string(62, 'f') + "ef");
}

TEST(ManifestBounds, AKindIsOneOfThree) {
  for (auto const* kind : {"video", "AUDIO", "image/png"})
    EXPECT_EQ(said(with(R"("kind":")" + std::string(kind) + "\"")), "taken") << kind;
  EXPECT_EQ(with(R"("kind":"AUDIO/mpeg")").entries.at(0).kind, "audio");
  EXPECT_EQ(said(with(R"("kind":"text/plain")")), "1:0: `kind` is none of video, audio and image");
}

TEST(ManifestBounds, SixteenMirrorsAreKeptAndNoMore) {
  for (int const urls : {16, 17, 18}) {
    auto const found = read("a.txt", "https://h/0" + times(urls - 1, "\thttps://m/x") + "\n");
    ASSERT_EQ(found.entries.size(), 1u);
    EXPECT_EQ(found.entries[0].mirrors.size(), std::min<std::size_t>(static_cast<std::size_t>(urls) - 1, 16));
  }
}

TEST(ManifestBounds, UrlsInAListAreTheFirstAndItsMirrors) {
  auto const found = read("a.jsonl", R"({"urls":["https://h/a","https://m/a"]})");
  ASSERT_EQ(said(found), "taken");
  EXPECT_EQ(found.entries[0].url, "https://h/a");
  EXPECT_EQ(found.entries[0].mirrors, std::vector<std::string>{"https://m/a"});
  EXPECT_EQ(said(read("a.jsonl", R"({"urls":["https://h/a",7]})")), "1:0: `urls` holds what is no text");
  EXPECT_EQ(said(read("a.jsonl", R"({"urls":"https://h/a"})")), "taken");
  EXPECT_EQ(said(read("a.jsonl", R"({"url":["https://h/a"]})")), "1:0: `url` is no text or whole number");
  EXPECT_EQ(said(read("a.jsonl", R"({"urls":[]})")), "1:1: names no `url`");
}

TEST(ManifestBounds, WhatIsEmptyOrNullIsAsIfItWasNotThere) {
  auto const found = with(R"("size":null,"md5":"","priority":" ","tag":null,"other":"")");
  ASSERT_EQ(said(found), "taken");
  EXPECT_FALSE(found.entries[0].size);
  EXPECT_FALSE(found.entries[0].priority);
  EXPECT_EQ(found.entries[0].metadata.find("tag"), nullptr);
}

TEST(ManifestBounds, MetadataNamesNothingThatThePlatformSetsInAnySpelling) {
  for (auto const* name : {"filename", "FileName", "size", "Size", "duration", "fps", "client_op"})
    EXPECT_EQ(said(with(R"("metadata":{")" + std::string(name) + R"(":1})")),
              "1:0: `metadata` names `" + std::string(name) + "`, which the platform sets itself");
  for (auto const* name : {"name", "file", "sizes", "reel"})
    EXPECT_EQ(said(with(R"("metadata":{")" + std::string(name) + R"(":1})")), "taken") << name;
  EXPECT_EQ(said(with(R"("metadata":"reel")")), "1:0: `metadata` is no object of names and values");
  EXPECT_EQ(with(R"("metadata":{"a":null,"b":{"c":1},"d":true})").entries.at(0).metadata.dump(),
            R"({"b":"{\"c\":1}","d":true})");
}

TEST(ManifestBounds, ATablesMetadataIsJson) {
  auto const table = [](std::string const& cell) {
    return read("a.tsv", "url\tmetadata\nhttps://h/a\t" + cell + "\n");
  };
  EXPECT_EQ(said(table("")), "taken");
  EXPECT_EQ(table("{'reel':4}").errors.size(), 1u);
  auto const found = read("a.tsv", "url\tmetadata\nhttps://h/a\t\"{\"\"reel\"\":4}\"\n");
  ASSERT_EQ(said(found), "taken");
  EXPECT_EQ(found.entries[0].metadata.dump(), R"({"reel":4})");
  EXPECT_EQ(said(table("[1]")), "2:13: `metadata` is no object of names and values");
}

TEST(ManifestBounds, OnlyTheModeOfThisReleaseIsTaken) {
  EXPECT_EQ(said(with(R"("mode":"platform")")), "taken");
  EXPECT_EQ(said(with(R"("fetch":"PLATFORM")")), "taken");
  EXPECT_EQ(said(with(R"("mode":"sluice")")), "1:0: `mode` is not supported yet; only platform is");
  EXPECT_EQ(said(with(R"("mode":true)")), "1:0: `mode` is no text or whole number");
  EXPECT_EQ(said(with(R"("cookie":true)")), "1:0: `cookie` is not taken from a manifest; remove it");
}

TEST(ManifestBounds, AKeyHas512BytesAtMost) {
  for (std::size_t const bytes : {512u, 513u}) {
    Entry entry{.url = "https://h/a.mp4"};
    entry.key = std::string(bytes, 'k');
    EXPECT_EQ(finish_entry(entry).value_or("taken"), bytes == 512 ? "taken" : "has a `key` of more than 512 bytes");
  }
}

TEST(ManifestBounds, AMirrorIsAUrlToo) {
  Entry entry{.url = "https://h/a.mp4", .mirrors = {"https://m/a.mp4", "ftp://m/a.mp4"}};
  EXPECT_TRUE(finish_entry(entry).value_or("").starts_with("has a bad mirror: "));
  entry.mirrors.pop_back();
  EXPECT_FALSE(finish_entry(entry));
}

TEST(ManifestBounds, SizeAndChecksumTellEntriesOfOneUrlApart) {
  auto const key_of = [](auto change) {
    Entry entry{.url = "https://h/a.mp4"};
    change(entry);
    EXPECT_FALSE(finish_entry(entry));
    return entry.item_key;
  };
  auto const plain = key_of([](Entry&) {});
  auto const md5 = key_of([](Entry& entry) { entry.md5 = std::string(32, 'a'); });
  auto const both = key_of([](Entry& entry) { entry.md5 = std::string(32, 'a'), entry.sha256 = std::string(64, 'b'); });
  auto const sha256 = key_of([](Entry& entry) { entry.sha256 = std::string(64, 'b'); });
  auto const other_md5 = key_of([](Entry& entry) { entry.md5 = std::string(32, 'c'); });
  EXPECT_NE(plain, md5);
  EXPECT_NE(md5, other_md5);
  EXPECT_NE(md5, sha256);
  EXPECT_EQ(both, sha256) << "the stronger one of two";
}

// --- lists

TEST(ManifestBounds, AnIndentedLineIsAnOptionUnlessItIsAUrlOrAComment) {
  struct Case {
    char const* second;
    char const* said;
  };
  for (auto const& [second, expected] :
       {Case{"  out=b.mp4", "taken"}, Case{"\tout=b.mp4", "taken"}, Case{"  # a comment", "taken"},
        Case{"out=b.mp4", "2 taken"}, Case{"  https://h/b?out=c", "2 taken"}, Case{"  out=https://h/b", "taken"},
        Case{"  out", "2:1: is no option of the form name=value"},
        Case{"  checksum=sha-1=00", "2:1: `checksum` is neither md5=... nor sha-256=..."},
        Case{"  checksum=md5", "taken"},
        Case{"  user-agent=me", "2:1: `user-agent` is not taken from a manifest; remove it"}})
    EXPECT_EQ(said(read("a.txt", std::string("https://h/a\n") + second + "\n")), expected) << second;
  EXPECT_EQ(read("a.txt", "https://h/a\n  checksum=SHA-256=" + std::string(64, 'a') + "\n").entries.at(0).sha256.size(),
            64u);
}

TEST(ManifestBounds, ABlankLineEndsTheOptionsOfAUrlAndACommentDoesNot) {
  EXPECT_EQ(said(read("a.txt", "https://h/a\n   \n  out=b.mp4\n")),
            "3:1: is indented like an option, and no URL stands before it");
  auto const found = read("a.txt", "https://h/a\n  ;later\n# never\n  out=b.mp4\n");
  ASSERT_EQ(said(found), "taken");
  EXPECT_EQ(found.entries[0].name, "b.mp4");
}

TEST(ManifestBounds, AnOptionThatSpoilsItsUrlSpoilsNoOther) {
  auto const found = read("a.txt", "https://h/a\n  out\n  header=x\nhttps://h/b\n  out\nhttps://h/c\n");
  EXPECT_EQ(found.errors.size(), 2u);
  ASSERT_EQ(found.entries.size(), 1u);
  EXPECT_EQ(found.entries[0].url, "https://h/c");
}

// --- tables

TEST(ManifestBounds, ARecordHas256FieldsAtMost) {
  auto const header = "url" + times(255, ",x");
  EXPECT_EQ(said(read("a.csv", header + "\nhttps://h/a" + times(255, ",1") + "\n")), "taken");
  EXPECT_EQ(said(read("a.csv", header + "\nhttps://h/a" + times(256, ",1") + "\n")), "2:522: has more than 256 fields");
  EXPECT_EQ(said(read("a.csv", header + ",y\n")), "1:514: has more than 256 fields");
}

TEST(ManifestBounds, ARecordMayHaveFewerFieldsThanTheHeaderAndEmptyOnes) {
  EXPECT_EQ(said(read("a.csv", "url,name,size\nhttps://h/a\n")), "taken");
  EXPECT_EQ(said(read("a.csv", "url,name,size\nhttps://h/a,,\n")), "taken");
  EXPECT_EQ(said(read("a.csv", "url,name\n\"https://h/a\",\"\"\n")), "taken");
  EXPECT_EQ(said(read("a.csv", "url,name,size\nhttps://h/a,,,\n")), "2:15: has 4 fields, and the header 3");
}

TEST(ManifestBounds, TheDelimiterIsTheOneThatStandsMostOutsideOfQuotes) {
  auto const found = read("a.csv", "\"a,b,c,d\";url;size\nx;https://h/a;7\n");
  ASSERT_EQ(said(found), "taken");
  EXPECT_EQ(found.entries[0].size, 7u);
}

TEST(ManifestBounds, ATsvHasTabsWhateverItsHeaderHasMoreOf) {
  EXPECT_EQ(said(read("a.tsv", "film, in, short\turl\nx\thttps://h/a\n")), "taken");
}

TEST(ManifestBounds, OnlyAHeaderOfOneWordIsThatOfStorageTransfer) {
  EXPECT_EQ(said(read("a.tsv", "TsvHttpData-1.0\nhttps://h/a\t7\n")), "taken");
  EXPECT_EQ(said(read("a.tsv", "TsvHttpData-1.0\turl\nx\thttps://h/a\n")), "taken") << "a column of that name";
  EXPECT_TRUE(read("a.tsv", "TsvHttpData-2.0\nhttps://h/a\t7\n").refused);
}

TEST(ManifestBounds, AQuotedFieldGoesOnForAHundredLinesAtMost) {
  auto const open = [](std::size_t lines) {
    return "url,title\nhttps://h/a,\"" + times(static_cast<int>(lines) - 1, "x\n") + "\"\n";
  };
  EXPECT_EQ(said(read("a.csv", open(Csv::kRecordLinesMax))), "taken");
  auto const more = read("a.csv", open(Csv::kRecordLinesMax + 1));
  EXPECT_EQ(said(more), "2:13: has a quote that is never closed");
}

TEST(ManifestBounds, AQuotedFieldHas64KibAtMostWhileItIsOpen) {
  auto const open_with = [](std::size_t bytes) {
    std::string const begin = "https://h/a,\"";
    return read("a.csv", "url,title\n" + begin + std::string(bytes - begin.size() - 101, 'x') + "\n" +
                             std::string(100, 'y') + "\nz\"\n");
  };
  EXPECT_EQ(said(open_with(kLineBytesMax)), "taken");
  EXPECT_EQ(said(open_with(kLineBytesMax + 1)), "2:13: has a quote that is never closed");
}

// --- JSON lines

TEST(ManifestBounds, OnlyWhatHasResultAndLineIsALineOfResults) {
  EXPECT_EQ(said(with(R"("result":"good")")), "taken");
  EXPECT_EQ(said(with(R"("line":7)")), "taken");
  EXPECT_TRUE(with(R"("line":7,"result":"ok")").refused);
  auto const second = read("a.jsonl", "{\"url\":\"https://h/a\"}\n{\"line\":7,\"result\":\"ok\"}\n");
  EXPECT_FALSE(second.refused);
  EXPECT_EQ(said(second), "2:1: is a line of results, and not of a manifest");
}

// --- lines

TEST(ManifestBounds, ALineOfTheMostBytesWaitsForItsEndAndALongerOneIsLetGo) {
  for (std::size_t const bytes : {kLineBytesMax, kLineBytesMax + 1}) {
    Lines lines;
    lines.feed(std::string(bytes, 'x'));
    ASSERT_FALSE(lines.next());
    lines.feed("\n");
    auto const line = lines.next();
    ASSERT_TRUE(line);
    EXPECT_EQ(line->too_long, bytes > kLineBytesMax);
    EXPECT_EQ(line->text.size(), bytes > kLineBytesMax ? 0 : bytes);
    EXPECT_EQ(lines.place(), (Place{2, bytes + 1}));
  }
}

TEST(ManifestBounds, ALineThatWasLetGoIsTheRestOfItsFileYet) {
  Lines lines;
  lines.feed(std::string(kLineBytesMax + 1, 'x'));
  ASSERT_FALSE(lines.next());
  auto const rest = lines.rest();
  ASSERT_TRUE(rest);
  EXPECT_TRUE(rest->too_long);
  EXPECT_FALSE(lines.rest());
  EXPECT_EQ(lines.place(), (Place{1, kLineBytesMax + 1}));
}

TEST(ManifestBounds, OnlyTheFirstLineHasAByteOrderMark) {
  Lines lines;
  lines.feed(
      "\xEF\xBB\xBF"
      "a\n\xEF\xBB\xBF"
      "b\n");
  EXPECT_EQ(lines.next()->text, "a");
  EXPECT_EQ(lines.next()->text,
            "\xEF\xBB\xBF"
            "b");
}

}  // namespace
}  // namespace sluice::source::manifest

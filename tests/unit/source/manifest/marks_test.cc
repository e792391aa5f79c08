// How a reader finds its mark again: behind how much, in what kind of file, and in which it is not (reader.h).
#include <gmock/gmock.h>

#include "core/source/manifest/reader.h"
#include "tests/unit/source/manifest/memory_file.h"

namespace sluice::source::manifest {
namespace {

std::string url(int n) { return "https://h.example/" + std::to_string(n * 7919 % 100'003) + ".mp4"; }
std::string urls(int from, int to) {
  std::string text = from == 0 ? "url\n" : "";
  for (int n = from; n < to; ++n) text += url(n) + "\n";
  return text;
}

class ManifestMarks : public testing::Test {
 protected:
  // All there is for now, by a new reader from the mark on.
  std::size_t read(std::string const& name) {
    Reader reader("/feeds", name, mark);
    return read_on(reader);
  }
  std::size_t read_on(Reader& reader) {
    std::size_t entries = 0;
    began_anew = false;
    for (int steps = 0; steps < 1'000; ++steps) {
      auto const batch = reader.step(files, 5'000, false);
      if (!batch) {
        failure = batch.error().text;
        return entries;
      }
      mark = batch->mark;
      began_anew = began_anew || batch->began_anew;
      entries += batch->found.entries.size();
      refused = batch->found.refused.value_or("");
      has_rest = batch->has_rest;
      if (batch->at_end || batch->found.refused) return entries;
    }
    ADD_FAILURE() << "it comes to no end";
    return entries;
  }

  MemoryFiles files;
  Mark mark;
  bool began_anew = false, has_rest = false;
  std::string failure, refused;
};

// More than is read at once, and more than a fingerprint is of.
TEST_F(ManifestMarks, AreFoundBehindAnyNumberOfReads) {
  for (int const lines : {1, 100, 160, 12'000, 30'000}) {
    for (auto const* name : {"a.csv", "a.csv.gz"}) {
      SCOPED_TRACE(std::string(name) + " " + std::to_string(lines));
      auto const packed = std::string(name).ends_with(".gz");
      auto const put = [&](std::string const& text) { return packed ? gzipped(text) : text; };
      mark = {};
      files.replace(name, put(urls(0, lines)));
      EXPECT_EQ(read(name), static_cast<std::size_t>(lines));
      EXPECT_EQ(mark.place.line, static_cast<std::uint64_t>(lines) + 2);
      files.append(name, put(urls(lines, lines + 3)));
      EXPECT_EQ(read(name), 3u);
      EXPECT_FALSE(began_anew);
      EXPECT_EQ(failure, "");
    }
  }
}

TEST_F(ManifestMarks, AreNotFoundInAFileThatWasCutFarBeforeThem) {
  for (auto const* name : {"a.csv", "a.csv.gz"}) {
    mark = {};
    auto const packed = std::string(name).ends_with(".gz");
    files.replace(name, packed ? gzipped(urls(0, 2'000)) : urls(0, 2'000));
    EXPECT_EQ(read(name), 2'000u);
    files.write(name, packed ? gzipped(urls(0, 2)) : urls(0, 2));
    EXPECT_EQ(read(name), 2u);
    EXPECT_TRUE(began_anew) << name;
    EXPECT_EQ(mark.place.line, 4u);
  }
}

TEST_F(ManifestMarks, AreNotFoundWhereTheirFileIsEmptyNow) {
  files.replace("a.csv", urls(0, 300));
  EXPECT_EQ(read("a.csv"), 300u);
  files.write("a.csv", "");
  EXPECT_EQ(read("a.csv"), 0u);
  EXPECT_TRUE(began_anew);
  EXPECT_EQ(mark.place, Place());
}

// The first bytes are looked at, and the last ones before the mark.
TEST_F(ManifestMarks, AreNotFoundWhereWhatIsBeforeThemIsAnother) {
  auto const text = urls(0, 2'000);
  for (std::size_t const at :
       {std::size_t{30}, Reader::kPrintedBytes - 1, text.size() - Reader::kPrintedBytes, text.size() - 8}) {
    mark = {};
    files.replace("a.csv", text);
    EXPECT_EQ(read("a.csv"), 2'000u);
    auto other = text;
    other[at] = other[at] == '7' ? '8' : '7';
    files.write("a.csv", other + urls(2'000, 2'001));
    read("a.csv");
    EXPECT_TRUE(began_anew) << at;
  }
  for (std::size_t const at : {Reader::kPrintedBytes, text.size() - Reader::kPrintedBytes - 1}) {
    mark = {};
    files.replace("a.csv", text);
    read("a.csv");
    auto other = text;
    other[at] = '7';
    files.write("a.csv", other + urls(2'000, 2'001));
    EXPECT_EQ(read("a.csv"), 1u) << "what is between is not read again";
    EXPECT_FALSE(began_anew) << at;
  }
}

TEST_F(ManifestMarks, OfAnEmptyFileAreItsBeginning) {
  files.replace("a.csv", "");
  EXPECT_EQ(read("a.csv"), 0u);
  EXPECT_EQ(mark.place, Place());
  EXPECT_EQ(mark.fingerprint, "");
  files.append("a.csv", urls(0, 2));
  EXPECT_EQ(read("a.csv"), 2u);
  EXPECT_FALSE(began_anew) << "nothing was read before";
}

TEST_F(ManifestMarks, AFileThatWasReplacedBeforeAnythingWasReadIsNoOther) {
  files.replace("a.csv", "ur");
  Reader reader("/feeds", "a.csv", {});
  EXPECT_EQ(read_on(reader), 0u);
  EXPECT_TRUE(has_rest);
  files.replace("a.csv", urls(0, 2));
  EXPECT_EQ(read_on(reader), 2u);
  EXPECT_FALSE(began_anew);
}

TEST_F(ManifestMarks, AreKeptByAReaderWhoseFileWasOnlyTouched) {
  for (auto const* name : {"a.csv", "a.csv.gz"}) {
    auto const text = std::string(name).ends_with(".gz") ? gzipped(urls(0, 400)) : urls(0, 400);
    mark = {};
    files.replace(name, text);
    Reader reader("/feeds", name, {});
    EXPECT_EQ(read_on(reader), 400u);
    files.write(name, text);
    EXPECT_EQ(read_on(reader), 0u) << name;
    EXPECT_FALSE(began_anew) << name;
  }
}

// Of the same size: what was read of it is not in it any more.
TEST_F(ManifestMarks, AreLostToAReaderWhoseFileWasWrittenOver) {
  for (auto const* name : {"a.csv", "a.csv.gz"}) {
    auto const packed = std::string(name).ends_with(".gz");
    auto one = urls(0, 400), other = one;
    other[other.size() - 8] = other[other.size() - 8] == '7' ? '8' : '7';
    one = packed ? gzipped(one) : one;
    other = packed ? gzipped(other) : other;
    other.resize(std::max(one.size(), other.size()), '\0');
    one.resize(other.size(), '\0');
    mark = {};
    files.replace(name, one);
    Reader reader("/feeds", name, {});
    EXPECT_EQ(read_on(reader), 400u);
    files.write(name, other);
    EXPECT_EQ(read_on(reader), 400u) << name;
    EXPECT_TRUE(began_anew) << name;
  }
}

TEST_F(ManifestMarks, BothKindsOfUtf16AreRefusedAndNoOtherBytesAre) {
  struct Case {
    std::string text;
    bool is_refused;
  };
  for (auto const& [text, is_refused] : {Case{std::string("\xFF\xFEu\0", 4), true},
                                         Case{"\xFE\xFF"
                                              "u",
                                              true},
                                         Case{"\xFF"
                                              "url\n",
                                              false},
                                         Case{"\xEF\xBB\xBFurl\n", false}}) {
    mark = {};
    files.replace("a.txt", text);
    read("a.txt");
    EXPECT_EQ(refused == "is UTF-16; save it as UTF-8", is_refused) << text;
  }
}

TEST_F(ManifestMarks, AColumnIsThatOfTheFirstByteThatIsNoText) {
  for (auto const& [text, column] : {std::pair<std::string, std::uint64_t>{"\xC3", 1}, {"ab\xC3\xA4\xFFz", 5}}) {
    mark = {};
    files.replace("a.jsonl", text + "\n");
    Reader reader("/feeds", "a.jsonl", {});
    auto const batch = reader.step(files, 10, false);
    ASSERT_EQ(batch->found.errors.size(), 1u);
    EXPECT_EQ(batch->found.errors[0].column, column);
  }
}

TEST_F(ManifestMarks, ErrorsAreToldInTheOrderOfTheirLines) {
  files.replace("a.txt", "ftp://h/1\n  out\nhttps://h/\xFF\nftp://h/4\nhttps://h/5\n");
  Reader reader("/feeds", "a.txt", {});
  auto const batch = reader.step(files, 10, true);
  std::vector<std::uint64_t> lines;
  for (auto const& error : batch->found.errors) lines.push_back(error.place.line);
  EXPECT_THAT(lines, testing::ElementsAre(2, 3, 4));
  EXPECT_EQ(batch->found.entries.size(), 1u);
}

TEST_F(ManifestMarks, AReaderAtTheEndRemembersTheFirstAndTheLastBytesOnly) {
  files.replace("a.csv", urls(0, 12'000));
  Reader reader("/feeds", "a.csv", {});
  EXPECT_EQ(read_on(reader), 12'000u);
  EXPECT_LE(reader.remembered_bytes(), 2 * Reader::kPrintedBytes);
}

TEST_F(ManifestMarks, ALastLineWithoutAnEndMayRefuseTheWholeFile) {
  files.replace("a.txt", "https://h/0\n#EXT-X-ENDLIST");
  Reader reader("/feeds", "a.txt", {});
  EXPECT_FALSE(reader.step(files, 10, false)->found.refused);
  EXPECT_TRUE(reader.step(files, 10, true)->found.refused);
}

TEST_F(ManifestMarks, AStepReadsNoMoreLinesThanItMay) {
  files.replace("a.csv", urls(0, 9));
  Reader reader("/feeds", "a.csv", {});
  for (int step = 1; step <= 5; ++step) {
    auto const batch = reader.step(files, 2, false);
    EXPECT_EQ(batch->lines, 2u);
    EXPECT_FALSE(batch->at_end);
  }
  EXPECT_TRUE(reader.step(files, 2, false)->at_end);
}

// --- what is packed

std::string newlines_unpacking_to(std::uint64_t bytes) { return gzipped(std::string(bytes, '\n')); }

TEST_F(ManifestMarks, WhatUnpacksToLittleMayBeOfAnyRatio) {
  files.replace("a.csv.gz", newlines_unpacking_to(Gunzip::kRatioFrom));
  Reader reader("/feeds", "a.csv.gz", {});
  std::string why;
  for (bool at_end = false; !at_end && why.empty();) {
    auto const batch = reader.step(files, 1 << 30, false);
    why = batch ? "" : batch.error().text;
    at_end = batch && batch->at_end;
  }
  EXPECT_EQ(why, "");
}

TEST_F(ManifestMarks, AnEmptyPackedFileAndAnEmptyMemberSayNothing) {
  files.replace("a.csv.gz", "");
  EXPECT_EQ(read("a.csv.gz"), 0u);
  EXPECT_FALSE(has_rest) << "nothing is begun";
  files.append("a.csv.gz", gzipped(""));
  EXPECT_EQ(read("a.csv.gz"), 0u);
  EXPECT_FALSE(has_rest);
  files.append("a.csv.gz", gzipped(urls(0, 2)).substr(0, 12));
  EXPECT_EQ(read("a.csv.gz"), 0u);
  EXPECT_TRUE(has_rest);
  EXPECT_EQ(failure, "");
}

TEST_F(ManifestMarks, WhatStandsBehindAMemberAndIsNoneIsDamage) {
  files.replace("a.csv.gz", gzipped(urls(0, 2)) + "more");
  read("a.csv.gz");
  EXPECT_THAT(failure, testing::HasSubstr("is no gzip file, or damaged near byte"));
}

}  // namespace
}  // namespace sluice::source::manifest

#include "core/source/manifest/reader.h"

#include <gmock/gmock.h>

#include <functional>

#include "tests/unit/source/manifest/memory_file.h"

namespace sluice::source::manifest {
namespace {

std::string url(int n) { return "https://h.example/" + std::to_string(n) + ".mp4"; }
std::string urls(int from, int to) {
  std::string text;
  for (int n = from; n < to; ++n) text += url(n) + "\n";
  return text;
}

// A list's last URL waits for the options that may follow it, a table's does not.
std::string table(std::string const& rows) { return "url\n" + rows; }

class ManifestReader : public testing::Test {
 protected:
  // All there is for now, from `mark` on, by a new reader.
  std::vector<std::string> read(std::string const& name, bool take_rest = false, std::size_t lines_max = 7) {
    Reader reader("/feeds", name, mark);
    return read_on(reader, take_rest, lines_max);
  }
  std::vector<std::string> read_on(Reader& reader, bool take_rest = false, std::size_t lines_max = 7) {
    std::vector<std::string> got;
    began_anew = false;
    errors.clear();
    do {
      auto batch = reader.step(files, lines_max, take_rest);
      if (!batch) {
        failure = batch.error().text;
        return got;
      }
      last = *batch;
      began_anew = began_anew || batch->began_anew;
      mark = batch->mark;
      for (auto const& entry : batch->found.entries) got.push_back(entry.url);
      for (auto const& error : batch->found.errors) errors.push_back(error);
    } while (!last.at_end && !last.found.refused);
    return got;
  }

  MemoryFiles files;
  Mark mark;
  Batch last;
  bool began_anew = false;
  std::vector<LineError> errors;
  std::string failure;
};

TEST_F(ManifestReader, FollowsAFileThatGrows) {
  files.write("a.csv", table(urls(0, 20)));
  Reader reader("/feeds", "a.csv", {});
  EXPECT_EQ(read_on(reader).size(), 20u);
  EXPECT_TRUE(read_on(reader).empty());
  files.append("a.csv", urls(20, 22));
  EXPECT_EQ(read_on(reader), (std::vector{url(20), url(21)}));
  EXPECT_FALSE(began_anew);
}

TEST_F(ManifestReader, GoesOnFromAMarkAnywhere) {
  for (auto const* name : {"a.txt", "a.txt.gz", "a.csv", "a.csv.gz"}) {
    std::string text = std::string(name).starts_with("a.csv") ? "url\n" : "";
    text += urls(0, 50);
    std::string const file = name;
    files.write(file, file.ends_with(".gz") ? gzipped(text) : text);
    for (std::size_t lines = 1; lines < 30; ++lines) {
      Reader first("/feeds", file, {});
      auto const batch = first.step(files, lines, false);
      ASSERT_TRUE(batch);
      mark = batch->mark;
      auto const rest = read(file, true);
      EXPECT_EQ(batch->found.entries.size() + rest.size(), 50u) << name << " " << lines;
      EXPECT_FALSE(began_anew) << name << " " << lines;
    }
  }
}

TEST_F(ManifestReader, LeavesHalfALineUntilItIsWholeOrTheFileIsQuiet) {
  files.write("a.csv", table(url(0) + "\n" + url(1)));
  Reader reader("/feeds", "a.csv", {});
  EXPECT_EQ(read_on(reader), std::vector{url(0)});
  EXPECT_TRUE(last.has_rest);
  EXPECT_EQ(read_on(reader, true), std::vector{url(1)});
  EXPECT_FALSE(last.has_rest);
}

TEST_F(ManifestReader, TakesALineWholeThatWentOnBehindWhatWasTakenForItsEnd) {
  files.write("a.csv", table(url(0)));
  EXPECT_EQ(read("a.csv", true), std::vector{url(0)});
  files.append("a.csv", "?token=x\n" + url(1) + "\n");
  EXPECT_EQ(read("a.csv"), (std::vector{url(0) + "?token=x", url(1)}));
  EXPECT_TRUE(errors.empty());
}

TEST_F(ManifestReader, TakesTheEndOfALineThatComesLate) {
  files.write("a.csv", table(url(0)));
  EXPECT_EQ(read("a.csv", true), std::vector{url(0)});
  files.append("a.csv", "\n" + url(1) + "\n");
  EXPECT_EQ(read("a.csv"), (std::vector{url(0), url(1)})) << "that it is the same line is known by its key";
  EXPECT_TRUE(errors.empty());
}

TEST_F(ManifestReader, SaysNothingWrongOfALastLineThatMayGoOn) {
  files.write("a.jsonl", R"({"url":"https://h.exam)");
  EXPECT_TRUE(read("a.jsonl", true).empty());
  EXPECT_TRUE(errors.empty());
  EXPECT_TRUE(last.has_rest);
  EXPECT_THAT(last.unfinished, testing::HasSubstr("its last line, 1, has no end yet, and is no JSON"));
  files.append("a.jsonl", "ple/1.mp4\"}\n");
  EXPECT_EQ(read("a.jsonl"), std::vector<std::string>{"https://h.example/1.mp4"});
  EXPECT_EQ(last.unfinished, "");
}

TEST_F(ManifestReader, TakesNoRestOfACompressedFileThatEndsInItsMiddle) {
  std::string text;
  for (int n = 0; n < 3'000; ++n) text += url(n * 7919 % 100'003) + "\n";
  auto const packed = gzipped(text);
  files.write("a.txt.gz", packed.substr(0, packed.size() / 2));
  auto const some = read("a.txt.gz", true, 10'000);
  EXPECT_TRUE(last.has_rest);
  EXPECT_EQ(last.unfinished, "the compressed file ends in its middle");
  files.append("a.txt.gz", packed.substr(packed.size() / 2));
  auto const rest = read("a.txt.gz", true, 10'000);
  EXPECT_EQ(some.size() + rest.size(), 3'000u);
  EXPECT_FALSE(last.has_rest);
}

TEST_F(ManifestReader, PassesOverZerosBehindACompressedFile) {
  files.write("a.csv.gz", gzipped(table(urls(0, 3))) + std::string(700, '\0'));
  EXPECT_EQ(read("a.csv.gz").size(), 3u);
  EXPECT_FALSE(last.has_rest);
}

TEST_F(ManifestReader, FindsAHeaderThatCameInTwoParts) {
  files.write("a.csv.gz", gzipped("na"));
  read("a.csv.gz");
  files.append("a.csv.gz", gzipped("me,url\n1," + url(1) + "\n"));
  EXPECT_EQ(read("a.csv.gz").size(), 1u);
  files.append("a.csv.gz", gzipped("2," + url(2) + "\n"));
  EXPECT_EQ(read("a.csv.gz"), std::vector{url(2)});
  EXPECT_FALSE(last.found.refused);
}

TEST_F(ManifestReader, ReadsAllOfARefusedFileOnceItIsMended) {
  files.write("a.txt", urls(0, 2) + "#EXT-X-VERSION:3\n" + urls(2, 3));
  read("a.txt");
  ASSERT_TRUE(last.found.refused);
  files.write("a.txt", urls(0, 3));
  EXPECT_EQ(read("a.txt", true).size(), 3u);
}

TEST_F(ManifestReader, TakesNoAnswersForQuestions) {
  auto const answer = R"({"line":1,"result":"ok","name":"1.mp4","url":")" + url(1) + "\"}\n";
  files.write("a.jsonl", answer);
  read("a.jsonl");
  EXPECT_THAT(last.found.refused.value_or(""), testing::HasSubstr("file of results"));
  mark = {};
  files.replace("b.jsonl", "{\"url\":\"" + url(0) + "\"}\n" + answer);
  EXPECT_EQ(read("b.jsonl").size(), 1u);
  ASSERT_EQ(errors.size(), 1u);
}

TEST_F(ManifestReader, BeginsAnewWhereTheFileIsAnother) {
  auto const cases = std::vector<std::pair<char const*, std::function<void()>>>{
      {"cut", [&] { files.write("a.csv", table(urls(0, 3))); }},
      {"written over", [&] { files.write("a.csv", table(urls(100, 160))); }},
      {"replaced", [&] { files.replace("a.csv", table(urls(0, 60))); }},
  };
  for (auto const& [what, change] : cases) {
    for (bool const same_reader : {true, false}) {
      mark = {};
      files.replace("a.csv", table(urls(0, 50)));
      Reader reader("/feeds", "a.csv", {});
      EXPECT_EQ(read_on(reader).size(), 50u);
      change();
      auto const got = same_reader ? read_on(reader) : read("a.csv");
      EXPECT_TRUE(began_anew) << what;
      EXPECT_EQ(got.size(), std::string(what) == "cut" ? 3u : 60u) << what << same_reader;
    }
  }
}

TEST_F(ManifestReader, SaysWhereALineIsNoUtf8OrTooLong) {
  files.write("a.txt", "https://h/\xC3\n" + std::string(kLineBytesMax + 1, 'x') + "\n" + url(1) + "\n");
  EXPECT_EQ(read("a.txt", true), std::vector{url(1)});
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[0].reason, "is no UTF-8");
  EXPECT_EQ(errors[0].column, 11u);
  EXPECT_EQ(errors[1].reason, "is longer than 64 KiB");
}

TEST_F(ManifestReader, RefusesAUrlThatIsNone) {
  files.write("a.txt", "ftp://h/a\nhttps://user:secret@h/a\nhttps://h/a b\n" + url(1) + "\n");
  EXPECT_EQ(read("a.txt", true), std::vector{url(1)});
  ASSERT_EQ(errors.size(), 3u);
  for (auto const& error : errors) EXPECT_EQ(error.reason.find("secret"), std::string::npos) << error.reason;
}

TEST_F(ManifestReader, GivesTheSameFileTheSameKeysWhereverItIsSigned) {
  files.write("a.jsonl", R"({"url":"https://H.example/a%20b.mp4?X-Amz-Signature=1&X-Amz-Date=2"})"
                         "\n"
                         R"({"url":"https://h.example:443/a%20b.mp4?X-Amz-Signature=3#t"})"
                         "\n");
  Reader reader("/feeds", "a.jsonl", {});
  auto const batch = reader.step(files, 10, false);
  ASSERT_EQ(batch->found.entries.size(), 2u);
  EXPECT_EQ(batch->found.entries[0].item_key, batch->found.entries[1].item_key);
  EXPECT_EQ(batch->found.entries[0].name, "a b.mp4");
  EXPECT_EQ(batch->found.entries[0].shown, "https://h.example/a%20b.mp4");
}

TEST_F(ManifestReader, FollowsACompressedFileThatGrowsByMembers) {
  files.write("a.csv.gz", gzipped(table(urls(0, 5000))));
  Reader reader("/feeds", "a.csv.gz", {});
  EXPECT_EQ(read_on(reader, false, 1000).size(), 5000u);
  files.append("a.csv.gz", gzipped(urls(5000, 5003)));
  EXPECT_EQ(read_on(reader).size(), 3u);
  EXPECT_EQ(read("a.csv.gz").size(), 0u) << "another reader finds the mark";
  EXPECT_FALSE(began_anew);
}

TEST_F(ManifestReader, StopsAtACompressedFileThatIsNoneOrABomb) {
  files.write("a.txt.gz", urls(0, 5));
  read("a.txt.gz");
  EXPECT_NE(failure.find("is no gzip file"), std::string::npos) << failure;
  files.write("b.txt.gz", gzipped(std::string(64 << 20, '\n')));
  mark = {};
  failure.clear();
  read("b.txt.gz", false, 1 << 30);
  EXPECT_NE(failure.find("more than 200 times its size"), std::string::npos) << failure;
}

TEST_F(ManifestReader, RefusesUtf16) {
  files.write("a.txt", std::string("\xFF\xFEh\0t\0", 6));
  read("a.txt");
  ASSERT_TRUE(last.found.refused);
  EXPECT_EQ(*last.found.refused, "is UTF-16; save it as UTF-8");
}

// A line without an end, and a URL that waits for its options through thousands of comments.
TEST_F(ManifestReader, KeepsLittleOfWhatHasNoEndAndGoesOnBehindIt) {
  std::string comments;
  while (comments.size() < 6'000'000) comments += "# nothing, and again nothing\n";
  for (auto const& [name, text] : {std::pair<std::string, std::string>{"a.csv", table(std::string(6'000'000, 'x'))},
                                   {"a.txt", urls(0, 1) + comments}}) {
    mark = {};
    files.write(name, text);
    Reader reader("/feeds", name, {});
    for (int step = 0; step < 2'000 && !(last.at_end && step > 0); ++step) {
      auto const batch = reader.step(files, 100, false);
      ASSERT_TRUE(batch) << batch.error().text;
      last = *batch;
      mark = last.mark;
      ASSERT_LT(reader.remembered_bytes(), 2'000'000u) << name;
    }
    files.append(name, "\n" + urls(1, 3));
    auto const got = read_on(reader, true);
    ASSERT_GE(got.size(), 2u) << name;
    EXPECT_EQ(got.back(), url(2));
    EXPECT_FALSE(began_anew) << name;
    last = {};
  }
}

}  // namespace
}  // namespace sluice::source::manifest

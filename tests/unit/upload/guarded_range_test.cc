#include "core/upload/guarded_range.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace sluice::upload {
namespace {

// A file in memory that can be changed between two reads, and that can give less than is asked for.
struct FakeFile final : ports::OpenFile {
  std::string content;
  ports::FilePrint now;
  std::size_t piece_max = SIZE_MAX;  // the most that one read gives
  bool broken = false;
  mutable int prints = 0;
  mutable std::uint64_t read_up_to = 0;

  explicit FakeFile(std::string text) : content(std::move(text)), now{content.size(), 1000, 1000, 7, 1} {}

  Result<ports::FilePrint> print() const override {
    ++prints;
    return now;
  }
  Result<std::size_t> read_at(std::span<std::byte> into, std::uint64_t offset_bytes) const override {
    if (broken) return fail(Fault::kSourceIo, "EIO");
    auto const left = offset_bytes < content.size() ? content.size() - offset_bytes : 0;
    auto const count = std::min({into.size(), static_cast<std::size_t>(left), piece_max});
    if (count > 0) std::memcpy(into.data(), content.data() + offset_bytes, count);
    read_up_to = offset_bytes + count;
    return count;
  }
  ports::Writer writer() const override { return ports::Writer::kNone; }
  ports::Writer writer_since() const override { return since; }

  ports::Writer since = ports::Writer::kUnknown;
};

// The whole of a file, or a range of it, and the file to play with.
struct Case {
  std::shared_ptr<FakeFile> file;
  GuardedRange range;
  explicit Case(std::string text) : Case(text, 0, text.size()) {}
  Case(std::string text, std::uint64_t offset, std::uint64_t length)
      : file(std::make_shared<FakeFile>(std::move(text))),
        range(file, {.admitted = file->now, .offset_bytes = offset, .length_bytes = length}) {}

  Result<std::string> next(std::size_t bytes_max) {
    std::string buffer(bytes_max, '\0');
    SLUICE_TRY(got, range.read(std::as_writable_bytes(std::span(buffer))));
    buffer.resize(got);
    return buffer;
  }
};

TEST(GuardedRange, GivesTheRangeAndThenItsEnd) {
  Case it("0123456789", 2, 5);
  EXPECT_EQ(it.range.left_bytes(), 5u);
  EXPECT_EQ(it.next(3), "234");
  EXPECT_EQ(it.next(3), "56");
  EXPECT_EQ(it.next(3), "");
  EXPECT_EQ(it.next(3), "");
}

TEST(GuardedRange, ReadsOnAfterAShortRead) {
  Case it("abcdef");
  it.file->piece_max = 2;
  EXPECT_EQ(it.next(6), "abcdef");
}

TEST(GuardedRange, ReadsNoByteOfAFileThatChangedBefore) {
  Case it("abcdef");
  it.file->now.mtime_ns += 1;
  EXPECT_EQ(it.next(3).error().fault, Fault::kSourceChanged);
  EXPECT_EQ(it.file->read_up_to, 0u);
}

TEST(GuardedRange, WithholdsTheLastPieceUntilTheSecondPrintIsClean) {
  Case it("abcdef");
  EXPECT_EQ(it.next(4), "abcd");
  it.file->now.ctime_ns += 1;  // torn: changed in place while it was read
  auto const last = it.next(4);
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().fault, Fault::kSourceChanged);
  EXPECT_EQ(last.error().code, "source_changed");
  EXPECT_EQ(it.file->read_up_to, 6u);  // it was read, and not handed out
}

TEST(GuardedRange, NoticesEveryFieldThatContentShowsIn) {
  for (int field = 0; field < 4; ++field) {
    Case it("abcdef");
    EXPECT_EQ(it.next(5), "abcde");
    auto& now = it.file->now;
    if (field == 0) ++now.size_bytes;
    if (field == 1) ++now.mtime_ns;
    if (field == 2) ++now.ctime_ns;
    if (field == 3) ++now.inode;
    EXPECT_FALSE(it.next(5)) << "field " << field;
  }
}

TEST(GuardedRange, WithholdsTheLastPieceWhenAWriterCameThoughNoPrintShowsIt) {
  Case it("abcdef");
  it.file->since = ports::Writer::kNone;
  EXPECT_EQ(it.next(4), "abcd");
  it.file->since = ports::Writer::kPresent;
  auto const last = it.next(4);
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().fault, Fault::kLocal);
  EXPECT_EQ(last.error().code, ports::kBeingWritten);
}

TEST(GuardedRange, LetsAChangedCtimePassWhileItsLeaseHolds) {
  for (auto const since : {ports::Writer::kNone, ports::Writer::kUnknown}) {
    Case it("abcdef");
    it.file->since = since;
    EXPECT_EQ(it.next(4), "abcd");
    it.file->now.ctime_ns += 1;  // renamed, say
    EXPECT_EQ(it.next(4).has_value(), since == ports::Writer::kNone);
  }
}

TEST(GuardedRange, TakesAChangedMtimeForAChangeUnderALeaseToo) {
  Case it("abcdef");
  it.file->since = ports::Writer::kNone;
  EXPECT_EQ(it.next(4), "abcd");
  it.file->now.mtime_ns += 1;
  EXPECT_EQ(it.next(4).error().fault, Fault::kSourceChanged);
}

TEST(GuardedRange, TakesAFileThatShrankForChanged) {
  Case it("abcdef");
  EXPECT_EQ(it.next(2), "ab");
  it.file->content = "abc";  // the print has not caught up yet
  auto const torn = it.next(4);
  ASSERT_FALSE(torn);
  EXPECT_EQ(torn.error().fault, Fault::kSourceChanged);
}

TEST(GuardedRange, StaysFailedOnceItFailed) {
  Case it("abcdef");
  EXPECT_EQ(it.next(2), "ab");
  it.file->now.mtime_ns += 1;
  EXPECT_FALSE(it.next(4));
  it.file->now.mtime_ns -= 1;  // as if nothing had been
  EXPECT_EQ(it.next(4).error().fault, Fault::kSourceChanged);
}

TEST(GuardedRange, PassesAReadErrorOn) {
  Case it("abcdef");
  it.file->broken = true;
  EXPECT_EQ(it.next(4).error().fault, Fault::kSourceIo);
}

TEST(GuardedRange, TakesTwoPrintsPerRangeAndNoMore) {
  Case it("abcdef");
  while (!it.next(1)->empty()) {
  }
  EXPECT_EQ(it.file->prints, 2);
}

}  // namespace
}  // namespace sluice::upload

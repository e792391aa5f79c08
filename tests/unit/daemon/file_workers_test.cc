#include "daemon/file_workers.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "core/base/text.h"
#include "core/upload/leaves.h"

namespace sluice::daemon {
namespace {

constexpr std::uint64_t kBlock = FileWorkers::kBlockBytes;

// A door that a reading thread waits at until the test opens it.
class Gate {
 public:
  void open() {
    std::lock_guard const lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    reached_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return is_open_; });
  }
  void wait_until_reached() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return reached_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_open_ = false;
  bool reached_ = false;
};

// A file in memory that another program may change, and whose disk may hang or fail.
struct FakeFile final : ports::OpenFile {
  std::string content;
  ports::FilePrint admitted;
  std::shared_ptr<Gate> gate = nullptr;
  std::uint64_t breaks_at = UINT64_MAX;
  std::atomic<bool> is_changed = false;

  explicit FakeFile(std::string text, std::uint64_t device = 1)
      : content(std::move(text)), admitted{content.size(), 1, 1, 1, device} {}

  Result<ports::FilePrint> print() const override {
    auto now = admitted;
    if (is_changed) now.mtime_ns += 1;
    return now;
  }
  Result<std::size_t> read_at(std::span<std::byte> into, std::uint64_t offset_bytes) const override {
    if (gate) gate->pass();
    if (offset_bytes >= breaks_at) return fail(Fault::kSourceIo, "EIO", "io");
    auto const count = std::min<std::uint64_t>(into.size(), content.size() - offset_bytes);
    std::memcpy(into.data(), content.data() + offset_bytes, count);
    return count;
  }
  ports::Writer writer() const override { return ports::Writer::kNone; }

  bool is_cached = true;
  mutable std::atomic<std::uint64_t> expected_bytes = 0;
  mutable std::atomic<std::uint64_t> released_bytes = 0;
  bool expect(std::uint64_t, std::uint64_t length_bytes) const override {
    expected_bytes += length_bytes;
    return !is_cached;
  }
  void release(std::uint64_t, std::uint64_t length_bytes) const override { released_bytes += length_bytes; }
};

std::string bytes_of(std::mt19937_64& dice, std::size_t count) {
  std::string text(count, '\0');
  for (auto& c : text) c = static_cast<char>(dice());
  return text;
}

std::string md5_of(std::string_view text) {
  std::array<std::byte, 16> md5{};
  EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(md5.data()), nullptr, EVP_md5(), nullptr);
  return to_hex(md5);
}

// One body, and a way to wait until it has more.
class Taker {
 public:
  Taker(FileWorkers& workers, std::shared_ptr<FakeFile> const& file, ports::FileRange range)
      : body(workers.read(file, range)) {
    body->on_more([this] {
      std::lock_guard const lock(mutex_);
      has_more_ = true;
      changed_.notify_all();
    });
  }
  Taker(FileWorkers& workers, std::shared_ptr<FakeFile> const& file)
      : Taker(workers, file, {.admitted = file->admitted, .length_bytes = file->content.size(), .hashed = true}) {}
  ~Taker() { body->on_more({}); }

  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return std::exchange(has_more_, false); });
  }
  // To the end, or to a failure.
  Result<std::string> all(std::size_t piece = 100'000) {
    std::string text;
    std::string buffer(piece, '\0');
    while (true) {
      SLUICE_TRY(got, body->read(std::as_writable_bytes(std::span(buffer))));
      if (!got) {
        wait();
        continue;
      }
      if (*got == 0) return text;
      text.append(buffer, 0, *got);
    }
  }

  std::shared_ptr<ports::FileBody> body;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool has_more_ = false;
};

TEST(FileWorkers, HandOutEachRangeInOrderWithItsMd5AndItsLeaves) {
  std::mt19937_64 dice(20261122);
  FileWorkers workers(40 * FileWorkers::kBlocksPerBody * kBlock);
  auto const file = std::make_shared<FakeFile>(bytes_of(dice, 3'000'017));
  std::vector<std::unique_ptr<Taker>> takers;
  std::vector<ports::FileRange> ranges;
  for (int i = 0; i < 40; ++i) {
    auto const offset = dice() % file->content.size();
    auto const length = 1 + dice() % (file->content.size() - offset);
    ranges.push_back(
        {.admitted = file->admitted, .offset_bytes = offset, .length_bytes = length, .hashed = i % 5 != 0});
    takers.push_back(std::make_unique<Taker>(workers, file, ranges.back()));
  }
  for (std::size_t i = 0; i < takers.size(); ++i) {
    auto const expected = file->content.substr(ranges[i].offset_bytes, ranges[i].length_bytes);
    EXPECT_EQ(takers[i]->body->size_bytes(), expected.size());
    EXPECT_EQ(takers[i]->body->md5_hex(), std::nullopt);
    EXPECT_EQ(takers[i]->body->leaf_hashes(), std::nullopt);
    EXPECT_TRUE(takers[i]->all(1 + dice() % 700'000) == expected) << "range " << i;
    EXPECT_EQ(takers[i]->body->md5_hex(), ranges[i].hashed ? std::optional(md5_of(expected)) : std::nullopt);
    upload::LeafHasher leaves(file->content.size(), ranges[i].offset_bytes);
    leaves.update(std::as_bytes(std::span(expected)));
    EXPECT_EQ(takers[i]->body->leaf_hashes(), leaves.hashes());
  }
}

TEST(FileWorkers, SayNothingYetWhileTheDiskIsSlowAndThenCallTheNotice) {
  FileWorkers workers(8 * kBlock);
  auto const file = std::make_shared<FakeFile>("slow");
  file->gate = std::make_shared<Gate>();
  Taker taker(workers, file);
  std::array<std::byte, 16> into{};
  EXPECT_EQ(taker.body->read(into).value(), std::nullopt);
  file->gate->open();
  taker.wait();
  EXPECT_EQ(taker.body->read(into).value(), 4u);
  EXPECT_EQ(taker.body->read(into).value(), 0u);
}

// All are drained in turn, as the wire does it: who is waited for alone may wait for a block that others hold.
TEST(FileWorkers, NeverHoldMoreThanTheirMemory) {
  std::mt19937_64 dice(7);
  FileWorkers workers(4 * kBlock);
  auto const file = std::make_shared<FakeFile>(bytes_of(dice, 5 * kBlock + 9));
  std::vector<std::unique_ptr<Taker>> takers;
  for (int i = 0; i < 20; ++i) takers.push_back(std::make_unique<Taker>(workers, file));
  std::vector<std::string> texts(takers.size());
  std::vector<std::byte> into(50'000);
  for (std::size_t ended = 0, i = 0; ended < takers.size(); i = (i + 1) % takers.size()) {
    auto const got = takers[i]->body->read(into).value();
    EXPECT_LE(workers.memory_in_use_bytes(), 4 * kBlock);
    if (!got) continue;
    texts[i].append(reinterpret_cast<char const*>(into.data()), *got);
    ended += *got > 0 && texts[i].size() == file->content.size() ? 1 : 0;
  }
  for (auto const& text : texts) EXPECT_TRUE(text == file->content);
}

TEST(FileWorkers, GiveTheBlocksOfABodyThatIsLetGoToOthers) {
  std::mt19937_64 dice(8);
  FileWorkers workers(2 * kBlock);
  auto const file = std::make_shared<FakeFile>(bytes_of(dice, 4 * kBlock));
  for (int i = 0; i < 50; ++i) Taker const dropped(workers, file);
  EXPECT_TRUE(Taker(workers, file).all() == file->content);
}

TEST(FileWorkers, HandOnAReadErrorBehindTheBytesBeforeIt) {
  std::mt19937_64 dice(9);
  FileWorkers workers(8 * kBlock);
  auto const file = std::make_shared<FakeFile>(bytes_of(dice, 4 * kBlock));
  file->breaks_at = 2 * kBlock;
  auto const got = Taker(workers, file).all();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().fault, Fault::kSourceIo);
}

TEST(FileWorkers, WithholdTheEndOfAFileThatChanged) {
  std::mt19937_64 dice(10);
  FileWorkers workers(8 * kBlock);
  auto const file = std::make_shared<FakeFile>(bytes_of(dice, 8 * kBlock));  // more than is read ahead
  Taker taker(workers, file);
  std::vector<std::byte> into(kBlock);
  while (!taker.body->read(into).value()) taker.wait();
  file->is_changed = true;
  auto const rest = taker.all();
  ASSERT_FALSE(rest);
  EXPECT_EQ(rest.error().fault, Fault::kSourceChanged);
  EXPECT_EQ(taker.body->md5_hex(), std::nullopt);
}

TEST(FileWorkers, LetGoOfWhatTheyFetchedAndOfNothingElse) {
  std::mt19937_64 dice(12);
  for (bool const cached : {true, false}) {
    auto const file = std::make_shared<FakeFile>(bytes_of(dice, 5 * kBlock + 1));
    file->is_cached = cached;
    {
      FileWorkers workers(8 * kBlock);
      EXPECT_TRUE(Taker(workers, file).all() == file->content);
    }
    EXPECT_EQ(file->expected_bytes, file->content.size());  // once, and whole
    EXPECT_EQ(file->released_bytes, cached ? 0 : file->content.size());
  }
}

TEST(FileWorkers, KeepAHangingDiskFromHoldingUpAnother) {
  FileWorkers workers(64 * kBlock, 2);
  auto const gate = std::make_shared<Gate>();
  std::vector<std::unique_ptr<Taker>> hanging;
  for (int i = 0; i < 30; ++i) {
    auto const file = std::make_shared<FakeFile>("it hangs", 1);
    file->gate = gate;
    hanging.push_back(std::make_unique<Taker>(workers, file));
  }
  gate->wait_until_reached();
  EXPECT_EQ(Taker(workers, std::make_shared<FakeFile>("it does not", 2)).all(), "it does not");
  gate->open();
  for (auto& taker : hanging) EXPECT_EQ(taker->all(), "it hangs");
}

TEST(FileWorkers, LeaveNoThreadBehindWhenTheyEndInTheMiddle) {
  std::mt19937_64 dice(11);
  auto const file = std::make_shared<FakeFile>(bytes_of(dice, 10 * kBlock));
  std::vector<std::shared_ptr<ports::FileBody>> bodies;
  {
    FileWorkers workers(4 * kBlock);
    for (int i = 0; i < 8; ++i) bodies.push_back(workers.read(file, {file->admitted, 0, file->content.size(), true}));
  }
  std::vector<std::byte> into(kBlock);
  for (auto& body : bodies) {
    Result<std::optional<std::size_t>> got = 0u;
    while (got && *got) got = body->read(into);
    EXPECT_EQ(got.error().fault, Fault::kLocal);  // an error, and no wait for ever
  }
}

}  // namespace
}  // namespace sluice::daemon

// Damage: a journal that was cut, or in which one bit was turned, on a disk or in a copy.
//
// SQLite keeps no checksum of a page, so a bit inside a value can change that value and nothing else; the
// schema's CHECKs find it where the value is a word of ours. Everything else must be refused when the journal
// is opened, or change nothing that can be read: least of all may a known file look like a new one.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/journal/open.h"
#include "tests/journal/samples.h"

namespace sluice::journal {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPageBytes = 4096;

std::string bytes_of(fs::path const& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write(fs::path const& file, std::string const& bytes) { std::ofstream(file, std::ios::binary) << bytes; }

// Some items in every state that samples make, with steps, names, sessions and a story: a few dozen pages.
void fill(Journal& journal) {
  for (int i = 1; i <= 60; ++i) {
    journal.begin();
    auto item = item_in(i % 2 == 0 ? ItemState::kDone : ItemState::kStable, i);
    item.id = journal.insert(item);
    for (int ordinal = 1; ordinal <= 2; ++ordinal) journal.insert(step_of(item.id, ordinal));
    journal.add_event({0, at(kNoon), item.id, "item", "seen", "stable", "a note that fills some bytes"});
    journal.commit();
  }
}

// What the program would read: the states of all rows, and the texts that decide what is sent; a line a row.
std::vector<std::string> content(Journal& journal) {
  std::vector<std::string> lines;
  for (auto const& item : journal.list_items({.limit = 1'000})) {
    lines.push_back(item.ulid + item.root + item.path + std::string(word(item.state)) + item.asset_id + item.client_op +
                    std::to_string(item.print.size_bytes) + std::to_string(item.print.mtime_ns));
    auto const known = journal.latest_item(item.root, item.path);
    EXPECT_TRUE(known && known->id == item.id) << item.path << " would be taken for a new file";
  }
  for (auto const state : {StepState::kWaiting, StepState::kCreating, StepState::kCreated})
    for (auto const& step : journal.steps_in(state, 1'000))
      lines.push_back(std::to_string(step.item_id) + step.params + step.remote_id);
  lines.push_back(std::to_string(journal.last_event()));
  return lines;
}

std::size_t differing(std::vector<std::string> const& a, std::vector<std::string> const& b) {
  if (a.size() != b.size()) return a.size() + b.size();
  std::size_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) count += a[i] == b[i] ? 0 : 1;
  return count;
}

enum class Seen { kRefused, kSame, kOther };

Seen look_at(fs::path const& file, std::vector<std::string> const& intact) {
  try {
    Journal journal(file);
    auto const count = differing(content(journal), intact);
    EXPECT_LE(count, 1u) << "one bit changed more than one row";
    return count == 0 ? Seen::kSame : Seen::kOther;
  } catch (JournalError const& error) {
    EXPECT_TRUE(error.kind() == JournalError::Kind::kDamaged || error.kind() == JournalError::Kind::kNewer ||
                error.kind() == JournalError::Kind::kIo)
        << error.what();
    return Seen::kRefused;
  }
}

class Damaged : public testing::Test {
 protected:
  Damaged() {
    {
      Journal journal(scratch_.file());
      fill(journal);
      intact_ = content(journal);
      journal.checkpoint();
    }
    bytes_ = bytes_of(scratch_.file());
  }
  Seen with(std::string const& bytes) {
    for (auto const* part : {"", "-wal", "-shm"}) fs::remove(scratch_.file().string() + part);
    write(scratch_.file(), bytes);
    return look_at(scratch_.file(), intact_);
  }

  Scratch scratch_;
  std::vector<std::string> intact_;
  std::string bytes_;
};

TEST_F(Damaged, IsRefusedWhereverItWasCut) {
  ASSERT_GT(bytes_.size(), 20 * kPageBytes);
  for (std::size_t length = 2; length < bytes_.size(); length += length < 200 ? 13 : 1'777)
    EXPECT_EQ(with(bytes_.substr(0, length)), Seen::kRefused) << "cut to " << length << " bytes";
  EXPECT_NE(with(bytes_.substr(0, bytes_.size() - 1)), Seen::kOther);
  EXPECT_EQ(with(bytes_), Seen::kSame);
}

TEST_F(Damaged, ByOneBitIsRefusedOrReadsTheSameButInsideAValue) {
  std::size_t refused = 0, same = 0, other = 0;
  for (std::size_t at = 0; at < bytes_.size(); at += 131) {
    auto turned = bytes_;
    turned[at] = static_cast<char>(turned[at] ^ (1 << (at % 8)));
    switch (with(turned)) {
      case Seen::kRefused: ++refused; break;
      case Seen::kSame: ++same; break;
      case Seen::kOther: ++other; break;
    }
  }
  EXPECT_GT(refused, (refused + same + other) / 8);
  EXPECT_LT(other, refused);
  std::printf("one bit turned in %zu places of %zu pages: %zu refused, %zu read the same, %zu changed a value\n",
              refused + same + other, bytes_.size() / kPageBytes, refused, same, other);
}

}  // namespace
}  // namespace sluice::journal

#include "daemon/journal_seal.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "core/journal/journal.h"
#include "tests/unit/daemon/temp_folder.h"

namespace sluice::daemon {
namespace {

class Seal : public testing::Test {
 protected:
  Seal() { journal::Journal(file(), {}, journal::Check::kNone); }

  void write(std::string const& text) { std::ofstream(file(), std::ios::trunc) << text; }
  std::string bytes() const {
    std::ifstream stream(file(), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  std::string file() const { return folder_.at("journal.db"); }
  bool holds() const { return JournalSeal(file()).holds(); }
  void close_in_peace() {
    EXPECT_TRUE(JournalSeal(file()).put([] { return false; }));
  }

  TempFolder folder_;
};

TEST_F(Seal, HoldsForTheVeryBytesThatWereClosed) {
  EXPECT_FALSE(holds());
  close_in_peace();
  EXPECT_TRUE(holds());
  EXPECT_TRUE(holds());
}

TEST_F(Seal, IsNotMadeOfAFileThatFailsTheCheck) {
  auto text = bytes();
  text[4096 + 3] = static_cast<char>(text[4096 + 3] ^ 4);  // in the header of the first table's page
  write(text);
  try {
    JournalSeal(file()).put([] { return false; });
    ADD_FAILURE() << "it was sealed";
  } catch (journal::JournalError const& error) {
    EXPECT_EQ(error.kind(), journal::JournalError::Kind::kDamaged);
    EXPECT_NE(std::string(error.what()).find("sluice journal rebuild"), std::string::npos) << error.what();
  }
  EXPECT_FALSE(holds());
}

TEST_F(Seal, IsNotMadeWhereTheCheckIsGivenUp) {
  EXPECT_FALSE(JournalSeal(file()).put([] { return true; }));
  EXPECT_FALSE(holds());
}

TEST_F(Seal, ChangesNothingInTheJournal) {
  auto const before = bytes();
  close_in_peace();
  EXPECT_EQ(bytes(), before);
  EXPECT_FALSE(std::filesystem::exists(file() + "-wal"));
}

TEST_F(Seal, SeesAFlippedBitACutAndMoreBytes) {
  close_in_peace();
  auto const whole = bytes();
  auto flipped = whole;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  for (auto const& other : {flipped, whole.substr(1), whole + ".", std::string()}) {
    write(other);
    EXPECT_FALSE(holds()) << other.size();
  }
  write(whole);
  EXPECT_TRUE(holds());
}

TEST_F(Seal, DoesNotHoldWhereTheLogHasCommitsOfItsOwn) {
  close_in_peace();
  std::ofstream(file() + "-wal") << "frames";
  EXPECT_FALSE(holds());
  std::filesystem::remove(file() + "-wal");
  EXPECT_TRUE(holds());
}

TEST_F(Seal, ThatCannotBeReadDoesNotHold) {
  close_in_peace();
  std::ofstream(folder_.at("journal.seal"), std::ios::trunc) << std::string(500, 'x');
  EXPECT_FALSE(holds());
  std::filesystem::remove(file());
  EXPECT_FALSE(holds());
}

}  // namespace
}  // namespace sluice::daemon

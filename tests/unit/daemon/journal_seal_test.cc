#include "daemon/journal_seal.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/unit/daemon/temp_folder.h"

namespace sluice::daemon {
namespace {

class Seal : public testing::Test {
 protected:
  Seal() { write("the journal's bytes"); }

  void write(std::string const& text) { std::ofstream(file(), std::ios::trunc) << text; }
  std::string file() const { return folder_.at("journal.db"); }
  bool holds() const { return JournalSeal(file()).holds(); }
  void close_in_peace() {
    JournalSeal seal(file());
    seal.want();
  }

  TempFolder folder_;
};

TEST_F(Seal, HoldsForTheVeryBytesThatWereClosed) {
  EXPECT_FALSE(holds());
  close_in_peace();
  EXPECT_TRUE(holds());
  EXPECT_TRUE(holds());
}

TEST_F(Seal, IsNotMadeAfterAnEndThatWasNoPeace) {
  { JournalSeal const dropped(file()); }
  EXPECT_FALSE(holds());
}

TEST_F(Seal, SeesAFlippedBitACutAndMoreBytes) {
  close_in_peace();
  for (auto const* other : {"the journal's byteS", "the journal's byte", "the journal's bytes.", ""}) {
    write(other);
    EXPECT_FALSE(holds()) << other;
  }
  write("the journal's bytes");
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

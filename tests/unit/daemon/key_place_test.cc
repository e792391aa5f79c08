// Another API key where the last one was.
#include "daemon/key_place.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/unit/daemon/temp_folder.h"

namespace sluice::daemon {
namespace {

using testing::HasSubstr;
using Kind = KeySource::Kind;

class KeyPlaceTest : public testing::Test {
 protected:
  void write(std::string const& key) {
    ::unlink(folder.at("key").c_str());
    folder.write("key", key + "\n");
    ::chmod(folder.at("key").c_str(), 0400);
  }
  TempFolder folder;
  KeyPlace place{{Kind::kFile, folder.at("key")}, ApiKey("tlk_one")};
};

TEST_F(KeyPlaceTest, GivesAnotherKeyOnce) {
  write("tlk_one");
  EXPECT_FALSE(place.look().value());
  write("tlk_two");
  EXPECT_EQ(place.look().value(), ApiKey("tlk_two"));
  EXPECT_FALSE(place.look().value());
  write("tlk_one");
  EXPECT_EQ(place.look().value(), ApiKey("tlk_one"));
}

TEST_F(KeyPlaceTest, KeepsTheLastKeyWhileNothingReadableIsThere) {
  EXPECT_EQ(place.look().error().code, "key_missing");
  write("tlk_one");
  EXPECT_FALSE(place.look().value());
}

TEST_F(KeyPlaceTest, SaysWhereAnotherKeyHasToBePut) {
  EXPECT_THAT(place.remedy(), HasSubstr(folder.at("key")));
  EXPECT_THAT((KeyPlace{{Kind::kCredential, "k"}, ApiKey("a")}.remedy()), HasSubstr("restart"));
}

}  // namespace
}  // namespace sluice::daemon

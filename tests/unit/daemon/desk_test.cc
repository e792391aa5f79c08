// People's orders that need no journal.
#include "daemon/desk.h"

#include <gmock/gmock.h>

#include "core/stage/discover.h"
#include "core/stage/policy.h"
#include "tests/unit/source/fake_files.h"

namespace sluice::daemon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Rescan : public testing::Test {
 protected:
  static stage::Policy three_sources() {
    stage::Policy policy;
    policy.sources = {{.name = "drop", .root = "/srv/drop"},
                      {.name = "stills", .root = "/srv/drop"},
                      {.name = "archive", .root = "/mnt/nas"}};
    return policy;
  }
  Result<std::vector<std::string>> rescan(std::string const& source) {
    return Desk(nullptr, policy, discovery, facts, around, spots).rescan(source);
  }

  source::FakeFiles files;
  stage::Policy const policy = three_sources();
  StatusFacts facts;
  stage::Surroundings around;
  Spots spots;
  stage::Discovery discovery{files, policy};
};

TEST_F(Rescan, TakesAllSources) {
  EXPECT_THAT(rescan("").value(), ElementsAre("drop", "stills", "archive"));
  EXPECT_TRUE(discovery.at_work());
}

TEST_F(Rescan, NamesEverySourceOnTheFolderOfTheWantedOne) {
  EXPECT_THAT(rescan("stills").value(), ElementsAre("drop", "stills"));
  EXPECT_TRUE(discovery.at_work());
}

TEST_F(Rescan, RefusesASourceThatIsNotThereAndNamesTheNearest) {
  auto const refused = rescan("achive");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::kGone);
  EXPECT_EQ(refused.error().code, "no_such_source");
  EXPECT_THAT(refused.error().text, HasSubstr("did you mean archive?"));
  EXPECT_FALSE(discovery.at_work());
}

}  // namespace
}  // namespace sluice::daemon

// Whole lists, page after page: what moved between two pages is said, not passed over.
#include "daemon/platform_lists.h"

#include <gmock/gmock.h>

#include "daemon/random_linux.h"
#include "tests/unit/daemon/wire_fixture.h"

namespace sluice::daemon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Lists : public testing::Test {
 protected:
  // One page with one asset, of a list that says it has so many.
  std::size_t read(std::string const& total) {
    LoopbackServer server(
        answering(R"({"data": [{"_id": "a1", "status": "ready"}], "page_info": {"page": 1, "total_page": 1, )"
                  R"("total_results": )" +
                  total + "}}"));
    auto wire = make_wire(server.url());
    RandomLinux random;
    stage::Policy const policy;
    PlatformLists lists(wire, random, policy, [&](std::string const& line) { told.push_back(line); });
    auto const assets = lists.assets();
    EXPECT_TRUE(assets) << assets.error().text;
    return assets ? assets->size() : 0;
  }
  std::vector<std::string> told;
};

TEST_F(Lists, AreReadOnceWhereAllRowsAreThere) {
  EXPECT_EQ(read("1"), 1u);
  EXPECT_THAT(told, IsEmpty());
}

TEST_F(Lists, SayThatTheyChangedUnderEachReading) {
  EXPECT_EQ(read("2"), 1u);
  EXPECT_THAT(told, ElementsAre(HasSubstr("changed under each of 3 readings: the last had 1 of 2 rows")));
}

}  // namespace
}  // namespace sluice::daemon

// Whose upload begins next.
#include "core/stage/next_uploads.h"

#include <gmock/gmock.h>

#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using journal::ItemState;
using testing::ElementsAre;
using testing::IsEmpty;

class NextUploads : public StageTest {
 protected:
  NextUploads() { policy.files_max = 8; }
  void add(std::string const& source, std::string_view method, int count = 1, std::int64_t priority = 50,
           ItemState state = ItemState::kStable) {
    within([&](Context& ctx) {
      for (int i = 0; i < count; ++i) {
        auto row = journal::item_in(state, ++number_);
        row.source = source;
        row.method = method;
        row.priority = priority;
        row.effort.due_at = now - 1h + Millis(number_);
        ctx.journal.insert(row);
      }
    });
  }
  std::vector<std::string> next(std::string_view method) {
    std::vector<std::string> found;
    within([&](Context& ctx) {
      for (auto const& item : next_uploads(ctx, method)) found.push_back(item.source);
    });
    return found;
  }
  std::int64_t number_ = 0;
};

TEST_F(NextUploads, AreOfEachSourceInTurnHoweverManyFilesOneBrings) {
  add("bulk", kByDirect, 500);
  add("desk", kByDirect);
  add("cam", kByDirect, 2);
  EXPECT_THAT(next(kByDirect), ElementsAre("bulk", "desk", "cam", "bulk", "cam", "bulk", "bulk", "bulk"));
}

TEST_F(NextUploads, CountWhatIsUnderWayAlready) {
  add("bulk", kByDirect, 6, 50, ItemState::kSending);
  add("bulk", kByDirect, 100);
  add("desk", kByDirect, 5);
  EXPECT_THAT(next(kByDirect), ElementsAre("desk", "desk"));
}

TEST_F(NextUploads, AreThoseOfTheHighestPriorityFirst) {
  add("bulk", kByDirect, 3, 50);
  add("news", kByDirect, 6, 90);
  EXPECT_THAT(next(kByDirect), ElementsAre("news", "news", "news", "news", "news", "news", "bulk", "bulk"));
}

TEST_F(NextUploads, LeaveAQuarterOfTheSlotsToSmallFiles) {
  add("films", kByMultipart, 20);
  EXPECT_EQ(next(kByMultipart).size(), 6u) << "even while there is none";
  add("films", kByMultipart, 6, 50, ItemState::kOpened);
  EXPECT_THAT(next(kByMultipart), IsEmpty());
  add("clips", kByDirect, 20);
  EXPECT_EQ(next(kByDirect).size(), 2u);
}

TEST_F(NextUploads, LeaveAQuarterOfTheSlotsToLargeFilesWhileTheseWait) {
  add("clips", kByDirect, 6, 50, ItemState::kSending);
  add("clips", kByDirect, 20);
  EXPECT_EQ(next(kByDirect).size(), 2u) << "no large file waits";
  add("films", kByMultipart);
  EXPECT_THAT(next(kByDirect), IsEmpty());
  EXPECT_THAT(next(kByMultipart), ElementsAre("films"));
}

TEST_F(NextUploads, UseTheOnlySlotForWhateverComes) {
  policy.files_max = 1;
  add("films", kByMultipart);
  EXPECT_EQ(next(kByMultipart).size(), 1u);
  add("clips", kByDirect, 1, 50, ItemState::kSending);
  EXPECT_THAT(next(kByMultipart), IsEmpty());
  EXPECT_EQ(session_slots(2), 1u);
  EXPECT_EQ(session_slots(8), 6u);
}

TEST_F(NextUploads, AreNotThoseThatAreNotDue) {
  add("films", kByMultipart);
  now -= 2h;
  EXPECT_THAT(next(kByMultipart), IsEmpty());
}

}  // namespace
}  // namespace sluice::stage

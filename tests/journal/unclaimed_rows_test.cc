// Assets that a rebuild kept come back as they went in, and are there once.
#include <gtest/gtest.h>

#include "samples.h"

namespace sluice::journal {
namespace {

UnclaimedRow ready() {
  return {.identity = "0123456789abcdef",
          .client_op = "01JZ8Q7KXV3N5T9A2B4C6D8E0F.3.0123456789abcdef",
          .asset_id = "a1",
          .method = "multipart",
          .size_bytes = 7,
          .created_at = at(kNoon)};
}

TEST(UnclaimedRows, ComeBackAsTheyWentInUntilTheyAreClaimed) {
  Scratch scratch;
  Journal journal(scratch.file());
  auto const whole = ready();
  UnclaimedRow const bare{.identity = "fedcba9876543210", .client_op = "x", .asset_id = "a2", .is_ready = false};
  journal.begin();
  journal.insert(whole);
  journal.insert(bare);
  journal.commit();
  auto const found = journal.unclaimed(whole.identity);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->client_op, whole.client_op);
  EXPECT_EQ(found->asset_id, "a1");
  EXPECT_EQ(found->method, "multipart");
  EXPECT_TRUE(found->is_ready);
  EXPECT_EQ(found->size_bytes, 7u);
  EXPECT_EQ(found->created_at, at(kNoon));
  auto const other = journal.unclaimed(bare.identity);
  ASSERT_TRUE(other);
  EXPECT_FALSE(other->is_ready);
  EXPECT_FALSE(other->size_bytes);
  EXPECT_FALSE(other->created_at);
  journal.begin();
  journal.delete_unclaimed(whole.identity);
  journal.commit();
  EXPECT_FALSE(journal.unclaimed(whole.identity));
  EXPECT_TRUE(journal.unclaimed(bare.identity));
}

TEST(UnclaimedRows, AreFoundByWhatTheirIdentitiesBeginWith) {
  Scratch scratch;
  Journal journal(scratch.file());
  auto const front = "u" + std::string(16, 'f');
  auto const first = front + std::string(15, 'f') + "0";
  auto const last = front + std::string(16, 'f');
  journal.begin();
  journal.insert(UnclaimedRow{.identity = last, .client_op = "x", .asset_id = "a2"});
  journal.insert(UnclaimedRow{.identity = first, .client_op = "x", .asset_id = "a1"});
  journal.commit();
  EXPECT_EQ(journal.unclaimed(front)->asset_id, "a1");
  EXPECT_EQ(journal.unclaimed(last)->asset_id, "a2");
  EXPECT_EQ(journal.unclaimed(last)->identity, last);
  EXPECT_FALSE(journal.unclaimed("u" + std::string(15, 'f') + "e"));
}

}  // namespace
}  // namespace sluice::journal

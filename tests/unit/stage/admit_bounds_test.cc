// Where ADMIT draws its lines: how long a file is held, and which limits it is held against (core/stage/admit.h).
#include "core/stage/admit.h"

#include <gtest/gtest.h>

#include "core/stage/next_uploads.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using journal::ItemState;

class AdmitBounds : public StageTest {
 protected:
  AdmitBounds() {
    policy.sources.push_back({.name = "drop", .root = "/srv/drop", .pipelines = {"footage"}, .settle = 5s});
    policy.pipelines.push_back({.name = "footage", .kinds = {"video"}, .filename = *parse_template("{name}")});
  }
  // Written long before, and due.
  journal::ItemRow seen(std::string const& name, std::uint64_t size_bytes, WallTime first_seen) {
    auto row = journal::item_in(ItemState::kSeen, ++number_);
    row.path = name;
    row.print = {.size_bytes = size_bytes, .mtime_ns = 1, .ctime_ns = 2, .inode = 3, .device = 4};
    row.created_at = first_seen;
    row.quiet_since = now - 1h;
    files.files[name] = {.print = row.print};
    row.id = put(row);
    return row;
  }
  std::int64_t number_ = 0;
};

TEST_F(AdmitBounds, AChecksumThatIsWrongIsWaitedForUntilTheVeryEndOfItsPatience) {
  policy.sources[0].checksum = ChecksumPolicy::kAuto;
  policy.sources[0].max_settle = 10min;
  auto const patient = seen("a.mp4", 5, now - 10min + 1ms);
  auto const spent = seen("b.mp4", 5, now - 10min);
  for (auto const* name : {"a.mp4.md5", "b.mp4.md5"})
    files.files[name] = {.print = {.size_bytes = 32}, .bytes = std::string(32, '0')};
  choose(choose_admit);
  EXPECT_EQ(item(patient.id).state, ItemState::kSeen);
  EXPECT_EQ(item(patient.id).reason, "checksum_mismatch");
  EXPECT_EQ(item(spent.id).state, ItemState::kFailed);
  EXPECT_EQ(item(spent.id).reason, "checksum_mismatch");
}

// No checksum would mend it.
TEST_F(AdmitBounds, AnEmptyFileIsRefusedAndNotHeldForAChecksum) {
  policy.sources[0].checksum = ChecksumPolicy::kRequire;
  auto const empty = seen("a.mp4", 0, now - 1h);
  auto const shortest = seen("b.mp4", 1, now - 1h);
  choose(choose_admit);
  EXPECT_EQ(item(empty.id).reason, "empty_file");
  EXPECT_EQ(item(shortest.id).reason, "waiting_for_checksum");
}

TEST_F(AdmitBounds, TheLimitOfUrlsIsHeldAgainstWhatThePlatformFetchesAndNothingElse) {
  policy.limits.url_video_bytes = 99;
  auto const refusal = [&](std::string root, std::string method, std::uint64_t size_bytes) {
    auto const path = std::string(root.empty() ? "https://h.example/" : "") + "a.mp4";
    journal::ItemRow row{.root = std::move(root), .path = path, .name = "a.mp4", .print = {.size_bytes = size_bytes}};
    row.method = std::move(method);
    auto const plan =
        plan_item(policy, row, policy.sources[0], source::Media{.kind = "video", .content_type = {}}, now);
    return plan ? "" : plan.error().code;
  };
  EXPECT_EQ(refusal("/srv/drop", "", 100), "");
  EXPECT_EQ(refusal("", "", 100), "too_large");
  EXPECT_EQ(refusal("", "", 99), "");
  EXPECT_EQ(refusal("", std::string(kByRelay), 100), "") << "Sluice sends it like a file";
}

}  // namespace
}  // namespace sluice::stage

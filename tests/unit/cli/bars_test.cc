// How `sluice ingest` is shown.
#include "daemon/cli/bars.h"

#include <gmock/gmock.h>

#include <sstream>

#include "core/base/json.h"

namespace sluice::cli {
namespace {

using daemon::IngestEnd;
using daemon::IngestItem;
using daemon::IngestSnapshot;
using testing::HasSubstr;
using testing::Not;

IngestItem file(std::string const& name, std::uint64_t acked, std::uint64_t in_air = 0) {
  return {.id = name,
          .path = "/x/" + name,
          .name = name,
          .size_bytes = 1'000'000,
          .bytes_acked = acked,
          .bytes_in_air = in_air,
          .stage = "upload",
          .why = ""};
}

IngestSnapshot snapshot(std::vector<IngestItem> active, std::uint64_t acked) {
  return {.active = std::move(active),
          .items_total = 40,
          .items_ended = 12,
          .bytes_total = 10'000'000,
          .bytes_acked = acked,
          .bytes_in_air = 0};
}

class BarsTest : public testing::Test {
 protected:
  Bars bars(Bars::Style style) {
    return Bars(style,
                {.out = out_, .err = err_, .look = {.color = false, .width = 100}, .err_look = {}, .elapsed = [this] {
                   return elapsed_;
                 }});
  }
  std::ostringstream out_;
  std::ostringstream err_;
  Millis elapsed_{0};
};

TEST(RateMeter, FollowsTheRateSmoothly) {
  RateMeter meter;
  meter.add(Millis(0), 0);
  EXPECT_EQ(meter.bytes_per_s(), 0u);
  meter.add(Millis(1000), 1000);
  EXPECT_EQ(meter.bytes_per_s(), 1000u);
  meter.add(Millis(2000), 1000);  // a pause does not throw it to nothing
  EXPECT_GT(meter.bytes_per_s(), 500u);
  EXPECT_LT(meter.bytes_per_s(), 1000u);
  meter.add(Millis(3000), 0);  // a count that shrinks (a file taken anew) is no negative rate
  EXPECT_LE(meter.bytes_per_s(), 1000u);
}

TEST(Frame, HasALineForEachFileAndOneForTheWhole) {
  auto const lines = frame(snapshot({file("clip.mp4", 400'000, 100'000)}, 5'000'000), {{"clip.mp4", 100'000}}, 250'000,
                           {.color = false, .width = 100});
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], "clip.mp4                          [##########----------]  50 %   100 kB/s         6 s  upload");
  EXPECT_EQ(lines[1], "[##########----------]  50 %  12 of 40 files, 5 MB of 10 MB, 250 kB/s, 21 s left");
}

TEST(Frame, NeverGrowsWiderOrHigherThanTheTerminal) {
  std::vector<IngestItem> many;
  for (int i = 0; i < 30; ++i) many.push_back(file(std::string(80, 'n') + std::to_string(i), 1));
  many[0].why = std::string(300, 'w');
  for (std::size_t const width : {40u, 80u, 132u}) {
    auto const lines = frame(snapshot(many, 30), {}, 0, {.color = false, .width = width});
    EXPECT_EQ(lines.size(), 10u);
    for (auto const& line : lines) EXPECT_LE(columns_of(line), width) << line;
  }
}

TEST_F(BarsTest, DrawsEachFrameOverTheLastOnATerminal) {
  auto shown = bars(Bars::Style::kTerminal);
  shown.show(snapshot({file("a.mp4", 1)}, 1));
  out_.str("");
  shown.ended({.path = "/x/a.mp4", .stage = "done"});
  EXPECT_THAT(out_.str(), testing::StartsWith("\x1b[2A\x1b[Jdone  /x/a.mp4\n"));
}

TEST_F(BarsTest, PrintsPlainLinesElsewhere) {
  auto shown = bars(Bars::Style::kPlain);
  for (int i = 0; i < 300; ++i, elapsed_ += Millis(100)) shown.show(snapshot({file("a.mp4", 1)}, 1'000'000));
  shown.ended({.path = "/x/a.mp4", .stage = "failed", .text = "too long", .remedy = "cut it"});
  shown.finish(3);
  EXPECT_EQ(out_.str(),
            "12 of 40 files, 1 MB of 10 MB\n12 of 40 files, 1 MB of 10 MB\n"
            "failed  /x/a.mp4: too long\n  next: cut it\n1 failed\n");
  EXPECT_THAT(err_.str(), HasSubstr("some items failed"));
}

TEST_F(BarsTest, WritesOneJsonDocument) {
  auto shown = bars(Bars::Style::kJson);
  shown.show(snapshot({file("a.mp4", 1)}, 1));
  shown.note("offline");
  shown.ended({.path = "/x/a.mp4", .stage = "done", .json = R"({"id":"01AA"})"});
  shown.ended({.path = "/x/b.mp4", .stage = "done", .json = R"({"id":"01AB"})"});
  shown.finish(0);
  auto const json = parse_json(out_.str());
  ASSERT_TRUE(json) << out_.str();
  EXPECT_EQ(json->find("items")->elements().size(), 2u);
  EXPECT_EQ(json->find("exit_code")->as_int(), 0);
  EXPECT_EQ(err_.str(), "offline\n");
}

TEST_F(BarsTest, WritesJsonForARunThatNeverBegan) {
  auto shown = bars(Bars::Style::kJson);
  shown.stopped("no API key: TWELVE_LABS_API_KEY is not set", "set it");
  shown.finish(7);
  auto const json = parse_json(out_.str());
  ASSERT_TRUE(json) << out_.str();
  EXPECT_TRUE(json->find("items")->elements().empty());
  EXPECT_THAT(json->find("error")->dump(), HasSubstr("no API key"));
  EXPECT_THAT(err_.str(), HasSubstr("next: set it"));
}

}  // namespace
}  // namespace sluice::cli

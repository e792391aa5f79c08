// What a dry run says would be done.
#include "core/stage/preview.h"

#include <gmock/gmock.h>

namespace sluice::stage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Preview : public testing::Test {
 protected:
  Preview() {
    policy.pipelines.push_back(
        {.name = "footage", .kinds = {"video"}, .filename = *parse_template("{name}"), .indexes = {{.name = "films"}}});
    PipelinePolicy cast{.name = "cast", .kinds = {"image"}, .filename = *parse_template("{name}")};
    cast.entity = EntityWish{.collection = "Cast", .name = *parse_template("{dir}")};
    policy.pipelines.push_back(std::move(cast));
  }
  std::vector<std::string> of(journal::ItemRow const& item, bool was_known = false) const {
    return preview({.item = item, .was_known = was_known}, policy, source, now);
  }
  static journal::ItemRow file(std::string path, std::uint64_t size_bytes) {
    return {.source = "drop", .root = "/srv/drop", .path = std::move(path), .print = {.size_bytes = size_bytes}};
  }

  Policy policy;
  SourcePolicy source{.name = "drop", .root = "/srv/drop", .pipelines = {"footage", "cast"}};
  WallTime now = from_unix_ms(1'795'262'400'000);
};

TEST_F(Preview, NamesKindPipelineMethodLimitAndSteps) {
  EXPECT_THAT(of(file("a.mp4", 5 * kMB)), ElementsAre("take it as video, by pipeline footage, 5 MB",
                                                      "upload it in one request (up to 200 MB)", "index it in films"));
  EXPECT_THAT(of(file("a.mp4", 50 * kMB)).at(1), HasSubstr("in chunks (up to 10 GB)"));
  EXPECT_THAT(of(file("Ada/a.jpg", kMB)).at(2), HasSubstr("entity Ada in Cast"));
}

TEST_F(Preview, SaysWhatWouldBeRefusedAndWhy) {
  EXPECT_THAT(of(file("a.mp4", 0)), ElementsAre(HasSubstr("(empty_file)")));
  EXPECT_THAT(of(file("a.mp3", 5)), ElementsAre(HasSubstr("(no_pipeline)")));
  EXPECT_THAT(of(file("a.mp4", 11 * kGB)), ElementsAre(HasSubstr("(too_large)")));
  EXPECT_THAT(of(file("a.bin", 5)), ElementsAre(HasSubstr("its content")));
}

TEST_F(Preview, GoesByWhatItsSidecarSays) {
  auto song = file("a.mp3", kMB);
  song.sidecar = R"({"files":["a.mp3.json"],"index":"songs"})";
  EXPECT_EQ(of(song).back(), "index it in songs");
  EXPECT_THAT(preview({.item = song, .sidecar_trouble = "a.mp3.json: line 2: it is no map"}, policy, source, now),
              ElementsAre("hold it back until its sidecar is mended: a.mp3.json: line 2: it is no map"));
}

TEST_F(Preview, SaysOfAUrlThatThePlatformFetchesItAndUntilWhenItCan) {
  journal::ItemRow item{.source = "hand", .path = "https://h.example/a.mp4", .key = "u:1", .name = "a.mp4"};
  item.url = SecretUrl("https://h.example/a.mp4?Signature=secret&Expires=4000000000");
  auto const lines = of(item);
  EXPECT_EQ(lines.at(0), "take it as video, by pipeline footage");
  EXPECT_EQ(lines.at(1), "let the platform fetch it (up to 4 GB), before 2096-10-02T07:06:40Z");
}

TEST_F(Preview, SaysWhichItemItIsAlready) {
  auto item = file("a.mp4", 5);
  item.ulid = "01J9ZK3Q00000000000000ADD0";
  item.state = journal::ItemState::kDone;
  EXPECT_THAT(of(item, true), ElementsAre(HasSubstr("known already as 01J9ZK3Q00000000000000ADD0, done")));
}

}  // namespace
}  // namespace sluice::stage

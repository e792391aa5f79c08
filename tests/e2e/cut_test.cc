// cut_test.cc - an answer that is lost after the platform has done what was asked.
//
// On a reused connection an HTTP library may quietly send the request again; then a create would happen
// twice. So each create is cut on a connection that has served before, and the ledger counts.

#include <algorithm>
#include <ostream>

#include "site.h"

namespace sluice::e2e {
namespace {

struct Create {
  char const* name;
  char const* endpoint;  // as the ledger counts it
  char const* path;      // as a rule names it
  char const* warm_up;   // a file whose chain opens connections, and does not make this very thing
  char const* file;
  std::uint64_t bytes;
  std::uint64_t calls;  // of the endpoint in all, the warm-up's included
};

std::ostream& operator<<(std::ostream& out, Create const& create) { return out << create.endpoint; }

// A reservation that nobody knows of cannot be found again; so a session is opened a second time, knowingly.
constexpr Create kCreates[] = {
    {"Asset", "POST /assets", "/assets", "Ada/a.jpg", "clip.mp4", 100'000, 2},
    {"UploadSession", "POST /assets/multipart-uploads", "/assets/multipart-uploads", "Ada/a.jpg", "clip.mp4", 900'000,
     2},
    {"Index", "POST /indexes", "/indexes", "Ada/a.jpg", "clip.mp4", 100'000, 1},
    {"IndexedAsset", "POST /indexes/{index_id}/indexed-assets", "/indexes/*/indexed-assets", "Ada/a.jpg", "clip.mp4",
     100'000, 1},
    {"EntityCollection", "POST /entity-collections", "/entity-collections", "warm.mp4", "Ada/a.jpg", 100'000, 1},
    {"Entity", "POST /entity-collections/{entity_collection_id}/entities", "/entity-collections/*/entities", "warm.mp4",
     "Ada/a.jpg", 100'000, 1},
};

class CutAfterTheEffect : public testing::TestWithParam<Create> {};

TEST_P(CutAfterTheEffect, MakesNothingTwice) {
  auto const& create = GetParam();
  Site site({.direct_max = "256KiB"}, {"--chunk-size", "256KiB"});
  site.daemon().start();
  site.drop(create.warm_up, 60'000, 1);
  ASSERT_TRUE(site.wait_for("done", 1));

  site.emulator().arm(Json::array(
      {{{"method", "POST"}, {"path", create.path}, {"reused_only", true}, {"times", 1}, {"action", "cut_after"}}}));
  site.drop(create.file, create.bytes, 2);
  ASSERT_TRUE(site.wait_for("done", 2));

  EXPECT_EQ(site.emulator().cut_calls(create.endpoint), 1u) << "the rule did not fire: the test proves nothing";
  EXPECT_EQ(site.emulator().calls(create.endpoint), create.calls);
  EXPECT_TRUE(site.every_file_is_there_once());
}

INSTANTIATE_TEST_SUITE_P(Create, CutAfterTheEffect, testing::ValuesIn(kCreates),
                         [](auto const& instance) { return std::string(instance.param.name); });

TEST(CutUploadSession, IsOpenedAgainKnowinglyAndTheLostOneIsTold) {
  Site site({.direct_max = "256KiB"}, {"--chunk-size", "256KiB"});
  site.daemon().start();
  site.drop("Ada/a.jpg", 60'000, 1);
  ASSERT_TRUE(site.wait_for("done", 1));
  site.emulator().arm(Json::array({{{"method", "POST"},
                                    {"path", "/assets/multipart-uploads"},
                                    {"reused_only", true},
                                    {"times", 1},
                                    {"action", "cut_after"}}}));
  site.drop("clip.mp4", 900'000, 2);
  ASSERT_TRUE(site.wait_for("done", 2));

  EXPECT_EQ(site.emulator().ledger().at("orphan_sessions").size(), 1u);
  auto const story = site.daemon().story("clip.mp4");
  auto const tells = std::ranges::count_if(story.at("events"), [](Json const& event) {
    return event.at("was") == "opening" &&
           event.at("note").get<std::string>().find("empty reservation") != std::string::npos;
  });
  EXPECT_EQ(tells, 1) << story.at("events").dump(1);
}

}  // namespace
}  // namespace sluice::e2e

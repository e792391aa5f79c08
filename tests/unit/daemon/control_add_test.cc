// POST /v1/items: what is read from the body, and what is answered per path.
#include <gmock/gmock.h>

#include "core/base/text.h"
#include "tests/unit/daemon/control_fixture.h"

namespace sluice::daemon {
namespace {

using testing::HasSubstr;

class ControlAdd : public ControlTest {};

TEST_F(ControlAdd, TakesEachPathUpAfterTheCommit) {
  auto const served =
      ask("POST", "/v1/items", R"({"paths": ["/srv/drop/a.mp4", "/srv/drop/b.mp4"], "pipeline": "footage"})");
  EXPECT_TRUE(served.after_commit);
  auto const body = body_of(served, 200);
  EXPECT_EQ(body.find("items")->elements().size(), 2u);
  ASSERT_EQ(daemon_.asked_to_add.size(), 2u);
  EXPECT_EQ(daemon_.asked_to_add[1].path, "/srv/drop/b.mp4");
  EXPECT_EQ(daemon_.asked_to_add[1].pipeline, "footage");
  EXPECT_FALSE(daemon_.asked_to_add[1].index);
}

TEST_F(ControlAdd, TakesNothingUpBeforeAllFilesWereFound) {
  daemon_.not_found_yet = {"/srv/drop/b.mp4"};
  auto const body = R"({"paths": ["/srv/drop/a.mp4", "/srv/drop/b.mp4"]})";
  EXPECT_TRUE(ask("POST", "/v1/items", body).not_yet);
  EXPECT_TRUE(daemon_.asked_to_add.empty());
  daemon_.not_found_yet.clear();
  EXPECT_FALSE(ask("POST", "/v1/items", body).not_yet);
  EXPECT_EQ(daemon_.asked_to_add.size(), 2u);
}

TEST_F(ControlAdd, PassesTheWishesOn) {
  post("/v1/items", R"({"paths": ["/a"], "index": "footage", "collection": "Cast", "entity": "Ada", "dry_run": true})");
  auto const& asked = daemon_.asked_to_add.at(0);
  EXPECT_EQ(asked.index, "footage");
  EXPECT_EQ(asked.collection, "Cast");
  EXPECT_EQ(asked.entity, "Ada");
  EXPECT_TRUE(asked.dry_run);
}

TEST_F(ControlAdd, WritesNothingInADryRun) {
  EXPECT_FALSE(ask("POST", "/v1/items", R"({"paths": ["/a"], "dry_run": true})").after_commit);
}

TEST_F(ControlAdd, TakesNamesThatAreNoText) {
  std::string const path = "/srv/drop/\xff.mp4";
  auto const body = post("/v1/items", Json::object({{"paths_b64", Json::array({to_base64(path)})}}).dump());
  EXPECT_EQ(daemon_.asked_to_add.at(0).path, path);
  EXPECT_EQ(text(body.find("items")->elements()[0], "path"), "/srv/drop/\\xff.mp4");
}

TEST_F(ControlAdd, GoesOnAfterAPathThatIsRefused) {
  daemon_.refuse["/x"] = Error{Fault::kRejected, "/x is not beneath a source", "not_beneath_source"};
  auto const served = ask("POST", "/v1/items", R"({"paths": ["/x", "/srv/drop/a.mp4"]})");
  EXPECT_TRUE(served.after_commit);
  auto const body = body_of(served, 200);
  EXPECT_EQ(body.find("items")->elements().size(), 1u);
  EXPECT_EQ(text(*body.find("errors")->elements()[0].find("error"), "code"), "not_beneath_source");
}

TEST_F(ControlAdd, AnswersWithTheErrorWhenEveryPathIsRefused) {
  daemon_.refuse["/x"] = Error{Fault::kGone, "no such file: /x", "no_such_file"};
  auto const served = ask("POST", "/v1/items", R"({"paths": ["/x"]})");
  EXPECT_FALSE(served.after_commit);
  EXPECT_EQ(error_code(body_of(served, 404)), "no_such_file");
}

TEST_F(ControlAdd, TakesUrlsAndShowsThemWithoutTheirQueries) {
  daemon_.refuse["https://host/w"] = Error{Fault::kRejected, "no kind", "unknown_kind"};
  auto const served =
      ask("POST", "/v1/items", R"({"urls": ["https://HOST/v.mp4?sig=secret", "https://host/w?sig=secret"]})");
  auto const body = body_of(served, 200);
  EXPECT_EQ(text(body.find("items")->elements()[0], "url"), "https://host/v.mp4");
  EXPECT_EQ(text(body.find("errors")->elements()[0], "url"), "https://host/w");
  EXPECT_THAT(served.reply.body, testing::Not(HasSubstr("secret")));
  ASSERT_EQ(daemon_.asked_to_add.size(), 2u);
  EXPECT_EQ(daemon_.asked_to_add[0].url->whole, SecretUrl("https://host/v.mp4?sig=secret"));
}

TEST_F(ControlAdd, TakesANameForASingleUrl) {
  post("/v1/items", R"({"urls": ["https://host/get?id=7"], "name": "a.mp4"})");
  EXPECT_EQ(daemon_.asked_to_add.at(0).name, "a.mp4");
  for (auto const* body :
       {R"({"urls": ["https://host/a", "https://host/b"], "name": "a.mp4"})", R"({"paths": ["/a"], "name": "a.mp4"})",
        R"({"paths": ["/a"], "urls": ["https://host/a"], "name": "a.mp4"})"})
    EXPECT_EQ(error_code(post("/v1/items", body, 400)), "bad_request") << body;
}

TEST_F(ControlAdd, RefusesBadUrlsAndRelativePathsBeforeAnyIsTakenUp) {
  auto const url = post("/v1/items", R"({"urls": ["https://host/a", "ftp://host/v.mp4?sig=secret"]})", 400);
  EXPECT_EQ(error_code(url), "bad_url");
  EXPECT_THAT(url.dump(), testing::Not(HasSubstr("secret")));
  auto const misplaced = post("/v1/items", R"({"paths": ["https://host/v.mp4?sig=secret"]})", 400);
  EXPECT_EQ(error_code(misplaced), "not_absolute");
  EXPECT_THAT(misplaced.dump(), testing::Not(HasSubstr("secret")));
  EXPECT_EQ(error_code(post("/v1/items", R"({"paths": ["a.mp4"]})", 400)), "not_absolute");
  EXPECT_TRUE(daemon_.asked_to_add.empty());
}

TEST_F(ControlAdd, NamesWhatIsWrongWithTheBody) {
  for (auto const* body :
       {"", "[]", "{", R"({"paths": []})", R"({"paths": "a"})", R"({"paths": [1]})", R"({"paths": ["/a"], "index": 1})",
        R"({"paths": ["/a"], "dry_run": "yes"})", R"({"paths": ["/a"], "pipline": "x"})",
        R"({"paths": ["/a"], "entity": "x"})", R"({"paths": ["/a"], "pipeline": "x", "index": "y"})",
        R"({"paths_b64": ["?"]})", R"({"urls": []})", R"({"urls": "https://h/a"})", R"({"urls": [1]})",
        R"({"paths": ["/a"], "paths": ["/b"]})"})
    EXPECT_EQ(error_code(post("/v1/items", body, 400)), "bad_request") << body;
  EXPECT_THAT(ask("POST", "/v1/items", R"({"paths": ["/a"], "pipline": "x"})").reply.body,
              HasSubstr("did you mean pipeline?"));
}

TEST_F(ControlAdd, BoundsThePathsOfOneRequest) {
  auto paths = Json::array();
  for (std::size_t i = 0; i <= kAddPathsMax; ++i) paths.push("/a");
  EXPECT_EQ(error_code(post("/v1/items", Json::object({{"paths", paths}}).dump(), 400)), "too_many_paths");
}

}  // namespace
}  // namespace sluice::daemon

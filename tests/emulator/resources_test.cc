#include <gtest/gtest.h>

#include "digest.h"
#include "test_support.h"

namespace sluice::emulator::test {
namespace {

using nlohmann::json;

json index_body(std::string const& name) {
  return {{"index_name", name}, {"models", {{{"model_name", "marengo3.0"}, {"model_options", {"visual", "audio"}}}}}};
}

TEST(DirectAsset, IsHashedAndBecomesReady) {
  Bench bench;
  auto const answer =
      bench.post_form({{"method", "direct"}, {"filename", "b.jpg"}, {"user_metadata", R"({"client_op":"op1"})"}},
                      {{"a.jpg", "picture"}});
  ASSERT_EQ(answer->status, 201);
  EXPECT_EQ(answer->json()["status"], "processing");
  EXPECT_EQ(answer->json()["user_metadata"]["client_op"], "op1");
  auto const row = bench.ledger()["assets"][0];
  EXPECT_EQ(row["filename"], "b.jpg");
  EXPECT_EQ(row["sha256"], sha256_hex("picture"));
  EXPECT_EQ(row["client_op"], "op1");
  bench.pass_ms(200);
  EXPECT_EQ(bench.get("/assets/" + answer->json()["_id"].get<std::string>()).json()["status"], "ready");
}

TEST(DirectAsset, RefusesWhatTheFormMustNotHold) {
  Bench bench;
  std::pair<std::string, std::string> const file{"a.mp4", "x"};
  EXPECT_EQ(bench.post_form({{"method", "direct"}}, std::nullopt)->code(), "parameter_not_provided");
  EXPECT_EQ(bench.post_form({{"method", "direct"}, {"color", "red"}}, file)->code(), "parameter_unknown");
  EXPECT_EQ(bench.post_form({{"method", "smoke"}}, file)->code(), "parameter_invalid");
  EXPECT_EQ(bench.post_form({{"method", "direct"}, {"enable_hls", "yes"}}, file)->code(), "parameter_invalid");
  EXPECT_EQ(bench.post_form({{"method", "direct"}, {"user_metadata", "[1]"}}, file)->code(), "parameter_invalid");
  EXPECT_EQ(bench.post_form({{"method", "url"}}, std::nullopt)->code(), "parameter_not_provided");
  EXPECT_EQ(bench.post("/assets", {{"method", "direct"}}).code(), "content_type_invalid");
  EXPECT_EQ(bench.ledger()["assets"].size(), 0U);
}

TEST(DirectAsset, ObeysTheScaledLimit) {
  auto options = Bench::small();
  options.limits_scale = 0.000001;  // 200 bytes of video, 32 of image
  Bench bench(options);
  EXPECT_EQ(bench.post_form({{"method", "direct"}}, {{"a.mp4", std::string(200, 'x')}})->status, 201);
  EXPECT_EQ(bench.post_form({{"method", "direct"}}, {{"a.mp4", std::string(201, 'x')}})->code(),
            "media_filesize_too_large");
  EXPECT_EQ(bench.post_form({{"method", "direct"}}, {{"a.jpg", std::string(33, 'x')}})->code(),
            "media_filesize_too_large");
}

TEST(DirectAsset, IsReadyAtOnceUnderTheReadinessOfTheSeeds) {
  auto options = Bench::small();
  options.ready_at_once = true;
  Bench bench(options);
  EXPECT_EQ(bench.post_form({{"method", "direct"}}, {{"a.mp4", "x"}})->json()["status"], "ready");
}

TEST(UrlAsset, BecomesReadyWithoutBeingFetched) {
  Bench bench;
  auto const answer =
      bench.post_form({{"method", "url"}, {"url", "https://example.com/v/clip%201.mp4?x=1"}}, std::nullopt);
  EXPECT_EQ(answer->json()["filename"], "clip 1.mp4");
  bench.pass_ms(200);
  EXPECT_EQ(bench.get("/assets/" + answer->json()["_id"].get<std::string>()).json()["status"], "ready");
}

TEST(Assets, AreListedNewestFirstByIdsAndByName) {
  Bench bench;
  auto const a = bench.ready_asset("Alpha.mp4", "1");
  auto const b = bench.ready_asset("beta.jpg", "2");
  EXPECT_EQ(bench.get("/assets").json()["data"][0]["_id"], b);
  EXPECT_EQ(bench.get("/assets?asset_ids=" + a + "&asset_ids=gone").json()["page_info"]["total_results"], 1);
  EXPECT_EQ(bench.get("/assets?filename=ALPH").json()["data"][0]["_id"], a);
  EXPECT_EQ(bench.get("/assets?asset_types=image").json()["data"].size(), 1U);
  EXPECT_EQ(bench.get("/assets?page=2&page_limit=1").json()["data"][0]["_id"], a);
  EXPECT_EQ(bench.get("/assets?page=9").json()["data"].size(), 0U);
  EXPECT_EQ(bench.get("/assets?page_limit=51").code(), "parameter_invalid");
}

TEST(Assets, KeepTheirMetadataAndGoOnlyWhenFree) {
  Bench bench;
  auto const id = bench.ready_asset("a.mp4", "1");
  auto const path = "/assets/" + id;
  EXPECT_EQ(bench.call("PUT", path + "/user-metadata", {{"user_metadata", {{"a", 1}, {"b", ""}}}}).status, 204);
  bench.call("PATCH", path + "/user-metadata", {{"user_metadata", {{"a", nullptr}, {"c", true}}}});
  EXPECT_EQ(bench.get(path).json()["user_metadata"], json({{"c", true}}));
  auto const index = bench.post("/indexes", index_body("i")).json()["_id"].get<std::string>();
  bench.post("/indexes/" + index + "/indexed-assets", {{"asset_id", id}});
  EXPECT_EQ(bench.call("DELETE", path).status, 409);
  EXPECT_EQ(bench.call("DELETE", path + "?force=true").status, 204);
  EXPECT_EQ(bench.get(path).status, 404);
}

TEST(Indexes, HaveUniqueNames) {
  Bench bench;
  EXPECT_EQ(bench.post("/indexes", index_body("films")).status, 201);
  EXPECT_EQ(bench.post("/indexes", index_body("films")).code(), "index_name_already_exists");
  EXPECT_EQ(bench.post("/indexes", index_body("film")).status, 201);
  EXPECT_EQ(bench.get("/indexes?index_name=film&sort_by=created_at&sort_option=asc").json()["data"].size(), 2U);
}

TEST(IndexedAssets, GoThroughTheirStatesAndMayBeDoubled) {
  Bench bench;
  auto const asset = bench.ready_asset("a.mp4", "1");
  auto const list =
      "/indexes/" + bench.post("/indexes", index_body("i")).json()["_id"].get<std::string>() + "/indexed-assets";
  auto const first = bench.post(list, {{"asset_id", asset}});
  EXPECT_EQ(first.status, 202);
  EXPECT_EQ(bench.get(list + "?status=pending&status=queued").json()["data"].size(), 1U);
  bench.pass_ms(200);
  EXPECT_EQ(bench.get(list).json()["data"][0]["status"], "indexing");
  bench.pass_ms(100);
  EXPECT_EQ(bench.get(list + '/' + first.json()["_id"].get<std::string>()).json()["status"], "ready");
  EXPECT_EQ(bench.ledger()["duplicates"].size(), 0U);
  bench.post(list, {{"asset_id", asset}});
  EXPECT_EQ(bench.ledger()["duplicates"][0]["kind"], "indexed_asset");
  EXPECT_EQ(bench.get("/assets/" + asset + "/indexed-assets").json()["data"].size(), 2U);
}

TEST(IndexedAssets, NeedAReadyAsset) {
  Bench bench;
  auto const list =
      "/indexes/" + bench.post("/indexes", index_body("i")).json()["_id"].get<std::string>() + "/indexed-assets";
  auto const fresh = bench.post_form({{"method", "direct"}}, {{"a.mp4", "x"}})->json()["_id"];
  EXPECT_EQ(bench.post(list, {{"asset_id", fresh}}).code(), "parameter_invalid");
  EXPECT_EQ(bench.post(list, {{"asset_id", "nobody"}}).status, 400);
}

TEST(Entities, NeedReadyImagesAndAreReworkedWhenTheyChange) {
  Bench bench;
  auto const face = bench.ready_asset("a.jpg", "1");
  auto const other = bench.ready_asset("b.jpg", "2");
  auto const film = bench.ready_asset("c.mp4", "3");
  auto const list = "/entity-collections/" +
                    bench.post("/entity-collections", {{"name", "Cast"}}).json()["_id"].get<std::string>() +
                    "/entities";
  EXPECT_EQ(bench.post(list, {{"name", "Ann"}, {"asset_ids", {film}}}).code(), "parameter_invalid");
  EXPECT_EQ(bench.post(list, {{"name", "Ann"}, {"asset_ids", json::array()}}).code(), "parameter_invalid");
  auto const ann =
      bench.post(list, {{"name", "Ann"}, {"asset_ids", {face}}, {"metadata", {{"client_op", "e1"}}}}).json();
  EXPECT_EQ(ann["status"], "processing");
  bench.pass_ms(200);
  auto const path = list + '/' + ann["_id"].get<std::string>();
  EXPECT_EQ(bench.get(path).json()["status"], "ready");
  EXPECT_EQ(bench.post(path + "/assets", {{"asset_ids", {other}}}).json()["status"], "processing");
  EXPECT_EQ(bench.get("/assets/" + other + "/entities").json()["data"][0]["_id"], ann["_id"]);
  bench.call("DELETE", path + "/assets", {{"asset_ids", {face}}});
  EXPECT_EQ(bench.call("DELETE", path + "/assets", {{"asset_ids", {other}}}).code(), "parameter_invalid");
}

TEST(Entities, BulkSucceedsInPartAndDoublesShow) {
  Bench bench;
  auto const face = bench.ready_asset("a.jpg", "1");
  auto const list = "/entity-collections/" +
                    bench.post("/entity-collections", {{"name", "Cast"}}).json()["_id"].get<std::string>() +
                    "/entities";
  auto const good = json{{"name", "Ann"}, {"asset_ids", {face}}};
  auto const bad = json{{"name", "Bob"}, {"asset_ids", {"nobody"}}};
  auto const result = bench.post(list + "/bulk", {{"entities", {good, bad, good}}}).json();
  EXPECT_EQ(result["success_count"], 2);
  EXPECT_EQ(result["errors"][0]["entity_index"], 1);
  EXPECT_EQ(bench.ledger()["duplicates"][0]["kind"], "entity");
}

TEST(Switches, ListLagHidesTheNewFromListsOnly) {
  auto options = Bench::small();
  options.list_lag_ms = 5000;
  Bench bench(options);
  auto const id = bench.post("/indexes", index_body("i")).json()["_id"].get<std::string>();
  EXPECT_EQ(bench.get("/indexes/" + id).status, 200);
  EXPECT_EQ(bench.get("/indexes").json()["data"].size(), 0U);
  bench.pass_ms(5000);
  EXPECT_EQ(bench.get("/indexes").json()["data"].size(), 1U);
}

TEST(Switches, MetadataRefusedLookupHiddenAndEmptyStatus) {
  auto options = Bench::small();
  options.metadata = false;
  options.lookup = false;
  options.empty_status = 200;
  Bench bench(options);
  EXPECT_EQ(bench.post_form({{"method", "direct"}, {"user_metadata", "{}"}}, {{"a.mp4", "x"}})->code(),
            "parameter_unknown");
  auto const id = bench.ready_asset("a.mp4", "1");
  EXPECT_EQ(bench.get("/assets/" + id + "/indexed-assets").status, 404);
  EXPECT_EQ(bench.get("/assets/" + id + "/entities").status, 404);
  EXPECT_EQ(bench.call("DELETE", "/assets/" + id).status, 200);
}

TEST(Api, RefusesAWrongKeyAndAnUnknownCall) {
  Bench bench;
  Connection connection(bench.emulator().base_url());
  auto const answer = connection.send("GET", "/v1.3/assets", {{"x-api-key", "wrong"}});
  EXPECT_EQ(answer->status, 401);
  EXPECT_EQ(answer->code(), "api_key_invalid");
  EXPECT_EQ(bench.get("/tasks").code(), "api_not_allowed");
}

TEST(Ledger, TellsOfTwoAssetsOfOneOperationAndOfOneContent) {
  Bench bench;
  for (int i = 0; i < 2; ++i) {
    bench.post_form({{"method", "direct"}, {"user_metadata", R"({"client_op":"op1"})"}}, {{"a.mp4", "same"}});
  }
  auto const duplicates = bench.ledger()["duplicates"];
  ASSERT_EQ(duplicates.size(), 2U);
  EXPECT_EQ(duplicates[0]["kind"], "asset_client_op");
  EXPECT_EQ(duplicates[1]["kind"], "asset_content");
}

TEST(Listening, IsOnlyForLoopbackAddresses) {
  for (auto const* address : {"0.0.0.0:0", "192.0.2.1:0", "[::]:0", "example.com:80", "127.0.0.1"}) {
    auto options = Bench::small();
    options.listen = address;
    EXPECT_THROW(Bench bench(options), std::runtime_error) << address;
  }
}

}  // namespace
}  // namespace sluice::emulator::test

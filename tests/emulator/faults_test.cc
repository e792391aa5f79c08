#include <gtest/gtest.h>

#include <algorithm>

#include "digest.h"
#include "test_support.h"

namespace sluice::emulator::test {
namespace {

using nlohmann::json;

std::string const kBytes(1000, 'a');
json const kIndex{{"index_name", "i"}, {"models", {{{"model_name", "marengo3.0"}, {"model_options", {"visual"}}}}}};

std::optional<Answer> create_index(Connection& connection) {
  return connection.send("POST", "/v1.3/indexes", {{"x-api-key", "demo-key"}, {"Content-Type", "application/json"}},
                         kIndex.dump());
}

TEST(Faults, CutAfterTakesEffectWithoutOneByteOfAnAnswer) {
  Bench bench;
  bench.arm({{{"method", "POST"}, {"path", "/indexes"}, {"nth", 1}, {"action", "cut_after"}}});
  Connection connection(bench.emulator().base_url());
  EXPECT_FALSE(create_index(connection));
  EXPECT_EQ(bench.ledger()["indexes"].size(), 1U);
  EXPECT_EQ(bench.ledger()["requests"]["POST /indexes"]["cut"], 1);
}

TEST(Faults, CutBeforeLeavesNothing) {
  Bench bench;
  bench.arm({{{"path", "/indexes"}, {"nth", 1}, {"action", "cut_before"}}});
  Connection connection(bench.emulator().base_url());
  EXPECT_FALSE(create_index(connection));
  EXPECT_EQ(bench.ledger()["indexes"].size(), 0U);
}

TEST(Faults, ReusedOnlySparesTheFirstRequestOfAConnection) {
  Bench bench;
  bench.arm({{{"method", "POST"}, {"path", "/indexes"}, {"reused_only", true}, {"times", 1}, {"action", "cut_after"}}});
  Connection connection(bench.emulator().base_url());
  ASSERT_TRUE(connection.send("GET", "/v1.3/indexes", {{"x-api-key", "demo-key"}}));
  EXPECT_FALSE(create_index(connection));
  EXPECT_EQ(bench.ledger()["indexes"].size(), 1U);
}

TEST(Faults, CutBodyStoresNothingAndIsCounted) {
  Bench bench;
  auto const session = bench.open_session(1000);
  bench.arm({{{"path", "/chunk-store/*"}, {"action", "cut_body"}, {"after_bytes", 400}}});
  EXPECT_FALSE(bench.put(session.urls[0]["url"], session.headers, kBytes));
  bench.arm(json::array());
  auto const ledger = bench.ledger();
  EXPECT_EQ(ledger["chunk_puts"].size(), 0U);
  EXPECT_EQ(ledger["totals"]["bytes_received"], 400);
}

TEST(Faults, StatusCarriesWhatTheRuleSays) {
  Bench bench;
  bench.arm({{{"path", "/indexes"}, {"action", "status"}, {"status", 500}, {"body", "<html>oops</html>"}, {"times", 1}},
             {{"path", "/indexes"}, {"action", "throttle"}, {"retry_after", "2"}, {"times", 1}},
             {{"path", "/indexes"}, {"action", "throttle"}, {"empty_body", true}, {"times", 1}}});
  auto const html = bench.get("/indexes");
  EXPECT_EQ(html.status, 500);
  EXPECT_EQ(html.header("content-type"), "text/html");
  // The throttling rules counted the first call too, and one firing is all they have: arm them anew.
  bench.arm({{{"path", "/indexes"}, {"action", "throttle"}, {"retry_after", "2"}}});
  auto const throttled = bench.get("/indexes");
  EXPECT_EQ(throttled.status, 429);
  EXPECT_EQ(throttled.code(), "too_many_requests");
  EXPECT_EQ(throttled.header("retry-after"), "2");
  bench.arm({{{"path", "/indexes"}, {"action", "throttle"}, {"empty_body", true}}});
  EXPECT_EQ(bench.get("/indexes").body, "");
}

TEST(Faults, StatusAfterTheEffectHidesASuccess) {
  Bench bench;
  bench.arm(
      {{{"method", "POST"}, {"path", "/indexes"}, {"action", "status"}, {"status", 502}, {"after_effect", true}}});
  EXPECT_EQ(bench.post("/indexes", kIndex).status, 502);
  EXPECT_EQ(bench.ledger()["indexes"].size(), 1U);
}

TEST(Faults, ExpireHitsAPutOrASession) {
  Bench bench;
  auto const session = bench.open_session(1000);
  bench.arm({{{"method", "PUT"}, {"path", "/chunk-store/*"}, {"action", "expire"}, {"times", 1}}});
  EXPECT_EQ(bench.put(session.urls[0]["url"], session.headers, kBytes)->status, 403);
  EXPECT_EQ(bench.put(session.urls[0]["url"], session.headers, kBytes)->status, 200);  // not used up by the refusal
  bench.arm({{{"method", "GET"}, {"path", "/assets/multipart-uploads/*"}, {"action", "expire"}}});
  EXPECT_EQ(bench.get("/assets/multipart-uploads/" + session.upload_id).json()["status"], "expired");
}

TEST(Faults, WrongEtagDamagesOneByteAndOpaqueEtagNone) {
  Bench bench;
  auto const session = bench.open_session(2000);
  bench.arm({{{"path", "/chunk-store/*"}, {"nth", 1}, {"action", "wrong_etag"}},
             {{"path", "/chunk-store/*"}, {"nth", 2}, {"action", "opaque_etag"}, {"kms_header", true}}});
  auto damaged = kBytes;
  damaged[0] = static_cast<char>(~damaged[0]);
  auto const one = bench.upload(session, 1, kBytes);
  EXPECT_EQ(one, md5_hex(damaged));
  auto const answer = bench.put(session.urls[1]["url"], session.headers, kBytes);
  auto const two = answer->header("etag").substr(1, 32);
  EXPECT_NE(two, md5_hex(kBytes));
  EXPECT_EQ(answer->header("x-amz-server-side-encryption"), "aws:kms");
  bench.post("/assets/multipart-uploads/" + session.upload_id,
             {{"completed_chunks", {bench.report_entry(1, one, 1000), bench.report_entry(2, two, 1000)}}});
  EXPECT_EQ(bench.ledger()["objects"][0]["sha256"], sha256_hex(damaged + kBytes));
}

TEST(Faults, AFailedChunkIsSentAgain) {
  Bench bench;
  auto const session = bench.open_session(1000);
  auto const path = "/assets/multipart-uploads/" + session.upload_id;
  bench.arm({{{"path", "/chunk-store/*"}, {"nth", 1}, {"action", "fail_chunk"}}});
  auto const etag = bench.upload(session, 1, kBytes);
  json const report{{"completed_chunks", nlohmann::json::array({bench.report_entry(1, etag, 1000)})}};
  EXPECT_EQ(bench.post(path, report).json()["total_completed"], 0);
  EXPECT_EQ(bench.get(path).json()["uploaded_chunks"][0]["status"], "failed");
  auto const more = bench.post(path + "/presigned-urls", {{"start", 1}, {"count", 1}}).json();
  EXPECT_EQ(bench.put(more["upload_urls"][0]["url"], session.headers, kBytes)->status, 200);
  EXPECT_EQ(bench.post(path, report).json()["total_completed"], 1);
}

TEST(Faults, FailAssetEndsWhatTheCallMade) {
  Bench bench;
  bench.arm({{{"method", "POST"}, {"path", "/assets"}, {"action", "fail_asset"}, {"message", "no key frame"}}});
  auto const id = bench.ready_asset("a.mp4", "bytes");
  auto const asset = bench.get("/assets/" + id).json();
  EXPECT_EQ(asset["status"], "failed");
  EXPECT_EQ(asset["error"]["message"], "no key frame");
}

TEST(Faults, ABadScenarioIsRefusedWithItsReason) {
  Bench bench;
  auto const answer = bench.post("/__scenario", {{"rules", {{{"action", "explode"}}}}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("explode"), std::string::npos);
}

}  // namespace
}  // namespace sluice::emulator::test

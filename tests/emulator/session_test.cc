#include <gtest/gtest.h>

#include "digest.h"
#include "test_support.h"

namespace sluice::emulator::test {
namespace {

using nlohmann::json;

std::string const kFirst(1000, 'a');
std::string const kLast(200, 'b');

std::string path_of(Session const& session) { return "/assets/multipart-uploads/" + session.upload_id; }

Answer report(Bench& bench, Session const& session, json const& entries) {
  return bench.post(path_of(session), {{"completed_chunks", entries}});
}

TEST(UploadSession, CarriesAFileFromFirstChunkToReadyAsset) {
  Bench bench;
  auto const session = bench.open_session(1200);
  auto const one = bench.upload(session, 1, kFirst);
  auto const two = bench.upload(session, 2, kLast);
  EXPECT_EQ(one, md5_hex(kFirst));
  auto const first = report(bench, session, json::array({bench.report_entry(1, one, 1000)})).json();
  EXPECT_EQ(first["total_completed"], 1);
  EXPECT_FALSE(first.contains("url"));
  auto const last =
      report(bench, session, json::array({bench.report_entry(1, one, 1000), bench.report_entry(2, two, 200)})).json();
  EXPECT_EQ(last["duplicate_chunks"], 1);
  EXPECT_TRUE(last.contains("url"));

  EXPECT_EQ(bench.get(path_of(session)).json()["status"], "completed");
  EXPECT_EQ(bench.get("/assets/" + session.asset_id).json()["status"], "processing");
  EXPECT_EQ(bench.ledger()["objects"][0]["sha256"], sha256_hex(kFirst + kLast));  // waits for the hasher
  bench.pass_ms(200);
  auto const asset = bench.get("/assets/" + session.asset_id).json();
  EXPECT_EQ(asset["status"], "ready");
  EXPECT_EQ(asset["size"], 1200);
  EXPECT_EQ(bench.events(), (std::vector<std::string>{"session_opened", "url_issued", "put_started", "put_stored",
                                                      "put_started", "put_stored", "chunk_reported", "chunk_reported",
                                                      "session_completed", "asset_created", "asset_ready"}));
}

TEST(UploadSession, GivesTheFirstUrlsOnlyAndOthersOnRequest) {
  Bench bench;
  auto const session = bench.open_session(60'000);
  EXPECT_EQ(session.urls.size(), 10U);
  auto const more = bench.post(path_of(session) + "/presigned-urls", {{"start", 55}, {"count", 50}}).json();
  EXPECT_EQ(more["upload_urls"].size(), 6U);
  EXPECT_EQ(more["upload_urls"][0]["chunk_index"], 55);
  EXPECT_EQ(bench.post(path_of(session) + "/presigned-urls", {{"start", 1}, {"count", 51}}).code(),
            "parameter_invalid");
  EXPECT_EQ(bench.post(path_of(session) + "/presigned-urls", {{"start", 61}, {"count", 1}}).code(),
            "parameter_invalid");
}

TEST(UploadSession, RefusesAReportThatDoesNotFitWhatWasStored) {
  Bench bench;
  auto const session = bench.open_session(1200);
  auto const etag = bench.upload(session, 1, kFirst);
  EXPECT_EQ(report(bench, session, json::array({bench.report_entry(1, "wrong", 1000)})).code(), "parameter_invalid");
  EXPECT_EQ(report(bench, session, json::array({bench.report_entry(1, etag, 999)})).code(), "parameter_invalid");
  EXPECT_EQ(report(bench, session, json::array({bench.report_entry(2, etag, 200)})).code(), "parameter_invalid");
  EXPECT_EQ(report(bench, session, json::array({bench.report_entry(3, etag, 200)})).code(), "parameter_invalid");
  EXPECT_EQ(report(bench, session, json::array()).code(), "parameter_invalid");
  auto entry = bench.report_entry(1, etag, 1000);
  entry.erase("proof_type");
  EXPECT_EQ(report(bench, session, json::array({entry})).code(), "parameter_not_provided");
  EXPECT_EQ(report(bench, session, json::array({bench.report_entry(1, etag, 1000)})).status, 200);
}

TEST(UploadSession, ListsStoredChunksAsPendingUntilReported) {
  Bench bench;
  auto const session = bench.open_session(3000);
  auto const etag = bench.upload(session, 2, kFirst);
  auto status = bench.get(path_of(session)).json();
  EXPECT_EQ(status["uploaded_chunks"].size(), 1U);
  EXPECT_EQ(status["uploaded_chunks"][0]["status"], "pending");
  EXPECT_EQ(status["chunks_pending"], 3);
  report(bench, session, json::array({bench.report_entry(2, etag, 1000)}));
  status = bench.get(path_of(session)).json();
  EXPECT_EQ(status["uploaded_chunks"][0]["status"], "completed");
  EXPECT_EQ(status["chunks_pending"], 2);
}

TEST(UploadSession, ANewUploadOfAChunkReplacesItsProof) {
  Bench bench;
  auto const session = bench.open_session(1000);
  auto const old_etag = bench.upload(session, 1, kFirst);
  auto const more = bench.post(path_of(session) + "/presigned-urls", {{"start", 1}, {"count", 1}}).json();
  auto const answer = bench.put(more["upload_urls"][0]["url"], session.headers, std::string(1000, 'z'));
  ASSERT_TRUE(answer);
  EXPECT_EQ(report(bench, session, json::array({bench.report_entry(1, old_etag, 1000)})).code(), "parameter_invalid");
  EXPECT_EQ(bench.ledger()["chunk_puts"][0]["times_stored"], 2);
}

TEST(UploadSession, ExpiresAndLeavesAnOrphan) {
  Bench bench;
  auto const session = bench.open_session(1000);
  EXPECT_EQ(bench.ledger()["orphan_sessions"].size(), 1U);  // no chunk yet
  auto const etag = bench.upload(session, 1, kFirst);
  EXPECT_EQ(bench.ledger()["orphan_sessions"].size(), 0U);
  bench.pass_ms(86'400'000);
  EXPECT_EQ(bench.get(path_of(session)).json()["status"], "expired");
  EXPECT_EQ(report(bench, session, json::array({bench.report_entry(1, etag, 1000)})).status, 404);
  EXPECT_EQ(bench.ledger()["orphan_sessions"][0]["upload_id"], session.upload_id);
  EXPECT_EQ(bench.ledger()["assets"].size(), 0U);
}

TEST(UploadSession, RefusesUnknownFieldsWrongTypesAndSizes) {
  Bench bench;
  auto const code = [&](json const& body) { return bench.post("/assets/multipart-uploads", body).code(); };
  EXPECT_EQ(code({{"filename", "a"}, {"type", "video"}, {"total_size", 1}, {"color", "red"}}), "parameter_unknown");
  EXPECT_EQ(code({{"filename", "a"}, {"type", "video"}, {"total_size", "1"}}), "parameter_invalid");
  EXPECT_EQ(code({{"filename", "a"}, {"type", "document"}, {"total_size", 1}}), "parameter_invalid");
  EXPECT_EQ(code({{"filename", "a"}, {"total_size", 1}}), "parameter_not_provided");
  EXPECT_EQ(code({{"filename", std::string(256, 'x')}, {"type", "video"}, {"total_size", 1}}), "parameter_invalid");
  EXPECT_EQ(code({{"filename", "a"}, {"type", "image"}, {"total_size", 32'000'001}}), "media_filesize_too_large");
  EXPECT_EQ(code({{"filename", "a"}, {"type", "video"}, {"total_size", 10'000'000'001}}), "media_filesize_too_large");
}

TEST(UploadSession, ContentThatSaysSoEndsAsAFailedAsset) {
  Bench bench;
  auto const session = bench.open_session(1000);
  auto const etag = bench.upload(session, 1, "SLUICE-FAIL" + std::string(989, '.'));
  report(bench, session, json::array({bench.report_entry(1, etag, 1000)}));
  bench.ledger();
  bench.pass_ms(200);
  auto const asset = bench.get("/assets/" + session.asset_id).json();
  EXPECT_EQ(asset["status"], "failed");
  EXPECT_EQ(asset["error"]["message"], "The file could not be read.");
}

}  // namespace
}  // namespace sluice::emulator::test

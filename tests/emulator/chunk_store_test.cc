#include <gtest/gtest.h>

#include <algorithm>

#include "digest.h"
#include "test_support.h"

namespace sluice::emulator::test {
namespace {

std::string const kBytes(1000, 'a');

// The Code element of an S3 error document; "cut" if there was no answer.
std::string code_of(std::optional<Answer> const& answer) {
  if (!answer) return "cut";
  auto const begin = answer->body.find("<Code>") + 6;
  return answer->body.substr(begin, answer->body.find("</Code>") - begin);
}

struct ChunkStore : testing::Test {
  Bench bench;
  Session session = bench.open_session(1000);
  std::string url = session.urls[0]["url"];
};

TEST_F(ChunkStore, TakesAUrlOnce) {
  ASSERT_EQ(bench.put(url, session.headers, kBytes)->status, 200);
  auto const second = bench.put(url, session.headers, kBytes);
  EXPECT_EQ(second->status, 403);
  EXPECT_EQ(code_of(second), "AccessDenied");
}

TEST_F(ChunkStore, RefusesAnExpiredUrlAsS3Does) {
  bench.pass_ms(3'600'000);
  auto const answer = bench.put(url, session.headers, kBytes);
  EXPECT_EQ(answer->status, 403);
  EXPECT_EQ(code_of(answer), "AccessDenied");
  EXPECT_NE(answer->body.find("Request has expired"), std::string::npos);
  EXPECT_EQ(answer->header("content-type"), "application/xml");
}

TEST_F(ChunkStore, WantsExactlyTheChunksLength) {
  EXPECT_EQ(code_of(bench.put(url, session.headers, kBytes + "x")), "EntityTooLarge");
  auto const other = bench.open_session(1000);
  EXPECT_EQ(code_of(bench.put(other.urls[0]["url"], other.headers, kBytes.substr(1))), "IncompleteBody");
}

TEST_F(ChunkStore, RefusesChunkedTransferCoding) {
  auto headers = session.headers;
  headers.emplace_back("Transfer-Encoding", "chunked");
  auto const answer = bench.put(url, headers, "3e8\r\n" + kBytes + "\r\n0\r\n\r\n");
  EXPECT_EQ(answer->status, 411);
  EXPECT_EQ(code_of(answer), "MissingContentLength");
}

TEST_F(ChunkStore, WantsTheUploadHeaders) {
  EXPECT_EQ(code_of(bench.put(url, {}, kBytes)), "SignatureDoesNotMatch");
  auto headers = session.headers;
  for (auto& [name, value] : headers) value += "x";
  EXPECT_EQ(code_of(bench.put(url, headers, kBytes)), "SignatureDoesNotMatch");
}

TEST_F(ChunkStore, RefusesAnotherPartNumberThanWasSigned) {
  auto forged = url;
  forged.replace(forged.find("partNumber=1"), 12, "partNumber=2");
  EXPECT_EQ(code_of(bench.put(forged, session.headers, kBytes)), "SignatureDoesNotMatch");
}

TEST_F(ChunkStore, TellsOfALeakedKey) {
  auto headers = session.headers;
  headers.emplace_back("x-api-key", "demo-key");
  EXPECT_EQ(bench.put(url, headers, kBytes)->status, 400);
  EXPECT_EQ(bench.ledger()["key_leaks"], 1);
  EXPECT_TRUE(std::ranges::count(bench.events(), "key_leaked") == 1);
}

TEST_F(ChunkStore, KnowsNoSessionThatIsOver) {
  auto const etag = bench.upload(session, 1, kBytes);
  auto const path = "/assets/multipart-uploads/" + session.upload_id;
  auto const more = bench.post(path + "/presigned-urls", {{"start", 1}, {"count", 1}}).json();
  bench.post(path, {{"completed_chunks", nlohmann::json::array({bench.report_entry(1, etag, 1000)})}});
  auto const answer = bench.put(more["upload_urls"][0]["url"], session.headers, kBytes);
  EXPECT_EQ(answer->status, 404);
  EXPECT_EQ(code_of(answer), "NoSuchUpload");
}

TEST(ChunkStoreSwitches, SingleUseCanBeOffAndHeadersPlain) {
  auto options = Bench::small();
  options.single_use = false;
  options.upload_headers = Options::UploadHeaders::kPlain;
  Bench bench(options);
  auto const session = bench.open_session(1000);
  Pairs const plain{{"Content-Type", "application/octet-stream"}};
  EXPECT_EQ(session.headers, plain);
  EXPECT_EQ(bench.put(session.urls[0]["url"], plain, kBytes)->status, 200);
  EXPECT_EQ(bench.put(session.urls[0]["url"], plain, kBytes)->status, 200);
}

}  // namespace
}  // namespace sluice::emulator::test

#include "core/platform/replies.h"

#include <gtest/gtest.h>

#include <random>

#include "core/base/json.h"
#include "core/base/text.h"

namespace sluice::platform {
namespace {

using ports::Reply;

Reply json(std::string body) { return Reply{200, {{"content-type", "application/json"}}, std::move(body)}; }

template <class T>
Error error_of(Result<T> const& result) {
  EXPECT_FALSE(result);
  return result ? Error{Fault::kLocal, "a success"} : result.error();
}

WallTime time_of(char const* text) { return parse_rfc3339(text).value(); }

// A good answer to opening a session for kFileBytes, to break one field of.
constexpr std::uint64_t kFileBytes = 11;
Json session() {
  auto const url =
      Json::object({{"chunk_index", 1}, {"url", "https://h/k?sig=s1"}, {"expires_at", "2026-01-01T01:00:00Z"}});
  return Json::object({{"upload_id", "u1"},
                       {"asset_id", "a1"},
                       {"upload_urls", Json::array({url})},
                       {"upload_headers", Json::object({{"Content-Type", "video/mp4"}})},
                       {"chunk_size", 5},
                       {"total_chunks", 3},
                       {"expires_at", "2026-01-02T00:00:00Z"}});
}

Result<OpenedSession> opened_with(std::string_view key, Json value) {
  return read_opened_session(json(session().set(key, std::move(value)).dump()), kFileBytes);
}

TEST(OpenedSession, IsRead) {
  auto const opened = read_opened_session(json(session().dump()), kFileBytes);
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_EQ(opened->upload_id, "u1");
  EXPECT_EQ(opened->asset_id, "a1");
  EXPECT_EQ(opened->chunk_size_bytes, 5u);
  EXPECT_EQ(opened->total_chunks, 3u);
  EXPECT_EQ(opened->expires_at, time_of("2026-01-02T00:00:00Z"));
  ASSERT_EQ(opened->urls.size(), 1u);
  EXPECT_EQ(opened->urls[0].chunk_index, 1u);
  EXPECT_EQ(opened->urls[0].url, SecretUrl("https://h/k?sig=s1"));
  EXPECT_EQ(opened->urls[0].expires_at, time_of("2026-01-01T01:00:00Z"));
  EXPECT_EQ(opened->upload_headers, (std::vector<std::pair<std::string, std::string>>{{"Content-Type", "video/mp4"}}));
}

TEST(OpenedSession, MayComeWithoutUrlsAndHeaders) {  // U1
  for (auto const& none : {Json(), Json::array()}) {
    auto const opened = opened_with("upload_urls", none);
    ASSERT_TRUE(opened) << opened.error().text;
    EXPECT_TRUE(opened->urls.empty());
  }
  EXPECT_TRUE(opened_with("upload_headers", nullptr)->upload_headers.empty());
}

TEST(OpenedSession, NeedsEachOfItsCriticalFields) {
  for (auto const* key : {"upload_id", "asset_id", "chunk_size", "total_chunks", "expires_at"}) {
    EXPECT_EQ(error_of(opened_with(key, nullptr)).fault, Fault::kProtocol) << key;
    EXPECT_EQ(error_of(opened_with(key, true)).fault, Fault::kProtocol) << key;
    EXPECT_EQ(error_of(opened_with(key, Json::array())).fault, Fault::kProtocol) << key;
  }
  EXPECT_FALSE(opened_with("upload_id", ""));
  EXPECT_FALSE(opened_with("upload_id", "../a\n"));
  EXPECT_FALSE(opened_with("asset_id", ".."));
  EXPECT_FALSE(opened_with("chunk_size", -5));
  EXPECT_FALSE(opened_with("chunk_size", 5.5));
  EXPECT_FALSE(opened_with("expires_at", "tomorrow"));
}

TEST(OpenedSession, IsRefusedWhenItsNumbersDisagree) {  // R20
  EXPECT_EQ(error_of(opened_with("chunk_size", 0)).code, "chunk_plan");
  EXPECT_EQ(error_of(opened_with("chunk_size", 6)).code, "chunk_plan");
  EXPECT_EQ(error_of(opened_with("chunk_size", 5'368'709'121ll)).code, "chunk_plan");
  EXPECT_EQ(error_of(opened_with("total_chunks", 4)).code, "chunk_plan");
  EXPECT_EQ(error_of(opened_with("total_chunks", 0)).code, "chunk_plan");
  EXPECT_EQ(error_of(opened_with("total_chunks", 4'294'967'299ll)).code, "chunk_plan");  // 3 in 32 bits
  EXPECT_EQ(error_of(opened_with("total_chunks", UINT64_MAX)).code, "chunk_plan");
  EXPECT_EQ(error_of(read_opened_session(json(session().dump()), 20)).code, "chunk_plan");
  auto many = session().set("chunk_size", 1).set("total_chunks", 10'001);
  EXPECT_EQ(error_of(read_opened_session(json(many.dump()), 10'001)).code, "chunk_plan");
}

TEST(OpenedSession, IsRefusedWithAUrlForAChunkThatDoesNotExist) {
  auto const url = Json::object({{"chunk_index", 4}, {"url", "https://h/k"}, {"expires_at", "2026-01-01T01:00:00Z"}});
  EXPECT_EQ(error_of(opened_with("upload_urls", Json::array({url}))).code, "chunk_plan");
}

TEST(OpenedSession, IsRefusedWithHeadersThatCouldBreakARequest) {  // T4
  for (auto const& headers : {Json::object({{"X-A", "b\r\nX-Evil: 1"}}),
                              Json::object({{"X-A", std::string("b\0c", 3)}}), Json::object({{"X A", "b"}}),
                              Json::object({{"", "b"}}), Json::object({{"X:A", "b"}}), Json::object({{"X-A", 7}})}) {
    EXPECT_EQ(error_of(opened_with("upload_headers", headers)).fault, Fault::kProtocol) << headers.dump();
  }
}

TEST(PresignedUrls, AreRead) {
  auto const urls = read_presigned_urls(json(R"({"upload_id":"u1","upload_urls":[
      {"chunk_index":21,"url":"https://h/21?s","expires_at":"2026-01-01T10:00:00.5+09:00"},
      {"chunk_index":22,"url":"http://127.0.0.1:9/22","expires_at":"2026-01-01T01:00:00Z"}]})"));
  ASSERT_TRUE(urls) << urls.error().text;
  ASSERT_EQ(urls->size(), 2u);
  EXPECT_EQ(urls->at(0).chunk_index, 21u);
  EXPECT_EQ(urls->at(0).expires_at, time_of("2026-01-01T01:00:00.5Z"));
}

TEST(PresignedUrls, AreRefusedWhenOneCannotBeUsed) {
  EXPECT_FALSE(read_presigned_urls(json("{}")));
  EXPECT_FALSE(read_presigned_urls(json(R"({"upload_urls":{}})")));
  EXPECT_FALSE(read_presigned_urls(json(R"({"upload_urls":[7]})")));
  for (auto const* url : {"", "ftp://h/k", "/k", "https://h/k k", "https://h/\\u000ak", "https://h/\\u00e9"}) {
    auto const body = std::string(R"({"upload_urls":[{"chunk_index":1,"url":")") + url +
                      R"(","expires_at":"2026-01-01T01:00:00Z"}]})";
    EXPECT_EQ(error_of(read_presigned_urls(json(body))).fault, Fault::kProtocol) << url;
  }
  for (auto const* index : {"0", "-1", "10001", "4294967297", "\"1\"", "1.5"}) {
    auto const body = std::string(R"({"upload_urls":[{"chunk_index":)") + index +
                      R"(,"url":"https://h","expires_at":"2026-01-01T01:00:00Z"}]})";
    EXPECT_FALSE(read_presigned_urls(json(body))) << index;
  }
}

TEST(PresignedUrls, NeverStandInAnError) {
  for (auto const* body :
       {R"({"upload_urls":[{"chunk_index":1,"url":"https://h/k?sig=secret","expires_at":"soon?secret"}]})",
        R"({"upload_urls":[{"chunk_index":0,"url":"https://h/k?sig=secret","expires_at":"2026-01-01T01:00:00Z"}]})",
        R"({"upload_urls":[{"chunk_index":1,"url":"https://h/k?sig=secret)"}) {
    EXPECT_EQ(error_of(read_presigned_urls(json(body))).text.find("secret"), std::string::npos);
  }
}

TEST(StoredChunk, HasItsETagWithoutQuotes) {
  auto const stored = [](std::string etag) { return read_stored_chunk(Reply{200, {{"etag", std::move(etag)}}, ""}); };
  EXPECT_EQ(stored("\"9bb58f26192e4ba00f01e2e7b136bbd8\"")->etag, "9bb58f26192e4ba00f01e2e7b136bbd8");
  EXPECT_TRUE(stored("\"9bb58f26192e4ba00f01e2e7b136bbd8\"")->may_be_md5);
  EXPECT_EQ(stored("W/\"abc\"")->etag, "abc");
  EXPECT_FALSE(stored("W/\"abc\"")->may_be_md5);
  EXPECT_FALSE(stored("\"9bb58f26192e4ba00f01e2e7b136bbd8-2\"")->may_be_md5);
  EXPECT_EQ(stored(" abc ")->etag, "abc");
}

TEST(StoredChunk, IsNotTakenWithoutAUsableETag) {
  for (auto const& headers : {std::vector<std::pair<std::string, std::string>>{},
                              {{"etag", ""}},
                              {{"etag", "\"\""}},
                              {{"etag", "\"a\nb\""}},
                              {{"etag", std::string(300, 'a')}}}) {
    EXPECT_EQ(error_of(read_stored_chunk(Reply{200, headers, ""})).fault, Fault::kProtocol);
  }
}

TEST(StoredChunk, HasNoMd5UnderAForeignKey) {  // R33
  std::pair<std::string, std::string> const etag = {"etag", "\"9bb58f26192e4ba00f01e2e7b136bbd8\""};
  EXPECT_TRUE(read_stored_chunk(Reply{200, {etag, {"x-amz-server-side-encryption", "AES256"}}, ""})->may_be_md5);
  for (std::pair<std::string, std::string> const& header :
       {std::pair<std::string, std::string>{"x-amz-server-side-encryption", "aws:kms"},
        {"x-amz-server-side-encryption", "aws:kms:dsse"},
        {"x-amz-server-side-encryption-aws-kms-key-id", "k"},
        {"x-amz-server-side-encryption-customer-algorithm", "AES256"},
        {"x-amz-server-side-encryption-customer-key-md5", "x"}}) {
    EXPECT_FALSE(read_stored_chunk(Reply{200, {etag, header}, ""})->may_be_md5) << header.first;
  }
}

TEST(Report, SaysHowManyChunksAreIn) {
  auto const more =
      read_report(json(R"({"asset_id":"a1","processed_chunks":50,"duplicate_chunks":0,"total_completed":100})"));
  EXPECT_EQ(more->total_completed, 100u);
  EXPECT_FALSE(more->assembled);
  auto const last = read_report(json(R"({"url":"https://m/a.mp4","total_completed":140})"));
  EXPECT_TRUE(last->assembled);
  EXPECT_FALSE(read_report(json(R"({"url":null,"total_completed":140})"))->assembled);
  EXPECT_FALSE(read_report(json("{}")));
  EXPECT_FALSE(read_report(json(R"({"total_completed":-1})")));
}

TEST(SessionStatus, IsReadWithItsChunks) {
  auto const status = read_session_status(json(R"({"upload_id":"u1","status":"active","uploaded_chunks":[
      {"index":1,"status":"completed","uploaded_at":"2026-01-01T00:05:00Z"},
      {"index":2,"status":"pending","uploaded_at":null},
      {"index":3,"status":"failed","error":"lost\n"},
      {"index":4,"status":"resting"}],
      "chunks_completed":1,"chunks_pending":138,"page_info":{"page":1,"total_page":3}})"));
  ASSERT_TRUE(status) << status.error().text;
  using ChunkState = SessionStatus::Chunk::State;
  EXPECT_EQ(status->state, SessionStatus::State::kActive);
  ASSERT_EQ(status->chunks.size(), 4u);
  EXPECT_EQ(status->chunks[0].state, ChunkState::kCompleted);
  EXPECT_EQ(status->chunks[1].state, ChunkState::kPending);
  EXPECT_EQ(status->chunks[2].state, ChunkState::kFailed);
  EXPECT_EQ(status->chunks[2].error, "lost\\x0a");
  EXPECT_EQ(status->chunks[3].state, ChunkState::kPending);  // R6
  EXPECT_FALSE(status->page.last(false));
  EXPECT_TRUE(status->page.last(true));
}

TEST(SessionStatus, TakesAnUnknownWordForActive) {
  auto const state_of = [](std::string const& word) {
    return read_session_status(
               json(R"({"status":")" + word + R"(","uploaded_chunks":[],"page_info":{"page":1,"total_page":0}})"))
        ->state;
  };
  EXPECT_EQ(state_of("completed"), SessionStatus::State::kCompleted);
  EXPECT_EQ(state_of("failed"), SessionStatus::State::kFailed);
  EXPECT_EQ(state_of("expired"), SessionStatus::State::kExpired);
  EXPECT_EQ(state_of("assembling"), SessionStatus::State::kActive);
}

TEST(SessionStatus, NeedsItsStatusAndItsPages) {
  EXPECT_TRUE(read_session_status(json(R"({"status":"active","page_info":{"page":1,"total_page":0}})")));  // U4
  EXPECT_FALSE(read_session_status(json(R"({"uploaded_chunks":[],"page_info":{"page":1,"total_page":1}})")));
  EXPECT_FALSE(read_session_status(json(R"({"status":"active","uploaded_chunks":[]})")));
  EXPECT_FALSE(read_session_status(json(R"({"status":"active","uploaded_chunks":[],"page_info":{"page":1}})")));
  EXPECT_FALSE(read_session_status(json(R"({"status":"active","page_info":{"page":1,"total_page":99999999999}})")));
  EXPECT_FALSE(read_session_status(json(R"({"status":"active","uploaded_chunks":[{"index":0,"status":"pending"}],
      "page_info":{"page":1,"total_page":1}})")));
}

TEST(Asset, IsReadWhole) {
  auto const asset = read_asset(json(R"({"_id":"a1","method":"direct","status":"failed","filename":"a.mp4","size":7,
      "created_at":"2026-01-01T00:00:00Z","user_metadata":{"client_op":"01JZ","take":1},
      "error":{"message":"bad\nfile"},"new":[1]})"));
  ASSERT_TRUE(asset) << asset.error().text;
  EXPECT_EQ(asset->id, "a1");
  EXPECT_EQ(asset->state, Asset::State::kFailed);
  EXPECT_EQ(asset->filename, "a.mp4");
  EXPECT_EQ(asset->method, "direct");
  EXPECT_EQ(asset->size_bytes, 7u);
  EXPECT_EQ(asset->created_at, time_of("2026-01-01T00:00:00Z"));
  EXPECT_EQ(asset->client_op, "01JZ");
  EXPECT_TRUE(asset->has_metadata);
  EXPECT_EQ(asset->error_message, "bad\\x0afile");
}

TEST(Asset, TellsWhyItFailedWithoutTheQueryOfItsUrl) {
  auto const asset = read_asset(json(
      R"({"_id":"a1","status":"failed","error":{"message":"cannot GET https://h.example/a.mp4?sig=secret: 403"}})"));
  ASSERT_TRUE(asset) << asset.error().text;
  EXPECT_EQ(asset->error_message, "cannot GET https://h.example/a.mp4 403");
}

TEST(Asset, NeedsNoMoreThanItsIdAndStatus) {
  auto const asset =
      read_asset(json(R"({"_id":"a1","status":"transcoding","size":null,"user_metadata":null,"created_at":""})"));
  ASSERT_TRUE(asset) << asset.error().text;
  EXPECT_EQ(asset->state, Asset::State::kProcessing);  // R6
  EXPECT_EQ(asset->size_bytes, std::nullopt);
  EXPECT_EQ(asset->created_at, std::nullopt);
  EXPECT_FALSE(asset->has_metadata);
  EXPECT_EQ(asset->client_op, "");
  EXPECT_FALSE(read_asset(json(R"({"status":"ready"})")));
  EXPECT_FALSE(read_asset(json(R"({"_id":"a1"})")));
  EXPECT_FALSE(read_asset(json(R"({"_id":"a1","status":"ready","size":"7"})")));
}

TEST(Asset, TakesOnlyATextForATag) {
  auto const asset = read_asset(json(R"({"_id":"a1","status":"ready","user_metadata":{"client_op":7}})"));
  EXPECT_EQ(asset->client_op, "");
  EXPECT_TRUE(asset->has_metadata);
}

TEST(Asset, IsNotReadFromAPageInHtml) {
  auto const error =
      error_of(read_asset(Reply{200, {{"content-type", "text/html"}}, "<html>Welcome to the hotel</html>"}));
  EXPECT_EQ(error.fault, Fault::kProtocol);
  EXPECT_NE(error.text.find("text/html"), std::string::npos);
  for (auto const* body : {"", "[]", "null", "\"a\"", "{\"_id\":"}) {
    EXPECT_EQ(error_of(read_asset(json(body))).fault, Fault::kProtocol) << body;
  }
}

TEST(AssetPage, IsRead) {
  auto const page = read_asset_page(json(R"({"data":[{"_id":"a1","status":"ready"},{"_id":"a2","status":"processing"}],
      "page_info":{"limit_per_page":50,"page":2,"total_page":2,"total_results":52}})"));
  ASSERT_TRUE(page) << page.error().text;
  ASSERT_EQ(page->assets.size(), 2u);
  EXPECT_EQ(page->assets[1].id, "a2");
  EXPECT_TRUE(page->page.last(false));
}

TEST(AssetPage, IsNotEmptyButWrongWithoutData) {
  for (auto const* body :
       {R"({"page_info":{"page":1,"total_page":1}})", R"({"data":null,"page_info":{"page":1,"total_page":1}})",
        R"({"data":[]})", R"({"data":[null],"page_info":{"page":1,"total_page":1}})",
        R"({"data":[{"_id":"a1"}],"page_info":{"page":1,"total_page":1}})"}) {
    EXPECT_EQ(error_of(read_asset_page(json(body))).fault, Fault::kProtocol) << body;
  }
}

TEST(Replies, SurviveMutatedAnswers) {
  std::string const good = session().dump();
  std::mt19937 dice(3);
  for (int run = 0; run < 5000; ++run) {
    auto body = good;
    for (auto left = 1 + dice() % 4; left > 0; --left) body[dice() % body.size()] = static_cast<char>(dice() % 256);
    body.resize(body.size() - dice() % 3);
    auto const opened = read_opened_session(json(body), kFileBytes);
    if (opened) {
      ASSERT_EQ(opened->total_chunks, 3u) << printable(body);
    } else {
      ASSERT_EQ(opened.error().fault, Fault::kProtocol) << printable(body);
    }
  }
}

TEST(IncompleteUploads, AreReadWithTheirSizeAndTime) {
  auto const page = read_incomplete_upload_page(json(R"({"data":[{"upload_id":"u1","status":"active",
      "total_size":734003200,"chunk_size":5242880,"total_chunks":140,"created_at":"2026-01-01T00:00:00Z"}],
      "page_info":{"page":1,"total_page":1,"total_results":1}})"));
  ASSERT_TRUE(page) << page.error().text;
  ASSERT_EQ(page->rows.size(), 1u);
  EXPECT_EQ(page->rows[0].id, "u1");
  EXPECT_EQ(page->rows[0].total_size_bytes, 734'003'200u);
  EXPECT_EQ(page->rows[0].created_at, parse_rfc3339("2026-01-01T00:00:00Z"));
  EXPECT_EQ(page->page.total_results, 1u);
}

TEST(IncompleteUploads, NeedASize) {
  EXPECT_FALSE(
      read_incomplete_upload_page(json(R"({"data":[{"upload_id":"u1"}],"page_info":{"page":1,"total_page":1}})")));
}

}  // namespace
}  // namespace sluice::platform

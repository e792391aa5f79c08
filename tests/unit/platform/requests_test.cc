#include "core/platform/requests.h"

#include <gtest/gtest.h>

#include <cstring>

#include "core/base/json.h"

namespace sluice::platform {
namespace {

using ports::Call;
using ports::Method;

struct TextBody final : ports::Body {
  std::string content;
  std::size_t done = 0;
  explicit TextBody(std::string text) : content(std::move(text)) {}
  std::uint64_t size_bytes() const override { return content.size(); }
  Result<std::optional<std::size_t>> read(std::span<std::byte> into) override {
    auto const count = std::min(into.size(), content.size() - done);
    if (count > 0) std::memcpy(into.data(), content.data() + done, count);
    done += count;
    return count;
  }
};

std::string path_of(Call const& call) { return std::get<std::string>(call.target); }

std::string header_of(Call const& call, std::string_view name) {
  for (auto const& [key, value] : call.headers) {
    if (key == name) return value;
  }
  return "(none)";
}

std::string sent_by(Call const& call) {
  std::string text(call.body->size_bytes() + 1, '\0');
  std::size_t done = 0;
  while (auto const got = call.body->read(std::as_writable_bytes(std::span(text)).subspan(done)).value().value())
    done += got;
  text.resize(done);
  return text;
}

// What every call with a JSON body has in common.
void expect_post(Call const& call, std::string const& path, std::string const& json, bool repeatable) {
  EXPECT_EQ(call.method, Method::kPost);
  EXPECT_EQ(path_of(call), path);
  EXPECT_EQ(call.text_body, json);
  EXPECT_TRUE(parse_json(call.text_body)) << call.text_body;
  EXPECT_EQ(header_of(call, "Content-Type"), "application/json");
  EXPECT_EQ(call.body, nullptr);
  EXPECT_EQ(call.repeatable, repeatable) << path;
}

void expect_get(Call const& call, std::string const& path) {
  EXPECT_EQ(call.method, Method::kGet);
  EXPECT_EQ(path_of(call), path);
  EXPECT_TRUE(call.repeatable);
  EXPECT_TRUE(call.text_body.empty() && call.headers.empty() && call.body == nullptr);
}

TEST(Requests, OpenASessionNeverToBeRepeated) {
  expect_post(open_session({.filename = "a\"b.mp4"}, "video", 734'003'200), "/assets/multipart-uploads",
              R"({"filename":"a\"b.mp4","type":"video","total_size":734003200})", false);
}

TEST(Requests, OpenASessionWithItsOptionsAndItsMetadataAsAnObject) {
  AssetOptions const options{"a.mp4", true, true, R"({"client_op":"01JZ","take":1.0})"};
  expect_post(open_session(options, "video", 5), "/assets/multipart-uploads",
              R"({"filename":"a.mp4","type":"video","total_size":5,"enable_hls":true,"enable_thumbnail":true,)"
              R"("user_metadata":{"client_op":"01JZ","take":1.0}})",
              false);
}

TEST(Requests, AskForUrlsByTheFirstChunkAndTheirNumber) {
  expect_post(presigned_urls("u/1", 21, 10), "/assets/multipart-uploads/u%2F1/presigned-urls",
              R"({"start":21,"count":10})", true);
}

TEST(Requests, PutAChunkWithTheSessionsHeadersAndWithoutAKey) {
  auto const body = std::make_shared<TextBody>("bytes");
  auto const call =
      put_chunk(SecretUrl("https://h/k?sig=1"), {{"Content-Type", "video/mp4"}, {"x-amz-acl", "private"}}, body);
  EXPECT_EQ(call.method, Method::kPut);
  EXPECT_EQ(std::get<SecretUrl>(call.target), SecretUrl("https://h/k?sig=1"));
  EXPECT_EQ(call.headers.size(), 2u);
  EXPECT_EQ(header_of(call, "Content-Type"), "video/mp4");
  EXPECT_EQ(call.body, body);
  EXPECT_TRUE(call.repeatable);
}

TEST(Requests, PutAChunkAsOctetStreamWhenTheSessionNamedNoHeaders) {
  auto const call = put_chunk(SecretUrl("https://h/k"), {}, std::make_shared<TextBody>("bytes"));
  EXPECT_EQ(call.headers.size(), 1u);
  EXPECT_EQ(header_of(call, "Content-Type"), "application/octet-stream");
}

TEST(Requests, DoNotLetTheSessionSetTheFramingOfAChunk) {
  auto const call = put_chunk(SecretUrl("https://h/k"),
                              {{"content-length", "7"}, {"Transfer-Encoding", "chunked"}, {"X-Api-Key", "k"}},
                              std::make_shared<TextBody>("bytes"));
  EXPECT_EQ(call.headers.size(), 1u);
  EXPECT_EQ(header_of(call, "Content-Type"), "application/octet-stream");
}

TEST(Requests, ReportChunksWithTheirProofs) {
  std::vector<ReportedChunk> const chunks = {{1, "9bb5", 5'242'880}, {2, "77aa", 12}};
  expect_post(report_chunks("u1", chunks), "/assets/multipart-uploads/u1",
              R"({"completed_chunks":[{"chunk_index":1,"proof":"9bb5","proof_type":"etag","chunk_size":5242880},)"
              R"({"chunk_index":2,"proof":"77aa","proof_type":"etag","chunk_size":12}]})",
              true);
}

TEST(Requests, ReadASessionByPages) {
  expect_get(session_status("u1", 3), "/assets/multipart-uploads/u1?page=3&page_limit=50");
}

TEST(Requests, CreateAnAssetByAForm) {
  AssetOptions const options{"a.mp4", true, true, R"({"client_op":"01JZ"})"};
  auto const call =
      create_asset(options, "video/mp4", std::make_shared<TextBody>("BYTES"), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
  std::string const boundary = "ARZ3NDEKTSV4RRFFQ69G5FAV";
  EXPECT_EQ(call.method, Method::kPost);
  EXPECT_EQ(path_of(call), "/assets");
  EXPECT_EQ(header_of(call, "Content-Type"), "multipart/form-data; boundary=" + boundary);
  EXPECT_FALSE(call.repeatable);
  auto const field = [&](std::string const& name, std::string const& value) {
    return "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
  };
  EXPECT_EQ(sent_by(call), field("method", "direct") + field("filename", "a.mp4") + field("enable_hls", "true") +
                               field("enable_thumbnail", "true") + field("user_metadata", R"({"client_op":"01JZ"})") +
                               "--" + boundary +
                               "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp4\"\r\n"
                               "Content-Type: video/mp4\r\n\r\nBYTES\r\n--" +
                               boundary + "--\r\n");
}

TEST(Requests, CreateAnAssetByAUrlInAFormOfTexts) {
  AssetOptions const options{"a.mp4", false, true, R"({"client_op":"01JZ"})"};
  auto const call = create_asset_by_url(options, SecretUrl("https://h.example/a.mp4?Signature=s%2F"), "seed");
  auto const boundary = header_of(call, "Content-Type").substr(std::strlen("multipart/form-data; boundary="));
  EXPECT_EQ(call.method, Method::kPost);
  EXPECT_EQ(path_of(call), "/assets");
  EXPECT_FALSE(call.repeatable);
  EXPECT_EQ(call.body, nullptr);
  auto const field = [&](std::string const& name, std::string const& value) {
    return "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
  };
  EXPECT_EQ(call.text_body, field("method", "url") + field("filename", "a.mp4") + field("enable_thumbnail", "true") +
                                field("user_metadata", R"({"client_op":"01JZ"})") +
                                field("url", "https://h.example/a.mp4?Signature=s%2F") + "--" + boundary + "--\r\n");
}

TEST(Requests, LeaveOutOfTheFormWhatIsNotAskedFor) {
  auto const call = create_asset({.filename = "a.mp4"}, "video/mp4", std::make_shared<TextBody>("B"), "seed");
  auto const form = sent_by(call);
  for (auto const* name : {"enable_hls", "enable_thumbnail", "user_metadata"})
    EXPECT_EQ(form.find(name), std::string::npos);
}

TEST(Requests, EscapeAFilenameInTheFormAsBrowsersDo) {
  auto const call = create_asset({.filename = "a\"b\r\nc%.mp4"}, "video/mp4", std::make_shared<TextBody>("B"), "seed");
  EXPECT_NE(sent_by(call).find("filename=\"a%22b%0D%0Ac%.mp4\"\r\n"), std::string::npos);
}

TEST(Requests, LetNoContentTypeBreakTheForm) {
  for (auto const* type : {"", "a/b\r\nX-Evil: 1", "a/b\""}) {
    auto const call = create_asset({.filename = "a.mp4"}, type, std::make_shared<TextBody>("B"), "seed");
    EXPECT_NE(sent_by(call).find("Content-Type: application/octet-stream\r\n\r\nB"), std::string::npos);
  }
}

TEST(Requests, MakeABoundaryOf24CharactersFromAnySeed) {
  for (auto const* seed :
       {"", "x", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "\r\n--=\"abc", "0123456789012345678901234567890123456789"}) {
    auto const call = create_asset({.filename = "a"}, "a/b", std::make_shared<TextBody>("B"), seed);
    auto const boundary = header_of(call, "Content-Type").substr(std::strlen("multipart/form-data; boundary="));
    EXPECT_EQ(boundary.size(), 24u) << seed;
    EXPECT_EQ(boundary.find_first_of("\r\n-=\""), std::string::npos);
  }
}

TEST(Requests, ListAssetsByIdWithTheKeyRepeated) {
  std::vector<std::string> const ids = {"a1", "a&2"};
  expect_get(list_assets_by_id(ids), "/assets?asset_ids=a1&asset_ids=a%262&page=1&page_limit=50");
}

TEST(Requests, ListWholeAccountsForARebuild) {
  expect_get(list_assets(3), "/assets?page=3&page_limit=50");
  expect_get(list_incomplete_uploads(1), "/assets/multipart-uploads?page=1&page_limit=50");
}

TEST(Requests, ListAssetsByFilename) {
  expect_get(list_assets_by_filename("caf\xC3\xA9 1.mp4", 2),
             "/assets?filename=caf%C3%A9%201.mp4&page=2&page_limit=50");
}

TEST(Requests, FindAndCreateIndexes) {
  expect_get(list_indexes("a b", 1),
             "/indexes?index_name=a%20b&page=1&page_limit=50&sort_by=created_at&sort_option=desc");
  expect_post(create_index("drop", R"([{"model_name":"marengo3.0","model_options":["visual"]}])"), "/indexes",
              R"({"index_name":"drop","models":[{"model_name":"marengo3.0","model_options":["visual"]}]})", false);
}

TEST(Requests, IndexAnAssetAndAlwaysSayWhetherToStream) {
  expect_post(create_indexed_asset("i1", "a1", false, ""), "/indexes/i1/indexed-assets",
              R"({"asset_id":"a1","enable_video_stream":false})", false);
  expect_post(create_indexed_asset("i1", "a1", true, R"({"reel":"7"})"), "/indexes/i1/indexed-assets",
              R"({"asset_id":"a1","enable_video_stream":true,"user_metadata":{"reel":"7"}})", false);
}

TEST(Requests, FindIndexedAssets) {
  expect_get(list_indexed_assets_by_asset("a1", 1), "/assets/a1/indexed-assets?page=1&page_limit=50");
  expect_get(list_indexed_assets("i1", 2),
             "/indexes/i1/indexed-assets?page=2&page_limit=50&sort_by=created_at&sort_option=desc");
  expect_get(retrieve_indexed_asset("i1", "x1"), "/indexes/i1/indexed-assets/x1");
  expect_get(retrieve_asset("a/1"), "/assets/a%2F1");
}

TEST(Requests, FindAndCreateEntityCollections) {
  expect_get(list_entity_collections("Cast", 1),
             "/entity-collections?name=Cast&page=1&page_limit=50&sort_by=created_at&sort_option=desc");
  expect_post(create_entity_collection("Cast"), "/entity-collections", R"({"name":"Cast"})", false);
}

TEST(Requests, FindAndCreateEntities) {
  expect_get(list_entities("c1", "Keeper", 1),
             "/entity-collections/c1/entities?name=Keeper&page=1&page_limit=50&sort_by=created_at&sort_option=desc");
  expect_get(retrieve_entity("c1", "e1"), "/entity-collections/c1/entities/e1");
  expect_post(create_entity("c1", {.name = "Keeper", .asset_ids = {"a1"}}), "/entity-collections/c1/entities",
              R"({"name":"Keeper","asset_ids":["a1"]})", false);
  expect_post(
      create_entity(
          "c1",
          {.name = "Keeper", .asset_ids = {"a1", "a2"}, .description = "tall", .metadata = R"({"client_op":"01JZ"})"}),
      "/entity-collections/c1/entities",
      R"({"name":"Keeper","asset_ids":["a1","a2"],"description":"tall","metadata":{"client_op":"01JZ"}})", false);
}

TEST(Requests, CreateSeveralEntitiesAtOnce) {
  expect_post(create_entities("c1", {{.name = "A", .asset_ids = {"a1"}},
                                     {.name = "B", .asset_ids = {"a2"}, .metadata = R"({"client_op":"01JZ"})"}}),
              "/entity-collections/c1/entities/bulk",
              R"({"entities":[{"name":"A","asset_ids":["a1"]},)"
              R"({"name":"B","asset_ids":["a2"],"metadata":{"client_op":"01JZ"}}]})",
              false);
}

TEST(Requests, AddAssetsToAnEntity) {
  expect_post(add_entity_assets("c1", "e1", {"a1", "a2"}), "/entity-collections/c1/entities/e1/assets",
              R"({"asset_ids":["a1","a2"]})", false);
}

}  // namespace
}  // namespace sluice::platform

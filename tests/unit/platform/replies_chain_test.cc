// Answers about indexes, indexed assets and entities.
#include <gtest/gtest.h>

#include "core/platform/replies.h"

namespace sluice::platform {
namespace {

ports::Reply json(std::string body) { return ports::Reply{200, {}, std::move(body)}; }

ports::Reply page_of(std::string const& rows) {
  return json(R"({"data":[)" + rows + R"(],"page_info":{"page":1,"total_page":2}})");
}

TEST(NamedPage, TakesEachKindsOwnNameField) {
  auto const rows =
      R"({"_id":"i1","index_name":"drop","name":"Cast","created_at":"2026-01-01T00:00:00Z"},{"_id":"i2"})";
  auto const indexes = read_index_page(page_of(rows));
  ASSERT_TRUE(indexes) << indexes.error().text;
  ASSERT_EQ(indexes->rows.size(), 2u);
  EXPECT_EQ(indexes->rows[0].id, "i1");
  EXPECT_EQ(indexes->rows[0].name, "drop");
  EXPECT_EQ(indexes->rows[0].created_at, parse_rfc3339("2026-01-01T00:00:00Z"));
  EXPECT_EQ(indexes->rows[1].name, "");
  EXPECT_FALSE(indexes->page.last(false));
  EXPECT_EQ(read_collection_page(page_of(rows))->rows[0].name, "Cast");
}

TEST(NamedPage, NeedsAnIdOnEveryRow) {
  EXPECT_FALSE(read_index_page(page_of(R"({"index_name":"drop"})")));
  EXPECT_FALSE(read_collection_page(page_of(R"({"_id":7,"name":"Cast"})")));
}

TEST(Id, IsReadFromACreatesAnswer) {
  EXPECT_EQ(read_id(json(R"({"_id":"i1"})")), "i1");
  EXPECT_FALSE(read_id(json("{}")));
  EXPECT_FALSE(read_id(json(R"({"_id":""})")));
  EXPECT_FALSE(read_id(json("")));
}

TEST(IndexedAsset, TakesOnlyReadyAndFailedForAnEnd) {
  auto const record = [](std::string const& word) {
    return read_indexed_asset(json(R"({"_id":"x1","status":")" + word + "\"}"));
  };
  EXPECT_EQ(record("ready")->state, IndexedAsset::State::kReady);
  EXPECT_EQ(record("failed")->state, IndexedAsset::State::kFailed);
  for (auto const* word : {"pending", "queued", "indexing", "validating"}) {
    EXPECT_EQ(record(word)->state, IndexedAsset::State::kInProgress) << word;
    EXPECT_EQ(record(word)->status_word, word);
  }
  EXPECT_FALSE(read_indexed_asset(json(R"({"_id":"x1"})")));
}

TEST(IndexedAsset, IsListedByIndexWithItsAsset) {
  auto const page = read_indexed_asset_page(
      page_of(R"({"_id":"x1","asset_id":"a1","status":"queued"},{"_id":"x2","status":"ready"})"));
  ASSERT_TRUE(page) << page.error().text;
  EXPECT_EQ(page->rows[0].asset_id, "a1");
  EXPECT_EQ(page->rows[1].asset_id, "");
}

TEST(IndexedAsset, IsListedByAssetWithItsIndex) {
  auto const page = read_indexed_asset_page_of_asset(page_of(R"({"_id":"x1","index":{"_id":"i1","name":"drop"}})"));
  ASSERT_TRUE(page) << page.error().text;
  EXPECT_EQ(page->rows[0].id, "x1");
  EXPECT_EQ(page->rows[0].index_id, "i1");
  EXPECT_EQ(page->rows[0].state, IndexedAsset::State::kInProgress);
  // Without its index a row would read as "not indexed there", and a second record would be made.
  EXPECT_FALSE(read_indexed_asset_page_of_asset(page_of(R"({"_id":"x1"})")));
}

TEST(Entity, IsReadWithItsAssetsAndItsTag) {
  auto const entity = read_entity(json(R"({"_id":"e1","name":"Keeper","status":"ready","asset_ids":["a1","a2"],
      "metadata":{"client_op":"01JZ","squad":"A"},"created_at":"2026-01-01T00:00:00Z"})"));
  ASSERT_TRUE(entity) << entity.error().text;
  EXPECT_EQ(entity->name, "Keeper");
  EXPECT_TRUE(entity->ready);
  EXPECT_EQ(entity->asset_ids, (std::vector<std::string>{"a1", "a2"}));
  EXPECT_EQ(entity->client_op, "01JZ");
}

TEST(Entity, IsNotReadyByAnyOtherWord) {
  auto const entity = read_entity(json(R"({"_id":"e1","status":"processing","asset_ids":null})"));
  ASSERT_TRUE(entity) << entity.error().text;
  EXPECT_FALSE(entity->ready);
  EXPECT_TRUE(entity->asset_ids.empty());
  EXPECT_FALSE(read_entity(json(R"({"_id":"e1","status":"ready","asset_ids":[1]})")));
  EXPECT_FALSE(read_entity(json(R"({"_id":"e1","status":"ready","metadata":"x"})")));
}

TEST(Entity, IsListedByPages) {
  auto const page = read_entity_page(page_of(R"({"_id":"e1","name":"Keeper","status":"ready"})"));
  ASSERT_TRUE(page) << page.error().text;
  EXPECT_EQ(page->rows[0].name, "Keeper");
  EXPECT_EQ(page->page.total_page, 2);
}

}  // namespace
}  // namespace sluice::platform

// Items that a URL names: found by their key, and never told apart by their secret query.
#include <gtest/gtest.h>

#include "core/journal/journal.h"
#include "tests/journal/samples.h"

namespace sluice::journal {
namespace {

class UrlRows : public testing::Test {
 protected:
  UrlRows() { journal_.begin(); }

  ItemRow kept(ItemRow row) {
    row.id = journal_.insert(row);
    return row;
  }

  Scratch scratch_;
  Journal journal_{scratch_.file()};
};
using UrlRowsDeathTest = UrlRows;

TEST_F(UrlRows, AreFoundByTheirKeyWhetherTheyEndedOrNot) {
  auto const live = kept(url_item_in(ItemState::kSeen, 1));
  auto const done = kept(url_item_in(ItemState::kDone, 2));
  EXPECT_EQ(journal_.item_by_key(live.key)->id, live.id);
  EXPECT_EQ(journal_.item_by_key(done.key)->id, done.id);
  EXPECT_FALSE(journal_.item_by_key("u:3"));
}

TEST_F(UrlRows, OfOnePathMayDifferByTheirQuery) {
  auto const one = kept(url_item_in(ItemState::kSeen, 1));
  auto other = url_item_in(ItemState::kSeen, 2);
  other.path = one.path;
  other = kept(other);
  auto const found = journal_.items_by_url(one.path, 10);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].id, other.id);
  EXPECT_EQ(found[1].id, one.id);
  EXPECT_EQ(journal_.items_by_url(one.path, 1).size(), 1u);
}

TEST_F(UrlRows, AreNoFilesOfAnyFolder) {
  auto const item = kept(url_item_in(ItemState::kSeen, 1));
  EXPECT_TRUE(journal_.items_by_path(item.path, 10).empty());
  EXPECT_TRUE(is_of_url(*journal_.item(item.id)));
  EXPECT_EQ(file_name(item), "clip1.mp4");
  EXPECT_EQ(file_name(item_in(ItemState::kSeen, 7)), "clip7.mp4");
}

TEST_F(UrlRowsDeathTest, OneKeyIsOneItemForEver) {
  kept(url_item_in(ItemState::kFailed, 1));
  auto again = url_item_in(ItemState::kSeen, 2);
  again.key = "u:1";
  EXPECT_DEATH(journal_.insert(again), "item.item_key");
}

TEST_F(UrlRowsDeathTest, TheSchemaForbidsWhatNoUrlItemIs) {
  auto const broken = [&](auto change) {
    auto row = url_item_in(ItemState::kStable, 1);
    change(row);
    EXPECT_DEATH(journal_.insert(row), "broke a rule of the schema");
  };
  broken([](ItemRow& row) { row.key.clear(); });
  broken([](ItemRow& row) { row.name.clear(); });
  broken([](ItemRow& row) { row.root = "/srv/drop"; });
  auto done = url_item_in(ItemState::kDone, 1);
  done.url = SecretUrl("https://media.example/clip1.mp4");
  EXPECT_DEATH(journal_.insert(done), "broke a rule of the schema") << "nobody needs the URL any more";
  auto file = item_in(ItemState::kStable, 1);
  file.method = "url";
  EXPECT_DEATH(journal_.insert(file), "broke a rule of the schema");
}

TEST_F(UrlRows, KeepAFreshUrlInPlaceOfTheOld) {
  auto item = kept(url_item_in(ItemState::kStable, 1));
  item.url = SecretUrl("https://media.example/clip1.mp4?X-Amz-Signature=fresh");
  journal_.update(item, ItemState::kStable, at(kNoon));
  EXPECT_EQ(journal_.item(item.id)->url, item.url);
}

}  // namespace
}  // namespace sluice::journal

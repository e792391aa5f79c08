// How far a download is, as the journal keeps it.
#include <gtest/gtest.h>

#include "core/journal/journal.h"
#include "tests/journal/samples.h"

namespace sluice::journal {
namespace {

class DownloadRows : public testing::Test {
 protected:
  DownloadRows() { journal_.begin(); }

  DownloadRow kept(std::int64_t number, std::uint64_t bytes) {
    auto item = url_item_in(ItemState::kStable, number);
    item.method = "relay";
    DownloadRow row{.item_id = journal_.insert(item), .total_bytes = bytes, .reserved_bytes = bytes};
    row.id = journal_.insert(row);
    return row;
  }

  Scratch scratch_;
  Journal journal_{scratch_.file()};
};
using DownloadRowsDeathTest = DownloadRows;

TEST_F(DownloadRows, AreReadAsTheyWereWritten) {
  auto row = kept(1, 10);
  row.state = DownloadState::kFetching;
  row.restarts = 2;
  row.etag = "\"e\"";
  row.modified = "Mon";
  row.have = std::string("\x01\x00\x80", 3);
  row.url = SecretUrl("https://cdn.example/a?sig=1");
  row.sums = "md5:00";
  journal_.update(row, DownloadState::kWanted, at(kNoon));
  auto const read = *journal_.download_of(row.item_id);
  EXPECT_EQ(read.state, DownloadState::kFetching);
  EXPECT_EQ(read.restarts, 2u);
  EXPECT_EQ(read.total_bytes, 10u);
  EXPECT_EQ(read.reserved_bytes, 10u);
  EXPECT_EQ(read.etag, row.etag);
  EXPECT_EQ(read.modified, row.modified);
  EXPECT_EQ(read.have, row.have);
  EXPECT_EQ(read.url, row.url);
  EXPECT_EQ(read.sums, row.sums);
  EXPECT_EQ(journal_.events_of(row.item_id, 9).back().became, "fetching");
}

TEST_F(DownloadRows, AddUpWhatTheyHaveReservedAndOwnTheirFiles) {
  auto const one = kept(1, 10);
  kept(2, 20);
  EXPECT_EQ(journal_.reserved_bytes(), 30u);
  auto const ulid = journal_.item(one.item_id)->ulid;
  EXPECT_TRUE(journal_.owns_in_spool(ulid));
  EXPECT_FALSE(journal_.owns_in_spool("something"));
  auto freed = one;
  freed.reserved_bytes = 0;
  journal_.update(freed, DownloadState::kWanted, at(kNoon));
  EXPECT_FALSE(journal_.owns_in_spool(ulid));
  EXPECT_EQ(journal_.reserved_bytes(), 20u);
  journal_.delete_download(one.item_id);
  EXPECT_FALSE(journal_.download_of(one.item_id));
}

TEST_F(DownloadRowsDeathTest, TheSchemaForbidsHalfAReservationAndAnEmptyEnd) {
  auto row = kept(1, 10);
  row.reserved_bytes = 5;
  EXPECT_DEATH(journal_.update(row, DownloadState::kWanted, at(kNoon)), "broke a rule of the schema");
  auto empty = kept(2, 0);
  empty.state = DownloadState::kFetched;
  EXPECT_DEATH(journal_.update(empty, DownloadState::kWanted, at(kNoon)), "broke a rule of the schema");
  auto file = item_in(ItemState::kStable, 3);
  file.method = "relay";
  EXPECT_DEATH(journal_.insert(file), "broke a rule of the schema");
}

}  // namespace
}  // namespace sluice::journal

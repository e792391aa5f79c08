// Receipts that lie about: the good ones by their asset, the others counted and named.
#include "daemon/receipts_there.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "daemon/files_linux.h"
#include "tests/unit/daemon/temp_folder.h"

namespace sluice::daemon {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

std::string receipt_of(std::string const& asset) {
  return R"({"schema": "sluice.receipt/1", "asset_id": ")" + asset + R"(", "content_key": "k", "size": 7})";
}

TEST(ReadReceipt, TakesWhatSaysOfAnAssetWhatItHolds) {
  auto const receipt = read_receipt(receipt_of("a1"));
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->asset_id, "a1");
  EXPECT_EQ(receipt->content_key, "k");
  EXPECT_EQ(receipt->size_bytes, 7u);
}

TEST(ReadReceipt, RefusesEverythingElse) {
  for (auto const* text : {"", "{", "[]", R"({"asset_id": "a1"})", R"({"schema": "sluice.receipt/1"})",
                           R"({"schema": "sluice.receipt/1", "asset_id": 5})",
                           R"({"schema": "sluice.receipt/1", "asset_id": "a1", "size": -1})"})
    EXPECT_FALSE(read_receipt(text)) << text;
}

class ReceiptsFound : public testing::Test {
 protected:
  void write(std::string const& name, std::string const& text) {
    fs::create_directories((fs::path(folder_.path()) / name).parent_path());
    std::ofstream(folder_.path() + "/" + name) << text;
  }
  ReceiptsThere there(bool recursive = true) {
    FilesLinux files;
    stage::SourcePolicy source{.name = "drop", .root = folder_.path(), .recursive = recursive};
    source.receipt.where = ReceiptWish::Where::kBeside;
    return receipts_there(files, {source, source});
  }
  TempFolder folder_;
};

TEST_F(ReceiptsFound, AreReadOnceWhereverTheyLie) {
  write("a.mp4.sluice.json", receipt_of("a1"));
  write("day/b.mp4.sluice.json", receipt_of("a2"));
  write("c.mp4.json", receipt_of("a3"));
  auto const all = there();
  EXPECT_EQ(all.read, 2u);
  EXPECT_TRUE(all.of_asset.contains("a1") && all.of_asset.contains("a2"));
  EXPECT_EQ(there(false).read, 1u) << "as the source is swept";
}

TEST_F(ReceiptsFound, AreCountedAndNamedWhereTheyCannotBeRead) {
  write("a.mp4.sluice.json", receipt_of("a1"));
  write("torn.mp4.sluice.json", R"({"schema": "slu)");
  write("long.mp4.sluice.json", std::string(kReceiptBytesMax + 1, ' '));
  fs::create_symlink(folder_.path() + "/a.mp4.sluice.json", folder_.path() + "/link.mp4.sluice.json");
  auto const all = there();
  EXPECT_EQ(all.read, 1u);
  EXPECT_EQ(all.unreadable, 3u);
  EXPECT_THAT(all.problems,
              testing::IsSupersetOf({testing::Matcher<std::string>(HasSubstr("torn.mp4.sluice.json: it is no JSON"))}));
}

}  // namespace
}  // namespace sluice::daemon

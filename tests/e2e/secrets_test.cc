// secrets_test.cc - the API key and the signatures of presigned URLs are nowhere to be read (K1, P2).

#include <filesystem>

#include "site.h"

namespace sluice::e2e {
namespace {

constexpr char const* kSignature = "X-Amz-Signature";

// All kinds of trouble that make programs talkative.
Json troubles() {
  return Json::array(
      {{{"method", "PUT"}, {"path", "/chunk-store/*"}, {"every", 5}, {"times", 2}, {"action", "expire"}},
       {{"method", "PUT"}, {"path", "/chunk-store/*"}, {"nth", 3}, {"action", "cut_after"}},
       {{"method", "PUT"}, {"path", "/chunk-store/*"}, {"nth", 4}, {"action", "status"}, {"status", 503}},
       {{"method", "PUT"}, {"path", "/chunk-store/*"}, {"nth", 6}, {"action", "wrong_etag"}},
       {{"method", "POST"}, {"path", "/assets"}, {"nth", 1}, {"action", "cut_after"}},
       {{"method", "POST"}, {"path", "/assets/multipart-uploads"}, {"nth", 1}, {"action", "cut_after"}}});
}

void expect_clean(std::string const& text, std::string const& where, std::string const& key) {
  EXPECT_EQ(text.find(key), std::string::npos) << "the API key is in " << where;
  EXPECT_EQ(text.find(kSignature), std::string::npos) << "a presigned URL's query is in " << where;
}

TEST(Secrets, AppearInNoLogNoAnswerAndNoStory) {
  Site site({.log_level = "debug", .direct_max = "256KiB"}, {"--rate", "4MB/s", "--chunk-size", "256KiB"});
  site.emulator().arm(troubles());
  site.daemon().start();
  site.drop("large.mp4", 6U << 20U, 1);
  site.drop("small.mp4", 60'000, 2);
  site.drop("Ada/a.jpg", 60'000, 3);
  std::string answers;
  ASSERT_TRUE(site.wait_until("all done", [&] {
    answers += site.daemon().get("/v1/status").body + site.daemon().get("/healthz").body;
    for (auto const& item : site.daemon().items())
      answers += site.daemon().get("/v1/items/" + item.at("id").get<std::string>()).body;
    return site.daemon().total("done") == 3;
  }));
  EXPECT_TRUE(site.every_file_is_there_once());
  for (auto const* verb : {"status", "ls"}) EXPECT_EQ(site.sluice({verb}).code, 0);
  EXPECT_EQ(site.sluice({"show", site.home().drop() + "/large.mp4"}).code, 0);
  ASSERT_EQ(site.daemon().stop(), 0);

  ASSERT_GT(answers.size(), 1000u);
  ASSERT_FALSE(site.daemon().log().empty());
  expect_clean(answers, "an answer of the control socket", site.key());
  expect_clean(site.all_output(), "what was printed", site.key());
  auto const journal = site.journal();
  for (auto const& row : journal.rows("SELECT last_error FROM item UNION ALL SELECT last_error FROM chunk "
                                      "UNION ALL SELECT note FROM event UNION ALL SELECT value FROM meta"))
    expect_clean(row.at(0), "the journal", site.key());
  EXPECT_TRUE(journal.rows("SELECT 1 FROM chunk WHERE url IS NOT NULL").empty()) << "used URLs stay in the journal";
}

}  // namespace
}  // namespace sluice::e2e

// secrets_test.cc - the API key and the signatures of presigned URLs go where they must, and are nowhere to be read
// (K1, K3, P2, P4, R2). All that passes between the daemon and the platform goes through relays that keep it.

#include "canary.h"
#include "main_job.h"
#include "tests/network/relay.h"

namespace sluice::e2e {
namespace {

using network::count_of;
using network::Relay;

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
  EXPECT_EQ(count_of(text, key), 0u) << "the API key is in " << where;
  EXPECT_EQ(count_of(text, kSignature), 0u) << "a presigned URL's query is in " << where;
}

// A site whose daemon reaches the platform and its storage by way of relays.
class Watched {
 public:
  explicit Watched(Settings settings) : site(with_base_url(std::move(settings)), flags()) {
    api.lead_to(site.emulator().api_port());
    storage.lead_to(site.emulator().store_port());
  }
  Relay api, storage;
  Site site;

 private:
  Settings with_base_url(Settings settings) const {
    settings.base_url = "http://" + api.authority() + "/v1.3";
    settings.log_level = "debug";
    return settings;
  }
  std::vector<std::string> flags() const {
    auto all = main_job_emulator();
    all.insert(all.end(), {"--rate", "4MB/s", "--store-public", storage.authority()});
    return all;
  }
};

TEST(Secrets, AppearInNoLogNoAnswerAndNoStory) {
  Watched watched({.direct_max = "256KiB"});
  auto& site = watched.site;
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
  answers += all_answers(site);
  for (auto const* of_the_process : {"cmdline", "environ"})
    answers += read_text("/proc/" + std::to_string(site.daemon().pid()) + "/" + of_the_process);
  ASSERT_EQ(site.daemon().stop(), 0);

  ASSERT_GT(answers.size(), 1000u);
  ASSERT_FALSE(site.daemon().log().empty());
  expect_clean(answers, "an answer of the control socket or the command line", site.key());
  expect_clean(site.all_output(), "what was printed", site.key());
  auto const journal = site.journal();
  for (auto const& row : journal.rows("SELECT last_error FROM item UNION ALL SELECT last_error FROM chunk "
                                      "UNION ALL SELECT note FROM event UNION ALL SELECT value FROM meta"))
    expect_clean(row.at(0), "the journal", site.key());
  EXPECT_TRUE(journal.rows("SELECT 1 FROM chunk WHERE url IS NOT NULL").empty()) << "used URLs stay in the journal";
}

TEST(Secrets, TheKeyGoesToTheApiInItsHeaderAndToNobodyElse) {
  Watched watched(main_job_settings());
  auto& site = watched.site;
  site.daemon().start();
  drop_main_job(site, 7);
  ASSERT_TRUE(site.wait_for("done", kMainJobFiles));
  auto const answers = all_answers(site);
  ASSERT_EQ(site.daemon().stop(), 0);
  EXPECT_TRUE(main_job_is_whole(site));

  auto const key = site.key();
  EXPECT_TRUE(is_in_its_header_alone(key, watched.api.from_client()));
  expect_clean(answers, "an answer of the control socket or the command line", key);
  EXPECT_EQ(count_of(watched.api.from_server(), key), 0u);
  EXPECT_EQ(count_of(watched.storage.from_client() + watched.storage.from_server(), key), 0u);

  // A presigned query comes from the API, goes to the storage, and back to nobody.
  EXPECT_GT(count_of(watched.api.from_server(), kSignature), 0u);
  EXPECT_GT(count_of(watched.storage.from_client(), kSignature), 0u);
  EXPECT_EQ(count_of(watched.api.from_client(), kSignature), 0u);

  EXPECT_TRUE(is_in_no_file(site, key, {site.home().key_file()}));
  // The journal, mode 0600, is where URLs lie while they are unused (docs/JOURNAL.md); its pages forget late.
  EXPECT_TRUE(is_in_no_file(site, kSignature, {"/journal.db", "/journal.db-wal", "/journal.db-shm"}));
}

}  // namespace
}  // namespace sluice::e2e

// manifest_test.cc - files of lines that name URLs: imported once through every death, followed, and answered for.

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "site.h"

namespace sluice::e2e {
namespace {

namespace fs = std::filesystem;

constexpr char kUrlOf[] = "https://media.localhost/feed/";

// A site whose source `partner` is the manifests in its folder `feeds`.
class Feeds {
 public:
  explicit Feeds(Site& site) : folder_(site.folder() + "/feeds") {
    fs::create_directory(folder_);
    site.configure({.more_sources = "- {name: partner, manifest: " + folder_ + "/*.jsonl, settle: 0s, poll: 1s}\n"});
  }
  std::string file(std::string const& name) const { return folder_ + "/" + name; }
  void append(std::string const& name, std::string const& text) const {
    std::ofstream(file(name), std::ios::app) << text;
  }
  // The whole lines of the results, by line number.
  std::multimap<int, Json> results(std::string const& name) const {
    std::multimap<int, Json> lines;
    std::ifstream in(file(name + ".results.jsonl"));
    for (std::string line; std::getline(in, line) && !in.eof();) {
      auto json = Json::parse(line);
      int const number = json.at("line");
      lines.emplace(number, std::move(json));
    }
    return lines;
  }

 private:
  std::string folder_;
};

std::string line(std::string const& name) { return R"({"url":")" + (kUrlOf + name) + "\"}\n"; }

std::set<std::string> urls_of(Site const& site) {
  std::set<std::string> urls;
  auto const assets = site.emulator().ledger().at("assets");
  for (auto const& asset : assets) urls.insert(asset.at("url").get<std::string>());
  EXPECT_EQ(urls.size(), assets.size()) << "one URL became two assets";
  return urls;
}

TEST(Manifest, IsImportedOnceThroughTwoDeathsWithAnAnswerForEachLine) {
  constexpr int kLines = 3'000;
  Site site;
  Feeds const feeds(site);
  std::string text;
  for (int n = 1; n <= kLines; ++n) {
    if (n % 1'000 == 500)
      text += "{\"url\":\n";
    else if (n % 1'000 == 501)
      text += line("clip-" + std::to_string(n - 2) + ".mp4");  // that is two lines above
    else
      text += line("clip-" + std::to_string(n) + (n % 50 == 49 ? ".mp4" : ""));  // without it nothing says its kind
  }
  std::ofstream(feeds.file("a.jsonl")) << text;
  for (std::size_t const answers : {400, 1'600}) {
    site.daemon().start();
    ASSERT_TRUE(site.wait_until("answers", [&] { return feeds.results("a.jsonl").size() > answers; }));
    site.daemon().kill_at_once();
  }
  site.daemon().start();
  ASSERT_TRUE(site.wait_until("all answers", [&] { return feeds.results("a.jsonl").size() >= kLines; }));

  std::map<std::string, int> outcomes;
  auto const results = feeds.results("a.jsonl");
  for (int n = 1; n <= kLines; ++n) ASSERT_EQ(results.count(n), 1u) << "line " << n;
  for (auto const& [number, result] : results) outcomes[result.at("result")] += 1;
  EXPECT_EQ(outcomes["error"], 3);
  EXPECT_EQ(outcomes["duplicate"], 3);
  EXPECT_EQ(outcomes["ok"], kLines / 50);
  EXPECT_EQ(outcomes["failed"], kLines - kLines / 50 - 6);
  EXPECT_EQ(results.find(49)->second.at("item").get<std::string>().size(), 26u);
  EXPECT_EQ(results.find(1)->second.at("code"), "unknown_kind");
  EXPECT_EQ(urls_of(site).size(), std::size_t(kLines / 50));
}

TEST(Manifest, IsFollowedAndReadAgainWithoutRepeatingAnything) {
  Site site;
  Feeds const feeds(site);
  feeds.append("a.jsonl", line("one.mp4") + line("two.mp4"));
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 2));
  feeds.append("a.jsonl", line("three.mp4"));
  ASSERT_TRUE(site.wait_for("done", 3));
  ASSERT_TRUE(site.wait_until("three answers", [&] { return feeds.results("a.jsonl").size() == 3; }));
  ASSERT_EQ(site.daemon().stop(), 0);

  fs::copy_file(feeds.file("a.jsonl"), feeds.file("new"));  // another file of the same lines, and one more
  fs::rename(feeds.file("new"), feeds.file("a.jsonl"));
  feeds.append("a.jsonl", line("four.mp4"));
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 4));
  ASSERT_TRUE(site.wait_until("four answers", [&] { return feeds.results("a.jsonl").size() == 4; }));
  EXPECT_EQ(urls_of(site).size(), 4u);
  EXPECT_EQ(site.daemon().total("items"), 4u);
}

TEST(Manifest, IsShownByStatusAndExplained) {
  Site site;
  Feeds const feeds(site);
  feeds.append("a.jsonl", line("one.mp4") + "{\"name\":\"x\"}\n");
  site.daemon().start();
  ASSERT_TRUE(site.wait_until("two answers", [&] { return feeds.results("a.jsonl").size() == 2; }));
  auto const manifests = site.daemon().status().at("manifests");
  ASSERT_EQ(manifests.size(), 1u);
  EXPECT_EQ(manifests[0].at("state"), "followed");
  EXPECT_EQ(manifests[0].at("lines"), 2);
  EXPECT_EQ(manifests[0].at("errors"), 1);
  EXPECT_NE(site.sluice({"status"}).out.find("a.jsonl"), std::string::npos);
  auto const explained = site.sluice({"explain", feeds.file("a.jsonl")});
  EXPECT_NE(explained.out.find("names no `url`"), std::string::npos) << explained.out << explained.err;
  fs::remove(feeds.file("a.jsonl"));
  ASSERT_TRUE(site.wait_until("gone", [&] { return site.daemon().status().at("manifests")[0].at("state") == "gone"; }));
  EXPECT_EQ(site.daemon().total("done"), 1u);
}

}  // namespace
}  // namespace sluice::e2e

#include "canary.h"

#include <algorithm>
#include <filesystem>

#include "tests/network/relay.h"

namespace sluice::e2e {

namespace fs = std::filesystem;
using network::count_of;

testing::AssertionResult is_in_no_file(Site const& site, std::string const& secret,
                                       std::vector<std::string> const& but_for) {
  auto const is_left_out = [&](std::string const& path) {
    return path.starts_with(site.folder() + "/platform") ||
           std::ranges::any_of(but_for, [&](auto const& end) { return path.ends_with(end); });
  };
  std::size_t looked_at = 0;
  for (auto const& entry : fs::recursive_directory_iterator(site.folder())) {
    if (!entry.is_regular_file() || is_left_out(entry.path().string())) continue;
    ++looked_at;
    if (read_text(entry.path().string()).find(secret) != std::string::npos)
      return testing::AssertionFailure() << secret << " is in " << entry.path();
  }
  if (looked_at == 0) return testing::AssertionFailure() << "there was no file to look at";
  return testing::AssertionSuccess();
}

std::string all_answers(Site& site) {
  std::string all;
  for (auto const* target :
       {"/v1/status", "/v1/items?limit=500", "/healthz", "/livez", "/readyz", "/metrics", "/v1/events"})
    all += site.daemon().get(target).body;
  for (auto const& item : site.daemon().items()) {
    auto const id = item.at("id").get<std::string>();
    all += site.daemon().get("/v1/items/" + id).body;
    for (auto const& words : {std::vector<std::string>{"show", id}, {"show", id, "--json"}})
      all += site.sluice(words).out;
  }
  for (auto const& words : {std::vector<std::string>{"status"}, {"status", "--json"}, {"ls"}, {"ls", "--json"}}) {
    auto const told = site.sluice(words);
    EXPECT_EQ(told.code, 0) << told.err;
    all += told.out + told.err;
  }
  return all;
}

testing::AssertionResult is_in_its_header_alone(std::string const& key, std::string const& to_the_api) {
  auto const all = count_of(to_the_api, key);
  auto const in_header = count_of(to_the_api, "\r\nx-api-key: " + key + "\r\n");
  if (all == in_header && all > 0) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "the key was sent " << all << " times, " << in_header
                                     << " of them in its header";
}

}  // namespace sluice::e2e

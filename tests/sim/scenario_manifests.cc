#include "core/base/json.h"
#include "tests/sim/scenario.h"

namespace sluice::sim {

void add_manifests(stage::Policy& policy) {
  std::string const root(kLists, sizeof kLists - 2);  // without the last slash
  stage::SourcePolicy list{.name = "feed", .root = root, .pipelines = {"footage", "cast"}};
  list.settle = Millis(1'500);
  list.rescan = Millis(10'000);
  list.swept = false;
  list.manifest = "*.jsonl";
  policy.sources.push_back(list);
  list.name = "films";
  list.manifest = "*.txt";
  list.fetch = stage::FetchPolicy::kRelay;
  policy.sources.push_back(std::move(list));
  policy.results_folder = "/var/results";
  policy.spool_folder = kSpoolFolder;
}

std::string line_of(std::string const& key, std::string const& url, Millis not_before) {
  auto line = Json::object();
  if (!key.empty()) line.set("key", key);
  if (not_before > Millis(0)) line.set("not_before", to_rfc3339(kBeginning + not_before));
  return line.set("url", url).dump() + "\n";
}

Scenario manifests() {
  Scenario s{.name = "manifests", .policy = usual_policy()};
  add_manifests(s.policy);
  std::string const feed = std::string(kLists) + "feed.jsonl", films = std::string(kLists) + "films.txt";
  std::string const film = "https://media.sim/day1/film.mp4", face = "https://media.sim/Ada/face.jpg?id=7";
  std::string const tone = "https://slow.sim/tone.mp3";  // gives nothing to whoever tries it first
  std::string const wrong = "https://media.sim/nowhere.mp4", mended = "https://media.sim/mended.mp4";
  std::string const last = "https://media.sim/last.mp4";
  std::string const reel = "https://films.sim/reel.mp4", trailer = "https://films.sim/trailer.mp4";
  for (auto const& url : {film, face, mended, last})  // as large as SimPlatform has it
    s.media.push_back({.url = url.substr(0, url.find('?')), .size_bytes = url.size()});
  s.media.push_back({.url = reel, .size_bytes = 5'000});
  s.media.push_back({.url = trailer, .size_bytes = 900});
  s.media.push_back({.url = wrong, .size_bytes = wrong.size(), .at = Millis(1'700'000)});
  auto const begin = line_of("a", film) + line_of("b", face), third = line_of("", tone);
  std::string const bad = R"({"key":"bad","url":"ftp://media.sim/x.mp4"})"
                          "\n";
  auto const again = line_of("a", film);
  auto const as_it_was = begin + third + bad + again, corrected = as_it_was + line_of("e", mended);
  using What = Change::What;
  auto const change = [&](What what, std::string const& path, std::string text, Millis at) {
    s.changes.push_back({.what = what, .path = path, .at = at, .text = std::move(text)});
  };
  auto const half = third.size() / 2;
  change(What::kText, feed, begin + third.substr(0, half), Millis(100));
  change(What::kText, films, reel + "\n" + trailer + "\n", Millis(150));
  auto const sixth = line_of("f", last);
  change(What::kText, kLists + std::string("early.jsonl"), sixth + sixth.substr(0, 9),
         Millis(8'000));                                 // for ever
  change(What::kMoreText, films, reel, Millis(11'000));  // a repetition without an end
  change(What::kMoreText, feed, third.substr(half) + bad, Millis(12'000));
  change(What::kMoreText, feed, again + line_of("e", wrong), Millis(22'000));
  change(What::kText, feed, corrected, Millis(60'000));
  change(What::kText, feed, corrected, Millis(1'500'000));  // a correction that came too early counts now
  s.drops = {{.path = "whistle.mp3", .size_bytes = 1'777}};
  s.expected = {filmed("whistle.mp3"), filmed(film), cast(face, "Ada"), filmed(tone),
                filmed(mended),        filmed(reel), filmed(trailer)};
  s.expected.push_back(filmed(last));
  s.expected.back().key = "f";
  s.expected[1].key = "a", s.expected[2].key = "b", s.expected[4].key = "e";
  s.expected.push_back({.path = wrong, .state = "failed|unknown", .reason = "fetch_gone"});
  s.traits.dead_urls = "nowhere";
  s.traits.dead_until = Millis(1'700'000);
  s.orders = {{.what = Order::What::kRetry, .path = wrong, .at = Millis(1'800'000)}};  // another has its place
  s.requests_max = 700;
  return s;
}

}  // namespace sluice::sim

#include "tests/sim/day_manifests.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace sluice::sim {
namespace {

// Its host says so, or the platform where the host could not be asked.
// The last ones where the platform's refusal came garbled again and again, or not at all.
constexpr char kNowhere[] = "fetch_gone|media_url_not_accessible|refused|protocol|outcome_unknown";
constexpr Millis kMinute{60'000}, kHour{3'600'000};

class ListMaker {
 public:
  ListMaker(Day& day, std::uint64_t seed, Millis length)
      : day_(day), scenario_(day.scenario), dice_(seed, 22), length_(length) {}

  void make() {
    if (!dice_.chance(0.35)) return;
    add_manifests(scenario_.policy);
    scenario_.traits.dead_urls = "nowhere";
    for (auto& source : scenario_.policy.sources) {
      if (source.manifest.empty()) continue;
      source.rescan = dice_.between(2 * kMinute, 15 * kMinute);
      source.settle = dice_.between(Millis(1'000), Millis(10'000));
    }
    make_feed();
    if (dice_.chance(0.4)) make_films();
    make_trouble();
    if (dice_.chance(0.3)) bring_back();
    std::ranges::stable_sort(scenario_.changes, {}, &Change::at);
    std::ranges::stable_sort(scenario_.media, {}, &Medium::at);
    std::ranges::stable_sort(scenario_.orders, {}, &Order::at);
    std::ranges::stable_sort(day_.options.deaths, {}, &Death::at);
  }

 private:
  struct Line {
    std::string text;
    std::string corrected;  // the same where nothing is wrong with it
  };

  void is_there(std::string const& url, Millis at = {}) {  // as large as SimPlatform has it
    scenario_.media.push_back({.url = url, .size_bytes = url.size(), .at = at});
  }
  void expect(Expected expected, std::string const& key) {
    expected.key = key;
    scenario_.expected.push_back(std::move(expected));
  }

  Line some_line(std::string const& tag, std::vector<Line> const& before) {
    auto const roll = dice_.unit();
    auto const key = "m" + tag;
    std::string const url = "https://media.sim/list" + tag + ".mp4";
    if (roll < 0.1) {
      auto const text = dice_.chance(0.5) ? "{\"key\":\"" + key + "\"\n" : line_of(key, "ftp://media.sim/a.mp4");
      return {text, text};
    }
    if (roll < 0.2 && !before.empty()) return before.front();
    is_there(url);
    if (roll < 0.4) {  // at first its host has nothing there
      std::string const wrong = "https://media.sim/nowhere" + tag + ".mp4";
      scenario_.expected.push_back({.path = wrong, .state = "failed|unknown", .reason = kNowhere});
      nowhere_.push_back(wrong);
      expect(filmed(url), key);
      return {line_of(key, wrong), line_of(key, url)};
    }
    if (roll < 0.45) return late_line(key, "https://media.sim/late" + tag + ".mp4");
    if (roll < 0.52) {  // at first nobody knows what it is
      expect(filmed(url), key);
      return {line_of(key, "https://media.sim/list" + tag + ".xyz"), line_of(key, url)};
    }
    if (roll < 0.65) {
      std::string const face = "https://media.sim/Bo/list" + tag + ".jpg";
      is_there(face);
      expect(cast(face, "Bo"), key);
      return {line_of(key, face), line_of(key, face)};
    }
    auto const has_key = dice_.chance(0.7);
    expect(filmed(url), has_key ? key : "");
    ask_for(has_key ? "k:" + key : url);
    auto const text = line_of(has_key ? key : "", url);
    return {text, text};
  }

  // Its host has it only from some time on, and a person retries it then. Meanwhile the list says, or says again, that
  // it is to wait; and maybe, for a while, something that cannot be taken at all.
  Line late_line(std::string const& key, std::string const& url) {
    auto const comes = dice_.between(Millis(0), length_ / 2);
    is_there(url, comes);
    expect(filmed(url), key);
    scenario_.orders.push_back(
        {.what = Order::What::kRetry, .path = "k:" + key, .at = comes + dice_.between(Millis(0), 2 * kHour)});
    auto const waits = line_of(key, url, dice_.chance(0.7) ? comes + dice_.between(Millis(0), 6 * kHour) : Millis(0));
    return {line_of(key, url), waits};
  }

  // A person, about a line.
  void ask_for(std::string const& named) {
    if (!dice_.chance(0.15)) return;
    auto const what = dice_.chance(0.5) ? Order::What::kCancel : Order::What::kRetry;
    if (what == Order::What::kCancel) scenario_.expected.back().state += "|cancelled";
    scenario_.orders.push_back({.what = what, .path = named, .at = dice_.between(Millis(0), length_)});
  }

  Millis pause() { return dice_.chance(0.6) ? dice_.between(Millis(0), kMinute) : dice_.between(Millis(0), 2 * kHour); }

  void change(Change::What what, std::string const& path, Millis at, std::string text = {}) {
    scenario_.changes.push_back({.what = what, .path = path, .at = at, .text = std::move(text)});
    eventful_.push_back(at);
  }

  void make_feed() {
    auto const feed = kLists + std::string("feed.jsonl");
    std::vector<Line> lines;
    for (auto left = dice_.between(2, 8); left > 0; --left) lines.push_back(some_line(std::to_string(left), lines));
    auto at = dice_.between(Millis(0), length_ * 3 / 4);
    std::string held, corrected;
    auto what = Change::What::kText;
    for (auto const& line : lines) {
      corrected += line.corrected;
      auto text = std::exchange(held, "") + line.text;
      if (dice_.chance(0.3)) {
        held = text.substr(text.size() - static_cast<std::size_t>(dice_.between(1, std::ssize(line.text) - 1)));
        text.resize(text.size() - held.size());
      }
      change(std::exchange(what, Change::What::kMoreText), feed, at, std::move(text));
      at += pause();
    }
    if (held.empty() && dice_.chance(0.3))
      held = drop_end();
    else if (held.empty() && dice_.chance(0.3))
      scenario_.changes.back().text += "{\"key\":\"never";  // and no more of it
    if (!held.empty() && (held != "\n" || dice_.chance(0.3))) change(what, feed, at, held);
    auto const is_right = std::ranges::all_of(lines, [](Line const& line) { return line.text == line.corrected; });
    if (is_right && dice_.chance(0.7)) return;
    if (dice_.chance(0.2)) change(Change::What::kRemove, feed, at += pause());
    for (auto left = dice_.between(1, 2); left > 0; --left) change(Change::What::kText, feed, at += pause(), corrected);
    change(Change::What::kText, feed, std::max(at, length_) + 2 * kHour, corrected);
  }

  // In the end there is something where nothing was, and whoever retries what was corrected long ago would get it.
  void bring_back() {
    auto const at = *std::ranges::max_element(eventful_) + kHour / 4;
    for (auto const& url : nowhere_) {
      is_there(url, at);
      std::ranges::find(scenario_.expected, url, &Expected::path)->reason.clear();
    }
    scenario_.traits.dead_until = at;
  }

  // The last line of the feed stays without its end. Returns  what is held back.
  std::string drop_end() {
    auto& text = scenario_.changes.back().text;
    if (text.size() < 2 || !text.ends_with('\n')) return {};
    text.pop_back();
    return "\n";
  }

  void make_films() {
    auto const films = kLists + std::string("films.txt");
    auto at = dice_.between(Millis(0), length_);
    auto what = Change::What::kText;
    for (auto left = dice_.between(1, 3); left > 0; --left) {
      auto const url = "https://films.sim/reel" + std::to_string(left) + ".mp4";
      scenario_.media.push_back({.url = url, .size_bytes = static_cast<std::uint64_t>(dice_.between(100, 60'000))});
      scenario_.expected.push_back(filmed(url));
      change(std::exchange(what, Change::What::kMoreText), films, at, url + "\n");
      at += pause();
    }
  }

  Millis eventful_time() {
    auto const last = static_cast<std::int64_t>(eventful_.size()) - 1;
    return eventful_[static_cast<std::size_t>(dice_.between(0, last))] + dice_.between(Millis(0), kMinute);
  }

  void make_trouble() {
    if (auto const from = eventful_time(); dice_.chance(0.3))
      day_.options.results_full = {from, from + dice_.between(Millis(1'000), kHour)};
    if (auto const from = eventful_time(); dice_.chance(0.4) && day_.options.spans.empty())
      day_.options.spans.push_back(
          {.what = Span::What::kDiskFull, .from = from, .until = from + dice_.between(Millis(1'000), Millis(300'000))});
    for (auto left = dice_.between(0, 2); left > 0; --left)
      day_.options.deaths.push_back({.at = std::min(eventful_time(), length_),
                                     .nth = static_cast<std::uint64_t>(dice_.between(1, 12)),
                                     .power = dice_.chance(0.45),
                                     .downtime = dice_.between(Millis(0), Millis(8'000))});
  }

  Day& day_;
  Scenario& scenario_;
  SimRandom dice_;
  Millis length_;
  std::vector<Millis> eventful_ = {};
  std::vector<std::string> nowhere_ = {};  // URLs that are corrected
};

}  // namespace

void add_manifests(Day& day, std::uint64_t seed, Millis length) { ListMaker(day, seed, length).make(); }

}  // namespace sluice::sim

#include <utility>

#include "tests/sim/scenario.h"

namespace sluice::sim {

AfterEnd moved_to(char const* target) { return {.what = AfterEnd::What::kMove, .move_to = *parse_template(target)}; }

Expected put_at(Expected expected, std::string file, std::string const& note) {
  expected.note_at = file + note;
  expected.file_at = std::move(file);
  return expected;
}

Scenario away_folders() {
  Scenario s{.name = "away_folders", .policy = usual_policy()};
  add_listeners(s.policy);
  auto& source = s.policy.sources.front();
  source.after_success = moved_to("/srv/done/{source}/{path}");
  source.after_failure = moved_to("/srv/far/{path}");
  source.receipt = {.where = ReceiptWish::Where::kBeside};
  s.drops = {{.path = "broken.mp4", .size_bytes = 20'000},
             {.path = "good.mp4", .size_bytes = 9'000},
             {.path = "good.mp4.md5", .size_bytes = 50},
             {.path = "Di/one.jpg", .size_bytes = 700},
             {.path = "late.mp3", .size_bytes = 1'500, .at = Millis(630'000)}};  // while nobody sees it
  s.traits.failing_name = "broken.mp4";
  using What = Away::What;
  s.away = {{.folder = "/srv/done", .from = Millis(20'000), .until = Millis(50'000)},
            {.folder = "/srv/done", .from = Millis(62'000), .until = Millis(140'000)},
            {.folder = "/srv/done", .from = Millis(645'000), .until = Millis(720'000)},
            {.folder = "/srv/far", .from = Millis(30'000), .until = Millis(44'000)},
            {.folder = "/srv/drop", .from = Millis(1'400), .until = Millis(2'600)},
            {.folder = "/srv/drop", .from = Millis(41'000), .until = Millis(56'000)},
            {.what = What::kUnmounted, .folder = "/srv/drop", .from = Millis(590'000), .until = Millis(660'000)}};
  auto const in_done = [](Expected expected) {
    auto file = "/srv/done/drop/" + expected.path;
    return put_at(std::move(expected), std::move(file), ".sluice.json");
  };
  s.expected = {
      put_at({.path = "broken.mp4", .state = "failed", .reason = "asset_failed"}, "/srv/far/broken.mp4", ".error.json"),
      in_done(filmed("good.mp4")), in_done(cast("Di/one.jpg", "Di")), in_done(filmed("late.mp3"))};
  s.requests_max = 700;
  return s;
}

Scenario away_notes() {
  Scenario s{.name = "away_notes", .policy = usual_policy()};
  add_listeners(s.policy);
  auto& source = s.policy.sources.front();
  source.after_success = {.what = AfterEnd::What::kDelete};
  source.receipt = {.where = ReceiptWish::Where::kFolder, .folder = "/srv/notes"};
  source.sidecars = true;
  s.drops = {{.path = "a/one.mp4", .size_bytes = 9'000}, {.path = "two.mp3", .size_bytes = 900}};
  auto const text = [](std::string path, Millis at, std::string says) {
    return Change{.what = Change::What::kText, .path = std::move(path), .at = at, .text = std::move(says)};
  };
  s.changes = {text("two.json", Millis(0), R"({"metadata": {"reel": "A1"}})"),
               text("a/one.mp4.json", Millis(3'000), R"({"metadata": {"reel": "B1"}})")};
  using What = Away::What;
  s.away = {{.what = What::kUnmounted, .folder = "/srv/drop", .from = Millis(2'000), .until = Millis(3'500)},
            {.folder = "/srv/drop", .from = Millis(25'000), .until = Millis(90'000)},
            {.folder = "/srv/notes", .from = Millis(80'000), .until = Millis(150'000)},
            {.what = What::kUnmounted, .folder = "/srv/drop", .from = Millis(620'000), .until = Millis(660'000)},
            {.folder = "/srv/notes", .from = Millis(640'000), .until = Millis(700'000)}};
  s.expected = {filmed("a/one.mp4"), filmed("two.mp3")};
  for (auto& expected : s.expected) {
    expected.file_at = "-";
    expected.note_at = "/srv/notes/" + expected.path + ".sluice.json";
  }
  s.expected[0].metadata = R"({"reel": "B1"})";
  s.expected[1].metadata = R"({"reel": "A1"})";
  s.requests_max = 700;
  return s;
}

namespace {

Scenario before_the_change() {
  Scenario s{.policy = usual_policy()};
  add_listeners(s.policy);
  auto& source = s.policy.sources.front();
  source.after_success = moved_to("/srv/done/{path}");
  source.after_failure = moved_to("/srv/far/{path}");
  source.receipt = {.where = ReceiptWish::Where::kBeside};
  s.drops = {{.path = "broken.mp4", .size_bytes = 20'000},
             {.path = "good.mp4", .size_bytes = 9'000},
             {.path = "Di/one.jpg", .size_bytes = 700},
             {.path = "late.mp3", .size_bytes = 1'500, .at = Millis(34'500)}};
  s.traits.failing_name = "broken.mp4";
  s.restart_at = Millis(35'500);  // some have come to their ends, and some have not
  s.requests_max = 700;
  return s;
}

// Of what was taken under the former name nothing more is asked, but what was asked for is done.
Expected put_or_left(Expected expected, std::string const& folder, std::string const& note) {
  auto const there = folder + expected.path;
  expected.file_at = there + "|/srv/drop/" + expected.path;
  expected.note_at = there + note + "|";
  return expected;
}

}  // namespace

Scenario renamed() {
  auto s = before_the_change();
  s.name = "renamed";
  auto next = s.policy;
  next.sources.front().name = "inbox";
  next.hooks.front().hook.name = "scribe";
  next.hooks.front().hook.exec = {"/bin/tell", "scribe"};
  s.next_policy = std::move(next);
  s.expected = {
      put_or_left({.path = "broken.mp4", .state = "failed", .reason = "asset_failed"}, "/srv/far/", ".error.json"),
      put_or_left(filmed("good.mp4"), "/srv/done/", ".sluice.json"),
      put_or_left(cast("Di/one.jpg", "Di"), "/srv/done/", ".sluice.json"),
      put_at(filmed("late.mp3"), "/srv/done/late.mp3", ".sluice.json")};
  return s;
}

Scenario removed() {
  auto s = before_the_change();
  s.name = "removed";
  auto next = s.policy;
  next.sources = {{.name = "elsewhere", .root = "/srv/elsewhere", .pipelines = {"footage"}}};
  next.hooks.erase(next.hooks.begin());
  s.next_policy = std::move(next);
  s.expected = {
      put_or_left({.path = "broken.mp4", .state = "failed", .reason = "asset_failed"}, "/srv/far/", ".error.json"),
      put_or_left(filmed("good.mp4"), "/srv/done/", ".sluice.json"),
      put_or_left(cast("Di/one.jpg", "Di"), "/srv/done/", ".sluice.json"),
      put_or_left(filmed("late.mp3"), "/srv/done/", ".sluice.json")};
  for (auto& expected : s.expected) {
    expected.state += "|seen|unknown";
    expected.reason = expected.reason.empty() ? "source_removed" : expected.reason + "|source_removed";
  }
  return s;
}

Scenario other_plans() {
  auto s = downloads();
  s.name = "other_plans";
  auto const& film = s.expected[0].path;
  auto next = s.policy;
  next.pipelines.pop_back();  // cast
  next.pipelines.front().indexes.front().name = "archive";
  next.sources.front().pipelines = next.hand.pipelines = {"footage"};
  next.spool_max_bytes = 5 * kMiB / 2;  // the film has more, and the other not
  s.next_policy = std::move(next);
  s.restart_at = Millis(4'000);
  s.drops.push_back({.path = "Di/one.jpg", .size_bytes = 700});
  s.drops.push_back({.path = "late.mp3", .size_bytes = 1'500, .at = Millis(3'500)});
  s.expected = {filmed(film),          filmed(s.expected[1].path), cast(s.expected[2].path, "Ada"),
                filmed("whistle.mp3"), cast("Di/one.jpg", "Di"),   filmed("late.mp3")};
  for (auto& expected : s.expected)
    if (!expected.index.empty()) expected.index = "footage|archive";
  s.expected[0].state = "done|failed";
  s.expected[0].reason = "spool_too_small";
  for (auto const n : {2U, 4U}) {
    s.expected[n].state = "done|skipped|unknown";
    s.expected[n].reason = "no_pipeline";
  }
  return s;
}

}  // namespace sluice::sim

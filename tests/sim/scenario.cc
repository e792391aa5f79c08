#include "tests/sim/scenario.h"

#include <set>
#include <utility>

namespace sluice::sim {
namespace {

constexpr std::uint64_t kDirectMax = 4'000;
constexpr std::uint64_t kVideoMax = 400'000;

Template template_of(char const* text) { return *parse_template(text); }

}  // namespace

stage::Policy usual_policy() {
  stage::Policy policy;
  policy.host = "sim";
  policy.sources = {
      {.name = "drop", .root = "/srv/drop", .pipelines = {"footage", "cast"}, .settle = Millis(1'000), .rescan = {}}};
  stage::PipelinePolicy footage{.name = "footage", .kinds = {"video", "audio"}, .filename = template_of("{name}")};
  footage.user_metadata = {{"site", std::int64_t{7}}};
  footage.indexes = {{.name = "footage",
                      .models_json = R"([{"model_name":"marengo3.0","model_options":["visual","audio"]}])",
                      .enable_video_stream = true}};
  stage::PipelinePolicy cast{.name = "cast", .kinds = {"image"}, .filename = template_of("{name}")};
  cast.entity = stage::EntityWish{.collection = "Cast", .name = template_of("{dir}")};
  policy.pipelines = {std::move(footage), std::move(cast)};
  policy.hand = {.name = "hand", .pipelines = {"footage", "cast"}};
  policy.limits.multipart_video_bytes = kVideoMax;
  policy.limits.direct_video_bytes = kVideoMax;
  policy.files_max = 3;
  policy.chunks_max = 4;
  policy.direct_max_bytes = kDirectMax;
  policy.retry_max = Millis(60'000);
  return policy;
}

void add_listeners(stage::Policy& policy) {
  std::set<std::string> const all = {"done", "failed", "skipped", "cancelled"};
  policy.hooks = {{.hook = {.name = "clerk", .events = all, .exec = {"/bin/tell", "clerk"}}},
                  {.hook = {.name = "desk", .events = {"done", "failed"}, .url = "https://desk.sim/desk"},
                   .secret = HookSecret("s")}};
}

std::string_view name_of(Order::What what) {
  static constexpr std::string_view kNames[] = {"cancel", "retry", "add"};
  return kNames[static_cast<std::size_t>(what)];
}

bool is_among(std::string const& word, std::string const& words) {
  return ("|" + words + "|").find("|" + word + "|") != std::string::npos;
}

Expected filmed(std::string path) { return {.path = std::move(path), .index = "footage"}; }
Expected cast(std::string path, std::string entity) {
  return {.path = std::move(path), .collection = "Cast", .entity = std::move(entity)};
}

Scenario main_job() {
  Scenario s{.name = "main_job", .policy = usual_policy()};
  s.drops = {{.path = "day1/match.mp4", .size_bytes = 6 * 8'192 + 1'234},
             {.path = "Ada/front.jpg", .size_bytes = 2'100},
             {.path = "Ada/side.jpg", .size_bytes = 3'333},
             {.path = "whistle.mp3", .size_bytes = 1'777}};
  s.expected = {filmed("day1/match.mp4"), cast("Ada/front.jpg", "Ada"), cast("Ada/side.jpg", "Ada"),
                filmed("whistle.mp3")};
  s.requests_max = 600;
  return s;
}

Scenario main_job_on_an_old_platform() {
  auto s = main_job();
  s.name = "main_job_on_an_old_platform";
  s.traits.refuses_metadata = true;
  s.traits.hides_lookup = true;
  return s;
}

Scenario photos(int count) {
  Scenario s{.name = "photos", .policy = usual_policy()};
  for (int i = 0; i < count; ++i) {
    auto const path = "Grace/photo-" + std::to_string(i) + ".jpg";
    s.drops.push_back({.path = path, .size_bytes = static_cast<std::uint64_t>(200 + 3 * i)});
    s.expected.push_back(cast(path, "Grace"));
  }
  s.policy.files_max = 8;
  s.requests_max = 1'200;
  return s;
}

Scenario people(int count) {
  Scenario s{.name = "people", .policy = usual_policy()};
  for (int i = 0; i < count; ++i) {
    auto const name = "person" + std::to_string(i);
    s.drops.push_back({.path = name + "/face.jpg", .size_bytes = static_cast<std::uint64_t>(200 + 3 * i)});
    s.expected.push_back(cast(name + "/face.jpg", name));
  }
  s.policy.files_max = 8;
  s.requests_max = 600;
  return s;
}

Scenario direct_uploads() {
  Scenario s{.name = "direct_uploads", .policy = usual_policy()};
  s.drops = {{.path = "north/tone.mp3", .size_bytes = 1'500},
             {.path = "south/tone.mp3", .size_bytes = 1'500},
             {.path = "tone.mp3", .size_bytes = 900},
             {.path = "Bo/face.png", .size_bytes = 1'200},
             {.path = "Cy/face.png", .size_bytes = 1'200}};
  s.expected = {filmed("north/tone.mp3"), filmed("south/tone.mp3"), filmed("tone.mp3"), cast("Bo/face.png", "Bo"),
                cast("Cy/face.png", "Cy")};
  s.requests_max = 600;
  return s;
}

Scenario direct_uploads_on_an_old_platform() {
  auto s = direct_uploads();
  s.name = "direct_uploads_on_an_old_platform";
  s.traits.refuses_metadata = true;
  s.traits.hides_lookup = true;
  return s;
}

Scenario short_lives(std::uint64_t chunks) {
  Scenario s{.name = "short_lives", .policy = usual_policy()};
  s.drops = {{.path = "long.mp4", .size_bytes = (chunks - 1) * 1'024 + 5},
             {.path = "short.mov", .size_bytes = 3 * 1'024 + 990}};
  s.expected = {filmed("long.mp4"), filmed("short.mov")};
  s.policy.direct_max_bytes = 1'000;
  s.policy.url_renew_before = Millis(1'000);
  s.traits.chunk_bytes = 1'024;
  s.traits.initial_urls = 40;
  s.traits.url_life = Millis(3'000);
  s.traits.short_sessions = 1;
  s.traits.short_session_life = Millis(6'000);
  s.traits.bad_chunk = 3;
  s.requests_max = 1'500;
  return s;
}

Scenario changing_files() {
  Scenario s{.name = "changing_files", .policy = usual_policy()};
  s.drops = {{.path = "grown.mp4", .size_bytes = 20'000},    {.path = "rewritten.mp4", .size_bytes = 20'000},
             {.path = "replaced.mp4", .size_bytes = 20'000}, {.path = "removed.mp4", .size_bytes = 20'000},
             {.path = "small.mp3", .size_bytes = 1'900},     {.path = "still.mp3", .size_bytes = 1'234}};
  using What = Change::What;
  s.changes = {{.what = What::kAppend, .path = "grown.mp4", .bytes = 9'000, .at = Millis(2'300)},
               {.what = What::kOverwrite, .path = "rewritten.mp4", .bytes = 20'000, .at = Millis(2'650)},
               {.what = What::kReplace, .path = "replaced.mp4", .bytes = 15'000, .at = Millis(3'100)},
               {.what = What::kOverwrite, .path = "small.mp3", .bytes = 1'900, .at = Millis(1'500)},
               {.what = What::kRemove, .path = "removed.mp4", .at = Millis(3'400)}};
  s.expected = {
      filmed("grown.mp4"),    filmed("rewritten.mp4"),
      filmed("replaced.mp4"), filmed("small.mp3"),
      filmed("still.mp3"),    {.path = "removed.mp4", .state = "done|failed|skipped|unknown", .index = "footage"}};
  s.policy.files_max = 6;
  s.requests_max = 900;
  return s;
}

Scenario changed_while_dead() {
  Scenario s{.name = "changed_while_dead", .policy = usual_policy()};
  s.drops = {{.path = "chmod.mp4", .size_bytes = 20'000},
             {.path = "rewritten.mp4", .size_bytes = 20'000},
             {.path = "removed.mp4", .size_bytes = 20'000},
             {.path = "small.mp3", .size_bytes = 1'900}};
  using What = Change::What;
  s.changes_while_dead = {{.what = What::kMode, .path = "chmod.mp4"},
                          {.what = What::kMode, .path = "small.mp3"},
                          {.what = What::kOverwrite, .path = "rewritten.mp4", .bytes = 20'000},
                          {.what = What::kRemove, .path = "removed.mp4"}};
  s.expected = {filmed("chmod.mp4"),
                filmed("rewritten.mp4"),
                filmed("small.mp3"),
                {.path = "removed.mp4", .state = "done|failed|skipped|unknown", .index = "footage"}};
  s.requests_max = 900;
  return s;
}

// The same bytes under two names each, together and one after the other: they go up once.
Scenario copies() {
  Scenario s{.name = "copies", .policy = usual_policy()};
  s.policy.sources.front().duplicates = stage::DuplicatePolicy::kSkip;
  s.policy.direct_max_bytes = 2'000;
  s.drops = {{.path = "one.mp4", .size_bytes = 9'000},
             {.path = "two.mp4", .size_bytes = 9'000, .copy_of = "one.mp4"},
             {.path = "three.mp3", .size_bytes = 1'500},
             {.path = "four.mp3", .size_bytes = 1'500, .at = Millis(30'000), .copy_of = "three.mp3"}};
  for (auto const& drop : s.drops) {
    s.expected.push_back(filmed(drop.path));
    s.expected.back().state = "done|skipped";
  }
  s.requests_max = 700;
  return s;
}

Scenario failing_asset() {
  Scenario s{.name = "failing_asset", .policy = usual_policy()};
  s.drops = {{.path = "broken.mp4", .size_bytes = 20'000},
             {.path = "good.mp4", .size_bytes = 9'000},
             {.path = "Di/one.jpg", .size_bytes = 700}};
  s.expected = {{.path = "broken.mp4", .state = "failed", .reason = "asset_failed"},
                filmed("good.mp4"),
                cast("Di/one.jpg", "Di")};
  s.traits.failing_name = "broken.mp4";
  s.traits.shows_reservations = true;
  s.requests_max = 600;
  return s;
}

Scenario cancelled_items() {
  Scenario s{.name = "cancelled_items", .policy = usual_policy()};
  s.drops = {{.path = "early.mp4", .size_bytes = 30'000}, {.path = "late.mp4", .size_bytes = 30'000},
             {.path = "again.mp4", .size_bytes = 20'000}, {.path = "Eve/a.jpg", .size_bytes = 900},
             {.path = "Eve/b.jpg", .size_bytes = 950},    {.path = "stays.mp3", .size_bytes = 1'500}};
  using What = Order::What;
  s.orders = {{.what = What::kCancel, .path = "early.mp4", .at = Millis(1'900)},
              {.what = What::kCancel, .path = "Eve/a.jpg", .at = Millis(2'600)},
              {.what = What::kCancel, .path = "again.mp4", .at = Millis(3'200)},
              {.what = What::kAdd, .path = "early.mp4", .at = Millis(5'000)},
              {.what = What::kCancel, .path = "late.mp4", .at = Millis(12'000)},
              {.what = What::kRetry, .path = "again.mp4", .at = Millis(15'000)}};
  auto const ends = [](Expected expected) {
    expected.state = "done|cancelled";
    return expected;
  };
  s.expected = {ends(filmed("early.mp4")),      ends(filmed("late.mp4")), ends(filmed("again.mp4")),
                ends(cast("Eve/a.jpg", "Eve")), cast("Eve/b.jpg", "Eve"), filmed("stays.mp3")};
  s.policy.files_max = 6;
  s.requests_max = 900;
  return s;
}

Scenario vanishing_assets() {
  auto s = main_job();
  s.name = "vanishing_assets";
  using After = Deletion::After;
  s.traits.deletions = {{.nth = 1, .after = After::kMade, .delay = Millis(30)},
                        {.nth = 2, .after = After::kReady, .delay = Millis(20)},
                        {.nth = 3, .after = After::kUsed, .delay = Millis(700)},
                        {.nth = 4, .after = After::kUsed, .delay = Millis(0)},
                        {.nth = 5, .after = After::kReady, .delay = Millis(400)}};
  s.requests_max = 1'000;
  return s;
}

Scenario vanishing_assets_on_an_old_platform() {
  auto s = vanishing_assets();
  s.name = "vanishing_assets_on_an_old_platform";
  s.traits.refuses_metadata = true;
  s.traits.hides_lookup = true;
  return s;
}

Scenario vanishing_places() {
  auto s = main_job();
  s.name = "vanishing_places";
  s.drops.push_back({.path = "Bo/late.jpg", .size_bytes = 1'100, .at = Millis(30'000)});
  s.drops.push_back({.path = "late.mp3", .size_bytes = 1'300, .at = Millis(30'000)});
  s.drops.push_back({.path = "Ada/late.jpg", .size_bytes = 1'500, .at = Millis(90'000)});
  s.expected.push_back(cast("Bo/late.jpg", "Bo"));
  s.expected.push_back(filmed("late.mp3"));
  s.expected.push_back(cast("Ada/late.jpg", "Ada"));
  using What = Deletion::What;
  using After = Deletion::After;
  s.traits.deletions = {{.what = What::kIndexed, .nth = 1, .after = After::kMade, .delay = Millis(300)},
                        {.what = What::kIndex, .nth = 1, .after = After::kUsed, .delay = Millis(25'000)},
                        {.what = What::kCollection, .nth = 1, .after = After::kMade, .delay = Millis(10)},
                        {.what = What::kEntity, .nth = 1, .after = After::kMade, .delay = Millis(500)},
                        {.what = What::kCollection, .nth = 2, .after = After::kUsed, .delay = Millis(60'000)}};
  s.requests_max = 1'200;
  return s;
}

Scenario forgotten_after_72_hours() {
  auto s = main_job();
  s.name = "forgotten_after_72_hours";
  s.drops.pop_back();  // two that wait for one paused group would make turns all the time, for four days
  s.expected.pop_back();
  s.traits.asset_life = std::chrono::hours(72);
  s.traits.indexing_begins = std::chrono::hours(96);
  s.policy.rescan = std::chrono::hours(6);
  s.policy.poll_max = std::chrono::minutes(30);
  s.requests_max = 900;
  s.virtual_max = std::chrono::hours(24 * 8);
  return s;
}

Scenario asset_that_never_stays() {
  Scenario s{.name = "asset_that_never_stays", .policy = usual_policy()};
  s.drops = {{.path = "cursed.mp3", .size_bytes = 1'500}, {.path = "good.mp4", .size_bytes = 9'000}};
  s.expected = {{.path = "cursed.mp3", .state = "failed", .reason = "asset_gone"}, filmed("good.mp4")};
  s.traits.vanishing_name = "cursed.mp3";
  s.requests_max = 600;
  return s;
}

Scenario urls() {
  Scenario s{.name = "urls", .policy = usual_policy()};
  std::string const film = "https://media.sim/day1/film.mp4?Signature=s";
  std::string const twin = "https://media.sim/day2/film.mp4";  // of the same name
  std::string const face = "https://media.sim/Ada/face.jpg?id=7";
  std::string const late = "https://slow.sim/late.mp3";  // gives nothing to whoever tries it first
  for (auto const& url : {film, twin, face})
    s.media.push_back(
        {.url = url.substr(0, url.find('?')), .size_bytes = url.size()});  // as large as SimPlatform has it
  s.drops = {{.path = "whistle.mp3", .size_bytes = 1'777}};
  using What = Order::What;
  s.orders = {{.what = What::kAdd, .path = film, .at = Millis(100)},
              {.what = What::kAdd, .path = twin, .at = Millis(150)},
              {.what = What::kAdd, .path = face, .at = Millis(200)},
              {.what = What::kAdd, .path = film + "&X-Amz-Date=again", .at = Millis(700)},
              {.what = What::kAdd, .path = late, .at = Millis(900)},
              {.what = What::kAdd, .path = film, .at = Millis(60'000)}};
  s.traits.unreachable_host = "slow.sim";
  s.expected = {filmed(film), filmed(twin), cast(face, "Ada"), filmed(late), filmed("whistle.mp3")};
  s.requests_max = 600;
  return s;
}

Scenario urls_on_an_old_platform() {
  auto s = urls();
  s.name = "urls_on_an_old_platform";
  s.traits.refuses_metadata = true;
  s.traits.hides_lookup = true;
  return s;
}

Scenario downloads() {
  Scenario s{.name = "downloads", .policy = usual_policy()};
  auto& policy = s.policy;
  policy.hand.fetch = stage::FetchPolicy::kRelay;
  policy.spool_folder = kSpoolFolder;
  policy.spool_max_bytes = 5 * kMiB;
  policy.fetch_bytes = 2 * kMiB;  // pieces of one block
  policy.limits.multipart_video_bytes = policy.limits.direct_video_bytes = 8 * kMiB;
  s.traits.chunk_bytes = kMiB / 2;
  std::string const film = "https://films.sim/day1/film.mp4", at = "https://cdn.sim/7f/film.mp4";
  std::string const moving = "https://films.sim/live.mp4", face = "https://films.sim/Ada/face.jpg";
  s.media = {{.url = film, .moved_to = at},
             {.url = at, .size_bytes = 3 * kMiB - 777},
             {.url = moving, .size_bytes = 2 * kMiB + 5},
             {.url = face, .size_bytes = 2'345},
             {.url = moving, .size_bytes = 2 * kMiB + 99, .at = Millis(900)}};
  s.drops = {{.path = "whistle.mp3", .size_bytes = 1'777}};
  for (auto const& url : {film + "?Signature=s", moving, face})
    s.orders.push_back({.what = Order::What::kAdd, .path = url, .at = Millis(100)});
  s.expected = {filmed(film + "?Signature=s"), filmed(moving), cast(face, "Ada"), filmed("whistle.mp3")};
  s.requests_max = 900;
  return s;
}

Scenario ends_told() {
  auto s = refused_files();
  s.name = "ends_told";
  add_listeners(s.policy);
  s.orders = {{.what = Order::What::kCancel, .path = "good.mp4", .at = Millis(1'500)},
              {.what = Order::What::kRetry, .path = "good.mp4", .at = Millis(9'000)}};
  return s;
}

Scenario refused_files() {
  Scenario s{.name = "refused_files", .policy = usual_policy()};
  s.drops = {{.path = "empty.mp4", .size_bytes = 0},
             {.path = "huge.mp4", .size_bytes = std::uint64_t{300} << 30},
             {.path = "notes.txt", .size_bytes = 90},
             {.path = "half.mp4.part", .size_bytes = 5'000},
             {.path = "good.mp4", .size_bytes = 9'000}};
  s.expected = {{.path = "empty.mp4", .state = "failed", .reason = "empty_file"},
                {.path = "huge.mp4", .state = "failed", .reason = "too_large"},
                {.path = "notes.txt", .state = "skipped", .reason = "no_pipeline"},
                {.path = "half.mp4.part", .state = "unknown"},
                filmed("good.mp4")};
  s.requests_max = 300;
  return s;
}

Scenario files_put_away() {
  auto s = failing_asset();
  s.name = "files_put_away";
  auto& source = s.policy.sources.front();
  source.after_success = moved_to("/srv/done/{source}/{path}");
  source.after_failure = moved_to("/srv/far/{path}");
  source.receipt = {.where = ReceiptWish::Where::kBeside};
  s.drops.push_back({.path = "good.mp4.md5", .size_bytes = 50});
  s.changes = {{.what = Change::What::kOverwrite, .path = "Di/one.jpg", .bytes = 800, .at = Millis(1'300)}};
  auto const puts = [&](std::size_t n, std::string file, std::string const& note) {
    s.expected[n].note_at = file + note;
    s.expected[n].file_at = std::move(file);
  };
  puts(0, "/srv/far/broken.mp4", ".error.json");
  puts(1, "/srv/done/drop/good.mp4", ".sluice.json");
  puts(2, "/srv/done/drop/Di/one.jpg", ".sluice.json");
  return s;
}

Scenario files_deleted() {
  Scenario s{.name = "files_deleted", .policy = usual_policy()};
  auto& source = s.policy.sources.front();
  source.after_success = {.what = AfterEnd::What::kDelete};
  source.receipt = {.where = ReceiptWish::Where::kFolder, .folder = "/srv/far"};
  s.drops = {{.path = "a/one.mp4", .size_bytes = 9'000}, {.path = "two.mp3", .size_bytes = 900}};
  s.expected = {filmed("a/one.mp4"), filmed("two.mp3")};
  for (auto& expected : s.expected) {
    expected.file_at = "-";
    expected.note_at = "/srv/far/" + expected.path + ".sluice.json";
  }
  return s;
}

Scenario sidecars() {
  Scenario s{.name = "sidecars", .policy = usual_policy()};
  s.policy.sources.front().sidecars = true;
  s.drops = {{.path = "early.mp4", .size_bytes = 9'000, .at = Millis(500)},
             {.path = "broken.mp4", .size_bytes = 20'000, .at = Millis(500)},
             {.path = "late.mp3", .size_bytes = 1'500, .at = Millis(500)},
             {.path = "bare.mp3", .size_bytes = 1'600, .at = Millis(500)}};
  auto const text = [](std::string path, Millis at, std::string says) {
    return Change{.what = Change::What::kText, .path = std::move(path), .at = at, .text = std::move(says)};
  };
  s.changes = {text("early.mp4.json", Millis(100), R"({"metadata": {"reel": "A1", "site": 8}})"),
               text("broken.yaml", Millis(100), "metadata: {reel: B1\n"),
               text("bare.yml", Millis(100), "metadata: {reel: D1, site: 8}\n"),
               text("broken.yaml", Millis(40'000), "metadata: {reel: B1}\n"),
               text("early.mp4.json", Millis(90'000), R"({"metadata": {"reel": "A2", "take": 2}})"),
               text("late.json", Millis(100'000), R"({"metadata": {"reel": "C1"}})"),
               text("early.mp4.json", Millis(100'500), R"({"metadata": {"take": 3}})"),
               {.what = Change::What::kRemove, .path = "bare.yml", .at = Millis(110'000)}};
  s.expected = {filmed("early.mp4"), filmed("broken.mp4"), filmed("late.mp3"), filmed("bare.mp3")};
  s.expected[0].metadata = R"({"reel": null, "take": 3})";
  s.expected[1].metadata = R"({"reel": "B1"})";
  s.expected[2].metadata = R"({"reel": "C1"})";
  s.expected[3].metadata = R"({"reel": null})";
  s.requests_max = 700;
  return s;
}

}  // namespace sluice::sim

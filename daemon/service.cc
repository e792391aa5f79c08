#include "daemon/service.h"

#include <algorithm>
#include <array>
#include <ranges>
#include <utility>

#include "config/load.h"
#include "core/base/text.h"
#include "core/stage/results.h"
#include "daemon/control_api.h"
#include "daemon/desk.h"
#include "daemon/policy.h"
#include "daemon/wire_route.h"

namespace sluice::daemon {
namespace {

constexpr Millis kDrain{10'000};       // chunks in flight get this long, then are left for the next start
constexpr Millis kWatchPause{10'000};  // a root that hangs publishes nothing
constexpr Millis kStatusPause{1'000};
constexpr Millis kWaitingLook{1'000};  // for a request whose folder may come to be taken for stuck
constexpr Millis kSleepMax{10'000};
constexpr Millis kSavePause{5'000};      // between tries to save a journal that has no room
constexpr Millis kStateLook{1'000};      // when something happens; else with the longest sleep
constexpr Millis kKeyLook{5'000};        // while the key is refused
constexpr Millis kSkewSaidFrom{30'000};  // B9
constexpr int kLeftOutShown = 3;
constexpr Millis kSaidFrom{60'000};  // a wait shorter than this is over before it is read

std::vector<WatchThreads::Root> roots_of(stage::Policy const& policy) {
  std::vector<WatchThreads::Root> roots;
  for (auto const& source : policy.sources) roots.push_back({source.root, source.recursive});
  return roots;
}

}  // namespace

Result<std::unique_ptr<Service>> Service::open(config::Config const& config, ApiKey key, ports::Log& log) {
  SLUICE_TRY(route, wire_route_from(config.platform));
  SLUICE_TRY(secrets, read_hook_secrets(config));
  SLUICE_TRY(lock, StateLock::take(config.state_dir));
  SLUICE_TRY(control, ControlServer::open(config.control_socket));
  return std::unique_ptr<Service>(new Service(config, std::move(key), std::move(route), std::move(secrets), log,
                                              std::move(lock), std::move(control)));
}

namespace {

stage::Policy policy_with(config::Config const& config, std::vector<HookSecret> secrets) {
  auto policy = policy_from(config, host_name());
  for (std::size_t i = 0; i < secrets.size(); ++i) policy.hooks[i].secret = std::move(secrets[i]);
  return policy;
}

}  // namespace

Service::Service(config::Config const& config, ApiKey key, WireRoute route, std::vector<HookSecret> secrets,
                 ports::Log& log, StateLock lock, std::unique_ptr<ControlServer> control)
    : config_(config),
      log_(log),
      lock_(std::move(lock)),
      policy_(policy_with(config, std::move(secrets))),
      key_place_(key_source_from(*config.platform.api_key), key),
      control_(std::move(control)),
      engine_(policy_, config.platform.base_url, std::move(key), std::move(route), config.state_dir + "/journal.db",
              log),
      watch_(roots_of(policy_)) {
  started_at_ = engine_.clock().wall();
  if (lock_.made_folder())
    log_.warning("the state directory " + printable(config_.state_dir) + " was not there: it was made, and is empty");
  watch_.start();
}

int Service::run() {
  notify_.ready();
  log_.info("sluiced " SLUICE_VERSION " is ready: " + std::to_string(policy_.sources.size()) + " sources, socket " +
            printable(config_.control_socket));
  while (stops_ < 2 && !drained()) {
    sleep();
    take_signals();
    take_hints();
    serve_requests();
    engine_.step();
    look_for_key(false);
    look_at_state(false);
    tell_systemd();
  }
  notify_.stopping();
  look_at_state(true);
  if (journal_gone_ && !journal_saved_) engine_.save_journal();
  if (journal_gone_) engine_.refuse_without(*journal_gone_);
  if (stops_ < 2) engine_.end_in_peace();  // a second SIGTERM wants no check
  log_.info("sluiced ends; the next start takes up what is left");
  return 0;
}

bool Service::drained() {
  if (!drain_until_) return false;
  auto const boot = engine_.clock().boot();
  if (!engine_.turn().traffic().idle() && boot < *drain_until_) return false;
  if (!journal_gone_ || stops_ > 0) return true;
  if (boot >= next_save_) save_journal();
  return journal_saved_;
}

// While the disk is full the open file without a name is the only journal: it lives as long as this process.
void Service::save_journal() {
  journal_saved_ = engine_.save_journal();
  if (!journal_saved_ && next_save_ == BootTime{})
    log_.error("the state directory is full, and the journal cannot be saved: free space in " +
               printable(config_.state_dir) + ", and do not stop sluiced, which has the only copy");
  next_save_ = engine_.clock().boot() + kSavePause;
  drain_until_ = next_save_;
}

void Service::sleep() {
  auto const boot = engine_.clock().boot();
  auto wake = std::min(boot + kSleepMax, std::max(next_alive_, boot));
  if (drain_until_) wake = std::min(wake, *drain_until_);
  if (!waiting_.empty()) wake = std::min(wake, std::max(next_waiting_look_, boot));
  if (engine_.turn().traffic().key_refused_since()) wake = std::min(wake, std::max(next_key_look_, boot));
  auto at_most = std::max(Millis(0), wake - boot);
  if (auto const control = control_->sleep_at_most()) at_most = std::min(at_most, *control);
  std::array<ExtraFd, 3> fds = {{{.fd = signals_.fd()}, {.fd = watch_.fd()}, {.fd = control_->fd()}}};
  engine_.sleep(fds, at_most);
  signal_came_ = fds[0].readable;
  watch_called_ = fds[1].readable;
  auto const control_left = control_->sleep_at_most();
  control_called_ = fds[2].readable || (control_left && *control_left == Millis(0));
}

void Service::take_signals() {
  if (!signal_came_) return;
  for (auto const asked : signals_.collect()) {
    if (asked == Asked::kReload) reload();
    if (asked == Asked::kWriter) engine_.hint();
    if (asked != Asked::kStop) continue;
    if (++stops_ > 1) continue;
    notify_.stopping();
    log_.info("asked to stop: draining for at most " + to_words(kDrain));
    drain();
  }
}

void Service::drain() {
  engine_.turn().drain();
  if (!drain_until_) drain_until_ = engine_.clock().boot() + kDrain;
}

// Whether the files of the state directory are those that were opened. The lock and the mark are made again; without
// the journal there is no going on.
void Service::look_at_state(bool at_end) {
  auto const boot = engine_.clock().boot();
  if (!at_end && boot < next_state_look_) return;
  next_state_look_ = boot + kStateLook;
  if (lock_.take_back())
    log_.warning("the lock in " + printable(config_.state_dir) + " was removed: it is taken anew; leave it alone");
  if (journal_gone_) return;
  journal_gone_ = engine_.look_at_journal();
  if (!journal_gone_) return;
  journal_gone_since_ = engine_.clock().wall();
  log_.error(printable(journal_gone_->string()) +
             " was removed, moved or exchanged while it was open: nothing new is begun, and sluiced ends when what is "
             "in the air has landed");
  drain();
}

// What may change while it runs; for all else the last configuration stays until a restart.
void Service::reload() {
  look_for_key(true);
  auto const loaded = config::load(config_.file);
  if (!loaded) {
    for (auto const& error : loaded.error()) log_.error("SIGHUP: " + error.to_text());
    return log_.error("SIGHUP: the configuration has errors, so the last one is kept");
  }
  if (loaded->hash == config_hash_) return log_.info("SIGHUP: the configuration is as it was");
  config_hash_ = loaded->hash;
  log_.warning(engine_.set_bandwidth(loaded->transfer.bandwidth)
                   ? "SIGHUP: transfer.bandwidth is read anew; everything else in the configuration by a restart"
                   : "SIGHUP: the configuration changed, and is only read by a restart");
}

// Another key is taken up as soon as the last one is refused, so that a change needs no signal and no restart (B18).
void Service::look_for_key(bool asked) {
  auto const boot = engine_.clock().boot();
  auto const refused = engine_.turn().traffic().key_refused_since().has_value();
  if (!asked && (!refused || boot < next_key_look_)) return;
  next_key_look_ = boot + kKeyLook;
  auto found = key_place_.look();
  if (!found) {
    if (asked) log_.error("the API key cannot be read, so the last one is kept: " + found.error().text);
    return;
  }
  if (!*found) return;
  log_.info("another API key is used from now on");
  engine_.replace_key(*std::move(*found));
}

void Service::take_hints() {
  auto const boot = engine_.clock().boot();
  if (!watch_called_ && boot < next_watch_) return;
  next_watch_ = boot + kWatchPause;
  note_watching();
  auto const dirty = watch_.collect();
  if (dirty.overflow) log_.warning("the kernel dropped file events: whole folders are scanned anew");
  for (auto const& root : dirty.roots) {
    engine_.hint();
    engine_.turn().manifests().look_now(root.root);
    if (root.whole) engine_.turn().discovery().want_root(root.root);
    for (auto const& folder : root.folders) engine_.turn().discovery().want_directory(root.root, folder);
  }
}

// Each change is said once; that a folder is missing is said by the discovery.
void Service::note_watching() {
  for (auto const& source : policy_.sources) {
    auto const sight = watch_.state(source.root);
    auto const silent = sight.silent_for.has_value();
    auto const said = watching_said_.try_emplace(source.name, Coverage::kMissing, false).first;
    auto const was = std::exchange(said->second, {sight.watch.coverage, silent});
    if (was == said->second) continue;
    auto const whose = "source " + printable(source.name) + ": ";
    if (silent)
      log_.warning(whose + printable(source.root) + " does not answer");
    else if (sight.watch.coverage == Coverage::kDegraded || sight.watch.coverage == Coverage::kPollingOnly)
      log_.warning(whose + sight.watch.reason);
    else if (sight.watch.coverage == Coverage::kFull)
      log_.info(whose + "all folders are watched: " + std::to_string(sight.watch.watched));
  }
}

void Service::serve_requests() {
  auto const boot = engine_.clock().boot();
  auto const look_again = !waiting_.empty() && (engine_.answers_came() || boot >= next_waiting_look_);
  if (!control_called_ && !look_again) return;
  control_->run();
  auto requests = std::exchange(waiting_, {});
  for (auto& request : control_->collect()) requests.push_back({.request = std::move(request)});
  if (requests.empty()) return;
  next_waiting_look_ = boot + kWaitingLook;
  if (engine_.full_since())
    answer_without_turn(requests);
  else
    serve_in_turn(requests);
  control_->run();
}

// Answers leave only after the commit that makes them true.
void Service::serve_in_turn(std::vector<Waiting>& requests) {
  std::vector<Served> served;
  auto const status = facts();
  auto const around = engine_.surroundings();
  engine_.step([&](stage::Context& ctx) {
    served.clear();
    for (auto& [request, spots] : requests) {
      Desk desk(&ctx, policy_, engine_.turn().discovery(), status, around, spots);
      served.push_back(serve(request, ctx.journal, desk, ctx.now));
    }
  });
  auto const failed = engine_.full_since().has_value();
  if (failed && served.empty()) return answer_without_turn(requests);  // the turn ended before it came to them
  for (std::size_t i = 0; i < served.size(); ++i) {
    if (served[i].not_yet)
      waiting_.push_back(std::move(requests[i]));
    else
      control_->answer(requests[i].request.id, failed && served[i].after_commit
                                                   ? commit_failed("the state directory is full")
                                                   : std::move(served[i].reply));
  }
}

void Service::answer_without_turn(std::vector<Waiting> const& requests) {
  auto const status = facts();
  auto const around = engine_.surroundings();
  for (auto const& [request, known] : requests) {
    auto spots = known;
    Desk desk(nullptr, policy_, engine_.turn().discovery(), status, around, spots);
    control_->answer(request.id, serve(request, engine_.journal(), desk, engine_.clock().wall()).reply);
  }
}

StatusFacts Service::facts() const {
  StatusFacts facts{.started_at = started_at_,
                    .config_hash = config_.hash,
                    .reasons = {},
                    .sources = {},
                    .results_stuck = {},
                    .uploads = engine_.uploads(),
                    .max_chunks = policy_.chunks_max,
                    .bandwidth = engine_.wire().send_rate()};
  auto const& traffic = engine_.turn().traffic();
  facts.chunks_limit = traffic.concurrency().limit(policy_.chunks_max);
  if (drain_until_) facts.state = "draining";
  if (journal_gone_)
    facts.reasons.push_back(
        {"journal_gone", printable(journal_gone_->string()) + " was removed, moved or exchanged while it was open",
         journal_gone_since_,
         next_save_ == BootTime{}
             ? "sluiced saves the journal beside it and ends; its last line in the log says how to go on"
             : "free space in " + printable(config_.state_dir) +
                   ", so that sluiced can save the journal; do not stop it before, it has the only copy",
         true});
  if (auto const since = traffic.key_refused_since()) {
    facts.state = "paused";
    facts.reasons.push_back({"key_refused", "the platform refuses the API key", since,
                             key_place_.remedy() + "; items wait and lose nothing", true});
  }
  add_outages(facts.reasons);
  if (auto const since = engine_.full_since())
    facts.reasons.push_back({"journal_full", "the state directory is full: nothing new is begun", since,
                             "free space in " + printable(config_.state_dir) + "; it goes on by itself", true});
  add_sources(facts);
  add_acts(facts.reasons);
  if (auto const since = engine_.new_since())
    facts.notices.push_back({"journal_new", "the journal is new: " + std::string(kAllIsNew), since,
                             "nothing, if this is the first start; else " + std::string(kIfThereWasOne), false});
  return facts;
}

// Files that are not where they were to go.
void Service::add_acts(std::vector<HealthReason>& reasons) const {
  for (auto const& [folder, away] : engine_.turn().traffic().away_folders().all())
    reasons.push_back({"folder_away", "folder " + printable(folder) + " is away: " + printable(away.text),
                       away.probe.since(), "mount it; what is to be done there waits, and goes on by itself", false});
  auto const& journal = engine_.journal();
  auto const first = journal.first_refused();
  if (!first) return;
  auto const item = journal.item(first->item_id);
  auto const count = journal.count_refused();
  reasons.push_back({"acts_refused",
                     std::to_string(count) + (count == 1 ? " act was" : " acts were") +
                         " refused after the end of their items; the first: " + std::string(word(first->kind)) +
                         " of " + printable(stage::absolute_path(*item)) + ": " +
                         printable(first->effort.last_error.empty() ? first->reason : first->effort.last_error),
                     std::nullopt, "sluice show " + item->ulid + " says what to do; then sluice retry --failed",
                     false});
}

void Service::add_sources(StatusFacts& facts) const {
  for (auto const& view : engine_.turn().discovery().views()) {
    auto const sight = watch_.state(view.root);
    SourceFacts source{.name = view.name,
                       .up = !view.why_down,
                       .why_down = view.why_down.value_or(""),
                       .mode = sight.watch.coverage == Coverage::kFull ? "inotify" : "poll",
                       .watched = sight.watch.watched,
                       .needed = sight.watch.needed,
                       .overflows = sight.overflows,
                       .last_scan = view.last_scan,
                       .left_out = view.left_out.total,
                       .degraded = {}};
    for (auto const& problem : view.left_out.first | std::views::take(kLeftOutShown))
      source.left_out_first.push_back(problem.text);
    if (!sight.watch.reason.empty()) source.degraded.push_back(sight.watch.reason);
    if (view.why_down)
      facts.reasons.push_back({"source_down", "source " + printable(view.name) + ": " + *view.why_down, view.down_since,
                               "mount or repair the folder; scanning goes on by itself", false});
    else if (sight.silent_for)
      facts.reasons.push_back({"source_silent",
                               "source " + printable(view.name) + ": " + printable(view.root) + " does not answer",
                               engine_.clock().wall() - *sight.silent_for,
                               "check the disk or the mount it is on, unless its tree is very large and looked at for "
                               "the first time; watching goes on by itself",
                               false});
    facts.sources.push_back(std::move(source));
  }
  add_manifests(facts);
}

void Service::add_manifests(StatusFacts& facts) const {
  for (auto const& view : engine_.turn().manifests().views()) {
    auto const sight = watch_.state(view.root);
    SourceFacts source{.name = view.name,
                       .up = !view.why_down,
                       .why_down = view.why_down.value_or(""),
                       .mode = sight.watch.coverage == Coverage::kFull ? "inotify" : "poll",
                       .last_scan = view.last_look,
                       .degraded = {}};
    if (view.too_many)
      source.degraded.push_back("more than " + std::to_string(journal::Journal::kManifestsMax) +
                                " files fit the pattern: the others are not read");
    facts.sources.push_back(std::move(source));
  }
  for (auto const& row : engine_.journal().manifests(""))
    if (auto why = engine_.turn().results().why_stuck(row.id)) facts.results_stuck.emplace(row.id, *std::move(why));
}

void Service::add_outages(std::vector<HealthReason>& reasons) const {
  auto const& traffic = engine_.turn().traffic();
  if (auto const since = traffic.offline_since())
    reasons.push_back({"offline", "the platform cannot be reached: " + traffic.api().text(), since,
                       "check what is said there; it goes on by itself once the platform is reached", false});
  for (auto const& [host, link] : traffic.storage())
    if (auto const since = link.down_since())
      reasons.push_back({"storage_unreachable", "the storage cannot be reached: " + link.text(), since,
                         "it goes on by itself once " + printable(host) + " is reached again", false});
  for (auto const group : budget::kAllGroups)
    if (auto const since = traffic.breaker(group).open_since())
      reasons.push_back({"outage", "calls about " + std::string(name_of(group)) + " fail one after the other", since,
                         "the platform has to mend it; it goes on by itself, and no item is charged", false});
  for (auto const& [name, breaker] : traffic.hooks())
    if (auto const since = breaker.open_since())
      reasons.push_back({"hook_failing", "hook " + printable(name) + " fails for one item after the other", since,
                         "the log says why; it is tried on for a day, and no item waits for it", false});
  add_limits(reasons);
}

// Pauses and limits that are over in a moment are not worth a word.
void Service::add_limits(std::vector<HealthReason>& reasons) const {
  auto const now = engine_.clock().wall();
  auto const ahead = engine_.turn().traffic().clock_offset();
  if (ahead > kSkewSaidFrom || ahead < -kSkewSaidFrom)
    reasons.push_back({"clock_skew",
                       "this host's clock is " + to_words(ahead < Millis(0) ? -ahead : ahead) +
                           (ahead < Millis(0) ? " ahead of" : " behind") + " the platform's",
                       std::nullopt, "set it right (timedatectl); expiries are reckoned by the platform's clock",
                       false});
  auto const around = engine_.surroundings();
  for (auto const& [group, until] : around.paused_until)
    if (until > now + kSaidFrom)
      reasons.push_back({"throttled", "the platform asked for a pause of calls about " + group, std::nullopt,
                         "it goes on by itself at " + to_rfc3339(until) + ", and no item is charged", false});
  for (auto const& [group, reached] : around.reached)
    if (reached.until > now + kSaidFrom)
      reasons.push_back({"rate_limit", "all that rate_limits allows is spent: " + stage::words_of(group, reached),
                         std::nullopt, "it goes on by itself at " + to_rfc3339(reached.until), false});
}

void Service::tell_systemd() {
  auto const boot = engine_.clock().boot();
  if (auto const interval = notify_.watchdog_interval(); interval && boot >= next_alive_) {
    notify_.alive();
    next_alive_ = boot + *interval;
  } else if (!interval) {
    next_alive_ = boot + kSleepMax;
  }
  if (boot < next_status_) return;
  next_status_ = boot + kStatusPause;
  auto const& journal = engine_.journal();
  auto const paused = engine_.turn().traffic().key_refused_since().has_value();
  if (journal.rows_written() == status_rows_ && paused == status_paused_) return;
  status_rows_ = journal.rows_written();
  status_paused_ = paused;
  std::int64_t ended = 0;
  std::int64_t all = 0;
  for (auto const& count : journal.count_by_stage(engine_.clock().wall())) {
    all += count.total;
    if (count.stage >= journal::StageWord::kDone) ended += count.total;
  }
  auto const failed = journal.count_items(journal::ItemState::kFailed);
  auto status = std::to_string(all - ended) + " items under way, " +
                std::to_string(journal.count_items(journal::ItemState::kDone)) + " done, " + std::to_string(failed) +
                " failed";
  if (paused) status = "paused: the platform refuses the API key; " + status;
  if (status == last_status_) return;
  notify_.status(status);
  last_status_ = std::move(status);
}

}  // namespace sluice::daemon

#include "daemon/engine.h"

#include <algorithm>
#include <utility>

#include "core/base/text.h"
#include "core/stage/clock_step.h"

namespace sluice::daemon {
namespace {

constexpr Millis kTurnPause{10};  // between two turns: outcomes gather meanwhile, for one flush and fewer pages
constexpr Millis kRateLook{1'000};
constexpr Millis kNetworkPause{2'000};
constexpr Millis kClockSlewing{60'000};
constexpr Millis kLastCheck{5'000};  // a million items take about so long (measured): more is not worth a slow stop
constexpr Millis kFullPause{5'000};  // durability.md: SQLITE_FULL is retried every 5 s

constexpr std::chrono::hours kNewFor{24};

// A missing journal must be noticed before it is opened, since that would make a new one.
JournalMark checked(JournalMark mark) {
  mark.check_before_open();
  return mark;
}

std::vector<std::string> swept_roots(stage::Policy const& policy) {
  std::vector<std::string> roots;
  for (auto const& source : policy.sources)
    if (source.swept) roots.push_back(source.root);
  return roots;
}

}  // namespace

Engine::Engine(stage::Policy const& policy, std::string const& base_url, ApiKey key, WireRoute route,
               std::filesystem::path const& journal_file, ports::Log& log)
    : workers_(policy.read_ahead_bytes),
      wire_(base_url, std::move(key), "sluice/" SLUICE_VERSION, std::move(route)),
      log_(log),
      place_(journal_file),
      mark_(checked(JournalMark(journal_file))),
      seal_(journal_file),
      journal_(journal_file, {}, seal_.holds() ? journal::Check::kNone : journal::Check::kWhole),
      watch_(journal_file),
      policy_(policy),
      turn_(journal_,
            {.clock = clock_,
             .wire = wire_,
             .files = disks_->files,
             .lanes = lanes_,
             .acts = disks_->acts,
             .reader = workers_,
             .random = random_,
             .log = log,
             .witness = nullptr,
             .results = &disks_->results,
             .spool = &disks_->spool,
             .programs = &disks_->programs},
            policy),
      bandwidth_(policy.bandwidth) {
  disks_->watched.watch(swept_roots(policy));
  begin();
}

// What has to be in the journal before the first turn. Tried again while the disk is full.
bool Engine::begin() {
  begun_ = try_when_not_full([this] {
    if (mark_.adopt(journal_, clock_.wall(), random_))
      log_.warning("a new journal was made in " + printable(place_.file().parent_path().string()) + ": " + kAllIsNew +
                   ". If there was one before, " + kIfThereWasOne);
    stage::take_clock_step(journal_, {.boot_id = ClockLinux::boot_id(), .boot_began = clock_.boot_began()},
                           clock_.wall(), log_);
  });
  if (begun_) note_progress();
  return begun_;
}

void Engine::end_in_peace() {
  journal_.close();
  auto const until = clock_.boot() + kLastCheck;
  if (!seal_.put([&] { return clock_.boot() >= until; }))
    log_.info("the journal is not sealed: the next start checks it whole");
}

std::optional<WallTime> Engine::new_since() const {
  auto const made = journal_.meta(kMadeAtKey);
  if (!made || journal_.count_items(journal::ItemState::kDone) > 0) return std::nullopt;
  auto const at = from_unix_ms(std::stoll(*made));
  if (clock_.wall() > at + kNewFor) return std::nullopt;
  return at;
}

std::optional<std::filesystem::path> Engine::look_at_journal() {
  auto const gone = watch_.gone();
  if (gone || !begun_) return gone;
  try {
    if (mark_.put_back())
      log_.warning(printable(mark_.file().string()) + " was removed or exchanged: it is made anew; leave it alone");
  } catch (journal::JournalError const& error) {
    if (!mark_failed_) log_.warning(error.what());
    mark_failed_ = true;
  }
  return gone;
}

bool Engine::save_journal() {
  try {
    auto const copy = place_.free_name(".saved-", clock_.wall());
    journal_.copy_to(copy);
    saved_ = copy;
    if (begun_) mark_.put_back();
  } catch (journal::JournalError const& error) {
    unsaved_ = error.what();
    return !saved_.empty() || error.kind() != journal::JournalError::Kind::kFull;
  }
  return true;
}

void Engine::refuse_without(std::filesystem::path const& gone) const {
  auto const shown = printable(place_.file().string());
  auto text = "the journal was taken away from the running daemon: " + printable(gone.string()) +
              " was removed, moved or exchanged, so nothing more is begun. ";
  if (!saved_.empty())
    text += "All that it held is saved: move " + shown + "* away, if there is any, but not the copy; then: mv " +
            printable(saved_.string()) + " " + shown + "; then: systemctl start sluiced. Leave journal.id as it is";
  else
    text += "It could not be saved: " + unsaved_ + ". Put the newest copy back, or run: sluice journal rebuild, so " +
            "that nothing complete is sent again";
  throw journal::JournalError(journal::JournalError::Kind::kIo, text);
}

// After a commit, so the mark is never ahead of the journal.
void Engine::note_progress() {
  if (mark_.note(journal_.last_event()) || mark_failed_) return;
  mark_failed_ = true;
  log_.warning("the mark beside the journal cannot be written: an older copy of the journal would not be noticed");
}

// Returns false when the journal had no space for it; then none of it happened.
bool Engine::try_when_not_full(std::function<void()> const& work) {
  try {
    work();
    full_since_.reset();
    return true;
  } catch (journal::JournalError const& error) {
    if (error.kind() != journal::JournalError::Kind::kFull) throw;
    if (!full_since_) full_since_ = clock_.wall();
    retry_full_at_ = clock_.boot() + kFullPause;
    changed_ = true;
    return false;
  }
}

bool Engine::has_work() {
  return changed_ || hinted_ || wire_.outcomes() > 0 || (next_due_ && *next_due_ <= clock_.wall());
}

// Outcomes gather for a while, so that one commit settles many. But while most of what was in the air waits to be
// settled, the wire would stand idle: then only the disk is a reason to wait.
BootTime Engine::turn_at() const {
  auto const most_landed = wire_.outcomes() >= wire_.in_air() && wire_.outcomes() > 0;
  auto const rest = wire_.in_air() > 0 ? 2 * turn_.commit_took() : Millis(0);  // it is the payload's
  auto const at = turn_ended_ + std::max(rest, most_landed ? Millis(0) : kTurnPause);
  return std::max(at, full_since_ ? retry_full_at_ : BootTime{});
}

void Engine::sleep(std::span<ExtraFd> fds, Millis at_most) {
  auto timeout = at_most;
  if (has_work())
    timeout = std::min(timeout, turn_at() - clock_.boot());
  else if (next_due_)
    timeout = std::min(timeout, std::max(Millis(1), *next_due_ - clock_.wall()));
  if (network_changed_ && lost_ > 0) timeout = std::min(timeout, network_told_ + kNetworkPause - clock_.boot());
  std::vector<ExtraFd> all(fds.begin(), fds.end());
  all.push_back({.fd = lanes_.fd()});
  all.push_back({.fd = network_.fd()});
  keep_bandwidth();
  wire_.wait(all, std::max(timeout, Millis(0)));
  std::copy_n(all.begin(), fds.size(), fds.begin());
  wire_.pump();
  answers_came_ = all[fds.size()].readable;
  if (answers_came_) lanes_.heard();  // or poll() would not sleep before the next turn
  hinted_ = hinted_ || answers_came_;
  if (all.back().readable) network_changed_ = network_.collect() || network_changed_;
  note_network();
}

// A change of the host's network is a reason to try lost hosts at once, but a storm of changes is no reason for a storm
// of tries. Without a lost host nothing follows from it: what breaks will be noticed by its stall.
void Engine::note_network() {
  if (!network_changed_) return;
  if (lost_ > 0 && clock_.boot() < network_told_ + kNetworkPause) return;
  network_changed_ = false;
  if (lost_ == 0) return;
  network_told_ = clock_.boot();
  wire_.forget_ways();
  turn_.traffic().network_changed(clock_.wall());
  hinted_ = true;
}

void Engine::replace_key(ApiKey key) {
  wire_.set_key(std::move(key));
  turn_.traffic().key_replaced(clock_.wall());
  hinted_ = true;
}

// A probe may be a whole file on its way for long. Its first bytes show that the host is reached: calls to lost hosts
// take connections of their own (forget_ways).
void Engine::note_probes() {
  if (lost_ == 0) return;
  for (auto const& [ticket, host] : turn_.traffic().probes_of_lost_hosts()) {
    if (wire_.progress_bytes(ticket) == 0) continue;
    turn_.traffic().reached(host);
    log_.info((host.empty() ? "the platform" : "the storage " + host) + " can be reached again");
    hinted_ = true;
  }
}

// Said once for each time that it was set; what is shown follows with the next start.
void Engine::note_clock() {
  auto const ahead = clock_.host_is_ahead();
  auto const set_by = ahead - host_ahead_;
  if (set_by < kClockSlewing && set_by > -kClockSlewing) return;
  host_ahead_ = ahead;
  log_.warning(
      "the host's clock was set " + std::string(set_by < Millis(0) ? "back" : "forward") + " by " +
      to_words(set_by < Millis(0) ? -set_by : set_by) +
      ": nothing waits longer or shorter for it, but times are shown by the clock of the start until a restart");
}

bool Engine::set_bandwidth(std::vector<BandwidthRule> rules) {
  if (rules == bandwidth_) return false;
  bandwidth_ = std::move(rules);
  next_rate_look_ = {};
  return true;
}

// By the host's clock on the wall, which is what a timetable means.
void Engine::keep_bandwidth() {
  auto const boot = clock_.boot();
  if (boot < next_rate_look_) return;
  next_rate_look_ = boot + kRateLook;
  auto const local = ClockLinux::local();
  auto const rate = rate_at(bandwidth_, local.day, local.minute);
  if (rate == wire_.send_rate()) return;
  wire_.set_send_rate(rate);
  turn_.traffic().concurrency().begin_anew();
  log_.info(rate ? "transfer.bandwidth: uploads send at most " + to_words_bytes(*rate) + " a second"
                 : "transfer.bandwidth: uploads send as fast as they can");
}

bool Engine::step(std::function<void(stage::Context&)> const& orders) {
  auto const begun = clock_.boot();
  if (!orders && (begun < turn_at() || !has_work())) return false;
  if (full_since_ && begun < retry_full_at_) return false;
  if (!begun_ && !begin()) return false;
  note_probes();
  hinted_ = false;
  auto const done = try_when_not_full([&] {
    changed_ = turn_.run(orders);
    note_progress();
  });
  if (!done) return false;
  wire_.pump();
  turn_ended_ = clock_.boot();
  next_due_ = turn_.next_due();
  note_clock();
  auto const lost = turn_.traffic().lost_hosts();
  if (lost > lost_) wire_.forget_ways();  // what idles leads nowhere, too
  lost_ = lost;
  return changed_;
}

stage::Surroundings Engine::surroundings() const {
  auto const now = clock_.wall();
  auto const& traffic = turn_.traffic();
  stage::Surroundings around{.key_refused_since = traffic.key_refused_since(),
                             .offline_since = traffic.offline_since(),
                             .offline_text = traffic.api().text(),
                             .storage_lost_since = {},
                             .storage_text = {},
                             .failing_since = {},
                             .paused_until = {},
                             .calls_per_second = {},
                             .reached = {},
                             .files_under_way = 0,
                             .sessions_under_way = 0,
                             .max_files = policy_.files_max,
                             .bandwidth = wire_.send_rate()};
  for (auto const group : budget::kAllGroups) {
    if (auto const until = traffic.paused_until(group, now)) around.paused_until.emplace(name_of(group), *until);
    if (auto const rate = traffic.calls_per_second(group, now)) around.calls_per_second.emplace(name_of(group), *rate);
    if (auto const reached = traffic.exhausted(group, now))
      around.reached.emplace(name_of(group), stage::ReachedLimit{reached->of, reached->limit, reached->until});
  }
  for (auto const group : budget::kAllGroups)
    if (auto const since = traffic.breaker(group).open_since()) around.failing_since.emplace(name_of(group), *since);
  for (auto const& [host, link] : traffic.storage()) {
    if (!link.down_since()) continue;
    around.storage_lost_since = link.down_since();
    around.storage_text = link.text();
  }
  for (auto const state : {journal::ItemState::kOpening, journal::ItemState::kOpened})
    around.sessions_under_way += static_cast<std::uint32_t>(journal_.count_items(state));
  around.files_under_way =
      around.sessions_under_way + static_cast<std::uint32_t>(journal_.count_items(journal::ItemState::kSending));
  return around;
}

std::map<journal::RowId, UploadProgress> Engine::uploads() const {
  std::map<journal::RowId, UploadProgress> all;
  for (auto const errand : {budget::Errand::kPutChunk, budget::Errand::kSendDirect})
    for (auto const& [ticket, flight] : turn_.traffic().flights(errand)) {
      auto& progress = all[flight.item];
      progress.bytes_in_air += wire_.progress_bytes(ticket);
      progress.calls_in_air += 1;
    }
  return all;
}

}  // namespace sluice::daemon

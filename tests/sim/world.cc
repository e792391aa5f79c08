#include "tests/sim/world.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/journal/sqlite.h"
#include "core/stage/orders.h"
#include "tests/sim/oracle.h"
#include "tests/sim/watch.h"

namespace sluice::sim {

using journal::ItemState;
using journal::Journal;
using journal::JournalError;

namespace {

constexpr Millis kTurnPause{5};               // two turns follow each other no sooner, as in the daemon's loop
constexpr Millis kFullPause{5'000};           // as in the daemon: a full disk is tried again every 5 s
constexpr Millis kDrainMax{30'000};           // a SIGTERM's patience
constexpr std::int64_t kMomentsOfALife = 80;  // a later life dies before so many moments
constexpr std::size_t kViolationsMax = 20;
constexpr std::uint64_t kNear = 8;  // moments
constexpr int kRetriesMax = 5;      // so often a person retries what failed, once all is calm
constexpr std::uint32_t kProgramTroublesMax = 4;
constexpr char kJournalFile[] = "journal.db";

// What was sent may leave its folder; all else may only for the place of what failed.
bool is_for_failures(stage::SourcePolicy const& source, std::string const& folder) {
  return source.after_failure.what == AfterEnd::What::kMove && target_folder(source.after_failure.move_to) == folder;
}

// The files of an empty journal, made once per process by production's own migrations.
SimDisk::Image const& empty_journal(bool large_pages) {
  static auto const make = [](int page_bytes) {
    SimDisk disk(0, {});
    {
      journal::Database database(kJournalFile, disk.vfs_name());
      database.run("PRAGMA page_size = " + std::to_string(page_bytes) + "; CREATE TABLE t (a); DROP TABLE t");
    }
    { Journal const journal(kJournalFile, disk.vfs_name()); }
    return disk.image();
  };
  static auto const kSmall = make(1024), kLarge = make(4096);
  return large_pages ? kLarge : kSmall;
}

}  // namespace

// Counts the moments of a life and ends it at one of them.
class World::Witness final : public ports::Witness {
 public:
  Witness(World& world, Journal const& journal, std::uint64_t ends_at)
      : world_(world), journal_(journal), ends_at_(ends_at) {}

  void reached(ports::Moment moment) override {
    static constexpr char const* kNames[] = {"kill.on_receipt", "kill.before_commit", "kill.after_commit",
                                             "kill.after_send", "kill.at_file"};
    if (moment == ports::Moment::kAfterCommit) ++world_.commits_;
    if (power_is_near()) remember(moment);
    if (!is_last()) return;
    world_.count(kNames[static_cast<std::size_t>(moment)]);
    world_.disk_.freeze();
    throw Crash{};
  }

  // Asked by the disk in the middle of a commit, where nothing can be read and nothing be thrown.
  bool dies_before_sync() {
    if (!is_last()) return false;
    world_.count("kill.before_sync");
    return true;
  }

 private:
  // For compare(), after the power is back. To read all rows costs much, so only when the end is near.
  bool power_is_near() const {
    if (ends_at_ != 0 && world_.options_.power) return count_ < ends_at_ && ends_at_ - count_ <= kNear;
    return death_is_near() && world_.options_.deaths[world_.deaths_done_].power;
  }
  void remember(ports::Moment moment) {
    if (moment == ports::Moment::kBeforeCommit) {
      world_.uncommitted_ = all_facts(journal_);
    } else if (!journal_.in_transaction()) {  // file work may be done amid one
      world_.committed_ = all_facts(journal_);
      world_.uncommitted_.clear();
    }
  }

  bool death_is_near() const {
    auto const& deaths = world_.options_.deaths;
    return world_.deaths_done_ < deaths.size() && world_.virtual_time() >= deaths[world_.deaths_done_].at;
  }

  bool is_last() {
    ++count_;
    if (world_.lives_ == 1) world_.moments_ = count_;
    if (world_.lives_ == 2) world_.moments_of_second_ = count_;
    if (count_ == ends_at_) {
      world_.power_goes_ = world_.options_.power;
      return true;
    }
    if (!death_is_near() || ++near_ < world_.options_.deaths[world_.deaths_done_].nth) return false;
    world_.power_goes_ = world_.options_.deaths[world_.deaths_done_].power;
    return true;
  }

  World& world_;
  Journal const& journal_;
  std::uint64_t ends_at_;
  std::uint64_t count_ = 0, near_ = 0;
};

World::World(Scenario scenario, RunOptions options)
    : scenario_(std::move(scenario)),
      options_(std::move(options)),
      disk_(options_.seed, empty_journal(options_.large_pages)),
      files_(clock_, options_.seed),
      lanes_(clock_, options_.seed),
      acts_(files_, scenario_.first_source().root),
      results_(files_, clock_, options_.seed),
      listeners_(options_.seed),
      platform_(options_.seed, scenario_.traits),
      wire_({platform_, hosts_, listeners_}, clock_, log_, options_.mishaps, options_.seed),
      dice_(options_.seed, 4) {
  files_.mount(kSpoolFolder, spool_);
  for (auto const* const policy : {&scenario_.policy, scenario_.next_policy ? &*scenario_.next_policy : nullptr}) {
    if (policy == nullptr) continue;
    for (auto const& source : policy->sources)
      if (source.root != scenario_.first_source().root) files_.add_root(source.root);
  }
}

World::~World() = default;

// The second phase begins: from here on nothing goes wrong.
void World::calm_down() {
  if (calm_ || rough()) return;
  calm_ = true;
  if (options_.rough_until == Millis(0)) return;  // then rules and dice have an end of their own
  disk_.heal();
  files_.heal();
  lanes_.heal();
  listeners_.heal();
  results_.heal();
  options_.mishaps.end();
}

// But for those that nobody takes any more, and that say so.
bool World::all_items_ended(Journal const& journal) const {
  for (auto state = ItemState::kStable; !is_end(state); state = static_cast<ItemState>(static_cast<int>(state) + 1))
    if (journal.count_items(state) != 0) return false;
  if (journal.count_items(ItemState::kSeen) == 0) return true;
  return std::ranges::all_of(journal.items_in(ItemState::kSeen, 1'000), [this](auto const& item) {
    return item.reason == "source_removed" && scenario_.policy.source(item.source) == nullptr;
  });
}

bool World::is_over(stage::Turn const& turn, Journal const& journal) const {
  if (broken_since_ && !mended_) return false;
  if (!calm_ || drops_done_ < scenario_.drops.size() || changes_done_ < scenario_.changes.size()) return false;
  if (orders_done_ < scenario_.orders.size() || media_done_ < scenario_.media.size()) return false;
  if (!turn.traffic().idle()) return false;
  if (std::ranges::any_of(scenario_.away,
                          [&](Away const& away) { return comes_back(away) && away.until > virtual_time(); }))
    return false;
  if (!journal.manifests_waiting().empty() || !journal.manifests_open().empty()) return false;
  if (scenario_.next_policy || !all_items_ended(journal)) return false;
  auto const open = journal.count_acts(journal::ActState::kWanted) + journal.count_acts(journal::ActState::kActing);
  return open == 0 || judge_waiting(files_, journal).empty();
}

// What failed in rough weather is retried by a person, as the product says; what must fail stays.
bool World::retry_failed(stage::Turn& turn, Journal const& journal) {
  if (!scenario_.retries || journal.count_items(ItemState::kFailed) == 0 || ++retries_ > kRetriesMax) return false;
  auto any = false;
  turn.run([&](stage::Context& ctx) {
    for (auto const& item : journal.list_items({.stage = std::nullopt, .state = ItemState::kFailed})) {
      auto const expected = std::ranges::find(scenario_.expected, item.path, &Expected::path);
      if (expected != scenario_.expected.end() && is_among(item.reason, expected->reason)) continue;
      any = stage::retry_order(ctx, item.id).has_value() || move_back(journal, item) || any;
    }
  });
  if (any) count("person.retry_failed");
  return any;
}

void World::let_time_pass(stage::Turn& turn) {
  auto next = turn.next_due();
  auto const take = [&](std::optional<WallTime> at) {
    if (at && (!next || *at < *next)) next = at;
  };
  auto const take_since = [&](auto const& list, std::size_t done, auto const& at) {
    if (done < list.size()) take(kBeginning + at(list[done]));
  };
  take(wire_.next_outcome());
  take(lanes_.next_outcome());
  take_since(scenario_.drops, drops_done_, [](auto const& drop) { return drop.at; });
  take_since(scenario_.changes, changes_done_, [](auto const& change) { return change.at; });
  take_since(scenario_.media, media_done_, [](auto const& medium) { return medium.at; });
  take_since(scenario_.orders, orders_done_, [](auto const& order) { return order.at; });
  if (scenario_.next_policy) take(kBeginning + scenario_.restart_at);
  take_since(options_.spans, spans_done_,
             [this](auto const& span) { return span.from <= virtual_time() ? span.until : span.from; });
  for (auto const& away : scenario_.away)
    for (auto const at : {away.from, away.until})
      if (at > virtual_time() && at != Millis::max()) take(kBeginning + at);
  if (!next) {
    violations_.push_back("nothing is due, nothing is in the air: it would wait for ever");
    next = clock_.now() + scenario_.virtual_max;
  }
  clock_.advance_to(std::max(*next, clock_.now() + kTurnPause));
}

bool World::out_of_bounds() {
  auto const complain = [&](std::string const& what) {
    violations_.push_back(what);
    return true;
  };
  if (virtual_time() > options_.rough_until + scenario_.virtual_max)
    return complain("it is not done after " + to_words(options_.rough_until + scenario_.virtual_max));
  if (turns_ > scenario_.turns_max)
    return complain("it is not done after " + std::to_string(scenario_.turns_max) + " turns");
  if (violations_.size() > kViolationsMax) return complain("and so on");
  return false;
}

// --- a life

// Returns whether anything changed. A full disk is the one journal error that the daemon lives with.
bool World::run_turn(stage::Turn& turn) {
  ++turns_;
  auto const ordered = static_cast<std::size_t>(
      std::ranges::count_if(scenario_.orders, [this](auto const& order) { return order.at <= virtual_time(); }));
  try {
    auto const orders = [this](stage::Context& ctx) { give_orders(ctx); };
    auto const changed = ordered > orders_done_ ? turn.run(orders) : turn.run();
    orders_done_ = ordered;
    full_since_.reset();
    return changed;
  } catch (JournalError const& error) {
    if (disk_.frozen()) throw Crash{};
    if (error.kind() != JournalError::Kind::kFull) throw;
    count("process.disk_full");
    if (!full_since_) full_since_ = clock_.now();
    clock_.advance_to(clock_.now() + kFullPause);
    longest_full_ = std::max(longest_full_, clock_.now() - *full_since_);
    return true;
  }
}

// Returns when the work is done, or when there is no hope that it ever will be.
World::End World::turn_until_done(stage::Turn& turn, Journal& journal) {
  while (!out_of_bounds()) {
    calm_down();
    pass_spans();
    mend();
    wire_.run_until_now();
    move_folders();
    change_files(&turn);
    change_media();
    auto const is_planned =
        restarts_done_ < options_.restarts.size() && options_.restarts[restarts_done_] <= virtual_time();
    restarts_done_ += is_planned ? 1 : 0;
    if (is_planned || (scenario_.next_policy && scenario_.restart_at <= virtual_time())) return drained(turn);
    auto const changed = run_turn(turn);
    if (!is_over(turn, journal))
      over_since_.reset();
    else if (!over_since_)
      over_since_ = clock_.now();
    // Two rescans and a half: what is over must stay over.
    auto const sweeping = turn.discovery().at_work();  // a large folder takes several turns, each time
    if (over_since_ && !sweeping && clock_.now() - *over_since_ >= scenario_.policy.rescan * 5 / 2) {
      if (!retry_failed(turn, journal)) return End::kDone;
      over_since_.reset();
    }
    if (changed)
      clock_.advance_to(clock_.now() + kTurnPause);
    else
      let_time_pass(turn);
  }
  return End::kDone;
}

// SIGTERM: what is in the air may land, for a while; nothing new starts.
World::End World::drained(stage::Turn& turn) {
  count("process.drained");
  turn.drain();
  auto const until = clock_.now() + kDrainMax;
  while (!turn.traffic().idle() && clock_.now() < until) {
    wire_.run_until_now();
    if (!run_turn(turn)) clock_.advance_to(std::min(wire_.next_outcome().value_or(until), until));
    clock_.advance_to(clock_.now() + kTurnPause);
  }
  return End::kRestart;
}

std::uint64_t World::moment_of_death() {
  ++lives_;
  if (lives_ == 1 && options_.crash_at != 0) return options_.crash_at;
  if (lives_ == 2 && options_.second_crash_at != 0) return options_.second_crash_at;
  if (options_.more_crashes == 0) return 0;
  options_.more_crashes -= 1;
  return static_cast<std::uint64_t>(dice_.between(1, (lives_ == 1 ? 3 : 1) * kMomentsOfALife));
}

// durability.md: any error but a full disk ends the daemon with exit 10 and a message that names the file.
void World::told_to_exit(JournalError const& error) {
  ++exits_;
  count("process.exit_10");
  log_.tell(std::string("!! exit 10: ") + error.what());
  if (std::string_view(error.what()).find(kJournalFile) == std::string_view::npos)
    violations_.push_back(std::string("a journal error does not name its file: ") + error.what());
  if (error.kind() == JournalError::Kind::kDamaged)
    violations_.push_back(std::string("the journal is damaged: ") + error.what());
}

// What was committed when the power went must be there; of a transaction that was under way, all or nothing.
void World::compare(Journal const& journal) {
  auto const before = std::exchange(committed_, {}), after = std::exchange(uncommitted_, {});
  if (before.empty()) return;
  auto const now = all_facts(journal);
  if (now != before && now != after)
    violations_.push_back("the power cut took a committed row: was\n" + before + "is\n" + now);
}

// A fault for good ends when a person has seen to it, some time after it was first felt.
void World::mend() {
  if (options_.repaired_after == Millis(0)) return;
  if (disk_.fired().empty() && files_.fired().empty()) return;
  if (!broken_since_) broken_since_ = clock_.now();
  if (mended_ || clock_.now() - *broken_since_ < options_.repaired_after) return;
  mended_ = true;
  disk_.heal();
  files_.heal();
}

World::End World::live_once() {
  auto const ends_at = moment_of_death();
  std::optional<Witness> witness;
  try {
    Journal journal(kJournalFile, disk_.vfs_name());
    witness.emplace(*this, journal, ends_at);
    disk_.ask_before_sync([&] { return witness->dies_before_sync(); });
    compare(journal);
    auto const at_file = [&] { witness->reached(ports::Moment::kAtFile); };
    acts_.on_change(at_file);
    spool_.on_change(at_file);
    results_.on_change(at_file);
    listeners_.on_work(at_file);
    if (lives_ > 1) protect_stored(journal, platform_);
    SimRandom random(options_.seed, 100 + lives_);
    stage::Turn turn(journal,
                     {.clock = clock_,
                      .wire = wire_,
                      .files = files_,
                      .lanes = lanes_,
                      .acts = acts_,
                      .reader = reader_,
                      .random = random,
                      .log = log_,
                      .witness = &*witness,
                      .results = &results_,
                      .spool = &spool_,
                      .programs = &listeners_},
                     scenario_.policy);
    wire_.watch_departures([&](Ask ask, std::size_t waiting) {
      if (!intents_are_on_disk(journal, ask, waiting))
        violations_.push_back(std::string(name_of(ask)) + " left and its intent is not on disk");
    });
    move_folders();
    change_files(nullptr);
    auto const end = turn_until_done(turn, journal);
    if (end != End::kDone) return end;
    if (options_.before_judgement) options_.before_judgement(journal, files_);
    Seen const seen{files_, hosts_, platform_};
    for (auto& broken : judge(scenario_, seen, journal, longest_full_)) violations_.push_back(std::move(broken));
    for (auto& broken : judge_manifests(scenario_, seen, journal)) violations_.push_back(std::move(broken));
    for (auto& broken : judge_acts(scenario_, files_, acts_, journal)) violations_.push_back(std::move(broken));
    for (auto& broken : judge_waiting(files_, journal)) violations_.push_back(std::move(broken));
    for (auto& broken : judge_spool(spool_, journal)) violations_.push_back(std::move(broken));
    for (auto& broken : judge_told(scenario_, listeners_, journal)) violations_.push_back(std::move(broken));
    return end;
  } catch (Crash const&) {
    return End::kDied;
  } catch (JournalError const& error) {
    if (!disk_.frozen()) told_to_exit(error);
    return End::kDied;
  }
}

// Between two lives: the disk is what it is, and time passes.
void World::next_life(bool died) {
  disk_.ask_before_sync({});
  acts_.on_change({});
  spool_.on_change({});
  results_.on_change({});
  listeners_.on_work({});
  listeners_.new_life();
  wire_.watch_departures({});
  wire_.crash(options_.aftermath);
  lanes_.crash();
  if (died && disk_.frozen()) {
    ++crashes_;
    log_.tell(power_goes_ ? "!! power cut" : "!! killed");
  }
  if (power_goes_) {
    ++power_cuts_;
    disk_.cut_power();
    results_.cut_power();
  }
  power_goes_ = false;
  disk_.thaw();
  auto downtime = dice_.between(Millis(0), options_.downtime_max);
  if (deaths_done_ < options_.deaths.size() && options_.deaths[deaths_done_].at <= virtual_time())
    downtime = options_.deaths[deaths_done_++].downtime;
  clock_.advance_to(clock_.now() + downtime);
  wire_.run_until_now();
  mend();
  if (died) change_while_dead();
  reconfigure();
  if (!options_.while_dead) return;
  Journal journal(kJournalFile, disk_.vfs_name());
  protect_stored(journal, platform_);
  options_.while_dead(journal);
}

std::vector<std::string> World::run() {
  disk_.fail_by_dice(options_.disk_trouble);
  acts_.judged_by([&](Content const& content, std::string const& folder) {
    return is_for_failures(scenario_.first_source(), folder) || platform_.has(content.sha256_hex());
  });
  lanes_.be_slow(options_.file_delay_max, options_.file_hangs);
  files_.fail_by_dice(options_.file_trouble, options_.file_troubles_max);
  listeners_.fail_by_dice(options_.program_trouble, kProgramTroublesMax);
  results_.be_full(options_.results_full);
  if (options_.prepare) options_.prepare(disk_, files_);
  for (auto end = live_once(); end != End::kDone && !out_of_bounds(); end = live_once()) {
    next_life(end == End::kDied);
    calm_down();
  }
  for (auto const& complaint : listeners_.complaints()) violations_.push_back("a listener complains: " + complaint);
  for (auto const& complaint : acts_.complaints()) violations_.push_back("the files complain: " + complaint);
  for (auto const& complaint : platform_.complaints()) violations_.push_back("the platform complains: " + complaint);
  for (auto const& complaint : wire_.complaints()) violations_.push_back("the wire complains: " + complaint);
  if (wire_.requests() > scenario_.requests_max)
    violations_.push_back(std::to_string(wire_.requests()) + " requests, more than " +
                          std::to_string(scenario_.requests_max));
  return violations_;
}

std::map<std::string, std::uint64_t> World::fired() const {
  auto all = fired_;
  for (auto const& [name, times] : options_.mishaps.fired()) all[name] += times;
  for (auto const& [name, times] : disk_.fired()) all[std::string(name)] += times;
  for (auto const& [name, times] : files_.fired()) all[std::string(name)] += times;
  for (auto const& [name, times] : lanes_.fired()) all[std::string(name)] += times;
  for (auto const& [name, times] : platform_.fired()) all[std::string(name)] += times;
  for (auto const& [name, times] : hosts_.fired()) all[name] += times;
  for (auto const& [name, times] : listeners_.fired()) all[name] += times;
  for (auto const& [name, times] : results_.fired()) all[std::string(name)] += times;
  return all;
}

}  // namespace sluice::sim

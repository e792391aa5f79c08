#include "tests/sim/world.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "tests/sim/oracle.h"

namespace sluice::sim {

using journal::ItemState;
using journal::Journal;

namespace {

constexpr Millis kTurnPause{5};               // two turns follow each other no sooner, as in the daemon's loop
constexpr Millis kStaysOver{150'000};         // two rescans and a half: what is over must stay over
constexpr std::int64_t kMomentsOfALife = 80;  // a later life dies before so many moments
constexpr std::size_t kViolationsMax = 20;

// A fresh folder in memory where there is one: thousands of journals are made and synced.
std::filesystem::path fresh_folder() {
  auto const base =
      std::filesystem::exists("/dev/shm") ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path();
  static int counter = 0;
  auto folder = base / ("sluice-sim-" + std::to_string(::getpid()) + "-" + std::to_string(++counter));
  std::filesystem::create_directories(folder);
  return folder;
}

void copy_if_there(std::filesystem::path const& from, std::filesystem::path const& to) {
  if (std::filesystem::exists(from)) std::filesystem::copy_file(from, to);
}

std::filesystem::path log_of(std::filesystem::path file) { return file += "-wal"; }

Content content_of(std::uint64_t seed, std::string const& path, std::size_t version, std::uint64_t size_bytes) {
  auto hash = mixed(seed ^ (version * 0x5851f42d4c957f2d));
  for (char const c : path) hash = mixed(hash ^ static_cast<unsigned char>(c));
  return {.seed = hash, .size_bytes = size_bytes};
}

}  // namespace

// Counts the moments of a life and ends it at one of them. The files are copied first: what the
// dying objects do afterwards, a killed process would not have done.
class World::Witness final : public ports::Witness {
 public:
  Witness(World& world, std::uint64_t ends_at) : world_(world), ends_at_(ends_at) {}

  void reached(ports::Moment moment) override {
    ++count_;
    if (world_.lives_ == 1) world_.moments_ = count_;
    if (count_ != ends_at_) return;
    auto const next = world_.folder_ / ("journal-" + std::to_string(world_.lives_) + ".db");
    copy_if_there(world_.journal_file_, next);
    copy_if_there(log_of(world_.journal_file_), log_of(next));
    world_.journal_file_ = next;
    throw Crash{moment};
  }

 private:
  World& world_;
  std::uint64_t ends_at_;
  std::uint64_t count_ = 0;
};

World::World(Scenario scenario, RunOptions options)
    : scenario_(std::move(scenario)),
      options_(std::move(options)),
      platform_(options_.seed, scenario_.traits),
      wire_(platform_, clock_, log_, options_.mishaps, options_.seed),
      dice_(options_.seed, 4),
      folder_(fresh_folder()),
      journal_file_(folder_ / "journal.db") {}

World::~World() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string World::how_to_repeat() const {
  auto text = "scenario " + scenario_.name + ": SLUICE_SEED=" + std::to_string(options_.seed);
  if (options_.crash_at != 0) text += " SLUICE_CRASH_AT=" + std::to_string(options_.crash_at);
  return text + " repeats it (" + std::to_string(crashes_) + " crashes, " + std::to_string(wire_.requests()) +
         " requests)";
}

void World::change_files() {
  auto const since = clock_.now() - kBeginning;
  for (; drops_done_ < scenario_.drops.size() && scenario_.drops[drops_done_].at <= since; ++drops_done_) {
    auto const& drop = scenario_.drops[drops_done_];
    files_.create(drop.path, content_of(options_.seed, drop.path, 0, drop.size_bytes));
  }
  for (; changes_done_ < scenario_.changes.size() && scenario_.changes[changes_done_].at <= since; ++changes_done_) {
    auto const& change = scenario_.changes[changes_done_];
    auto const content = content_of(options_.seed, change.path, changes_done_ + 1, change.bytes);
    log_.tell("== " + change.path + " changes");
    switch (change.what) {
      case Change::What::kOverwrite: files_.overwrite(change.path, content); break;
      case Change::What::kReplace: files_.create(change.path, content); break;
      case Change::What::kAppend: files_.append(change.path, change.bytes); break;
      case Change::What::kRemove: files_.remove(change.path); break;
    }
  }
}

bool World::is_over(stage::Turn const& turn, Journal const& journal) const {
  if (drops_done_ < scenario_.drops.size() || changes_done_ < scenario_.changes.size()) return false;
  if (turn.discovery().at_work() || !turn.traffic().idle()) return false;
  for (auto state = ItemState::kSeen; !is_end(state); state = static_cast<ItemState>(static_cast<int>(state) + 1))
    if (journal.count_items(state) != 0) return false;
  return true;
}

void World::let_time_pass(stage::Turn& turn) {
  auto next = turn.next_due();
  auto const take = [&](std::optional<WallTime> at) {
    if (at && (!next || *at < *next)) next = at;
  };
  take(wire_.next_event());
  if (drops_done_ < scenario_.drops.size()) take(kBeginning + scenario_.drops[drops_done_].at);
  if (changes_done_ < scenario_.changes.size()) take(kBeginning + scenario_.changes[changes_done_].at);
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
  if (virtual_time() > scenario_.virtual_max)
    return complain("it is not done after " + to_words(scenario_.virtual_max));
  if (turns_ > scenario_.turns_max)
    return complain("it is not done after " + std::to_string(scenario_.turns_max) + " turns");
  if (violations_.size() > kViolationsMax) return complain("and so on");
  return false;
}

// Returns when the work is done, or when there is no hope that it ever will be.
bool World::turn_until_done(stage::Turn& turn, Journal& journal) {
  while (!out_of_bounds()) {
    change_files();
    wire_.run_until_now();
    ++turns_;
    auto const changed = turn.run();
    if (!is_over(turn, journal))
      over_since_.reset();
    else if (!over_since_)
      over_since_ = clock_.now();
    if (over_since_ && clock_.now() - *over_since_ >= kStaysOver) return true;
    if (changed)
      clock_.advance_to(clock_.now() + kTurnPause);
    else
      let_time_pass(turn);
  }
  return true;
}

bool World::live_once() {
  std::uint64_t ends_at = 0;
  if (++lives_ == 1)
    ends_at = options_.crash_at;
  else if (options_.more_crashes > 0 && options_.more_crashes-- > 0)
    ends_at = static_cast<std::uint64_t>(dice_.between(1, kMomentsOfALife));
  if (lives_ == 1 && options_.crash_at == 0 && options_.more_crashes > 0 && options_.more_crashes-- > 0)
    ends_at = static_cast<std::uint64_t>(dice_.between(1, 3 * kMomentsOfALife));
  Journal journal(journal_file_);
  if (lives_ > 1) protect_stored(journal);
  SimRandom random(options_.seed, 100 + lives_);
  Witness witness(*this, ends_at);
  stage::Turn turn(
      journal, {.clock = clock_, .wire = wire_, .files = files_, .random = random, .log = log_, .witness = &witness},
      scenario_.policy);
  wire_.watch_departures([&](Ask ask, std::size_t waiting) { check_intents(journal, ask, waiting); });
  try {
    change_files();
    turn.recover();
    if (!turn_until_done(turn, journal)) return false;
  } catch (Crash const& crash) {
    ++crashes_;
    static constexpr char const* kNames[] = {"before the commit", "after the commit", "after a send"};
    log_.tell(std::string("!! crash ") + kNames[static_cast<std::size_t>(crash.moment)]);
    wire_.watch_departures({});
    wire_.crash(options_.aftermath);
    return false;
  }
  wire_.watch_departures({});
  for (auto& broken : judge(scenario_, files_, platform_, journal)) violations_.push_back(std::move(broken));
  return true;
}

std::vector<std::string> World::run() {
  try {
    while (!live_once()) {
      clock_.advance_to(clock_.now() + dice_.between(Millis(0), options_.downtime_max));
      wire_.run_until_now();
      if (options_.while_dead) {
        Journal journal(journal_file_);
        protect_stored(journal);
        options_.while_dead(journal);
      }
    }
  } catch (journal::JournalError const& error) {
    violations_.push_back(std::string("the journal failed: ") + error.what());
  }
  for (auto const& complaint : platform_.complaints()) violations_.push_back("the platform complains: " + complaint);
  for (auto const& complaint : wire_.complaints()) violations_.push_back("the wire complains: " + complaint);
  if (wire_.requests() > scenario_.requests_max)
    violations_.push_back(std::to_string(wire_.requests()) + " requests, more than " +
                          std::to_string(scenario_.requests_max));
  return violations_;
}

// What the journal says is stored must never be sent again in that session.
void World::protect_stored(Journal const& journal) {
  for (auto const& session : journal.open_sessions(1'000))
    for (auto const state : {journal::ChunkState::kStored, journal::ChunkState::kReported})
      for (auto const& chunk : journal.chunks_in(session.id, state)) platform_.protect(session.upload_id, chunk.index);
}

// Nothing leaves before its intent is on disk: at this point no transaction is open, so what is read is
// committed, and there must be as many rows with an open intent as calls of that kind in the air.
void World::check_intents(Journal const& journal, Ask ask, std::size_t waiting) {
  auto const open = [](auto const& rows, auto const& fits) {
    return static_cast<std::size_t>(std::ranges::count_if(
        rows, [&](auto const& row) { return row.intent.at && !row.intent.unknown_at && fits(row); }));
  };
  auto const any = [](auto const&) { return true; };
  auto const steps = [&](journal::StepKind kind) {
    return open(journal.steps_in(journal::StepState::kCreating, 1'000),
                [&](auto const& row) { return row.kind == kind; });
  };
  auto const named = [&](journal::NamedKind kind) {
    return open(journal.named_in(journal::NamedState::kCreating), [&](auto const& row) { return row.kind == kind; });
  };
  std::size_t intents = waiting;
  if (journal.in_transaction())
    intents = 0;
  else if (ask == Ask::kOpenSession)
    intents = open(journal.items_in(ItemState::kOpening, 1'000), any);
  else if (ask == Ask::kCreateAsset)
    intents = open(journal.items_in(ItemState::kSending, 1'000), any);
  else if (ask == Ask::kCreateIndexedAsset)
    intents = steps(journal::StepKind::kIndex);
  else if (ask == Ask::kAddEntityAssets)
    intents = steps(journal::StepKind::kEntity);
  else if (ask == Ask::kCreateIndex)
    intents = named(journal::NamedKind::kIndex);
  else if (ask == Ask::kCreateCollection)
    intents = named(journal::NamedKind::kCollection);
  else if (ask == Ask::kCreateEntity)
    intents = named(journal::NamedKind::kEntity);
  else if (ask == Ask::kPutChunk) {
    intents = 0;
    for (auto const id : journal.sessions_with_putting())
      intents += journal.chunks_in(id, journal::ChunkState::kPutting).size();
  }
  if (intents < waiting) violations_.push_back(std::string(name_of(ask)) + " left and its intent is not on disk");
}

}  // namespace sluice::sim

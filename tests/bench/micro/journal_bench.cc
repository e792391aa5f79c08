// journal_bench - what the journal's writes, questions and openings cost, on a real file.
//
// The file lies in a folder of its own beneath std::filesystem::temp_directory_path(), which TMPDIR chooses and which
// is removed at the end. The time of a commit is mostly the disk's flush; CPU is what this process spent. With TMPDIR
// on a tmpfs nothing is flushed, and the time is the work alone.
#include <benchmark/benchmark.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/micro/lived_rows.h"

namespace sluice::bench {
namespace {

using journal::Check;
using journal::ChunkRow;
using journal::ChunkState;
using journal::ItemRow;
using journal::ItemState;
using journal::Journal;
using journal::Scratch;

constexpr std::int64_t kItemsBeside = 1'000;  // what waits in the journal while something else is written
constexpr std::int64_t kRow = 1'000'000'000;  // the number of an item that is none of those

ItemRow inserted(Journal& journal, ItemRow row) {
  journal.begin();
  row.id = journal.insert(row);
  journal.commit();
  return row;
}

// --- commits

void move_one_item(benchmark::State& state) {
  Scratch const scratch;
  Journal journal(scratch.file());
  insert_waiting(journal, 1, kItemsBeside);
  auto row = inserted(journal, lived_item(ItemState::kSeen, kRow, kNow));
  for (auto _ : state) {
    auto const was = row.state;
    row.state = was == ItemState::kSeen ? ItemState::kStable : ItemState::kSeen;
    journal.begin();
    journal.update(row, was, kNow);
    journal.commit();
  }
}
BENCHMARK(move_one_item)->UseRealTime()->Unit(benchmark::kMicrosecond);

// The chunks of one upload, all in the air.
class Flying {
 public:
  explicit Flying(Journal& journal) : journal_(journal) {
    auto const item = inserted(journal, lived_item(ItemState::kOpened, kRow, std::nullopt));
    item_ = item.id;
    journal.begin();
    auto const session = journal.insert(journal::session_of(item.id));
    journal.insert_chunks(session, kChunks, kNow);
    rows_ = journal.chunks_in(session, ChunkState::kNeedsUrl);
    take_off();
    journal.commit();
  }
  std::size_t left() const { return rows_.size() - next_; }
  void store_next() {
    auto& row = rows_[next_++];
    row.state = ChunkState::kStored;
    row.etag = "9e107d9d372bb6826bd81d3542a419d6";
    journal_.update(row, ChunkState::kPutting, item_, kNow);
  }
  void take_off() {
    for (auto& row : rows_) {
      auto const was = std::exchange(row.state, ChunkState::kPutting);
      row.etag.clear();
      journal_.update(row, was, item_, kNow);
    }
    next_ = 0;
  }

 private:
  static constexpr std::uint32_t kChunks = 9'984;  // near the platform's most, and a multiple of 32
  Journal& journal_;
  journal::RowId item_ = 0;
  std::vector<ChunkRow> rows_ = {};
  std::size_t next_ = 0;
};

// The group commit under load: what one turn writes of the chunks that landed.
void store_chunks(benchmark::State& state) {
  auto const together = static_cast<std::size_t>(state.range(0));
  Scratch const scratch;
  Journal journal(scratch.file());
  insert_waiting(journal, 1, kItemsBeside);
  Flying chunks(journal);
  for (auto _ : state) {
    if (chunks.left() < together) {
      state.PauseTiming();
      journal.begin();
      chunks.take_off();
      journal.commit();
      state.ResumeTiming();
    }
    journal.begin();
    for (std::size_t i = 0; i < together; ++i) chunks.store_next();
    journal.commit();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(store_chunks)->ArgName("chunks")->Arg(1)->Arg(32)->UseRealTime()->Unit(benchmark::kMicrosecond);

// The bytes of eight files under way, in turn.
void write_progress(benchmark::State& state) {
  constexpr std::size_t kFiles = 8;
  Scratch const scratch;
  Journal journal(scratch.file());
  insert_waiting(journal, 1, kItemsBeside);
  std::vector<ItemRow> rows;
  for (std::size_t i = 0; i < kFiles; ++i)
    rows.push_back(
        inserted(journal, lived_item(ItemState::kOpened, kRow + static_cast<std::int64_t>(i), std::nullopt)));
  std::size_t next = 0;
  for (auto _ : state) {
    journal.begin();
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      auto& row = rows[next++ % kFiles];
      row.bytes_sent += kChunkBytes;
      journal.write_progress(row);
    }
    journal.commit();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(write_progress)->ArgName("writes")->Arg(1)->Arg(32)->UseRealTime()->Unit(benchmark::kMicrosecond);

void insert_1000_items(benchmark::State& state) {
  constexpr std::int64_t kItems = 1'000;
  Scratch const scratch;
  Journal journal(scratch.file());
  insert_waiting(journal, 1, state.range(0));
  auto next = state.range(0) + 1;
  for (auto _ : state) {
    insert_waiting(journal, next, kItems);
    next += kItems;
  }
  state.SetItemsProcessed(state.iterations() * kItems);
}
// Each one makes the journal longer, so their number is fixed.
BENCHMARK(insert_1000_items)
    ->ArgName("there")
    ->Arg(0)
    ->Arg(100'000)
    ->Iterations(50)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// --- questions

// So many items that wait for a time, and one of the same state that waits for none: a write of it makes the journal
// forget when the first of them is due. The last size is kept, since a hundred thousand take seconds to insert.
struct Backlog {
  explicit Backlog(std::int64_t count) : waiting(count) {
    insert_waiting(journal, 1, count);
    written = inserted(journal, lived_item(ItemState::kSent, kRow, std::nullopt));
  }
  std::int64_t waiting;
  Scratch scratch = {};
  Journal journal{scratch.file()};
  ItemRow written = {};
};

Backlog& backlog_of(std::int64_t waiting) {
  static std::unique_ptr<Backlog> kept;
  if (!kept || kept->waiting != waiting) kept = std::make_unique<Backlog>(waiting);
  return *kept;
}

using Question = std::size_t (*)(Journal const&);

std::size_t next_due(Journal const& journal) { return journal.next_due() ? 1 : 0; }
// Before the first is due, and when all are.
std::size_t none_due(Journal const& journal) { return journal.due_items(ItemState::kSent, kNow, 50).size(); }
std::size_t fifty_due(Journal const& journal) {
  return journal.due_items(ItemState::kSent, kNow + std::chrono::hours(2), 50).size();
}

// Nothing was written since it was asked the last time.
void unchanged(benchmark::State& state, Question question) {
  auto const& journal = backlog_of(state.range(0)).journal;
  benchmark::DoNotOptimize(question(journal));
  for (auto _ : state) benchmark::DoNotOptimize(question(journal));
}

// A row of the line was written before each. Only the question is in the time; the CPU column has the write too.
void after_a_write(benchmark::State& state, Question question) {
  using Clock = std::chrono::steady_clock;
  auto& backlog = backlog_of(state.range(0));
  backlog.journal.begin();
  for (auto _ : state) {
    backlog.journal.update(backlog.written, ItemState::kSent, kNow);
    auto const begun = Clock::now();
    benchmark::DoNotOptimize(question(backlog.journal));
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - begun).count());
  }
  backlog.journal.rollback();
}

constexpr double kShort = 0.1;  // seconds of questions, beside which ten times as long goes by in writes

void sizes(benchmark::internal::Benchmark* bench) { bench->ArgName("waiting")->Arg(0)->Arg(1'000)->Arg(100'000); }

BENCHMARK_CAPTURE(unchanged, next_due, next_due)->Apply(sizes);
BENCHMARK_CAPTURE(after_a_write, next_due, next_due)->Apply(sizes)->UseManualTime()->MinTime(kShort);
BENCHMARK_CAPTURE(unchanged, due_items_none, none_due)->Apply(sizes);
BENCHMARK_CAPTURE(after_a_write, due_items_none, none_due)->Apply(sizes)->UseManualTime()->MinTime(kShort);
BENCHMARK_CAPTURE(unchanged, due_items_fifty, fifty_due)->Apply(sizes);
BENCHMARK_CAPTURE(after_a_write, due_items_fifty, fifty_due)->Apply(sizes)->UseManualTime()->MinTime(kShort);

// REPORT_CHUNKS asks both of every upload in every turn: how many chunks are in each state, and which are stored. Of
// these chunks none has left yet.
std::size_t counted(Journal const& journal, journal::RowId session) { return journal.count_chunks(session).stored; }
std::size_t none_stored(Journal const& journal, journal::RowId session) {
  return journal.due_chunks(session, ChunkState::kStored, kNow, 50).size();
}

void of_an_upload(benchmark::State& state, std::size_t (*question)(Journal const&, journal::RowId)) {
  Scratch const scratch;
  Journal journal(scratch.file());
  auto const item = inserted(journal, lived_item(ItemState::kOpened, kRow, std::nullopt));
  journal.begin();
  auto const session = journal.insert(journal::session_of(item.id));
  journal.insert_chunks(session, static_cast<std::uint32_t>(state.range(0)), kNow);
  journal.commit();
  for (auto _ : state) benchmark::DoNotOptimize(question(journal, session));
}
BENCHMARK_CAPTURE(of_an_upload, count_chunks, counted)->ArgName("chunks")->Arg(100)->Arg(1'000)->Arg(10'000);
BENCHMARK_CAPTURE(of_an_upload, due_chunks_none, none_stored)->ArgName("chunks")->Arg(100)->Arg(1'000)->Arg(10'000);

// --- openings

// Of a file that was closed in peace and is in the page cache. It holds items alone, no sessions and no events.
void open_100000_items(benchmark::State& state, Check check) {
  Scratch const scratch;
  {
    Journal journal(scratch.file());
    insert_waiting(journal, 1, 100'000);
  }
  for (auto _ : state) {
    auto journal = std::make_unique<Journal>(scratch.file(), std::string(), check);
    state.PauseTiming();
    journal.reset();
    state.ResumeTiming();
  }
}
BENCHMARK_CAPTURE(open_100000_items, checked_whole, Check::kWhole)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(open_100000_items, unchecked, Check::kNone)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sluice::bench

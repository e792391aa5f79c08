// turn_bench - what a turn costs by itself: the production turn, stages and journal, between ways out that cost
// nothing.
//
// The wire keeps what leaves and answers all of it before the next turn, outside of the time. No byte of a source is
// read and none is hashed, since the daemon's file workers do both; log lines are dropped. The journal is a real file
// in a folder of its own beneath std::filesystem::temp_directory_path(), which TMPDIR chooses and which is removed at
// the end: the time holds the commit's flush, CPU only what this process spent.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/stage/turn.h"
#include "core/upload/leaves.h"
#include "tests/bench/micro/lived_rows.h"
#include "tests/unit/stage/played_acts.h"

namespace sluice::bench {
namespace {

using journal::ItemState;
using stage::Policy;
using stage::Turn;

constexpr char kMd5[] = "9e107d9d372bb6826bd81d3542a419d6";

// --- the ways out

class StandingClock final : public ports::Clock {
 public:
  WallTime wall() override { return kNow; }
  BootTime boot() override { return BootTime(kNow.time_since_epoch()); }
};

class CountedDice final : public ports::Random {
 public:
  std::uint64_t bits() override { return ++count_; }

 private:
  std::uint64_t count_ = 0;
};

class NoLog final : public ports::Log {
 public:
  void write(ports::Level, std::string_view) override {}
};

// Every file is there, and as it was admitted.
class SoundFiles final : public ports::Files {
 public:
  explicit SoundFiles(ports::FilePrint const& print) : print_(print) {}
  Result<std::shared_ptr<ports::OpenFile>> open(std::string const&, std::string const&) override {
    return std::make_shared<Opened>(print_);
  }
  Result<ports::FilePrint> stat(std::string const&, std::string const&) override { return print_; }
  Result<std::unique_ptr<ports::Listing>> list(std::string const&, std::string const&) override { std::abort(); }
  Result<std::string> sniff(ports::OpenFile const&) override { std::abort(); }

 private:
  struct Opened final : ports::OpenFile {
    explicit Opened(ports::FilePrint const& as_admitted) : its_print(as_admitted) {}
    Result<ports::FilePrint> print() const override { return its_print; }
    Result<std::size_t> read_at(std::span<std::byte>, std::uint64_t) const override { std::abort(); }
    ports::Writer writer() const override { return ports::Writer::kNone; }
    ports::FilePrint its_print;
  };
  ports::FilePrint print_;
};

// Bodies whose bytes have been read and hashed by the time they land.
class HashedReader final : public ports::Reader {
 public:
  std::shared_ptr<ports::FileBody> read(std::shared_ptr<ports::OpenFile>, ports::FileRange range) override {
    return std::make_shared<Body>(range.length_bytes);
  }

 private:
  struct Body final : ports::FileBody {
    explicit Body(std::uint64_t bytes) : length_bytes(bytes) {}
    std::uint64_t size_bytes() const override { return length_bytes; }
    Result<std::optional<std::size_t>> read(std::span<std::byte>) override { std::abort(); }
    std::optional<std::string> md5_hex() const override { return kMd5; }
    std::optional<std::string> leaf_hashes() const override { return std::string(5 * upload::kLeafHashBytes, 'x'); }
    std::uint64_t length_bytes;
  };
};

// As long as a presigned URL of S3, since the journal keeps it.
std::string presigned_url(std::uint32_t index) {
  return "https://storage.example/chunk-store/upload/" + std::to_string(index) +
         "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDSLUICEBENCHTURN0%2F20260101%2Fus-east-1%2Fs3"
         "%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=" +
         std::string(64, 'a');
}

// Says yes to the three calls of an upload under way, once it is told to.
class YesWire final : public ports::Wire {
 public:
  void send(ports::Call call) override { sent_.push_back(std::move(call)); }
  std::vector<ports::Outcome> collect() override { return std::exchange(outcomes_, {}); }
  void cancel(std::uint64_t) override { std::abort(); }
  std::uint64_t progress_bytes(std::uint64_t) const override { return 0; }
  std::optional<ports::Quiet> quiet(std::uint64_t) const override { return std::nullopt; }

  std::int64_t answer_all() {  // returns how many chunks there were
    std::int64_t chunks = 0;
    for (auto const& call : sent_) {
      auto const is_chunk = call.body != nullptr;
      if (is_chunk) ++chunks;
      outcomes_.push_back({.ticket = call.ticket,
                           .answer = is_chunk ? stored() : api_answer(call),
                           .body_error = {},
                           .body_bytes_sent = is_chunk ? call.body->size_bytes() : 0});
    }
    sent_.clear();
    return chunks;
  }

 private:
  static ports::Reply stored() {
    return {.status = 200, .headers = {{"etag", '"' + std::string(kMd5) + '"'}}, .body = {}};
  }
  static ports::Reply api_answer(ports::Call const& call) {
    using Json = nlohmann::json;
    auto const asked = Json::parse(call.text_body);
    Json said{{"total_completed", 0}};
    if (std::get<std::string>(call.target).ends_with("/presigned-urls")) {
      said["upload_urls"] = Json::array();
      auto const start = asked.at("start").get<std::uint32_t>();
      auto const end = start + asked.at("count").get<std::uint32_t>();
      for (auto index = start; index < end; ++index)
        said["upload_urls"].push_back(
            {{"chunk_index", index}, {"url", presigned_url(index)}, {"expires_at", "2099-01-01T00:00:00Z"}});
    } else if (!asked.contains("completed_chunks")) {
      std::abort();
    }
    return {.status = 200, .headers = {}, .body = said.dump()};
  }

  std::vector<ports::Call> sent_ = {};
  std::vector<ports::Outcome> outcomes_ = {};
};

// A turn over a journal of its own, and all that it stands on.
class Stand {
 public:
  journal::Scratch scratch = {};
  journal::Journal journal{scratch.file()};
  YesWire wire = {};

 private:
  StandingClock clock_ = {};
  SoundFiles files_{lived_item(ItemState::kOpened, 0, std::nullopt).print};
  ports::AtOnce lanes_ = {};
  stage::PlayedActs acts_ = {};
  HashedReader reader_ = {};
  CountedDice dice_ = {};
  NoLog log_ = {};
  Policy policy_ = {};

 public:
  Turn turn{journal,
            {.clock = clock_,
             .wire = wire,
             .files = files_,
             .lanes = lanes_,
             .acts = acts_,
             .reader = reader_,
             .random = dice_,
             .log = log_},
            policy_};
};

// --- nothing to do

// Items wait for a time that has not come; the turn finds that out and leaves.
void nothing_to_do(benchmark::State& state) {
  Stand stand;
  insert_waiting(stand.journal, 1, state.range(0));
  stand.turn.run();
  for (auto _ : state)
    if (stand.turn.run()) state.SkipWithError("there was something to do");
}
BENCHMARK(nothing_to_do)->ArgName("waiting")->Arg(0)->Arg(10'000);

// ... and how long to sleep is asked, as the loop does after each. That also spares the next turn its questions: what a
// turn without a change learned about due times is rolled back with it.
void nothing_to_do_and_next_due(benchmark::State& state) {
  Stand stand;
  insert_waiting(stand.journal, 1, state.range(0));
  stand.turn.run();
  for (auto _ : state) {
    if (stand.turn.run()) state.SkipWithError("there was something to do");
    benchmark::DoNotOptimize(stand.turn.next_due());
  }
}
BENCHMARK(nothing_to_do_and_next_due)->ArgName("waiting")->Arg(0)->Arg(10'000);

// --- chunks

// So many files under way, each of so many chunks, none of which has left yet.
class Uploads {
 public:
  Uploads(std::int64_t files, std::int64_t chunks) {
    auto const total = static_cast<std::uint32_t>(chunks);
    auto& journal = stand_.journal;
    journal.begin();
    for (std::int64_t number = 0; number < files; ++number) {
      auto item = lived_item(ItemState::kOpened, number, std::nullopt);
      item.print.inode = 0;  // the one print that SoundFiles has
      auto session = journal::session_of(journal.insert(item));
      session.total_chunks = total;
      session.chunk_size_bytes = kChunkBytes;
      session.file_bytes = total * kChunkBytes;
      journal.insert_chunks(journal.insert(session), total, kNow);
    }
    journal.commit();
    left_ = files * (chunks - kNotMeasured);
    for (int i = 0; i < kUntilAllFly; ++i) {
      stand_.turn.run();
      left_ -= stand_.wire.answer_all();
    }
  }
  bool spent() const { return left_ <= 0; }
  void turn() { stand_.turn.run(); }
  // Answers what the turn sent. Returns how many chunks that was.
  std::int64_t answer() {
    auto const chunks = stand_.wire.answer_all();
    left_ -= chunks;
    return chunks;
  }

 private:
  // The last turns of a file send less than all slots hold.
  static constexpr std::int64_t kNotMeasured = 100;
  static constexpr int kUntilAllFly = 4;  // URLs asked for, given, used; then as many land as leave
  Stand stand_ = {};
  std::int64_t left_ = 0;
};

// Up to 32 chunks landed, and as many leave; now and then chunks are reported, or URLs asked for. Made anew, outside of
// the time, when nearly all chunks were sent: the figures are those of whole uploads.
void settle_and_send(benchmark::State& state) {
  auto uploads = std::make_unique<Uploads>(state.range(0), state.range(1));
  std::int64_t chunks = 0;
  for (auto _ : state) {
    uploads->turn();
    state.PauseTiming();
    chunks += uploads->answer();
    if (uploads->spent()) {
      uploads.reset();
      uploads = std::make_unique<Uploads>(state.range(0), state.range(1));
    }
    state.ResumeTiming();
  }
  using benchmark::Counter;
  auto const count = static_cast<double>(chunks);
  state.counters["chunks"] = Counter(count, Counter::kAvgIterations);
  state.counters["per_chunk"] = Counter(count, Counter::kIsRate | Counter::kInvert);
}
BENCHMARK(settle_and_send)
    ->ArgNames({"files", "chunks"})
    ->Args({1, 1'000})
    ->Args({1, 10'000})
    ->Args({8, 1'000})
    ->Args({8, 10'000})
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace sluice::bench

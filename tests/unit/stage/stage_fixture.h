// stage_fixture.h - one stage at a time on a real journal: rows are put there, calls land as the test says.
//
// A test puts rows, lets a stage choose or a call land, and looks at the rows and at what left. Each step is one
// transaction, as a turn has it. Time stands at kNoon until a test moves `now`; the dice always fall on the middle.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/stage/check_sum.h"
#include "core/stage/effort.h"
#include "core/stage/pipeline.h"
#include "core/stage/plan.h"
#include "core/stage/stage.h"
#include "tests/journal/samples.h"
#include "tests/sim/instant_reader.h"
#include "tests/unit/source/hand_lanes.h"
#include "tests/unit/stage/played_acts.h"

namespace sluice::stage {

inline WallTime const kNoon = from_unix_ms(journal::kNoon);

// One folder of files that are nothing but their prints.
class PlayedFiles final : public ports::Files {
 public:
  struct Played {
    ports::FilePrint print = {};
    ports::Writer writer = ports::Writer::kNone;
    ports::Writer writer_since = ports::Writer::kUnknown;
    std::optional<Error> open_error = {};
    std::optional<Error> sniff_error = {};
    std::string mime = {};
    std::optional<std::string> bytes = {};  // what is read; nothing: as much as is asked for
    ports::FileType type = ports::FileType::kRegular;
  };
  std::map<std::string, Played> files;
  std::optional<Error> list_error;
  Result<ports::FilePrint> folder_print = ports::FilePrint{.device = 4};  // of the folder itself

  Result<std::shared_ptr<ports::OpenFile>> open(std::string const&, std::string const& relative) override {
    auto const found = files.find(relative);
    if (found == files.end()) return fail(Fault::kGone, "no such file");
    if (found->second.open_error) return std::unexpected(*found->second.open_error);
    return std::make_shared<Opened>(found->second);
  }
  Result<ports::FilePrint> stat(std::string const&, std::string const& relative) override {
    if (relative.empty()) return folder_print;
    auto const found = files.find(relative);
    if (found == files.end()) return fail(Fault::kGone, "no such file");
    if (found->second.open_error) return std::unexpected(*found->second.open_error);
    return found->second.print;
  }
  Result<std::unique_ptr<ports::Listing>> list(std::string const&, std::string const&) override {
    if (list_error) return std::unexpected(*list_error);
    std::vector<ports::DirEntry> entries;
    for (auto const& [name, file] : files) entries.push_back({.name = name, .type = file.type, .print = file.print});
    return std::make_unique<ports::WholeListing>(std::move(entries));
  }
  Result<std::string> sniff(ports::OpenFile const& file) override {
    auto const& played = static_cast<Opened const&>(file).file;
    if (played.sniff_error) return std::unexpected(*played.sniff_error);
    return played.mime;
  }

 private:
  struct Opened final : ports::OpenFile {
    explicit Opened(Played& played) : file(played) {}
    Result<ports::FilePrint> print() const override { return file.print; }
    Result<std::size_t> read_at(std::span<std::byte> into, std::uint64_t offset_bytes) const override {
      if (!file.bytes) return into.size();
      auto const rest = std::string_view(*file.bytes).substr(std::min(file.bytes->size(), std::size_t(offset_bytes)));
      auto const count = std::min(rest.size(), into.size());
      std::memcpy(into.data(), rest.data(), count);
      return count;
    }
    ports::Writer writer() const override { return file.writer; }
    ports::Writer keep_writers_out() override { return file.writer; }
    ports::Writer writer_since() const override { return file.writer_since; }
    Played& file;
  };
};

class MiddleDice final : public ports::Random {
 public:
  std::uint64_t bits() override { return (std::uint64_t{1} << 63) + count_++; }  // its low bits make ids differ

 private:
  std::uint64_t count_ = 0;
};

class KeptLog final : public ports::Log {
 public:
  void write(ports::Level level, std::string_view line) override { lines.emplace_back(level, line); }
  bool tells(std::string const& part) const {
    for (auto const& [level, line] : lines)
      if (line.find(part) != std::string::npos) return true;
    return false;
  }
  std::vector<std::pair<ports::Level, std::string>> lines;
};

inline ports::Reply reply(std::string body, int status = 200) {
  return {.status = status, .headers = {}, .body = std::move(body)};
}

class StageTest : public testing::Test {
 protected:
  StageTest() { lanes.at_once = true; }

  using RowId = journal::RowId;

  // Runs `act` in a transaction, and lets what it queued leave; `left` holds these calls.
  template <class Act>
  void within(Act&& act) {
    Context ctx{.journal = journal,
                .scout = scout,
                .reader = reader,
                .acts = acts,
                .random = dice,
                .log = log,
                .policy = policy,
                .traffic = traffic,
                .sources = sources,
                .digests = digests,
                .poll_round = poll_round,
                .now = now,
                .programs = programs};
    scout.collect(now);
    journal.begin();
    act(ctx);
    if (disk_is_full) {
      journal.rollback();
      traffic.discard();
      scout.discard();
      return;
    }
    journal.commit();
    auto departure = traffic.release();
    scout.committed();
    left = std::move(departure.calls);
    cancelled = std::move(departure.cancelled);
  }
  void choose(void (*stage)(Context&)) {
    within([&](Context& ctx) { stage(ctx); });
  }
  // An answer, or an error, for a call that is made up here.
  void land(budget::Flight const& flight, Result<ports::Reply> answer, std::uint64_t bytes_sent = 0) {
    within([&](Context& ctx) {
      errand_row(flight.errand).settle(ctx, {.flight = flight, .reply = std::move(answer), .bytes_sent = bytes_sent});
    });
  }

  template <class Row>
  RowId put(Row const& row) {
    RowId id = 0;
    within([&](Context& ctx) { id = ctx.journal.insert(row); });
    return id;
  }
  // An item in `state`, with a file of 100 bytes behind it that is as it was admitted.
  journal::ItemRow put_item(journal::ItemState state, std::int64_t number = 1) {
    auto row = journal::item_in(state, number);
    row.kind = "video";
    row.method = "multipart";
    row.print = {.size_bytes = 100, .mtime_ns = 1, .ctime_ns = 2, .inode = 3, .device = 4};
    row.plan = Plan{.filename = row.path}.to_json();
    row.client_op = row.ulid + ".1";
    if (state == journal::ItemState::kOpened || state == journal::ItemState::kReported)
      row.asset_id = "asset" + std::to_string(number);
    files.files[row.path] = {.print = row.print};
    row.id = put(row);
    return row;
  }
  // Ten chunks of ten bytes for it, all in needs_url.
  journal::SessionRow put_session(RowId item) { return put_session(journal::session_of(item)); }
  // With so many chunks, where a report and a page of the status have fifty.
  journal::SessionRow put_long_session(RowId item, std::uint32_t chunks) {
    auto row = journal::session_of(item);
    row.total_chunks = chunks;
    row.file_bytes = row.chunk_size_bytes * chunks;
    return put_session(row);
  }
  journal::SessionRow put_session(journal::SessionRow row) {
    row.id = put(row);
    within([&](Context& ctx) { ctx.journal.insert_chunks(row.id, row.total_chunks, now); });
    return row;
  }
  void set_chunk(RowId session, std::uint32_t index, journal::ChunkState state) {
    within([&](Context& ctx) {
      auto chunk = *ctx.journal.chunk(session, index);
      auto const was = chunk.state;
      chunk.state = state;
      chunk.url = state == journal::ChunkState::kHasUrl ? SecretUrl("https://storage/c") : SecretUrl();
      auto const kept = state == journal::ChunkState::kStored || state == journal::ChunkState::kReported;
      chunk.etag = kept ? "etag" : "";
      ctx.journal.update(chunk, was, item_of(session), now);
    });
  }
  journal::NamedRow put_named(journal::NamedKind kind, std::string name, journal::NamedState state, RowId parent = 0) {
    auto row = journal::named_called(std::move(name), kind, parent);
    within([&](Context& ctx) {
      row = ctx.journal.ensure_named(row);
      if (state == journal::NamedState::kWanted) return;
      row.state = state;
      if (state == journal::NamedState::kPresent) row.remote_id = "remote_" + row.name;
      if (state == journal::NamedState::kPresent) row.effort.due_at.reset();
      if (state == journal::NamedState::kCreating) row.intent.at = now;
      ctx.journal.update(row, journal::NamedState::kWanted, now);
    });
    return row;
  }
  journal::StepRow put_step(RowId item, RowId named, journal::StepState state,
                            journal::StepKind kind = journal::StepKind::kIndex, std::int64_t ordinal = 1) {
    auto row = journal::step_of(item, ordinal, kind);
    row.state = state;
    row.named_id = named;
    row.effort.due_at = now;
    row.params = PlannedStep{.kind = kind, .name = "n", .collection = "c"}.to_json();
    if (state == journal::StepState::kCreating) row.intent.at = now;
    if (state >= journal::StepState::kCreated) row.remote_id = "remote" + std::to_string(ordinal);
    if (state >= journal::StepState::kReady) row.effort.due_at.reset();
    if (state == journal::StepState::kFailed) row.reason = "refused";
    row.id = put(row);
    return row;
  }

  journal::ItemRow item(RowId id) const { return *journal.item(id); }
  journal::StepRow step(RowId id) const { return *journal.step(id); }
  journal::NamedRow named(RowId id) const { return *journal.named(id); }
  journal::SessionRow session(RowId id) const { return *journal.session(id); }
  journal::ChunkRow chunk(RowId session_id, std::uint32_t index) const { return *journal.chunk(session_id, index); }
  RowId item_of(RowId session_id) const { return journal.session(session_id)->item_id; }

  // Rewrites a row in the state it is in.
  template <class Row, class Change>
  void change(Row row, Change&& change_it) {
    within([&](Context& ctx) {
      auto const was = row.state;
      change_it(row);
      ctx.journal.update(row, was, now);
    });
  }
  template <class Change>
  void change_chunk(RowId session_id, std::uint32_t index, Change&& change_it) {
    within([&](Context& ctx) {
      auto row = *ctx.journal.chunk(session_id, index);
      auto const was = row.state;
      change_it(row);
      ctx.journal.update(row, was, item_of(session_id), now);
    });
  }
  // What call n asked for, without its base.
  std::string target(std::size_t n = 0) const {
    if (n >= left.size()) return "(nothing left)";
    auto const* const path = std::get_if<std::string>(&left[n].target);
    return path != nullptr ? *path : "(a presigned URL)";
  }

  bool disk_is_full = false;  // each turn comes to nothing, as if its commit had failed

  journal::Scratch folder;
  journal::Journal journal{folder.file()};
  PlayedFiles files;
  sim::InstantReader reader;
  PlayedActs acts;
  ports::Programs* programs = nullptr;
  MiddleDice dice;
  KeptLog log;
  Policy policy;
  budget::Traffic traffic;
  source::HandLanes lanes;
  source::Scout scout{lanes, files};
  OpenSources sources{scout};
  Digests digests = {};
  PollRound poll_round = {};
  WallTime now = kNoon;
  std::vector<ports::Call> left;
  std::vector<std::uint64_t> cancelled;
};

}  // namespace sluice::stage

#include "core/stage/read_manifests.h"

#include <algorithm>
#include <set>
#include <utility>

#include "core/base/text.h"
#include "core/stage/entry_row.h"
#include "core/stage/known_entry.h"
#include "core/stage/report_results.h"

namespace sluice::stage {

using journal::EntryState;
using journal::Journal;
using journal::ManifestRow;
using journal::ManifestState;
using source::manifest::Batch;

namespace {

constexpr std::size_t kNamesAtOnce = 1'000;

std::string list_question(std::string const& source) { return "list manifests of " + source; }
std::string step_question(std::uint64_t reader) { return "read manifest " + std::to_string(reader); }

bool is_as_read(ManifestRow const& row, ports::FilePrint const& print) {
  return row.inode == print.inode && row.size_bytes == print.size_bytes && row.mtime_ns == print.mtime_ns;
}

// Each turn writes a good part of the index of keys anew, since hashes come in no order: the more lines share that, the
// better. But while a turn runs no byte moves, so there are fewer where some would.
constexpr std::size_t kTimesIdle = 8;

std::size_t lines_per_turn(Context const& ctx) {
  auto const moving =
      ctx.traffic.in_air(budget::Errand::kPutChunk) + ctx.traffic.in_air(budget::Errand::kSendDirect) > 0;
  return ctx.policy.manifest_lines_per_turn * (moving ? 1 : kTimesIdle);
}

// In place, and to the same size: where, nobody knows.
bool was_rewritten(ManifestRow const& row, ports::FilePrint const& print) {
  return row.state == ManifestState::kFollowed && row.offset > 0 && row.inode == print.inode &&
         row.size_bytes == print.size_bytes && row.mtime_ns != print.mtime_ns;
}

// Lines whose keys are known say nothing new.
void begin_anew(Context& ctx, ManifestRow& row) {
  row.pass += 1;
  row.line = 1;
  row.offset = 0;
  row.fingerprint.clear();
  row.state = ManifestState::kReading;
  ctx.journal.update(row, ManifestState::kFollowed, ctx.now, "was written to: it is read from its beginning");
}

std::string named(ManifestRow const& row) { return "manifest \"" + printable(row.path) + "\""; }

void take_line(Context& ctx, SourcePolicy const& source, ManifestRow& row, source::manifest::Entry const& entry) {
  auto fresh = to_row(entry, source.priority);
  fresh.manifest_id = row.id;
  fresh.pass = row.pass;
  if (!ctx.journal.insert_if_new(fresh)) return meet_again(ctx, row, std::move(fresh));
  row.entries += 1;
  row.waiting += 1;
}

}  // namespace

Manifests::Manifests(Policy const& policy) {
  for (auto const& source : policy.sources) {
    if (source.manifest.empty()) continue;
    feeds_.push_back(
        {.policy = &source, .view = {.name = source.name, .root = source.root, .pattern = source.manifest}});
  }
}

void Manifests::look_now(std::string const& root) {
  for (auto& feed : feeds_)
    if (feed.policy->root == root) feed.next_look = {};
}

void Manifests::start_over() {
  for (auto& feed : feeds_) {
    feed.reader.reset();
    feed.stepping = feed.held_up = false;
    feed.wanted.clear();
    feed.rests.clear();
    feed.next_look = {};
  }
}

// --- which files there are

namespace {

// A file of two sources is the first one's.
std::vector<std::string> patterns_before(Policy const& policy, SourcePolicy const& source) {
  std::vector<std::string> patterns;
  for (auto const& other : policy.sources) {
    if (&other == &source) break;
    if (!other.manifest.empty() && other.root == source.root) patterns.push_back(other.manifest);
  }
  return patterns;
}

}  // namespace

// Whether a file is to be read now, and how.
void Manifests::consider(Context& ctx, Feed& feed, ManifestRow row, ports::FilePrint const& print) {
  auto const was = row.state;
  if (was == ManifestState::kGone) {
    row.state = ManifestState::kReading;
    row.reason.clear();
    ctx.journal.update(row, was, ctx.now, "is there again");
  }
  auto const rest = feed.rests.find(row.id);
  if (rest == feed.rests.end() || !(rest->second.print == print)) {
    if (row.state == ManifestState::kReading || !is_as_read(row, print)) feed.wanted.push_back({row.id, false, print});
    return;
  }
  if (rest->second.was_tried) return;
  if (rest->second.since + feed.policy->settle <= ctx.now) feed.wanted.push_back({row.id, true, print});
}

void Manifests::note_listing(Context& ctx, Feed& feed, std::vector<Listed> const& listed) {
  std::set<std::string_view> there;
  for (auto const& file : listed) {
    there.insert(file.name);
    auto row = ctx.journal.manifest(feed.policy->root, file.name);
    if (!row) {
      row =
          ManifestRow{.source = feed.policy->name, .root = feed.policy->root, .path = file.name, .created_at = ctx.now};
      row->id = ctx.journal.insert(*row);
      ctx.log.info(named(*row) + " seen source=" + printable(row->source));
    }
    if (row->source != feed.policy->name) {  // the source has another name now, or another one has the file
      row->source = feed.policy->name;
      ctx.journal.update(*row, row->state, ctx.now);
    }
    consider(ctx, feed, *std::move(row), file.print);
  }
  for (auto& row : ctx.journal.manifests(feed.policy->name)) {
    if (row.root != feed.policy->root || there.contains(row.path) || row.state == ManifestState::kGone) continue;
    auto const was = row.state;
    row.state = ManifestState::kGone;
    row.reason = "is not there any more; what was read of it stays";
    ctx.log.warning(named(row) + " " + row.reason);
    ctx.journal.update(row, was, ctx.now, row.reason);
  }
}

void Manifests::look(Context& ctx, Feed& feed) {
  auto const question = list_question(feed.view.name);
  if (!feed.wanted.empty() && feed.next_look <= ctx.now) feed.next_look = ctx.now + kLookEvery;
  if (!feed.listing && feed.next_look <= ctx.now) {
    feed.listing = ctx.scout.put<std::vector<Listed>>(
        feed.policy->root, question,
        [root = feed.policy->root, pattern = feed.policy->manifest,
         others = patterns_before(ctx.policy, *feed.policy)](ports::Files& files) -> Result<std::vector<Listed>> {
          std::vector<Listed> listed;
          SLUICE_TRY(listing, files.list(root, ""));
          for (;;) {
            SLUICE_TRY(some, listing->next(kNamesAtOnce));
            if (some.empty()) break;
            for (auto& each : some) {
              if (each.type != ports::FileType::kRegular || !glob_match(pattern, each.name)) continue;
              if (std::ranges::any_of(others, [&](auto const& other) { return glob_match(other, each.name); }))
                continue;
              if (is_results_name(each.name) || !source::manifest::format_for(each.name)) continue;
              if (!each.has_print) {
                auto print = files.stat(root, each.name);
                if (!print) continue;  // gone meanwhile
                each.print = *print;
              }
              listed.push_back({std::move(each.name), each.print});
              if (listed.size() > Journal::kManifestsMax) return listed;
            }
          }
          std::ranges::sort(listed, {}, &Listed::name);
          return listed;
        });
    feed.held_up = !feed.listing;
  }
  auto listed = ctx.scout.fetch<std::vector<Listed>>(feed.policy->root, question);
  if (!listed) return;
  feed.listing = false;
  feed.next_look = ctx.now + feed.policy->rescan.value_or(kLookEvery);
  auto& view = feed.view;
  if (!*listed) {
    if (!view.why_down) ctx.log.warning("source " + printable(view.name) + " is down: " + listed->error().text);
    view.why_down = listed->error().text;
    return;
  }
  if (view.why_down) ctx.log.info("source " + printable(view.name) + " is back");
  view.why_down.reset();
  view.last_look = ctx.now;
  view.too_many = (*listed)->size() > Journal::kManifestsMax;
  if (view.too_many) (*listed)->resize(Journal::kManifestsMax);
  note_listing(ctx, feed, **listed);
}

// --- reading

void Manifests::finish_reading(Feed& feed) {
  feed.reader.reset();
  feed.steps = 0;
  feed.wanted.pop_front();
}

void Manifests::to_the_back(Feed& feed) {
  feed.reader.reset();
  feed.steps = 0;
  std::ranges::rotate(feed.wanted, feed.wanted.begin() + 1);
}

// The next one that may be read: of one that has too much to be answered for, the results come first.
std::optional<ManifestRow> Manifests::next_wanted(Context& ctx, Feed& feed) {
  feed.held_up = false;
  for (auto left = feed.wanted.size(); left > 0; --left) {
    auto row = *ctx.journal.manifest(feed.wanted.front().id);
    if (row.notes_open < kNotesOpenMax) return row;
    feed.held_up = true;
    to_the_back(feed);
  }
  return std::nullopt;
}

void Manifests::start_step(Context& ctx, Feed& feed) {
  if (feed.stepping || feed.wanted.empty()) return;
  auto row = next_wanted(ctx, feed);
  if (!row) return;
  auto const [id, take_rest, print] = feed.wanted.front();
  if (!feed.reader) {
    if (was_rewritten(*row, print)) begin_anew(ctx, *row);
    feed.reader = std::make_shared<source::manifest::Reader>(
        row->root, row->path,
        source::manifest::Mark{
            .place = {.line = row->line, .offset = row->offset}, .fingerprint = row->fingerprint, .inode = row->inode});
    feed.reader_number = next_reader_++;
  }
  feed.stepping = ctx.scout.put<Batch>(row->root, step_question(feed.reader_number),
                                       [reader = feed.reader, take_rest = take_rest, lines = lines_per_turn(ctx)](
                                           ports::Files& files) { return reader->step(files, lines, take_rest); });
  feed.held_up = !feed.stepping;
}

void Manifests::note(Context& ctx, Feed& feed, ManifestRow row, Batch const& batch) {
  auto const was = row.state;
  feed.rests.erase(row.id);
  auto const was_tried = feed.wanted.front().take_rest;
  if (batch.at_end && batch.has_rest) feed.rests[row.id] = {batch.print, ctx.now, was_tried};
  auto const says_nothing =
      batch.lines == 0 && !batch.began_anew && !batch.found.refused && batch.unfinished == row.reason;
  if (says_nothing && (!batch.at_end || (batch.has_rest && was == ManifestState::kReading))) return;
  if (batch.began_anew) {
    row.pass += 1;
    ctx.log.warning(named(row) + " is another file than it was, or was cut: it is read from its beginning");
  }
  if (!batch.found.refused)
    for (auto const& entry : batch.found.entries) take_line(ctx, *feed.policy, row, entry);
  for (auto const& error : batch.found.errors) {
    journal::NoteRow const said{
        .manifest_id = row.id, .line = error.place.line, .column = error.column, .text = error.reason};
    if (note_once(ctx, row, said)) row.errors += 1;
  }
  auto const& mark = batch.mark;
  row.line = mark.place.line;
  row.offset = mark.place.offset;
  row.fingerprint = mark.fingerprint;
  row.inode = batch.print.inode;
  row.read_at = ctx.now;
  row.state = batch.at_end && !batch.has_rest ? ManifestState::kFollowed : ManifestState::kReading;
  row.reason = batch.unfinished;
  if (batch.found.refused) {
    row.state = ManifestState::kRefused;
    row.reason = *batch.found.refused;
    ctx.log.warning(named(row) + " " + row.reason);
  }
  if (batch.at_end || batch.found.refused) {
    row.size_bytes = batch.print.size_bytes;
    row.mtime_ns = batch.print.mtime_ns;
  }
  ctx.journal.update(row, was, ctx.now, row.reason);
}

// It is read again by the next look; what only another file mends, once there is another.
void Manifests::note_failure(Context& ctx, ManifestRow row, ports::FilePrint const& print, Error const& error) {
  auto const was = row.state;
  auto const is_new = row.reason != error.text;
  row.reason = error.text;
  if (error.fault == Fault::kRejected) {
    row.state = ManifestState::kRefused;
    row.inode = print.inode;
    row.size_bytes = print.size_bytes;
    row.mtime_ns = print.mtime_ns;
  }
  if (is_new) ctx.log.warning(named(row) + " " + row.reason);
  if (is_new || row.state == ManifestState::kRefused) ctx.journal.update(row, was, ctx.now, row.reason);
}

void Manifests::go_on(Context& ctx, Feed& feed) {
  start_step(ctx, feed);
  if (!feed.stepping) return;
  auto batch = ctx.scout.fetch<Batch>(feed.policy->root, step_question(feed.reader_number));
  if (!batch) return;
  feed.stepping = false;
  auto row = ctx.journal.manifest(feed.wanted.front().id);
  if (!row) return finish_reading(feed);
  if (!*batch) {
    note_failure(ctx, *std::move(row), feed.wanted.front().print, batch->error());
    return finish_reading(feed);
  }
  note(ctx, feed, *std::move(row), **batch);
  if ((*batch)->at_end || (*batch)->found.refused)
    finish_reading(feed);
  else if (++feed.steps >= kStepsInTurn)
    to_the_back(feed);  // a long one does not keep the others waiting until its end
  start_step(ctx, feed);
}

void Manifests::run(Context& ctx) {
  for (auto& feed : feeds_) {
    look(ctx, feed);
    go_on(ctx, feed);
  }
}

bool Manifests::can_go_on() const {
  return std::ranges::any_of(feeds_, [](Feed const& feed) {
    return !feed.stepping && !feed.listing && !feed.held_up && !feed.wanted.empty();
  });
}

std::optional<WallTime> Manifests::next_look() const {
  std::optional<WallTime> next;
  for (auto const& feed : feeds_)
    if (!feed.listing && (!next || feed.next_look < *next)) next = feed.next_look;
  return next;
}

std::vector<Manifests::View> Manifests::views() const {
  std::vector<View> all;
  for (auto const& feed : feeds_) all.push_back(feed.view);
  return all;
}

}  // namespace sluice::stage

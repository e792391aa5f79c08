#include "core/stage/discover.h"

#include <algorithm>
#include <utility>

#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/source/sidecar.h"
#include "core/stage/admit.h"
#include "core/stage/amend.h"
#include "core/stage/doubted_upload.h"
#include "core/stage/effort.h"
#include "core/stage/find_duplicate.h"
#include "core/stage/follow_rename.h"
#include "core/stage/moves.h"
#include "core/stage/outbox.h"
#include "core/stage/take_sidecar.h"
#include "core/stage/wishes.h"

namespace sluice::stage {

using journal::ItemRow;
using journal::ItemState;

namespace {

constexpr std::size_t kEntriesPerTurn = 250;

// Skipped when no pipeline took its kind, or its path did not match, and now it is taken: the configuration was
// changed since, or it is another source that asks.
bool is_taken_now(Context const& ctx, ItemRow const& known, SourcePolicy const& source) {
  if (known.state != ItemState::kSkipped || (known.reason != kNoMatch && known.reason != kNoPipeline)) return false;
  return would_take(ctx.policy, known, source);
}

// Whether it belongs to another source of the same folder, which takes its name as well.
bool is_of_another(Context const& ctx, ItemRow const& known, SourcePolicy const& source) {
  if (known.source == source.name) return false;
  auto const* const other = ctx.policy.source(known.source);
  return other != nullptr && other->root == known.root && other->swept && other->manifest.empty() &&
         !source::keeps_out_way_to_file(scope_of(*other), known.path);
}

// What the former source wanted of it is asked of this one; what a person asked for stays.
void hand_over(Context const& ctx, ItemRow& item, SourcePolicy const& source) {
  if (item.source == source.name) return;
  if (auto const* const former = ctx.policy.source(item.source); former != nullptr) {
    forget_plan(ctx.policy, item, *former);
  } else if (item.pipeline != kByHand) {
    item.pipeline.clear();
    item.plan.clear();
  }
  item.source = source.name;
  item.priority = source.priority;
  item.sidecar.clear();
}

// It waits to be taken, and the source that found it is no more, or has another folder: nobody else would look at it.
bool is_orphaned(Context const& ctx, ItemRow const& known) {
  if (known.state != ItemState::kSeen) return false;
  auto const* const source = ctx.policy.source(known.source);
  return source == nullptr || source->root != known.root;
}

// We had moved or deleted it, and a file of the same content is there: not the one that an older listing still shows,
// since no rename leaves the ctime as it was.
bool was_put_back(Context const& ctx, ItemRow const& known, ports::FilePrint const& fresh) {
  if (!is_end(known.state) || known.print == fresh) return false;
  return put_away(ctx.journal.acts_of(known.id), known) != nullptr;
}

// Two sources may have one folder.
std::string question_of(Discovery::View const& view) { return "sweep " + view.name; }

void went_down(Context& ctx, Discovery::View& view, std::string why) {
  if (!view.why_down) ctx.log.warning("source " + printable(view.name) + " is down: " + why);
  if (!view.down_since) view.down_since = ctx.now;
  view.why_down = std::move(why);
}

// Each is logged when it comes; status has them as long as they stay.
void tell_left_out(Context& ctx, Discovery::View& view, source::LeftOut now) {
  std::set<std::string_view> known;
  for (auto const& problem : view.left_out.first) known.insert(problem.text);
  for (auto const& problem : now.first)
    if (!known.contains(problem.text))
      ctx.log.warning("source " + printable(view.name) + " leaves out " + problem.text);
  view.left_out = std::move(now);
}

// Its marker was not there when it was looked at last, or a program had it open.
void look_now(Context& ctx, ItemRow item) {
  if (item.effort.due_at <= ctx.now) return;
  item.effort.due_at = ctx.now;
  ctx.journal.update(item, item.state, ctx.now);
}

// What its sidecars said is why it ended; or it might be taken by what they say now.
bool is_ended_by_sidecar(ItemRow const& known) {
  if (known.state == ItemState::kSkipped) return known.reason == kNoPipeline;
  return known.state == ItemState::kFailed && known.failed_from == word(ItemState::kSeen);
}

// Its sidecars changed, came or went: as long as nothing of it is on the platform it is admitted anew (D49). Returns
// false where it is too late for that: the difference stays, to be seen by a later sweep.
bool read_sidecars_again(Context& ctx, ItemRow item, source::Candidate const& candidate) {
  auto const was = item.state;
  auto const steps = ctx.journal.steps_of(item.id);
  auto const untouched = std::ranges::all_of(steps, [](journal::StepRow const& step) {
    return step.state == journal::StepState::kWaiting && step.remote_id.empty();
  });
  if (was != ItemState::kSeen && (was != ItemState::kStable || !untouched)) return false;
  item.state = ItemState::kSeen;
  item.sidecars_print = candidate.sidecars_print;
  item.effort.due_at = ctx.now;
  if (was == ItemState::kSeen) {
    ctx.journal.update(item, was, ctx.now);
    return true;
  }
  item.created_at = ctx.now;
  ctx.sources.forget(item.id);
  move(ctx, item, was, "its sidecar changed");
  return true;
}

// Its sidecars changed: they speak of the asset of a done file, also where a copy of it was put in its place.
void amend_done(Context& ctx, ItemRow const& known, std::int64_t sidecars_print) {
  if (known.state == ItemState::kDone) return plan_amendment(ctx, known, sidecars_print);
  if (known.state != ItemState::kSkipped || known.reason != kDuplicate) return;
  for (auto const& first : ctx.journal.items_by_prefix(known.duplicate_of, 1))
    if (first.state == ItemState::kDone && first.root == known.root && first.path == known.path &&
        first.sidecars_print != sidecars_print)
      plan_amendment(ctx, first, sidecars_print);
}

// A file under upload that was renamed or whose mode was changed is what it was, where its lease proves it: a restart
// must not take it for another.
void adopt_ctime(Context& ctx, ItemRow item, ports::FilePrint const& fresh) {
  if (!fresh.differs_in_ctime_only(item.print) || fresh.ctime_ns < item.print.ctime_ns) return;
  if (!ctx.sources.keeps_writers_out(item.id)) return;
  item.print = fresh;
  ctx.journal.update(item, item.state, ctx.now);
}

}  // namespace

bool may_be_item(std::string_view path) { return !source::is_sidecar_name(basename_of(path)); }

Known compare(ItemRow const& known, ports::FilePrint const& fresh) {
  if (known.state == ItemState::kSeen) return known.print == fresh ? Known::kSame : Known::kGrowing;
  if (!is_end(known.state)) return Known::kSame;  // the stage at work looks at the file itself
  if (known.reason == "vanished" || known.reason == "source_gone") return Known::kBack;
  // A changed ctime alone is a chmod, a hard link, a backup: not other content, and no reason to send it again.
  auto const is_other_file = known.print.inode != fresh.inode && known.print.ctime_ns != fresh.ctime_ns;
  auto const same_content =
      known.print.size_bytes == fresh.size_bytes && known.print.mtime_ns == fresh.mtime_ns && !is_other_file;
  if (known.state == ItemState::kFailed) {
    auto const made_readable = known.reason == kUnreadable && known.print.ctime_ns != fresh.ctime_ns;
    return same_content && !made_readable ? Known::kSame : Known::kRepaired;
  }
  return same_content ? Known::kSame : Known::kReplaced;
}

source::Scope scope_of(SourcePolicy const& source) {
  return {.name = source.name,
          .root = source.root,
          .recursive = source.recursive,
          .include = source.include,
          .exclude = source.exclude,
          .guard_file = source.guard_file,
          .sidecars = source.sidecars,
          .ready_marker = source.ready_marker};
}

Discovery::Discovery(ports::Files& files, Policy const& policy) {
  for (auto const& source : policy.sources) {
    if (!source.swept) continue;
    sources_.push_back({.policy = &source,
                        .sweep = std::make_shared<source::Sweep>(files, scope_of(source)),
                        .view = {.name = source.name,
                                 .root = source.root,
                                 .why_down = {},
                                 .down_since = {},
                                 .last_scan = {},
                                 .left_out = {}},
                        .next_rescan = {}});
  }
}

void Discovery::Watched::want(std::string relative) {
  wishes.insert(std::move(relative));
  if (wishes.size() > source::kWantedMax) wishes = {std::string()};
}

void Discovery::want_all() {
  for (auto& watched : sources_) watched.want("");
}

void Discovery::want_root(std::string const& root) { want_directory(root, ""); }

void Discovery::want_directory(std::string const& root, std::string relative) {
  for (auto& watched : sources_)
    if (watched.policy->root == root) watched.want(relative);
}

ItemRow make_item(Context& ctx, SourcePolicy const& source, std::string path, ports::FilePrint const& print) {
  ItemRow item;
  item.ulid = make_ulid(ctx.now, ctx.random.bits(), ctx.random.bits());
  item.source = source.name;
  item.root = source.root;
  item.path = std::move(path);
  item.print = print;
  item.quiet_since = ctx.now;
  item.priority = source.priority;
  item.created_at = ctx.now;
  item.effort.due_at = ctx.now + source.settle;
  return item;
}

// What became of it, by its print, the journal and its sidecars.
Known Discovery::judge(Context& ctx, SourcePolicy const& source, ItemRow const& known,
                       source::Candidate const& candidate) {
  if (is_taken_now(ctx, known, source)) return Known::kBack;
  auto const compared = compare(known, candidate.print);
  if (compared != Known::kSame) return compared;
  if (was_put_back(ctx, known, candidate.print))
    return known.state == ItemState::kFailed ? Known::kBack : Known::kReplaced;
  if (source.sidecars && known.sidecars_print != candidate.sidecars_print && is_ended_by_sidecar(known))
    return known.state == ItemState::kFailed ? Known::kRepaired : Known::kBack;
  return compared;
}

// The same item goes on, from the beginning: patience with its file begins anew too.
void Discovery::revive(Context& ctx, SourcePolicy const& source, ItemRow known, Known how,
                       source::Candidate const& candidate) {
  auto const was = known.state;
  withdraw_acts(ctx, known.id, "the file is there again");
  if (may_be_complete(ctx, known))
    return doubt_upload(ctx, known, {Fault::kSourceChanged, "the file changed after its upload had failed"});
  abandon_upload(ctx, known);  // one that failed in the middle of it may have a session yet
  hand_over(ctx, known, source);
  known.state = ItemState::kSeen;
  known.generation += 1;
  known.created_at = known.quiet_since = ctx.now;
  known.reason = how == Known::kBack ? "" : "source_changed";
  known.failed_from.clear();
  known.finished_at.reset();
  known.asset_id.clear();
  known.content_key.clear();
  known.client_op.clear();
  known.bytes_acked = 0;
  known.intent = {};
  known.effort = {.due_at = ctx.now + source.settle};
  known.print = candidate.print;
  known.sidecars_print = candidate.sidecars_print;
  ctx.journal.delete_steps_of(known.id);
  move(ctx, known, was);
}

// It settles anew, by what this source wants of it.
void Discovery::adopt(Context& ctx, SourcePolicy const& source, ItemRow known, source::Candidate const& candidate) {
  hand_over(ctx, known, source);
  known.print = candidate.print;
  known.sidecars_print = candidate.sidecars_print;
  known.reason.clear();
  known.quiet_since = ctx.now;
  known.effort = {.due_at = ctx.now + source.settle};
  move(ctx, known, ItemState::kSeen);
}

void Discovery::take(Context& ctx, Watched& watched, source::Candidate const& candidate) {
  if (!may_be_item(candidate.path)) return;
  auto const& source = *watched.policy;
  auto known = ctx.journal.latest_item(source.root, candidate.path);
  if (!known) return take_new(ctx, watched, candidate, 0);
  if (is_of_another(ctx, *known, source) && !is_taken_now(ctx, *known, source)) return;
  if (is_orphaned(ctx, *known)) return adopt(ctx, source, *std::move(known), candidate);
  auto const was = known->state;
  auto const other_sidecars = source.sidecars && known->sidecars_print != candidate.sidecars_print;
  switch (auto const compared = judge(ctx, source, *known, candidate)) {
    case Known::kSame:
      if (is_end(was) && other_sidecars) amend_done(ctx, *known, candidate.sidecars_print);
      if (is_end(was)) return watched.mended.met(*known, ctx.now);
      if (other_sidecars && read_sidecars_again(ctx, *known, candidate)) return;
      if (known->reason == ports::kBeingWritten || (candidate.is_marked && known->reason == kWaitingForMarker))
        return look_now(ctx, *std::move(known));
      return adopt_ctime(ctx, *std::move(known), candidate.print);
    case Known::kReplaced: return take_new(ctx, watched, candidate, known->id);
    case Known::kRepaired:
    case Known::kBack: return revive(ctx, source, *std::move(known), compared, candidate);
    case Known::kGrowing:
      known->print = candidate.print;
      known->sidecars_print = candidate.sidecars_print;
      known->quiet_since = ctx.now;
      known->effort.due_at = ctx.now + source.settle;
      return move(ctx, *known, was);
  }
}

void Discovery::take_new(Context& ctx, Watched& watched, source::Candidate const& candidate, journal::RowId latest) {
  auto const renamed = follow_rename(ctx, *watched.policy, candidate, latest);
  if (renamed == Rename::kFollowed || renamed == Rename::kUnclear) return;
  if (renamed == Rename::kAsked) return watched.want(std::string(directory_of(candidate.path)));
  auto item = make_item(ctx, *watched.policy, candidate.path, candidate.print);
  item.sidecars_print = candidate.sidecars_print;
  ctx.journal.insert(item);
  ctx.log.info("item=" + item.ulid + " path=\"" + printable(item.path) + "\" seen source=" + printable(item.source));
}

void Discovery::note(Context& ctx, Watched& watched, source::Slice slice) {
  for (auto const& candidate : slice.candidates) take(ctx, watched, candidate);
  auto& view = watched.view;
  if (slice.left_out) tell_left_out(ctx, view, *std::move(slice.left_out));
  if (slice.source_gone) return went_down(ctx, view, *std::move(slice.source_gone));
  if (!slice.finished) return;
  watched.mended.swept(slice.left_out.has_value());
  if (view.why_down) ctx.log.info("source " + printable(view.name) + " is back");
  view.why_down.reset();
  view.down_since.reset();
  view.last_scan = ctx.now;
}

// The sweep is the lane's from here on until its slice is fetched.
void Discovery::start_step(Context& ctx, Watched& watched) {
  if (watched.stepping) return;
  for (auto const& wish : std::exchange(watched.wishes, {})) watched.sweep->directory(wish);
  if (watched.sweep->finished()) return;
  watched.stepping =
      ctx.scout.put<source::Slice>(watched.policy->root, question_of(watched.view),
                                   [sweep = watched.sweep, now = ctx.now](ports::Files&) -> Result<source::Slice> {
                                     return sweep->step(kEntriesPerTurn, now);
                                   });
  watched.held_up = !watched.stepping;
}

// One slice a turn; the next is looked at meanwhile.
void Discovery::go_on(Context& ctx, Watched& watched) {
  start_step(ctx, watched);
  if (!watched.has_work()) return;
  auto slice = ctx.scout.fetch<source::Slice>(watched.policy->root, question_of(watched.view));
  if (!slice) return;
  if (!*slice) return went_down(ctx, watched.view, slice->error().text);
  watched.stepping = false;
  note(ctx, watched, *std::move(*slice));
  start_step(ctx, watched);
}

void Discovery::run(Context& ctx) {
  for (auto& watched : sources_) {
    if (!watched.next_rescan || *watched.next_rescan <= ctx.now) {
      watched.want("");
      watched.next_rescan = ctx.now + watched.policy->rescan.value_or(ctx.policy.rescan);
    }
    go_on(ctx, watched);
    for (auto const& [item, print] : watched.mended.look(ctx, *watched.policy))
      revive(ctx, *watched.policy, item, Known::kRepaired,
             {.path = item.path, .print = print, .sidecars_print = item.sidecars_print});
  }
}

bool Discovery::at_work() const {
  return std::ranges::any_of(sources_, [](Watched const& watched) { return watched.has_work(); });
}

bool Discovery::can_go_on() const {
  return std::ranges::any_of(
      sources_, [](Watched const& watched) { return !watched.stepping && !watched.held_up && watched.has_work(); });
}

std::optional<WallTime> Discovery::next_rescan() const {
  std::optional<WallTime> next;
  for (auto const& watched : sources_)
    if (watched.next_rescan && (!next || *watched.next_rescan < *next)) next = watched.next_rescan;
  return next;
}

std::vector<Discovery::View> Discovery::views() const {
  std::vector<View> all;
  for (auto const& watched : sources_) all.push_back(watched.view);
  return all;
}

}  // namespace sluice::stage

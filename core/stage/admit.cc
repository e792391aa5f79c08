#include "core/stage/admit.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "core/base/marker.h"
#include "core/base/text.h"
#include "core/source/settle.h"
#include "core/stage/adopt.h"
#include "core/stage/carry_out.h"
#include "core/stage/check_sum.h"
#include "core/stage/effort.h"
#include "core/stage/find_duplicate.h"
#include "core/stage/moves.h"
#include "core/stage/next_uploads.h"
#include "core/stage/outbox.h"
#include "core/stage/take_sidecar.h"
#include "core/stage/wishes.h"

namespace sluice::stage {

using journal::ItemRow;
using journal::ItemState;
using source::Verdict;

namespace {

constexpr int kRowsPerTurn = 200;
constexpr Millis kSourceRemovedPause{60'000};
constexpr Millis kDownloadPause{60'000};  // the sweep that finds no control file any more comes first
constexpr Millis kLookPause{100};
constexpr std::size_t kNameBytesMax = 255;  // of an entity, as config/ bounds those of indexes and collections
constexpr char kBadTemplate[] = "bad_template";

bool is_skipped(std::string_view code) { return code == kNoPipeline || code == kNoMatch; }

void end_item(Context& ctx, ItemRow item, ItemState state, std::string reason, std::string text) {
  auto const was = item.state;
  item.state = state;
  item.reason = std::move(reason);
  item.failed_from = word(ItemState::kSeen);
  item.effort.due_at.reset();
  item.effort.last_error = std::move(text);
  item.finished_at = ctx.now;
  move(ctx, item, was, item.effort.last_error);
  plan_acts(ctx, item);
}

// What a person must mend fails at once; what the disk or this host could not do now is tried again, and only
// its tries are counted that it is to blame for.
void unreadable(Context& ctx, ItemRow item, Error const& error) {
  if (error.fault == Fault::kGone && item.reason == "source_changed")  // under its upload
    return fail_item(ctx, std::move(item), kSourceGone, error.text, ItemState::kSeen);
  if (error.fault == Fault::kGone)
    return end_item(ctx, std::move(item), ItemState::kSkipped, "vanished", "the file went away before it was taken");
  if (error.fault == Fault::kLocal || error.code == "io" || error.code == "busy")
    return retry_item(ctx, std::move(item), error, ItemState::kSeen);
  end_item(ctx, std::move(item), ItemState::kFailed, kUnreadable, error.text);
}

std::optional<std::string> wish_of(std::string const& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

// Of what comes by hand, or is taken by `sluice ingest`: a source of the configuration has the groups of its pipelines.
Result<void> check_groups(PipelinePolicy const& pipeline, SourcePolicy const& source, TemplateValues const& values) {
  for (auto const& group : groups_in(pipeline))
    if (!values.match || !values.match->contains(group))
      return fail(Fault::kRejected,
                  "pipeline " + pipeline.name + " asks for {match." + group + "}, and source " +
                      printable(source.name) + " has no such group in its `match`",
                  kBadTemplate);
  return {};
}

// What a path holds decides the entity's name, and may leave nothing of it.
Result<void> check_names(Plan const& plan) {
  for (auto const& step : plan.steps) {
    if (step.kind != journal::StepKind::kEntity) continue;
    if (trimmed(step.name).empty())
      return fail(Fault::kRejected, "the entity's name is empty for this path", kBadTemplate);
    if (step.name.size() > kNameBytesMax)
      return fail(Fault::kRejected,
                  "the entity's name has " + std::to_string(step.name.size()) + " bytes for this path, and " +
                      std::to_string(kNameBytesMax) + " are the most",
                  kBadTemplate);
  }
  return {};
}

// Pipeline and plan: given by hand with the item, by its sidecar, or by the source.
Result<Plan> plan_for(Policy const& policy, ItemRow& item, SourcePolicy const& source, WallTime at) {
  auto const sidecar = sidecar_of(item);
  auto const with_name = [&](Plan plan, std::string_view otherwise) {
    if (!sidecar.name.empty() || !otherwise.empty())
      plan.filename = platform_filename(sidecar.name.empty() ? otherwise : sidecar.name);
    return plan;
  };
  if (item.pipeline == kByHand && !item.plan.empty()) return with_name(read_plan(item.plan), file_name(item));
  if (!item.plan.empty()) return read_plan(item.plan);
  SLUICE_TRY(pipeline, choose_pipeline(policy, item, source));
  auto const values = values_of(item, policy.host, at, source.match);
  if (source.match && !values.match) return std::unexpected(does_not_match(source));
  SLUICE_CHECK(check_groups(pipeline, source, values));
  SLUICE_TRY(plan, make_plan(pipeline, values));
  SLUICE_CHECK(check_names(plan));
  item.pipeline = pipeline.name;
  return with_name(std::move(plan), {});
}

void hold(Context& ctx, ItemRow item, SourcePolicy const& source, Held const& held) {
  if (held.fails && ctx.now - item.created_at >= source.max_settle) {
    ctx.digests.forget(item.id);
    return end_item(ctx, std::move(item), ItemState::kFailed, held.reason, held.text);
  }
  item.effort.due_at = ctx.now + held.again;
  item.reason = held.reason;
  item.effort.last_error = held.text;
  ctx.journal.update(item, ItemState::kSeen, ctx.now);
}

// A plan that cannot be made: the file fails or is skipped, or waits for what would mend it.
void admit_without_plan(Context& ctx, ItemRow item, SourcePolicy const& source, source::Look const& look,
                        Error const& error) {
  if (error.code == source::kBadSidecar)
    return hold(ctx, std::move(item), source, {error.code, error.text, kSidecarMendPause, true});
  auto const patience = item.created_at + kSidecarWindow - ctx.now;
  if (error.code == "no_metadata" && source.sidecars && !look.sidecar.has_own && patience > Millis(0))
    return hold(ctx, std::move(item), source, {"waiting_for_sidecar", error.text, patience});
  auto const end = is_skipped(error.code) ? ItemState::kSkipped : ItemState::kFailed;
  end_item(ctx, std::move(item), end, error.code, error.text);
}

void tell_unseen_writers(Context& ctx, SourcePolicy const& source) {
  if (!ctx.sources.learn_unseen_writers(source.name)) return;
  ctx.log.warning(
      "source " + printable(source.name) +
      ": whether programs of other users still write to its files cannot be seen: sluiced has no CAP_LEASE, "
      "or the file system knows no leases; a file counts as finished once it is quiet for `settle`, and "
      "is moved or deleted " +
      to_words(kRestUnseen) + " after its last change");
}

// The file came back to where it was sent from, before the journal was lost; or another one of its name, size and time
// did, since nobody compares the bytes. So it gets no operation tag, and is not put away (outbox.cc).
void adopt_kept(Context& ctx, ItemRow item, Plan const& plan, platform::Asset const& asset) {
  ctx.digests.forget(item.id);
  take_asset(ctx, item, asset);
  item.failed_from.clear();
  ctx.journal.delete_steps_of(item.id);
  move(ctx, item, ItemState::kSeen, claim(ctx, item, asset));
  insert_what_follows(ctx, item, plan, asset);
}

void admit(Context& ctx, ItemRow item, SourcePolicy const& source, source::Look const& look) {
  if (look.writer == ports::Writer::kUnknown) tell_unseen_writers(ctx, source);
  auto media = source::media_by_name(basename_of(item.path));
  if (!media) {
    if (!look.type) return unreadable(ctx, std::move(item), look.type.error());
    media = source::media_by_type(*look.type);
  }
  if (source.sidecars) take_words(ctx.policy, item, source, *look.sidecar.sidecar);
  auto unplanned = item;
  item.ends_hash = look.ends_hash;
  auto const plan = plan_item(ctx.policy, item, source, media, ctx.now);
  if (!plan) return admit_without_plan(ctx, std::move(item), source, look, plan.error());
  if (auto const asset = kept_for(ctx, item)) return adopt_kept(ctx, std::move(item), *plan, *asset);
  auto const found = find_duplicate(ctx, item, source, *plan);
  unplanned.twin = found.twin;
  if (!found.held.reason.empty()) return hold(ctx, std::move(unplanned), source, found.held);
  ctx.digests.forget(item.id);
  if (!found.of.empty()) {
    item.duplicate_of = found.of;
    item.content_key = found.key;
    return end_item(ctx, std::move(item), ItemState::kSkipped, kDuplicate, found.text);
  }
  item.state = ItemState::kStable;
  item.effort = renewed(ctx.now);
  item.reason.clear();
  item.failed_from.clear();
  ctx.journal.delete_steps_of(item.id);
  for (auto const& step : steps_for(item, *plan)) ctx.journal.insert(step);
  move(ctx, item, ItemState::kSeen, sidecar_words(item));
  tell_what_is_left_out(ctx, item, look.sidecar);
}

void look_again(Context& ctx, ItemRow item, Verdict const& verdict) {
  static constexpr std::string_view kReasons[] = {"", "settling", "being_written", "changing", kWaitingForMarker};
  item.effort.due_at = verdict.again_at;
  item.reason = kReasons[static_cast<std::size_t>(verdict.reason)];
  if (verdict.is == Verdict::Is::kStillChanging) item.reason = "still_changing";
  ctx.journal.update(item, ItemState::kSeen, ctx.now);
}

// It became shorter between two glances of one look.
void settle_anew(Context& ctx, ItemRow item, SourcePolicy const& source) {
  item.quiet_since = ctx.now;
  look_again(ctx, std::move(item),
             {Verdict::Is::kChanged, Verdict::Reason::kChanging, ctx.now + std::max(source.settle, kLookPause)});
}

// aria2 says that it is not done, and may rest for long without having the file open.
Held held_by_download(source::Look const& look) {
  if (look.control_file.empty()) return {};
  return {ports::kBeingWritten, printable(look.control_file) + " is beside it: its download is not finished",
          kDownloadPause};
}

void settle_one(Context& ctx, ItemRow item, SourcePolicy const& source) {
  auto const wanted = wanted_of(source, item.path);
  auto const look =
      ctx.scout.look(item.root, item.path, item.print.device, wanted, item.effort.due_at.value_or(WallTime{}));
  if (!look) return;
  if (!*look && look->error().fault == Fault::kSourceChanged) return settle_anew(ctx, std::move(item), source);
  if (!*look) return unreadable(ctx, std::move(item), look->error());
  item.twin = 0;
  auto const& fresh = (*look)->print;
  auto const verdict = source::settle({.recorded = item.print,
                                       .fresh = fresh,
                                       .writer = (*look)->writer,
                                       .marker = (*look)->marker,
                                       .quiet_since = item.quiet_since,
                                       .first_seen = item.created_at,
                                       .now = ctx.now,
                                       .settle = source.settle,
                                       .max_settle = source.max_settle});
  // A clock that stepped back begins the quiet time anew too (D22).
  if (verdict.is == Verdict::Is::kChanged || fresh != item.print) {
    item.print = fresh;
    item.quiet_since = ctx.now;
  }
  if (verdict.is == Verdict::Is::kStable) {
    auto held = held_by_download(**look);
    if (held.reason.empty()) held = held_by_sidecar(source, **look, ctx.now);
    if (held.reason.empty() && item.print.size_bytes > 0) held = held_by_checksum(ctx, item, source, **look);
    if (!held.reason.empty()) return hold(ctx, std::move(item), source, held);
    return admit(ctx, std::move(item), source, **look);
  }
  if (verdict.reason == Verdict::Reason::kMarker)
    item.effort.last_error = "there is no " + printable(wanted.marker) + " beside it that is as new as the file";
  look_again(ctx, std::move(item), verdict);
}

}  // namespace

source::Scout::Wanted wanted_of(SourcePolicy const& source, std::string const& path) {
  source::Scout::Wanted wanted{.type = !source::media_by_name(basename_of(path)),
                               .checksum = source.checksum != ChecksumPolicy::kIgnore,
                               .ends = source.duplicates == DuplicatePolicy::kSkip,
                               .sidecar = source.sidecars};
  if (source.ready_marker) wanted.marker = marker_of(*source.ready_marker, basename_of(path));
  return wanted;
}

void choose_admit(Context& ctx) {
  for (auto& item : ctx.journal.due_seen_items(ctx.now, kRowsPerTurn)) {
    auto const* source = ctx.policy.source(item.source);
    if (source == nullptr) {
      item.effort.due_at = ctx.now + kSourceRemovedPause;
      item.reason = "source_removed";
      ctx.journal.update(item, ItemState::kSeen, ctx.now);
      continue;
    }
    settle_one(ctx, std::move(item), *source);
  }
}

Error does_not_match(SourcePolicy const& source) {
  return {Fault::kRejected, "its path does not fit the `match` of source " + printable(source.name), kNoMatch};
}

bool is_matched(SourcePolicy const& source, ItemRow const& item) {
  return !source.match || values_of(item, {}, {}, source.match).match.has_value();
}

bool would_take(Policy const& policy, ItemRow const& item, SourcePolicy const& source) {
  if (item.kind.empty() || !is_matched(source, item)) return false;
  auto as_its_own = item;
  if (!source.sidecars) as_its_own.sidecar.clear();
  return choose_pipeline(policy, as_its_own, source).has_value();
}

Result<Plan> plan_item(Policy const& policy, ItemRow& item, SourcePolicy const& source,
                       std::optional<source::Media> const& media, WallTime at) {
  auto const by_url = is_of_url(item);
  auto const relayed = by_url && !item.method.empty() && item.method != kByUrl;  // Sluice has its bytes, or will
  if (item.print.size_bytes == 0 && !by_url)
    return fail(Fault::kRejected, "the file is empty: write it again, it is then taken anew", "empty_file");
  if (!media && by_url)
    return fail(Fault::kRejected,
                "the name " + printable(item.name) +
                    " does not say whether it is video, audio or image: give it one "
                    "that does",
                "unknown_kind");
  if (!media) return fail(Fault::kRejected, "neither its name nor its content says video, audio or image", kNoPipeline);
  item.kind = media->kind;
  item.content_type = media->content_type;
  SLUICE_TRY(plan, plan_for(policy, item, source, at));
  if (auto const broken = broken_limit(policy, plan, item.kind, item.print.size_bytes, by_url && !relayed))
    return fail(Fault::kRejected, *broken, "too_large");
  item.plan = plan.to_json();
  if (!relayed) item.method = by_url ? kByUrl : method_for(policy, item.kind, item.print.size_bytes);
  return plan;
}

std::vector<journal::StepRow> steps_for(ItemRow const& item, Plan const& plan) {
  std::vector<journal::StepRow> steps;
  for (auto const& planned : plan.steps) {
    auto const ordinal = static_cast<std::int64_t>(steps.size()) + 1;
    journal::StepRow step{.item_id = item.id, .ordinal = ordinal, .kind = planned.kind, .params = planned.to_json()};
    step.client_op = operation_tag(item, ordinal);
    steps.push_back(std::move(step));
  }
  return steps;
}

Result<PipelinePolicy> choose_pipeline(Policy const& policy, ItemRow const& item, SourcePolicy const& source) {
  auto const sidecar = sidecar_of(item);
  auto const by_person = !item.pipeline.empty() && item.pipeline != kBySidecar;
  if (!by_person && sidecar.names_places())
    return pipeline_of_sidecar(policy, source, item.kind,
                               {.index = wish_of(sidecar.index),
                                .collection = wish_of(sidecar.collection),
                                .entity = wish_of(sidecar.entity)});
  auto const& named = by_person ? item.pipeline : sidecar.pipeline;
  if (!by_person && !named.empty() && policy.pipeline(named) == nullptr)
    return fail(Fault::kRejected,
                printable(sidecar.files.empty() ? "" : sidecar.files.front()) + ": `pipeline`: there is no pipeline " +
                    printable(named) + "; name one of the configuration, or leave it out",
                source::kBadSidecar);
  auto const* const pipeline = named.empty() ? pipeline_for(policy, source, item.kind) : policy.pipeline(named);
  if (pipeline != nullptr && pipeline->kinds.contains(item.kind)) return *pipeline;
  return fail(Fault::kRejected, "no pipeline of source " + printable(source.name) + " takes " + item.kind + " files",
              kNoPipeline);
}

PipelinePolicy const* pipeline_for(Policy const& policy, SourcePolicy const& source, std::string const& kind) {
  for (auto const& name : source.pipelines)
    if (auto const* pipeline = policy.pipeline(name); pipeline != nullptr && pipeline->kinds.contains(kind))
      return pipeline;
  return nullptr;
}

std::optional<std::string> broken_limit(Policy const& policy, Plan const& plan, std::string const& kind,
                                        std::uint64_t size_bytes, bool by_url) {
  auto const over = [&](std::uint64_t limit, std::string_view step) -> std::optional<std::string> {
    if (size_bytes <= limit) return std::nullopt;
    return "the file has " + to_words_bytes(size_bytes) + ", and the " + std::string(step) + " step takes " + kind +
           " files up to " + to_words_bytes(limit);
  };
  auto const& limits = policy.limits;
  auto const file_max = kind == "image" ? std::max(limits.direct_image_bytes, limits.multipart_image_bytes)
                                        : std::max(limits.direct_video_bytes, limits.multipart_video_bytes);
  auto const url_max = kind == "image" ? limits.url_image_bytes : limits.url_video_bytes;
  if (auto broken = over(by_url ? url_max : file_max, "upload")) return broken;
  for (auto const& step : plan.steps)
    if (step.kind == journal::StepKind::kIndex)
      if (auto broken = over(limits.index_bytes, "index")) return broken;
  return std::nullopt;
}

std::string method_for(Policy const& policy, std::string const& kind, std::uint64_t size_bytes) {
  auto const takes = kind == "image" ? policy.limits.direct_image_bytes : policy.limits.direct_video_bytes;
  return size_bytes <= std::min(policy.direct_max_bytes, takes) ? "direct" : "multipart";
}

}  // namespace sluice::stage

#include "core/stage/rebuild.h"

#include <algorithm>
#include <utility>

#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/source/identity.h"
#include "core/stage/admit.h"
#include "core/stage/adopt.h"
#include "core/stage/discover.h"
#include "core/stage/take_sidecar.h"
#include "core/stage/wishes.h"
#include "core/upload/file_digest.h"

namespace sluice::stage {

using journal::ItemRow;
using journal::ItemState;
using platform::Asset;

namespace {

constexpr std::size_t kAssetsNamed = 5;

WallTime mtime_of(ports::FilePrint const& print) { return from_unix_ms(print.mtime_ns / 1'000'000); }

// When a file was most likely admitted, for {date}: quiet for the settle time after its last change, and not
// before it was seen. A time in the future is a clock's error (D29).
WallTime admitted_about(SourceFile const& file, std::optional<WallTime> seen, WallTime now) {
  return std::min(now, std::max(seen.value_or(mtime_of(file.print)), mtime_of(file.print)) + file.source->settle);
}

// Whether its sidecar, which is not known, may have been what let it go up.
bool is_lost_with_sidecar(SourceFile const& file, Error const& error) {
  return !file.sidecar_trouble.empty() && file.media &&
         (error.code == "no_pipeline" || error.code == "no_metadata" || error.code == "bad_template");
}

// Fills the item as plan_item() does.
Result<Plan> plan_of(Policy const& policy, ItemRow& item, SourceFile const& file, WallTime at) {
  auto plan = plan_item(policy, item, *file.source, file.media, at);
  if (plan || !is_lost_with_sidecar(file, plan.error())) return plan;
  Plan asset_alone{.filename = platform_filename(basename_of(item.path))};
  item.pipeline = kBySidecar;
  item.plan = asset_alone.to_json();
  item.method = method_for(policy, item.kind, item.print.size_bytes);
  return asset_alone;
}

// The item as the daemon would have made it, and its plan.
std::pair<ItemRow, Result<Plan>> planned(Context& ctx, SourceFile const& file, std::optional<WallTime> seen) {
  auto item = make_item(ctx, *file.source, file.path, file.print);
  item.sidecars_print = file.sidecars_print;
  take_words(ctx.policy, item, *file.source, file.sidecar);
  auto plan = plan_of(ctx.policy, item, file, admitted_about(file, seen, ctx.now));
  return {std::move(item), std::move(plan)};
}

// What lies beside it says, or why that is not known.
void read_sidecars(ports::Files& files, SourceFile& file, source::Candidate const& candidate, WallTime now) {
  if (candidate.sidecars_print == 0) return;
  auto const now_ns = std::chrono::nanoseconds(now.time_since_epoch()).count();
  auto const look = source::look_for_sidecar(files, file.source->root, candidate.path, now_ns);
  if (look && look->sidecar) {  // else it counts as changed once it can be read
    file.sidecars_print = candidate.sidecars_print;
    file.sidecar = *look->sidecar;
    return;
  }
  file.sidecar_trouble = look ? look->sidecar.error().text : look.error().text;
}

// Whether the file is certainly what was sent, and no other one of its name, size and time: a receipt says so, or it
// has not been touched since its asset was made. Any other one is not put away: it may be nowhere else (outbox.cc).
bool is_what_was_sent(Context const& ctx, SourceFile const& file, Asset const& asset) {
  auto const touched_at = from_unix_ms(file.print.ctime_ns / 1'000'000) + ctx.traffic.clock_offset();
  return file.is_known_by_content || (asset.created_at && touched_at <= *asset.created_at);
}

}  // namespace

std::optional<SourceFile> sought_file(ports::Files& files, Policy const& policy, SourcePolicy const& source,
                                      source::Candidate const& candidate, WallTime now) {
  if (!may_be_item(candidate.path)) return std::nullopt;
  SourceFile file{.source = &source,
                  .path = candidate.path,
                  .print = candidate.print,
                  .media = source::media_by_name(basename_of(candidate.path))};
  if (!file.media)
    if (auto const opened = files.open(source.root, candidate.path); opened)
      if (auto const type = files.sniff(**opened)) file.media = source::media_by_type(*type);
  read_sidecars(files, file, candidate, now);
  auto const planned_now = [&] {
    ItemRow item{.source = source.name, .root = source.root, .path = candidate.path, .print = candidate.print};
    take_words(policy, item, source, file.sidecar);
    return plan_of(policy, item, file, admitted_about(file, std::nullopt, now));
  };
  auto plan = planned_now();
  if (!plan && plan.error().code == source::kBadSidecar) {
    file.sidecar_trouble = plan.error().text;
    file.sidecar.pipeline.clear();
    plan = planned_now();
  }
  if (!plan) return std::nullopt;
  auto const& print = candidate.print;
  file.sought = {.identity = source::identity_of(source.root, candidate.path, print.size_bytes, print.mtime_ns),
                 .filename = plan->filename,
                 .size_bytes = print.size_bytes,
                 .not_before = std::min(mtime_of(print), now)};
  return file;
}

void note_ends(ports::Files& files, SourceFile& file) {
  auto const opened = files.open(file.source->root, file.path);
  if (!opened) return;
  auto const print = (*opened)->print();
  if (!print || *print != file.print) return;
  file.ends_hash = upload::ends_hash_of(**opened, print->size_bytes).value_or(0);
}

void adopt(Context& ctx, SourceFile const& file, Asset const& asset) {
  auto const tag = source::parse_operation_tag(asset.client_op);
  auto const seen = tag ? std::optional(time_of_ulid(tag->ulid)) : std::nullopt;
  auto [item, plan] = planned(ctx, file, seen);
  if (!plan) return;  // the configuration is the one that sought_file() read: not reached
  take_names(ctx, item, asset);
  take_asset(ctx, item, asset);
  if (!is_what_was_sent(ctx, file, asset)) item.client_op.clear();
  item.ends_hash = file.ends_hash;
  item.content_key = file.content_key;
  auto const* const by = file.is_known_by_content ? ", which has its content by a receipt"
                         : tag                    ? ", which carries its operation tag"
                                                  : ", which fits by name, size and time";
  auto const stays = item.client_op.empty() ? "; nobody has compared the bytes, so the file stays where it is" : "";
  item.id = insert_lost(ctx, item, "rebuilt: the platform has asset " + asset.id + by + stays);
  insert_what_follows(ctx, item, *plan, asset);
}

void leave_to_a_person(Context& ctx, SourceFile const& file, std::span<Asset const* const> fitting) {
  auto [item, plan] = planned(ctx, file, std::nullopt);
  if (!plan) return;  // as above
  auto names = std::string();
  for (auto const* asset : fitting.first(std::min(fitting.size(), kAssetsNamed)))
    names += (names.empty() ? "" : ", ") + asset->id;
  if (fitting.size() > kAssetsNamed) names += " and " + std::to_string(fitting.size() - kAssetsNamed) + " more";
  item.state = ItemState::kFailed;
  item.reason = kRebuildAmbiguous;
  item.failed_from = word(ItemState::kStable);
  item.finished_at = ctx.now;
  item.effort = {.last_error =
                     "the journal was rebuilt, and the platform may have this file already, as asset " + names};
  item.id = insert_lost(ctx, item, item.effort.last_error);
  for (auto const& step : steps_for(item, *plan)) ctx.journal.insert(step);
}

}  // namespace sluice::stage

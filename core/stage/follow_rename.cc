#include "core/stage/follow_rename.h"

#include <algorithm>
#include <utility>

#include "core/base/text.h"
#include "core/stage/effort.h"
#include "core/stage/take_sidecar.h"

namespace sluice::stage {

using journal::ItemRow;
using journal::ItemState;

namespace {

bool may_be(ItemRow const& item, ports::FilePrint const& fresh) {
  return item.print.device == fresh.device && item.print.size_bytes == fresh.size_bytes &&
         item.print.mtime_ns == fresh.mtime_ns;
}

void go_on_as(Context& ctx, ItemRow item, SourcePolicy const& source, source::Candidate const& candidate) {
  auto const old = std::exchange(item.path, candidate.path);
  auto const was = item.state;
  auto const note = "renamed: it was " + printable(old);
  ctx.journal.rename(item.id, item.path);
  ctx.journal.add_event({.at = ctx.now,
                         .item_id = item.id,
                         .subject = "item",
                         .was = std::string(word(was)),
                         .became = "renamed",
                         .note = note});
  ctx.log.info("item=" + item.ulid + " path=\"" + printable(item.path) + "\" " + note);
  if (was == ItemState::kSeen || was == ItemState::kStable) {
    ctx.sources.forget(item.id);
    ctx.journal.delete_steps_of(item.id);
    forget_plan(ctx.policy, item, source);
    if (item.plan.empty()) item.kind.clear();
    item.sidecars_print = candidate.sidecars_print;
    item.state = ItemState::kSeen;
    item.print = candidate.print;
    item.quiet_since = ctx.now;
    item.effort.due_at = ctx.now + source.settle;
  } else if (ctx.sources.keeps_writers_out(item.id)) {
    item.print = candidate.print;  // else whoever reads it next takes it for changed, as nothing proves that it is not
  }
  ctx.journal.update(item, was, ctx.now);
}

}  // namespace

Rename follow_rename(Context& ctx, SourcePolicy const& source, source::Candidate const& candidate,
                     journal::RowId latest) {
  for (auto& item : ctx.journal.live_items_of_inode(source.root, candidate.print.inode)) {
    if (item.id < latest || item.source != source.name || !may_be(item, candidate.print)) continue;
    auto const there = ctx.scout.stat(item.root, item.path, item.print.device);
    if (!there) return Rename::kAsked;
    if (!*there && there->error().fault != Fault::kGone) return Rename::kUnclear;
    if (*there && (*there)->inode == item.print.inode)
      continue;  // a hard link; another inode: another file has its name
    go_on_as(ctx, std::move(item), source, candidate);
    return Rename::kFollowed;
  }
  return Rename::kNone;
}

}  // namespace sluice::stage

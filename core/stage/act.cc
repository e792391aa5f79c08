#include "core/stage/act.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "core/base/text.h"
#include "core/platform/replies.h"
#include "core/platform/requests.h"
#include "core/source/companions.h"
#include "core/source/put_away.h"
#include "core/stage/amend.h"
#include "core/stage/effort.h"
#include "core/stage/outbox.h"
#include "core/stage/plan.h"
#include "core/stage/results.h"

namespace sluice::stage {

using budget::Errand;
using budget::Group;
using journal::ActKind;
using journal::ActRow;
using journal::ActState;
using journal::ItemRow;
using journal::ItemState;
using ports::Place;
using source::Left;

namespace {

constexpr int kRowsPerTurn = 64;
constexpr int kActingMax = 1'000;       // rows looked at for answers in a turn, or behind those of a full folder
constexpr std::size_t kPerFolder = 16;  // acts of one folder under way; others of it wait for an answer

std::string lane_of(ItemRow const& item) { return std::string(source::kActLane) + item.root; }
std::string question_of(ActRow const& act) { return "act " + std::to_string(act.id); }
std::string absolute(Place const& at) { return at.folder + "/" + at.path; }

void done(Context& ctx, ActRow act, Left const& left) {
  auto const was = act.state;
  act.state = ActState::kDone;
  act.effort = renewed(std::nullopt);
  if (act.kind != ActKind::kDelete && act.kind != ActKind::kClearNote) {
    act.target_folder = left.at.folder;
    act.target_path = left.at.path;
  }
  auto note = act.kind == ActKind::kDelete || act.kind == ActKind::kClearNote ? std::string() : absolute(left.at);
  if (!left.note.empty()) note.append(note.empty() ? "" : "; ").append(left.note);
  move(ctx, act, was, note);
  next_act(ctx, act.item_id);
}

void settle_left(Context& ctx, ActRow act, Result<Left> const& left) {
  if (left) return done(ctx, std::move(act), *left);
  auto const& error = left.error();
  switch (error.fault) {
    case Fault::kSourceChanged: return refuse_act(ctx, std::move(act), "changed", error.text);
    case Fault::kGone: return refuse_act(ctx, std::move(act), "gone", error.text);
    case Fault::kRejected: return refuse_act(ctx, std::move(act), error.code, error.text);
    default:  // whole folders may be away for long: that charges nobody
      return try_act_again(ctx, std::move(act), error, error.code != kSourceDown);
  }
}

// --- the work in the lane

// What the work needs, by value: the loop goes on meanwhile.
struct Order {
  ActKind kind;
  source::Leaving file;
  std::string guard_file;
  Place target;  // of a move; of a note, where it is wanted
  NoteText note;
  bool needs_file = false;  // a note beside a file that is still in its folder
};

// No note is written beside a file that it is not about.
Result<void> is_the_one(Result<std::shared_ptr<ports::OpenFile>> const& file, source::Leaving const& sent) {
  if (!file) return {};  // one that cannot be opened is described all the same
  SLUICE_TRY(print, (*file)->print());
  if (print.size_bytes == sent.print.size_bytes && print.mtime_ns == sent.print.mtime_ns) return {};
  return fail(Fault::kSourceChanged, "another file stands there now: nothing is written beside it", "changed");
}

// Nothing is done in a folder that is not mounted. Fails kGone where only the file is missing.
Result<void> is_there(ports::Files& files, Order const& order) {
  auto const& [folder, path] = order.file.at;
  auto const file = files.open(folder, path);
  if (!file && file.error().fault == Fault::kGone)
    return std::unexpected(
        source::gone_or_away(files, folder, path, order.file.print.device, order.guard_file, file.error()));
  if (order.needs_file) return is_the_one(file, order.file);
  if (file && (*file)->writer() == ports::Writer::kPresent)
    return fail(Fault::kSourceIo, printable(folder + "/" + path) + " is open for writing", "busy");
  return {};  // one that cannot be opened can be moved
}

Result<Left> put_note(ports::Acts& acts, Order const& order) {
  source::Note const note{.at = order.target, .text = order.note.text, .ours = order.note.ours, .tag = order.file.tag};
  if (order.kind == ActKind::kClearNote) {
    SLUICE_CHECK(source::remove_note(acts, note));
    return Left{.at = note.at, .note = {}};
  }
  SLUICE_CHECK(acts.make_way(note.at));
  SLUICE_TRY(at, source::write_note(acts, note));
  return Left{.at = std::move(at), .note = {}};
}

Result<Left> carry_out(ports::Acts& acts, ports::Files& files, Order const& order) {
  auto const there = is_there(files, order);
  auto const is_gone = !there && there.error().fault == Fault::kGone;
  switch (order.kind) {
    case ActKind::kMove:
    case ActKind::kDelete:
      if (!there && !is_gone) return std::unexpected(there.error());
      return order.kind == ActKind::kMove ? source::move_away(acts, order.file, order.target)
                                          : source::delete_away(acts, order.file);
    case ActKind::kReceipt:
    case ActKind::kErrorNote:
    case ActKind::kClearNote:
      if (!there && order.needs_file) return std::unexpected(there.error());
      return put_note(acts, order);
    case ActKind::kHook: break;   // no file's: send_hook
    case ActKind::kAmend: break;  // nor this one: amend
  }
  std::unreachable();
}

// --- the loop's side

Place named_beside(Place const& file, std::string_view end) { return {file.folder, file.path + std::string(end)}; }

void add_note(Context const& ctx, ActRow const& act, ItemRow const& item, Order& order) {
  auto const acts = ctx.journal.acts_of(item.id);
  auto const* const away = put_away(acts, item);
  auto const file = place_of_file(acts, item);
  auto const is_receipt = act.kind == ActKind::kReceipt;
  auto const is_deleted = away != nullptr && away->kind == ActKind::kDelete;
  order.note =
      is_receipt ? receipt_of(ctx.journal, item, is_deleted ? "" : absolute(file)) : error_note_of(ctx.journal, item);
  order.target = act.target_folder.empty() ? named_beside(file, is_receipt ? ".sluice.json" : ".error.json")
                                           : Place{act.target_folder, act.target_path};
  order.needs_file = away == nullptr && order.target.folder == item.root;
}

// The sidecar of its own that other files of its stem may use too; "" if it used none such.
std::string shared_sidecar(ItemRow const& item) {
  auto const name = basename_of(item.path);
  auto own = source::own_sidecar(sidecar_of(item).files, name);
  return source::is_shared_sidecar(own, name) ? own : std::string();
}

Order order_for(Context const& ctx, ActRow const& act, ItemRow const& item) {
  auto const* const source = ctx.policy.source(item.source);
  Order order{.kind = act.kind,
              .file = {.at = {item.root, item.path},
                       .print = item.print,
                       .tag = item.ulid + "." + std::to_string(act.ordinal),
                       .marker = source == nullptr ? std::nullopt : source->ready_marker,
                       .sidecar = shared_sidecar(item)},
              .guard_file = source == nullptr ? std::string() : source->guard_file,
              .target = {act.target_folder, act.target_path},
              .note = {}};
  if (act.kind != ActKind::kMove && act.kind != ActKind::kDelete) add_note(ctx, act, item, order);
  return order;
}

// An act's intent is on disk: it is given to the lane, unless it is there already, and its answer is fetched.
void go_on(Context& ctx, ActRow act, ItemRow const& item) {
  auto const lane = lane_of(item);
  auto const question = question_of(act);
  if (!ctx.scout.is_put(lane, question))
    ctx.scout.put<Left>(lane, question,
                        [&acts = ctx.acts, order = order_for(ctx, act, item)](ports::Files& files) -> Result<Left> {
                          return carry_out(acts, files, order);
                        });
  auto const left = ctx.scout.fetch<Left>(lane, question);
  if (left) settle_left(ctx, std::move(act), *left);
}

void begin(Context& ctx, ActRow act) {
  act.state = ActState::kActing;
  act.effort.due_at = ctx.now;
  move(ctx, act, ActState::kWanted);
}

// An item that lives again, or another content of it, is none of this act's business.
std::optional<ItemRow> item_of(Context& ctx, ActRow const& act) {
  auto item = ctx.journal.item(act.item_id);
  if (item && is_of_this_end(act, *item)) return item;
  refuse_act(ctx, act, "superseded", "the item went on");
  return std::nullopt;
}

bool is_verified_first(ActRow const& act, ItemRow const& item) {
  return item.state == ItemState::kDone && (act.kind == ActKind::kMove || act.kind == ActKind::kDelete);
}

void verify(Context& ctx, ActRow const& act, ItemRow const& item) {
  if (ctx.traffic.busy(Errand::kVerifyAsset, act.id)) return;
  if (!ctx.traffic.may_poll(Group::kAssets, ctx.now, ctx.policy.api_calls_max)) return;
  ctx.traffic.send({.errand = Errand::kVerifyAsset, .row = act.id}, platform::retrieve_asset(item.asset_id), ctx.now);
}

}  // namespace

void choose_act(Context& ctx) {
  std::map<std::string, std::size_t> under_way;
  for (auto const& act : ctx.journal.due_acts(ActState::kActing, ctx.now, kActingMax)) {
    auto const item = item_of(ctx, act);
    if (!item) continue;
    if (act.kind == ActKind::kAmend) {
      go_on_amending(ctx, act, *item);
      continue;
    }
    under_way[item->root] += 1;
    go_on(ctx, act, *item);
  }
  auto const is_full = [&](auto const& folder) { return folder.second >= kPerFolder; };
  auto const rows = std::ranges::any_of(under_way, is_full) ? kActingMax : kRowsPerTurn;
  for (auto act : ctx.journal.due_acts(ActState::kWanted, ctx.now, rows)) {
    auto const item = item_of(ctx, act);
    if (item && act.kind == ActKind::kAmend) {
      go_on_amending(ctx, std::move(act), *item);
      continue;
    }
    if (!item || under_way[item->root] >= kPerFolder) continue;
    under_way[item->root] += 1;
    if (is_verified_first(act, *item)) {
      verify(ctx, act, *item);
    } else {
      begin(ctx, std::move(act));
    }
  }
}

void settle_verify_asset(Context& ctx, Landing const& landing) {
  auto act = ctx.journal.act(landing.flight.row);
  if (!act || act->state != ActState::kWanted) return;
  if (!landing.reply && landing.reply.error().fault == Fault::kGone)
    return refuse_act(ctx, *std::move(act), "asset_gone", "the platform no longer has the asset: the file is kept");
  if (!landing.reply && landing.reply.error().fault == Fault::kRejected)
    return refuse_act(ctx, *std::move(act), "not_verified", landing.reply.error().text);
  if (!landing.reply) return try_act_again(ctx, *std::move(act), landing.reply.error(), false);
  auto const asset = platform::read_asset(*landing.reply);
  if (!asset) return try_act_again(ctx, *std::move(act), asset.error(), true);
  if (asset->state != platform::Asset::State::kReady)
    return refuse_act(ctx, *std::move(act), "not_verified",
                      "the platform says that the asset is not ready: it is kept");
  begin(ctx, *std::move(act));
}

}  // namespace sluice::stage

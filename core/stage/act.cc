#include "core/stage/act.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/text.h"
#include "core/platform/replies.h"
#include "core/platform/requests.h"
#include "core/source/companions.h"
#include "core/stage/amend.h"
#include "core/stage/carry_out.h"
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

// --- the loop's side

Place named_beside(Place const& file, std::string_view end) { return {file.folder, file.path + std::string(end)}; }

Place place_of_note(ActRow const& act, ItemRow const& item, std::vector<ActRow> const& acts) {
  if (!act.target_folder.empty()) return {act.target_folder, act.target_path};
  return named_beside(place_of_file(acts, item), act.kind == ActKind::kReceipt ? ".sluice.json" : ".error.json");
}

void add_note(Context const& ctx, ActRow const& act, ItemRow const& item, Order& order) {
  auto const acts = ctx.journal.acts_of(item.id);
  auto const* const away = put_away(acts, item);
  auto const file = place_of_file(acts, item);
  auto const is_receipt = act.kind == ActKind::kReceipt;
  auto const is_deleted = away != nullptr && away->kind == ActKind::kDelete;
  order.note =
      is_receipt ? receipt_of(ctx.journal, item, is_deleted ? "" : absolute(file)) : error_note_of(ctx.journal, item);
  order.target = place_of_note(act, item, acts);
  order.needs_file = away == nullptr && order.target.folder == item.root;
}

// The sidecar of its own that other files of its stem may use too; "" if it used none such.
std::string shared_sidecar(ItemRow const& item) {
  auto const name = basename_of(item.path);
  auto own = source::own_sidecar(sidecar_of(item).files, name);
  return source::is_shared_sidecar(own, name) ? own : std::string();
}

// A program that writes on is behind its marker, or makes the checksum wrong.
bool is_proved_whole(SourcePolicy const* source) {
  return source != nullptr && (source->ready_marker || source->checksum == ChecksumPolicy::kRequire);
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
              .note = {},
              .content_key = item.content_key,
              .is_whole = is_proved_whole(source),
              .quiet_since = item.quiet_since,
              .now = ctx.now};
  auto const is_note = act.kind != ActKind::kMove && act.kind != ActKind::kDelete && act.kind != ActKind::kAmend;
  if (is_note) add_note(ctx, act, item, order);
  return order;
}

// A note beside a moved file has its place from now on: it is found by its folder once that is there.
void hold(Context& ctx, ActRow act, Place const& target, std::string const& folder, std::string text) {
  if (act.target_folder.empty() && target.folder == folder) {
    act.target_folder = target.folder;
    act.target_path = target.path;
  }
  hold_act(ctx, std::move(act), folder, std::move(text));
}

// The folder that it would be of no use without, and that is known to be away; "" if none is.
std::string away_for(Context const& ctx, Order const& order) {
  auto const& away = ctx.traffic.away_folders();
  if (uses_file(order) && away.is_away(order.file.at.folder)) return order.file.at.folder;
  return away.is_away(order.target.folder) ? order.target.folder : std::string();
}

bool is_held(Context& ctx, ActRow const& act, ItemRow const& item) {
  auto const& away = ctx.traffic.away_folders();
  if (away.all().empty()) return false;
  if (act.kind == ActKind::kAmend) {
    if (away.is_away(item.root)) hold_act(ctx, act, item.root, away.all().at(item.root).text);
    return away.is_away(item.root);
  }
  auto const order = order_for(ctx, act, item);
  auto const folder = away_for(ctx, order);
  if (!folder.empty()) hold(ctx, act, order.target, folder, away.all().at(folder).text);
  return !folder.empty();
}

// One look for all who wait for a folder; they go on once it is there.
void look_for_folder(Context& ctx, std::string const& folder) {
  auto& away = ctx.traffic.away_folders();
  auto const lane = std::string(source::kActLane) + folder;
  static std::string const question = "is there";
  if (!ctx.scout.is_put(lane, question)) {
    auto const act = ctx.journal.held_act(folder);
    auto const item = act ? ctx.journal.item(act->item_id) : std::nullopt;
    if (!item) return away.found(folder);  // nobody waits any more
    ctx.scout.put<bool>(lane, question,
                        [&acts = ctx.acts, folder, order = order_for(ctx, *act, *item)](ports::Files& files) {
                          auto const there = look_for(folder, acts, files, order);
                          return there ? Result<bool>(true) : std::unexpected(there.error());
                        });
  }
  auto const there = ctx.scout.fetch<bool>(lane, question);
  if (!there) return;
  if (!*there) return away.still_away(folder, there->error().text, ctx.now);
  away.found(folder);
  ctx.journal.release_acts(folder, ctx.now);
  ctx.log.info("folder " + printable(folder) + " is there again");
}

void look_for_folders(Context& ctx) {
  std::vector<std::string> due;
  for (auto const& [folder, away] : ctx.traffic.away_folders().all())
    if (auto const at = away.probe.at(ctx.now); at && *at <= ctx.now) due.push_back(folder);
  for (auto const& folder : due) look_for_folder(ctx, folder);
}

// The file is what was sent, by its content: the order is given again, for its print of now. Where something changes
// the ctime again and again, ever later.
void adopt(Context& ctx, ActRow act, ItemRow item, ports::FilePrint const& print) {
  item.print = print;
  ctx.journal.update(item, item.state, ctx.now);
  act.effort.due_at =
      ctx.now + (act.effort.tries == 0 ? Millis(0) : backoff(act.effort.tries, ctx.policy, ctx.jitter()));
  act.effort.tries += 1;
  ctx.journal.update(act, act.state, ctx.now);
  ctx.log.info("act item=" + std::to_string(item.id) + " kind=" + std::string(word(act.kind)) +
               " its file has another ctime (a chmod, a hard link, a backup), and the content that was sent");
}

void wait_for_writers(Context& ctx, ActRow act, Error const& error) {
  auto const was = act.state;
  act.state = ActState::kWanted;
  act.effort.due_at = ctx.now + error.retry_after.value_or(kRestUnseen);
  act.effort.last_error = error.text;
  move(ctx, act, was, error.text);
}

void settle(Context& ctx, ActRow act, ItemRow const& item, Result<Carried> const& carried) {
  if (carried && carried->adopted) return adopt(ctx, std::move(act), item, *carried->adopted);
  if (carried) return done(ctx, std::move(act), carried->left);
  auto const& error = carried.error();
  if (error.code == kMaybeWritten) return wait_for_writers(ctx, std::move(act), error);
  if (error.code == kSourceDown || error.code == kTargetAway) {  // that charges nobody
    auto const target = order_for(ctx, act, item).target;
    return hold(ctx, std::move(act), target, error.code == kSourceDown ? item.root : target.folder, error.text);
  }
  switch (error.fault) {
    case Fault::kSourceChanged: return refuse_act(ctx, std::move(act), "changed", error.text);
    case Fault::kGone: return refuse_act(ctx, std::move(act), "gone", error.text);
    case Fault::kRejected: return refuse_act(ctx, std::move(act), error.code, error.text);
    default: return try_act_again(ctx, std::move(act), error, true);
  }
}

// An act's intent is on disk: it is given to the lane, unless it is there already, and its answer is fetched.
void go_on(Context& ctx, ActRow act, ItemRow const& item) {
  auto const lane = lane_of(item);
  auto const question = question_of(act);
  if (!ctx.scout.is_put(lane, question))
    ctx.scout.put<Carried>(
        lane, question, [&acts = ctx.acts, order = order_for(ctx, act, item)](ports::Files& files) -> Result<Carried> {
          return carry_out(acts, files, order);
        });
  auto const carried = ctx.scout.fetch_until_committed<Carried>(lane, question);
  if (carried) settle(ctx, std::move(act), item, *carried);
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

// The receipt that a newer file of that name has, or is getting, in the place of this one stays: lanes keep their
// order.
bool is_behind(Context const& ctx, ActRow const& act, ItemRow const& item) {
  if (act.kind != ActKind::kReceipt) return false;
  auto const latest = ctx.journal.latest_item(item.root, item.path);
  if (!latest || latest->id <= item.id) return false;
  auto const acts = ctx.journal.acts_of(latest->id);
  auto const place = place_of_note(act, item, ctx.journal.acts_of(item.id));
  return std::ranges::any_of(acts, [&](ActRow const& other) {
    return other.kind == act.kind && (other.state == ActState::kActing || other.state == ActState::kDone) &&
           place_of_note(other, *latest, acts) == place;
  });
}

bool is_verified_first(ActRow const& act, ItemRow const& item) {
  return item.state != ItemState::kFailed && (act.kind == ActKind::kMove || act.kind == ActKind::kDelete);
}

// A duplicate's content is in the asset of the item that it repeats.
void verify(Context& ctx, ActRow const& act, ItemRow const& item) {
  auto const holder = item.state == ItemState::kDone ? std::optional(item) : twin_of(ctx, item);
  if (!holder)
    return refuse_act(ctx, act, "not_verified", "the item that it repeats is not done any more: the file is kept");
  if (ctx.traffic.busy(Errand::kVerifyAsset, act.id)) return;
  if (!ctx.traffic.may_poll(Group::kAssets, ctx.now, ctx.policy.api_calls_max)) return;
  ctx.traffic.send({.errand = Errand::kVerifyAsset, .row = act.id}, platform::retrieve_asset(holder->asset_id),
                   ctx.now);
}

}  // namespace

void choose_act(Context& ctx) {
  look_for_folders(ctx);
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
    if (!item || is_held(ctx, act, *item)) continue;
    if (act.kind == ActKind::kAmend) {
      go_on_amending(ctx, std::move(act), *item);
      continue;
    }
    if (is_behind(ctx, act, *item)) {
      refuse_act(ctx, std::move(act), "superseded", "a newer file of that name has its receipt there");
      continue;
    }
    if (under_way[item->root] >= kPerFolder) continue;
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

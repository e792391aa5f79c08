#include "core/stage/outbox.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "core/base/after_end.h"
#include "core/base/text.h"
#include "core/stage/effort.h"
#include "core/stage/results.h"

namespace sluice::stage {

using journal::ActKind;
using journal::ActRow;
using journal::ActState;
using journal::ItemRow;
using journal::ItemState;

namespace {

bool has_ended_lately(Context const& ctx, ActRow const& act) {
  auto const item = ctx.journal.item(act.item_id);
  return item && item->finished_at && ctx.now - *item->finished_at < kTriedFor;
}

// An item's acts of one end, in the order in which they are done.
class Plan {
 public:
  Plan(Context& ctx, ItemRow const& item, std::vector<ActRow> const& before) : ctx_(ctx), item_(item) {
    ordinal_ = before.empty() ? 0 : before.back().ordinal;
    first_ =
        std::ranges::all_of(before, [](ActRow const& act) { return is_over(act.state) || act.kind == ActKind::kHook; });
  }

  void add(ActKind kind, std::string folder = {}, std::string path = {}, std::string const& refused = {}) {
    ActRow act{.item_id = item_.id, .generation = item_.generation, .ordinal = ++ordinal_, .kind = kind};
    act.target_folder = std::move(folder);
    act.target_path = std::move(path);
    act.reason = refused;
    if (!refused.empty())
      act.state = ActState::kRefused;
    else if (std::exchange(first_, false))
      act.effort.due_at = ctx_.now;
    ctx_.journal.insert(act);
  }

  // It waits for the file's acts, and for no other hook.
  void tell(Hook const& hook) {
    ActRow act{.item_id = item_.id, .generation = item_.generation, .ordinal = ++ordinal_, .kind = ActKind::kHook};
    act.hook = hook.name;
    if (first_) act.effort.due_at = ctx_.now;
    ctx_.journal.insert(act);
  }

 private:
  Context& ctx_;
  ItemRow const& item_;
  std::int64_t ordinal_;
  bool first_;  // nothing is before it: it need not wait
};

void add_move(Context& ctx, Plan& plan, ItemRow const& item, SourcePolicy const& source, AfterEnd const& after) {
  auto values = template_values(item.source, item.path, ctx.policy.host, item.created_at);
  if (source.match) values.match = source.match->values_of(item.path);
  auto target = target_of(after.move_to, values);
  if (target) return plan.add(ActKind::kMove, std::move(target->folder), std::move(target->path));
  plan.add(ActKind::kMove, {}, {}, "bad_target");
  ctx.log.warning("item=" + item.ulid + " path=\"" + printable(item.path) +
                  "\" is not moved: " + printable(after.move_to.text) + " gives it no path");
}

void add_receipt(Plan& plan, ItemRow const& item, SourcePolicy const& source) {
  if (source.receipt.where == ReceiptWish::Where::kBeside) plan.add(ActKind::kReceipt);
  if (source.receipt.where == ReceiptWish::Where::kFolder)
    plan.add(ActKind::kReceipt, source.receipt.folder, item.path + ".sluice.json");
}

// The error note of an earlier end that nobody has removed yet.
ActRow const* standing_note(std::vector<ActRow> const& acts) {
  ActRow const* note = nullptr;
  for (auto const& act : acts) {
    if (act.kind == ActKind::kErrorNote && act.state == ActState::kDone) note = &act;
    if (act.kind == ActKind::kClearNote && act.state == ActState::kDone) note = nullptr;
  }
  return note;
}

void plan_success(Context& ctx, Plan& plan, ItemRow const& item, SourcePolicy const& source,
                  std::vector<ActRow> const& before) {
  if (auto const* const note = standing_note(before))
    plan.add(ActKind::kClearNote, note->target_folder, note->target_path);
  // It succeeded from where it was put when it had failed; or only resembles an asset that a rebuild found (rebuild.h),
  // and nobody has compared the bytes.
  auto const away = put_away(before, item) != nullptr || item.client_op.empty();
  // What its sidecar came to say while it was on its way is told before both go.
  if (!away && source.sidecars && source.after_success.what != AfterEnd::What::kKeep) plan.add(ActKind::kAmend);
  if (!away && source.after_success.what == AfterEnd::What::kMove)
    add_move(ctx, plan, item, source, source.after_success);
  if (!away && source.after_success.what == AfterEnd::What::kDelete) plan.add(ActKind::kDelete);
  add_receipt(plan, item, source);
}

// Two sources may see one file.
bool have_one_file(Context const& ctx, ItemRow const& item, ItemRow const& twin) {
  return absolute_path(twin) == absolute_path(item) && twin.print.inode == item.print.inode &&
         twin.print.mtime_ns == item.print.mtime_ns && put_away(ctx.journal.acts_of(twin.id), twin) == nullptr;
}

// Of the very file that was read and has the content of a done item's: what that end asks for (D41). One that is the
// other's own file is left to it.
void plan_duplicate(Context& ctx, Plan& plan, ItemRow const& item, SourcePolicy const& source,
                    std::vector<ActRow> const& before) {
  auto const twin = twin_of(ctx, item);
  if (!twin || item.content_key.empty() || have_one_file(ctx, item, *twin)) return;
  auto const away = put_away(before, item) != nullptr;
  if (!away && source.after_success.what == AfterEnd::What::kMove)
    add_move(ctx, plan, item, source, source.after_success);
  if (!away && source.after_success.what == AfterEnd::What::kDelete) plan.add(ActKind::kDelete);
  add_receipt(plan, item, source);
}

void plan_failure(Context& ctx, Plan& plan, ItemRow const& item, SourcePolicy const& source,
                  std::vector<ActRow> const& before) {
  if (source.after_failure.what != AfterEnd::What::kMove || item.reason == kSourceGone) return;
  if (put_away(before, item) == nullptr) add_move(ctx, plan, item, source, source.after_failure);
  plan.add(ActKind::kErrorNote);
}

std::string event_id(Context const& ctx, ActRow const& act, ItemRow const& item) {
  std::int64_t from = 0;
  if (auto const text = ctx.journal.meta(kEventsFrom)) std::from_chars(text->data(), text->data() + text->size(), from);
  return item.ulid + "." + std::to_string(from + act.ordinal);
}

// Another source of its folder is not asked: nobody knows whether it would have taken this file, and it may delete.
void tell_that_it_stays(Context& ctx, ItemRow const& item) {
  if (is_of_url(item) || (item.state != ItemState::kDone && item.state != ItemState::kFailed)) return;
  ctx.log.info("item=" + item.ulid + " path=\"" + printable(item.path) + "\" stays where it is: its source " +
               printable(item.source) + " is not configured any more, or has another folder");
}

}  // namespace

void plan_file_acts(Context& ctx, ItemRow const& item) {
  auto const* const source = ctx.policy.source(item.source);
  if (source == nullptr || source->root != item.root) return tell_that_it_stays(ctx, item);
  auto const before = ctx.journal.acts_of(item.id);
  Plan plan(ctx, item, before);
  if (item.state == ItemState::kDone) plan_success(ctx, plan, item, *source, before);
  if (item.state == ItemState::kFailed) plan_failure(ctx, plan, item, *source, before);
  if (item.state == ItemState::kSkipped) plan_duplicate(ctx, plan, item, *source, before);
}

std::optional<ItemRow> twin_of(Context const& ctx, ItemRow const& item) {
  if (item.duplicate_of.empty()) return std::nullopt;
  auto const twins = ctx.journal.items_by_prefix(item.duplicate_of, 1);
  if (twins.empty() || twins.front().state != ItemState::kDone || twins.front().client_op.empty()) return std::nullopt;
  return twins.front();
}

void plan_acts(Context& ctx, ItemRow const& item) {
  plan_file_acts(ctx, item);
  if (ctx.policy.hooks.empty()) return;
  Plan plan(ctx, item, ctx.journal.acts_of(item.id));
  for (auto const& [hook, secret] : ctx.policy.hooks)
    if (hook.events.contains(std::string(word(item.state)))) plan.tell(hook);
}

void withdraw_acts(Context& ctx, journal::RowId item, std::string_view why) {
  auto const row = ctx.journal.item(item);
  for (auto act : ctx.journal.acts_of(item)) {
    if (act.state == ActState::kRefused && act.kind != ActKind::kHook && act.reason != "withdrawn") {
      act.reason = "withdrawn";  // what it was refused for is nobody's trouble any more
      ctx.journal.update(act, ActState::kRefused, ctx.now);
    }
    if (act.state != ActState::kWanted) continue;
    if (act.kind == ActKind::kHook) {
      if (act.payload.empty()) act.payload = event_text(ctx, act, *row);
      if (!act.effort.due_at) act.effort.due_at = ctx.now;
      ctx.journal.update(act, ActState::kWanted, ctx.now);
      continue;
    }
    act.state = ActState::kRefused;
    act.reason = "withdrawn";
    act.effort.due_at.reset();
    move(ctx, act, ActState::kWanted, why);
  }
}

bool is_of_this_end(ActRow const& act, ItemRow const& item) {
  return is_end(item.state) && act.generation == item.generation;
}

void next_act(Context& ctx, journal::RowId item) {
  for (auto act : ctx.journal.acts_of(item)) {
    if (is_over(act.state)) continue;
    if (!act.effort.due_at && !act.is_held()) {
      act.effort.due_at = ctx.now;
      ctx.journal.update(act, act.state, ctx.now);
    }
    if (act.kind != ActKind::kHook) return;
  }
}

std::string event_text(Context const& ctx, ActRow const& act, ItemRow const& item) {
  auto const acts = ctx.journal.acts_of(item.id);
  auto const* const away = put_away(acts, item);
  auto const is_gone = is_of_url(item) || (away != nullptr && away->kind == ActKind::kDelete);
  auto const at = place_of_file(acts, item);
  return event_of(ctx.journal, item, is_gone ? "" : at.folder + "/" + at.path, event_id(ctx, act, item));
}

void refuse_act(Context& ctx, ActRow act, std::string reason, std::string text) {
  auto const was = act.state;
  act.state = ActState::kRefused;
  act.reason = std::move(reason);
  act.effort.due_at.reset();
  act.effort.last_error = std::move(text);
  // An event that was given up may be told after all, when its item has come to another end.
  if (act.kind != ActKind::kHook || act.reason != "gave_up") act.payload.clear();
  move(ctx, act, was, act.effort.last_error);
  next_act(ctx, act.item_id);
}

void try_act_again(Context& ctx, ActRow act, Error const& error, bool is_charged) {
  auto const was = act.state;
  auto const attempts = act.effort.attempts + (is_charged ? 1 : 0);
  act.effort = after_failure(act.effort, error, ctx.policy, ctx.now, ctx.jitter());
  act.effort.attempts = attempts;
  if (attempts >= kTriesMax && !has_ended_lately(ctx, act))
    return refuse_act(ctx, std::move(act), "gave_up", error.text);
  act.state = ActState::kWanted;
  move(ctx, act, was, error.text);
}

void hold_act(Context& ctx, ActRow act, std::string const& folder, std::string text) {
  if (ctx.traffic.away_folders().lost(folder, text, ctx.now))
    ctx.log.warning("folder " + printable(folder) +
                    " is away, what is to be done there waits for it: " + printable(text));
  auto const was = act.state;
  act.state = ActState::kWanted;
  act.effort.due_at.reset();
  act.effort.tries = std::max(act.effort.tries, 1U);
  act.effort.last_error = std::move(text);
  ctx.journal.update(act, was, ctx.now, act.effort.last_error);
}

ActRow const* put_away(std::span<ActRow const> acts, ItemRow const& item) {
  ActRow const* last = nullptr;
  for (auto const& act : acts)
    if ((act.kind == ActKind::kMove || act.kind == ActKind::kDelete) && act.state == ActState::kDone &&
        act.generation == item.generation)
      last = &act;
  return last;
}

ports::Place place_of_file(std::span<ActRow const> acts, ItemRow const& item) {
  auto const* const away = put_away(acts, item);
  if (away != nullptr && away->kind == ActKind::kMove) return {away->target_folder, away->target_path};
  return {item.root, item.path};
}

void move(Context& ctx, ActRow const& row, ActState was, std::string_view note) {
  ctx.journal.update(row, was, ctx.now, note);
  auto line = "act item=" + std::to_string(row.item_id) + " kind=" + std::string(word(row.kind));
  if (!row.hook.empty()) line.append(" hook=").append(printable(row.hook));
  line.append(" ").append(word(was)).append("→").append(word(row.state));
  if (!note.empty()) line.append(" note=\"").append(printable(note)).append("\"");
  auto const is_trouble = row.state == ActState::kRefused && row.reason != "withdrawn" && row.reason != "superseded" &&
                          row.reason != "not_configured";
  is_trouble ? ctx.log.warning(line) : ctx.log.info(line);
}

}  // namespace sluice::stage

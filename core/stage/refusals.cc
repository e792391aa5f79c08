#include "core/stage/refusals.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/stage/effort.h"
#include "core/stage/outbox.h"
#include "core/stage/send_hook.h"

namespace sluice::stage {

using journal::ActKind;
using journal::ActRow;
using journal::ActState;
using journal::ItemRow;
using journal::ItemState;

namespace {

constexpr std::string_view kMendIt = "mend what is said there";

// By the reason of the refusal; "" where nobody needs to do anything.
constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kRemedies = {{
    {"not_supported", ""},
    {"withdrawn", ""},
    {"superseded", ""},
    {"not_configured", ""},
    {"changed", ""},
    {"gone", ""},
    {"permission", "let this user write to that folder"},
    {"read_only", "let sluiced write to that folder"},
    {"occupied", "make room at the target, where a thousand names are taken"},
    {"bad_target", "change move_to, so that it gives this path a name, and restart sluiced"},
    {"asset_gone", "the platform lost the asset and the file is kept: see to the file"},
    {"not_verified", "see what the platform says of the asset"},
}};

// It is told at the next turn, by the id that it had.
void set_back(Context& ctx, ActRow act) {
  if (act.kind == ActKind::kHook && act.reason == "gave_up") {
    auto const given_up = std::stoll(ctx.journal.meta(kHooksGivenUp).value_or("0"));
    ctx.journal.set_meta(kHooksGivenUp, std::to_string(std::max(0LL, given_up - 1)));
  }
  act.state = ActState::kWanted;
  act.reason.clear();
  act.effort = renewed(std::nullopt);
  move(ctx, act, ActState::kRefused, "retry");
}

}  // namespace

bool is_settled(ActRow const& act) {
  return act.state != ActState::kRefused || act.reason == "withdrawn" || act.reason == "superseded" ||
         act.reason == "not_configured";
}

std::string remedy_of(ActRow const& act, ItemRow const& item) {
  if (act.state != ActState::kRefused || (item.state != ItemState::kDone && item.state != ItemState::kSkipped))
    return {};
  auto const* const known = std::ranges::find(kRemedies, act.reason, [](auto const& each) { return each.first; });
  auto const words = known == kRemedies.end() ? kMendIt : known->second;
  return words.empty() ? std::string() : std::string(words) + "; then sluice retry " + item.ulid;
}

bool repeat_acts(Context& ctx, ItemRow const& item) {
  bool any = false, of_file = false;
  for (auto act : ctx.journal.acts_of(item.id)) {
    if (is_settled(act) || !is_of_this_end(act, item)) continue;
    any = true;
    if (act.kind == ActKind::kHook || act.kind == ActKind::kAmend) {
      set_back(ctx, std::move(act));
      continue;
    }
    of_file = true;
    act.reason = "withdrawn";  // for the one that takes its place
    ctx.journal.update(act, ActState::kRefused, ctx.now);
  }
  if (of_file) plan_file_acts(ctx, item);
  if (any) next_act(ctx, item.id);
  return any;
}

}  // namespace sluice::stage

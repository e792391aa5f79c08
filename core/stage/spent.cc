#include "core/stage/spent.h"

#include <algorithm>
#include <array>
#include <string>

namespace sluice::stage {
namespace {

using budget::Allowance;

constexpr std::array kKept = {Allowance::Of::kCallsPerDay, Allowance::Of::kPollsPerDay, Allowance::Of::kMediaPerHour,
                              Allowance::Of::kMediaPerDay};
constexpr std::uint64_t kUnsavedShare = 100;  // of a limit

std::string key_of(budget::Group group, Allowance::Of of) {
  return "spent:" + std::string(budget::name_of(group)) + ":" + std::string(budget::name_of(of));
}

bool is_worth_a_commit(Allowance::Part const& part) {
  return is_kept(part.of) && part.unsaved > 0 && part.unsaved >= part.quota.limit() / kUnsavedShare;
}

}  // namespace

void save_spent(Context& ctx, bool turn_writes) {
  auto const any_worth = std::ranges::any_of(budget::kAllGroups, [&](auto group) {
    return std::ranges::any_of(ctx.traffic.allowance(group).parts(), is_worth_a_commit);
  });
  if (!turn_writes && !any_worth) return;
  for (auto const group : budget::kAllGroups) {
    for (auto const& part : ctx.traffic.allowance(group).parts())
      if (is_kept(part.of) && part.unsaved > 0) ctx.journal.set_meta(key_of(group, part.of), part.quota.saved());
  }
}

void spent_is_saved(budget::Traffic& traffic) {
  for (auto const group : budget::kAllGroups)
    for (auto& part : traffic.allowance(group).parts()) part.unsaved = 0;
}

void remember_spent(Context& ctx) {
  for (auto const group : budget::kAllGroups) {
    for (auto& part : ctx.traffic.allowance(group).parts()) {
      auto const text = is_kept(part.of) ? ctx.journal.meta(key_of(group, part.of)) : std::nullopt;
      if (text) part.quota.restore(*text, ctx.now);
    }
  }
}

void shift_spent(journal::Journal& journal, Millis by) {
  for (auto const group : budget::kAllGroups) {
    for (auto const of : kKept) {
      auto const key = key_of(group, of);
      if (auto const text = journal.meta(key)) journal.set_meta(key, budget::Quota::shifted(*text, by));
    }
  }
}

}  // namespace sluice::stage

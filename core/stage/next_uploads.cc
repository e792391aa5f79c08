#include "core/stage/next_uploads.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <string>
#include <utility>

namespace sluice::stage {
namespace {

using journal::ItemRow;
using journal::ItemState;

constexpr std::array kBySession = {ItemState::kOpening, ItemState::kOpened};

std::int64_t sessions_under_way(Context const& ctx) {
  std::int64_t count = 0;
  for (auto const state : kBySession) count += ctx.journal.count_items(state);
  return count;
}

bool waits(Context const& ctx, std::string_view method) {
  auto const priority = ctx.journal.next_upload_priority(method, std::nullopt);
  return priority && !ctx.journal.uploads_waiting(method, *priority, ctx.now, 1).empty();
}

int slots_for(Context const& ctx, std::string_view method) {
  if (method == kByRelay) {  // those have slots of their own: what comes in does not wait for what goes up
    auto const under_way = static_cast<int>(ctx.journal.fetching_downloads().size());
    return std::max(0, static_cast<int>(ctx.policy.files_max) - under_way);
  }
  auto const sessions = sessions_under_way(ctx);
  auto const directs = ctx.journal.count_items(ItemState::kSending);
  auto const all = std::int64_t{ctx.policy.files_max};
  auto const of_sessions = std::int64_t{session_slots(ctx.policy.files_max)};
  auto free = all - sessions - directs;
  if (method == kByMultipart) {
    free = std::min(free, of_sessions - sessions);
  } else if (free > 0 && directs >= of_sessions && waits(ctx, kByMultipart)) {
    free = 0;
  }
  return static_cast<int>(std::max<std::int64_t>(0, free));
}

// How many uploads each source has under way, those chosen in this turn among them.
std::map<std::string, int> under_way_by_source(Context const& ctx, std::vector<ItemRow> const& chosen) {
  std::map<std::string, int> count;
  for (auto const state : {ItemState::kOpening, ItemState::kOpened, ItemState::kSending})
    for (auto const& item : ctx.journal.items_in(state, static_cast<int>(ctx.policy.files_max))) ++count[item.source];
  for (auto const& item : chosen) ++count[item.source];
  return count;
}

// Up to `slots` of the lines' heads in turn, one line for each source.
void choose_fairly(Context const& ctx, std::vector<std::vector<ItemRow>> lines, int slots,
                   std::vector<ItemRow>& chosen) {
  auto under_way = under_way_by_source(ctx, chosen);
  for (; slots > 0 && !lines.empty(); --slots) {
    auto const fewest = std::ranges::min_element(lines, {}, [&](std::vector<ItemRow> const& line) {
      return std::pair(under_way[line.front().source], line.front().effort.due_at);
    });
    ++under_way[fewest->front().source];
    chosen.push_back(std::move(fewest->front()));
    fewest->erase(fewest->begin());
    if (fewest->empty()) lines.erase(fewest);
  }
}

}  // namespace

std::uint32_t session_slots(std::uint32_t files_max) {
  return files_max < 2 ? files_max : files_max - std::max<std::uint32_t>(1, files_max / 4);
}

std::vector<ItemRow> next_uploads(Context const& ctx, std::string_view method) {
  std::vector<ItemRow> next;
  if (!ctx.journal.may_have_due(ItemState::kStable, ctx.now)) return next;
  auto const slots = static_cast<std::size_t>(slots_for(ctx, method));
  std::optional<std::int64_t> priority;
  while (next.size() < slots && (priority = ctx.journal.next_upload_priority(method, priority))) {
    auto const left = static_cast<int>(slots - next.size());
    auto lines = ctx.journal.uploads_waiting(method, *priority, ctx.now, left);  // one of each source
    if (lines.size() == 1) {  // nobody to be fair to: what is under way need not be read
      std::ranges::move(lines.front(), std::back_inserter(next));
    } else if (!lines.empty()) {
      choose_fairly(ctx, std::move(lines), left, next);
    }
  }
  return next;
}

}  // namespace sluice::stage

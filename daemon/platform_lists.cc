#include "daemon/platform_lists.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "core/platform/faults.h"
#include "core/platform/requests.h"
#include "core/stage/effort.h"

namespace sluice::daemon {
namespace {

constexpr std::uint32_t kTriesMax = 8;
constexpr int kReadingsMax = 3;

bool may_pass(Fault fault) {
  return fault == Fault::kOffline || fault == Fault::kTransient || fault == Fault::kThrottled ||
         fault == Fault::kProtocol;
}

}  // namespace

PlatformLists::PlatformLists(WireCurl& wire, ports::Random& random, stage::Policy const& policy,
                             std::function<void(std::string const&)> told)
    : wire_(wire), random_(random), policy_(policy), told_(std::move(told)) {}

Result<ports::Reply> PlatformLists::ask_once(ports::Call call) {
  call.ticket = ++tickets_;
  wire_.send(std::move(call));
  while (true) {
    wire_.pump();
    auto outcomes = wire_.collect();
    if (outcomes.empty()) {
      wire_.wait({}, Millis(1'000));
      continue;
    }
    auto reply = platform::sort_outcome(platform::CallKind::kRead, std::move(outcomes.front()), clock_.wall());
    if (reply) clock_offset_ = platform::clock_offset(*reply, clock_.wall()).value_or(clock_offset_);
    return reply;
  }
}

Result<ports::Reply> PlatformLists::ask(std::function<ports::Call()> const& make_call) {
  for (std::uint32_t tries = 0;; ++tries) {
    auto reply = ask_once(make_call());
    if (reply || !may_pass(reply.error().fault) || tries + 1 >= kTriesMax) return reply;
    auto const asked = reply.error().retry_after.value_or(Millis(0));
    auto const pause = std::max(asked, stage::backoff(tries, policy_, random_.unit()));
    told_(reply.error().text + "; trying again in " + to_words(pause));
    for (auto const until = clock_.boot() + pause; clock_.boot() < until;) wire_.wait({}, until - clock_.boot());
  }
}

Result<std::vector<platform::Asset>> PlatformLists::assets() {
  std::vector<platform::Asset> all;
  std::unordered_set<std::string> known;
  std::pair<std::uint64_t, std::uint64_t> last;  // rows seen, and rows that the list says it has
  for (int reading = 0; reading < kReadingsMax; ++reading) {
    std::uint64_t seen = 0;
    for (int number = 1;; ++number) {
      SLUICE_TRY(reply, ask([&] { return platform::list_assets(number); }));
      SLUICE_TRY(page, platform::read_asset_page(reply));
      seen += page.assets.size();
      for (auto& asset : page.assets)
        if (known.insert(asset.id).second) all.push_back(std::move(asset));
      if (!page.page.last(page.assets.empty())) continue;
      // As many different rows as the list says it has: nothing slipped between two pages.
      if (seen == known.size() && page.page.total_results.value_or(seen) == seen) return all;
      last = {seen, page.page.total_results.value_or(seen)};
      break;
    }
  }
  told_("warning: the list of assets changed under each of " + std::to_string(kReadingsMax) +
        " readings: the last had " + std::to_string(last.first) + " of " + std::to_string(last.second) +
        " rows, all together " + std::to_string(all.size()) +
        " assets. One that none of them had is not known: better run it again while nobody else adds or deletes any");
  return all;
}

Result<std::vector<platform::IncompleteUpload>> PlatformLists::incomplete_uploads() {
  std::vector<platform::IncompleteUpload> all;
  for (int number = 1;; ++number) {
    auto const reply = ask([&] { return platform::list_incomplete_uploads(number); });
    if (!reply && (reply.error().fault == Fault::kGone || reply.error().fault == Fault::kRejected)) return all;
    if (!reply) return std::unexpected(reply.error());
    SLUICE_TRY(page, platform::read_incomplete_upload_page(*reply));
    for (auto& row : page.rows)
      if (std::ranges::find(all, row.id, &platform::IncompleteUpload::id) == all.end()) all.push_back(std::move(row));
    if (page.page.last(page.rows.empty())) return all;
  }
}

}  // namespace sluice::daemon

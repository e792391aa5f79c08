#include "core/stage/send_url.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/platform/faults.h"
#include "core/platform/requests.h"
#include "core/source/url_expiry.h"
#include "core/stage/create_asset.h"
#include "core/stage/effort.h"
#include "core/stage/moves.h"
#include "core/stage/next_uploads.h"
#include "core/stage/probe_url.h"

namespace sluice::stage {

using budget::Errand;
using budget::Group;
using journal::ItemRow;
using journal::ItemState;

namespace {

void needs_new_url(Context& ctx, ItemRow item) {
  auto const end = source::url_end(item.url);
  auto text = end ? "its signed URL ended at " + to_rfc3339(*end) : std::string("its URL is not kept any more");
  if (!item.effort.last_error.empty()) text += "; before that: " + item.effort.last_error;
  item.url = {};
  fail_item(ctx, std::move(item), kNeedsNewUrl, std::move(text), ItemState::kStable);
}

// Its host refused or failed, or gave what is no media (R39): the platform works, so that nobody else waits for it. The
// pauses are long, since the host is not the platform's to mend.
void settle_blamed_url(Context& ctx, ItemRow item, Error const& error) {
  auto const repeats = platform::repeats_max(error);
  item.effort = after_failure(item.effort, error, ctx.policy, ctx.now, ctx.jitter());
  item.effort.due_at = std::max(*item.effort.due_at, ctx.now + ctx.policy.retry_max);
  auto const spent = is_exhausted(item.effort, ctx.policy) || (repeats && item.effort.attempts > *repeats);
  if (error.fault == Fault::kRejected || spent)
    return fail_item(ctx, std::move(item), error.code, error.text, ItemState::kStable);
  item.state = ItemState::kStable;
  item.reason = error.code;
  item.intent = {};
  move(ctx, item, ItemState::kSending, error.text);
}

void settle_refused(Context& ctx, ItemRow item, Error const& error) {
  if (platform::blames_the_url(error)) return settle_blamed_url(ctx, std::move(item), error);
  if (error.fault != Fault::kRejected && error.fault != Fault::kGone)
    return retry_item(ctx, std::move(item), error, ItemState::kStable);
  fail_item(ctx, std::move(item), error.code.empty() ? "refused" : error.code, error.text, ItemState::kStable);
}

void send_one(Context& ctx, ItemRow item) {
  if (!is_usable(item.url, ctx.now + ctx.traffic.clock_offset())) return needs_new_url(ctx, std::move(item));
  if (!is_probed(ctx, item)) return;
  auto const plan = read_plan(item.plan);
  if (twin_under_way(ctx, item, plan.filename)) return;
  item.client_op = operation_tag(item);
  auto const options = asset_options(ctx, item, plan);
  auto call = platform::create_asset_by_url(options, item.url, boundary_seed(ctx));
  send_create(ctx, std::move(item), Errand::kSendUrl, options, std::move(call), nullptr);
}

}  // namespace

bool is_usable(SecretUrl const& url, WallTime now) {
  if (url.empty()) return false;
  auto const end = source::url_end(url);
  return !end || *end > now;
}

void choose_send_url(Context& ctx) {
  for (auto& item : next_uploads(ctx, kByUrl)) {
    if (!ctx.traffic.may_call(Group::kAssets, ctx.now, ctx.policy.api_calls_max)) return;
    send_one(ctx, std::move(item));
  }
}

void settle_send_url(Context& ctx, Landing const& landing) {
  auto const item = ctx.journal.item(landing.flight.row);
  if (!item || item->state != ItemState::kSending) return;
  if (auto const refusal = settle_create(ctx, *item, landing)) settle_refused(ctx, *item, *refusal);
}

}  // namespace sluice::stage

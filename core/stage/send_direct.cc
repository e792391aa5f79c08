#include "core/stage/send_direct.h"

#include <memory>
#include <utility>

#include "core/stage/create_asset.h"
#include "core/stage/moves.h"
#include "core/stage/next_uploads.h"
#include "core/upload/leaves.h"

namespace sluice::stage {

using budget::Errand;
using budget::Group;
using journal::ItemRow;
using journal::ItemState;

namespace {

constexpr std::uint32_t kUnclearRefusalsMax = 2;  // R39: parameter_invalid on a direct upload, retry twice

// Also of a call whose answer was lost: its bytes may all have left. "" unless they did.
std::string content_key_of(budget::Flight const& flight, std::uint64_t file_bytes) {
  auto const leaves = flight.body ? flight.body->leaf_hashes() : std::nullopt;
  if (!leaves) return {};
  upload::ContentKey key(file_bytes);
  key.add(*leaves);
  return key.hex().value_or("");
}

void settle_refused(Context& ctx, ItemRow item, Error const& error) {
  if (error.fault == Fault::kSourceChanged || error.fault == Fault::kSourceIo)
    return source_trouble(ctx, item, error, ItemState::kStable);  // the body was cut before its end: nothing was made
  if (error.fault != Fault::kRejected && error.fault != Fault::kGone)
    return retry_item(ctx, std::move(item), error, ItemState::kStable);
  if (error.code == "media_filesize_too_large") {  // R39: a local file goes to multipart
    item.method = "multipart";
    return back_to_stable(ctx, std::move(item), "too large for a direct upload: by an upload session");
  }
  if (error.code == "parameter_invalid" && item.effort.attempts < kUnclearRefusalsMax)
    return retry_item(ctx, std::move(item), error, ItemState::kStable);
  fail_item(ctx, std::move(item), error.code.empty() ? "refused" : error.code, error.text, ItemState::kStable);
}

bool send_one(Context& ctx, ItemRow item) {
  auto const plan = read_plan(item.plan);
  if (twin_under_way(ctx, item, plan.filename)) return false;
  auto const file = ctx.sources.get(item);
  if (!file) return false;
  if (!*file) {
    source_trouble(ctx, item, file->error(), ItemState::kStable);
    return false;
  }
  item.client_op = operation_tag(item);
  auto const options = asset_options(ctx, item, plan);
  auto const body = ctx.reader.read(**file, {.admitted = item.print, .length_bytes = item.print.size_bytes});
  auto call = platform::create_asset(options, item.content_type, body, boundary_seed(ctx));
  call.stall_limit = ctx.policy.stall_limit;
  call.stall_below_bytes_per_s = ctx.policy.stall_below_bytes_per_s;
  send_create(ctx, std::move(item), Errand::kSendDirect, options, std::move(call), body);
  return true;
}

}  // namespace

void choose_send_direct(Context& ctx) {
  for (auto& item : next_uploads(ctx, kByDirect)) {
    if (!ctx.traffic.may_call(Group::kAssets, ctx.now, ctx.policy.api_calls_max)) return;
    send_one(ctx, std::move(item));
  }
}

void settle_send_direct(Context& ctx, Landing const& landing) {
  auto item = ctx.journal.item(landing.flight.row);
  if (!item || item->state != ItemState::kSending) return;
  item->bytes_sent += landing.bytes_sent;
  item->content_key = content_key_of(landing.flight, item->print.size_bytes);
  if (auto const refusal = settle_create(ctx, *item, landing)) settle_refused(ctx, std::move(*item), *refusal);
}

}  // namespace sluice::stage

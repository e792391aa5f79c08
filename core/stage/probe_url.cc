#include "core/stage/probe_url.h"

#include <optional>
#include <string>
#include <utility>

#include "core/base/text.h"
#include "core/source/fetch_reply.h"
#include "core/stage/admit.h"
#include "core/stage/effort.h"
#include "core/stage/fetch_policy.h"
#include "core/stage/moves.h"
#include "core/stage/next_uploads.h"
#include "core/stage/plan.h"
#include "core/stage/spooling.h"

namespace sluice::stage {

using budget::Errand;
using journal::DownloadRow;
using journal::DownloadState;
using journal::ItemRow;
using journal::ItemState;

namespace {

constexpr Millis kAnswerLimit{20'000};
constexpr std::size_t kBodyBytesMax = 1;  // a host without ranges sends the whole file: the rest is left

SecretUrl const& probe_url(ItemRow const& item, DownloadRow const& row) { return row.url.empty() ? item.url : row.url; }

void send_probe(Context& ctx, ItemRow const& item, DownloadRow const& row, int hop) {
  auto const& url = probe_url(item, row);
  auto const* const source = source_of(ctx.policy, ctx.journal, item);
  ports::Call call;
  call.target = url;
  call.headers = {{"range", "bytes=0-0"}, {"accept-encoding", "identity"}};
  call.stall_limit = kAnswerLimit;
  call.stranger =
      ports::Stranger{.allowed = source == nullptr ? nullptr : source->allow_hosts, .body_bytes_max = kBodyBytesMax};
  ctx.traffic.send(
      {.errand = Errand::kProbeUrl, .row = item.id, .item = item.id, .page = hop, .host = host_of(shown(url))},
      std::move(call), ctx.now);
}

// The platform may be told. `note`: why nothing is known of it; "" where it is.
void let_go(Context& ctx, ItemRow const& item, DownloadRow row, std::string const& note) {
  auto const was = std::exchange(row.state, DownloadState::kProbed);
  row.url = {};
  ctx.journal.update(row, was, ctx.now, note);
  if (!note.empty()) ctx.log.info("item=" + item.ulid + " not tried from here: " + printable(note));
}

void refuse(Context& ctx, ItemRow item, std::string code, std::string text) {
  fail_item(ctx, std::move(item), std::move(code), std::move(text), ItemState::kStable);
}

void download_here(Context& ctx, ItemRow item, DownloadRow row, std::string const& why) {
  auto const was = std::exchange(row.state, DownloadState::kWanted);
  row.url = {};
  ctx.journal.update(row, was, ctx.now);
  item.method = kByRelay;
  item.print = {};
  move(ctx, item, ItemState::kStable, why + ": it is downloaded here instead");
}

void found(Context& ctx, ItemRow item, DownloadRow row, std::optional<std::uint64_t> size_bytes) {
  if (!size_bytes) return let_go(ctx, item, std::move(row), "");
  if (*size_bytes == 0) return refuse(ctx, std::move(item), "empty_file", "there is nothing behind the URL");
  auto const promised = item.print.size_bytes;
  if (promised != 0 && promised != *size_bytes)
    return refuse(
        ctx, std::move(item), "size_mismatch",
        "the host has " + std::to_string(*size_bytes) + " bytes, and " + std::to_string(promised) + " were promised");
  if (auto const broken = broken_limit(ctx.policy, read_plan(item.plan), item.kind, *size_bytes, true)) {
    auto const* const source = source_of(ctx.policy, ctx.journal, item);
    if (source != nullptr && source->fetch == FetchPolicy::kAuto)
      return download_here(ctx, std::move(item), std::move(row), *broken);
    return refuse(ctx, std::move(item), "too_large", *broken + " by a URL");
  }
  item.print.size_bytes = *size_bytes;
  ctx.journal.update(item, ItemState::kStable, ctx.now);
  let_go(ctx, item, std::move(row), "");
}

void redirected(Context& ctx, ItemRow const& item, DownloadRow row, ports::Reply const& reply, int hop) {
  if (hop > source::kRedirectsMax) return let_go(ctx, item, std::move(row), "the host redirects more than five times");
  auto const* const source = source_of(ctx.policy, ctx.journal, item);
  static AllowedHosts const none;
  auto const& allowed = source != nullptr && source->allow_hosts ? *source->allow_hosts : none;
  auto const target = source::redirect_target(probe_url(item, row), reply, allowed);
  if (!target) return let_go(ctx, item, std::move(row), target.error().text);
  row.url = target->whole;
  ctx.journal.update(row, row.state, ctx.now);
  send_probe(ctx, item, row, hop + 1);
}

}  // namespace

bool is_probed(Context& ctx, ItemRow const& item) {
  if (ctx.spooling == nullptr) return true;  // nobody to ask
  auto row = ctx.journal.download_of(item.id);
  if (row && row->state != DownloadState::kProbing) return true;
  if (ctx.traffic.busy(Errand::kProbeUrl, item.id)) return false;
  auto const host = host_of(shown(item.url));
  if (ctx.spooling->hosts().is_silent(host, ctx.now) || ctx.spooling->hosts().paused_until(host, ctx.now)) return true;
  if (!row) {
    row = DownloadRow{.item_id = item.id, .state = DownloadState::kProbing};
    row->id = ctx.journal.insert(*row);
  }
  if (!row->url.empty()) {  // where a probe of before a death was redirected to: that may have been signed for a moment
    row->url = {};
    ctx.journal.update(*row, row->state, ctx.now);
  }
  send_probe(ctx, item, *row, 1);
  return false;
}

void settle_probe_url(Context& ctx, Landing const& landing) {
  auto item = ctx.journal.item(landing.flight.item);
  if (!item || item->state != ItemState::kStable || item->method != kByUrl) return;
  auto row = ctx.journal.download_of(item->id);
  if (!row || row->state != DownloadState::kProbing || ctx.spooling == nullptr) return;
  if (!landing.reply) {
    ctx.spooling->hosts().fell_silent(landing.flight.host, ctx.now + kSilence);
    return let_go(ctx, *item, *std::move(row), landing.reply.error().text);
  }
  auto const& reply = *landing.reply;
  if (source::is_redirect(reply)) return redirected(ctx, *item, *std::move(row), reply, landing.flight.page);
  if (reply.status == 404 || reply.status == 410)
    return refuse(ctx, *std::move(item), "fetch_gone", "HTTP " + std::to_string(reply.status) + " from its host");
  if (reply.status == 416 &&
      source::read_unsatisfied_range(reply.header("content-range").value_or("")) == std::uint64_t{0})
    return found(ctx, *std::move(item), *std::move(row), 0);
  if (reply.status != 200 && reply.status != 206)
    return let_go(ctx, *item, *std::move(row), "HTTP " + std::to_string(reply.status) + " from its host");
  if (source::is_web_page(reply))
    return refuse(ctx, *std::move(item), "not_media", std::string(source::why_no_file(reply)));
  found(ctx, *std::move(item), *std::move(row), source::whole_bytes(reply));
}

}  // namespace sluice::stage

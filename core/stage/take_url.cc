#include "core/stage/take_url.h"

#include <utility>

#include "core/base/text.h"
#include "core/source/entry_key.h"
#include "core/source/kind.h"
#include "core/source/sidecar.h"
#include "core/source/url_expiry.h"
#include "core/source/url_name.h"
#include "core/stage/admit.h"
#include "core/stage/discover.h"
#include "core/stage/effort.h"
#include "core/stage/fetch_policy.h"
#include "core/stage/next_uploads.h"
#include "core/stage/send_url.h"

namespace sluice::stage {

using journal::ItemRow;
using journal::ItemState;

namespace {

std::string sums_of(UrlWish const& wish) {
  if (!wish.sha256.empty()) return "sha256:" + wish.sha256;
  return wish.md5.empty() ? "" : "md5:" + wish.md5;
}

std::string key_of(UrlWish const& wish) {
  if (!wish.key.empty()) return wish.key;
  return source::entry_key(wish.url, {.name = wish.name, .size_bytes = wish.size_bytes, .hash = wish.hash});
}

ItemRow item_of(Context& ctx, SourcePolicy const& source, UrlWish const& wish, std::string key) {
  auto item = make_item(ctx, source, wish.url.shown, {.size_bytes = wish.size_bytes.value_or(0)});
  item.root.clear();
  item.key = std::move(key);
  item.name = wish.name.empty() ? source::name_from_url(wish.url.shown) : source::safe_name(wish.name);
  item.url = wish.url.whole;
  if (!wish.metadata.is_null()) item.sidecar = source::Sidecar{.metadata = wish.metadata}.to_json().dump();
  item.priority = wish.priority.value_or(source.priority);
  item.effort.due_at = wish.not_before.value_or(ctx.now);
  item.state = ItemState::kStable;
  return item;
}

Result<void> check_end(Context const& ctx, UrlWish const& wish) {
  if (is_usable(wish.url.whole, ctx.now + ctx.traffic.clock_offset())) return {};
  return fail(Fault::kRejected, "the signed URL ended at " + to_rfc3339(*source::url_end(wish.url.whole)),
              kNeedsNewUrl);
}

// The URL came again: what it is signed with now may serve where the old signature does not.
Result<ItemRow> refresh(Context& ctx, ItemRow item, SecretUrl const& fresh) {
  if (item.state == ItemState::kDone || !is_of_url(item) || !source::ends_later(fresh, item.url)) return item;
  if (!is_usable(fresh, ctx.now + ctx.traffic.clock_offset())) return item;
  item.url = fresh;
  ctx.journal.update(item, item.state, ctx.now);
  if (item.state != ItemState::kFailed) return item;
  SLUICE_CHECK(retry_order(ctx, item.id));
  return *ctx.journal.item(item.id);
}

// What the wish says of its kind, else its name.
std::optional<source::Media> media_of(UrlWish const& wish, std::string const& name) {
  auto media = source::media_by_name(name);
  if (wish.kind.empty() || (media && media->kind == wish.kind)) return media;
  return source::Media{.kind = wish.kind, .content_type = {}};
}

}  // namespace

Result<Added> add_url(Context& ctx, SourcePolicy const& source, UrlWish const& wish, Wishes const& wishes,
                      bool dry_run) {
  auto key = key_of(wish);
  if (auto known = ctx.journal.item_by_key(key)) {
    if (dry_run) return Added{.item = *std::move(known), .was_known = true};
    SLUICE_TRY(item, refresh(ctx, *std::move(known), wish.url.whole));
    return Added{.item = std::move(item), .was_known = true};
  }
  SLUICE_CHECK(check_end(ctx, wish));
  auto item = item_of(ctx, source, wish, std::move(key));
  SLUICE_CHECK(apply_wishes(ctx, item, wishes));
  auto const media = media_of(wish, item.name);
  auto const kind = media ? media->kind : std::string();
  auto const relayed = fetches_itself(ctx.policy, source, wish.url.shown, kind, wish.size_bytes);
  SLUICE_CHECK(may_be_called(source, wish.url.shown, relayed));
  if (relayed) item.method = kByRelay;
  SLUICE_TRY(plan, plan_item(ctx.policy, item, source, media, ctx.now));
  if (dry_run) return Added{.item = std::move(item), .was_known = false};
  item.id = ctx.journal.insert(item);
  if (relayed)
    ctx.journal.insert(
        journal::DownloadRow{.item_id = item.id, .sums = sums_of(wish), .promised_bytes = wish.size_bytes.value_or(0)});
  for (auto const& step : steps_for(item, plan)) ctx.journal.insert(step);
  ctx.log.info("item=" + item.ulid + " url=\"" + printable(item.path) + "\" added source=" + printable(item.source));
  return Added{.item = std::move(item), .was_known = false};
}

}  // namespace sluice::stage

#include "core/stage/take_url.h"

#include <utility>

#include "core/base/text.h"
#include "core/source/entry_key.h"
#include "core/source/identity.h"
#include "core/source/kind.h"
#include "core/source/sidecar.h"
#include "core/source/url_expiry.h"
#include "core/source/url_name.h"
#include "core/source/url_parameters.h"
#include "core/stage/admit.h"
#include "core/stage/adopt.h"
#include "core/stage/discover.h"
#include "core/stage/effort.h"
#include "core/stage/fetch_policy.h"
#include "core/stage/moves.h"
#include "core/stage/next_uploads.h"
#include "core/stage/rebuild.h"
#include "core/stage/send_url.h"

namespace sluice::stage {

using journal::DownloadState;
using journal::ItemRow;
using journal::ItemState;

namespace {

constexpr int kLookedAt = 20;  // items of one URL without its query

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

Result<void> check_time(Context const& ctx, UrlWish const& wish) {
  if (!wish.not_after || *wish.not_after > ctx.now) return {};
  return fail(Fault::kRejected, "its not_after, " + to_rfc3339(*wish.not_after) + ", is over", "too_late");
}

Result<void> check_end(Context const& ctx, UrlWish const& wish) {
  if (is_usable(wish.url.whole, ctx.now + ctx.traffic.clock_offset())) return {};
  return fail(Fault::kRejected, "the signed URL ended at " + to_rfc3339(*source::url_end(wish.url.whole)),
              kNeedsNewUrl);
}

// The URL came again: what it is signed with now may serve where the old signature does not.
Result<ItemRow> refresh(Context& ctx, ItemRow item, UrlText const& fresh) {
  if (item.state == ItemState::kDone || !is_of_url(item) || !is_same_url(item, fresh)) return item;
  if (!source::ends_later(fresh.whole, item.url)) return item;
  if (!is_usable(fresh.whole, ctx.now + ctx.traffic.clock_offset())) return item;
  item.url = fresh.whole;
  ctx.journal.update(item, item.state, ctx.now);
  if (item.state != ItemState::kFailed || item.reason == kRebuildAmbiguous) return item;  // that is a person's to say
  SLUICE_CHECK(retry_order(ctx, item.id));
  return *ctx.journal.item(item.id);
}

// Whether the key is that of the URL with what may have been said of it beside.
bool is_key_of(Context const& ctx, ItemRow const& item, UrlText const& url) {
  if (item.key.starts_with("k:")) return true;  // made of nothing that could be compared
  auto const row = ctx.journal.download_of(item.id);
  for (auto const& name : {std::string(), item.name})
    for (auto const size : {std::optional<std::uint64_t>(), std::optional(item.print.size_bytes)})
      for (auto const& hash : {std::string(), row ? row->sums : std::string()})
        if (source::entry_key(url, {.name = name, .size_bytes = size, .hash = hash}) == item.key) return true;
  return false;
}

// Of a URL that a person names, the item that has it already, by whatever key.
Result<std::optional<ItemRow>> named_before(Context const& ctx, UrlWish const& wish) {
  std::vector<ItemRow> found;
  for (auto& item : ctx.journal.items_by_url(wish.url.shown, kLookedAt)) {
    if (item.state == ItemState::kDone || is_superseded(item) || !is_same_url(item, wish.url)) continue;
    if (!item.url.empty() || is_key_of(ctx, item, wish.url)) found.push_back(std::move(item));
  }
  if (found.empty()) return std::nullopt;
  if (found.size() == 1) return std::move(found.front());
  return fail(Fault::kRejected,
              "several items have this URL, " + found.back().ulid + " and " + found.front().ulid +
                  " among them: sign it anew in their manifest, or name this one with --name",
              "several_items");
}

// Of what came to nothing the line may be corrected.
bool may_be_replaced(ItemRow const& item) {
  return item.state == ItemState::kFailed || item.state == ItemState::kCancelled;
}

// The item that the wish is; nothing if it is a new one, which may take the key of the item that it corrects.
Result<std::optional<ItemRow>> known_for(Context const& ctx, UrlWish const& wish, std::string const& key) {
  auto known = ctx.journal.item_by_key(key);
  auto const is_url_alone =
      wish.key.empty() && wish.name.empty() && !wish.size_bytes && wish.hash.empty() && sums_of(wish).empty();
  if (!known && is_url_alone) return named_before(ctx, wish);
  if (!known || known->id != wish.corrects || !may_be_replaced(*known) || is_same_url(*known, wish.url)) return known;
  return std::nullopt;
}

// The item that the line made of this URL before it was corrected, now that it is put back.
std::optional<ItemRow> replaced_before(Context const& ctx, UrlWish const& wish, std::string const& key) {
  if (wish.corrects == 0) return std::nullopt;
  for (auto& item : ctx.journal.items_by_url(wish.url.shown, kLookedAt))
    if (item.key == key + ' ' + item.ulid && may_be_replaced(item) && is_same_url(item, wish.url))
      return std::move(item);
  return std::nullopt;
}

// Another item would be a second asset of one URL: this one goes on from where it stood, in the place of its successor.
Result<Added> take_up_again(Context& ctx, ItemRow item, UrlWish const& wish, std::string const& key) {
  if (auto const successor = ctx.journal.item_by_key(key)) ctx.journal.release_key(successor->id);
  ctx.journal.take_key_back(item.id);
  if (is_usable(wish.url.whole, ctx.now + ctx.traffic.clock_offset())) item.url = wish.url.whole;
  ctx.journal.update(item, item.state, ctx.now);
  if (item.reason != kRebuildAmbiguous) SLUICE_CHECK(retry_order(ctx, item.id));
  return Added{.item = *ctx.journal.item(item.id), .was_known = false};
}

// The asset that a rebuild kept of another URL under the key of a line. Which of the two URLs the line was corrected
// to, and whether it was done with the first one, nobody knows any more; but of a key that this journal knows.
std::optional<std::string> kept_of_key(Context const& ctx, ItemRow const& item) {
  auto const row = ctx.journal.unclaimed(source::key_part(identity_of(item)));
  if (!row) return std::nullopt;
  auto const known = ctx.journal.item_by_key(item.key);
  return !known || known->reason == kRebuildAmbiguous ? std::optional(row->asset_id) : std::nullopt;
}

ItemRow leave_to_a_person(Context& ctx, ItemRow const& item, std::string const& asset) {
  fail_item(ctx, item, std::string(kRebuildAmbiguous),
            "the journal was rebuilt, and the platform has asset " + asset + " of this key, made of another URL",
            ItemState::kStable);
  return *ctx.journal.item(item.id);
}

// What the wish says of its kind, else its name.
std::optional<source::Media> media_of(UrlWish const& wish, std::string const& name) {
  auto media = source::media_by_name(name);
  if (wish.kind.empty() || (media && media->kind == wish.kind)) return media;
  return source::Media{.kind = wish.kind, .content_type = {}};
}

// The platform has it from before the journal was lost: nobody asks what is behind the URL.
Added adopt_kept(Context& ctx, ItemRow item, Plan const& plan, platform::Asset const& asset) {
  auto note = claim(ctx, item, asset);
  take_names(ctx, item, asset);
  take_asset(ctx, item, asset);
  item.id = insert_lost(ctx, item, note);
  insert_what_follows(ctx, item, plan, asset);
  ctx.log.info("item=" + item.ulid + " url=\"" + printable(item.path) + "\" " + note);
  return Added{.item = std::move(item), .was_known = false};
}

}  // namespace

bool is_same_url(ItemRow const& item, UrlText const& fresh) {
  if (item.url.empty()) return item.path == fresh.shown;
  auto const old = parse_url(item.url.reveal_for_journal());
  return old && source::identity_text(*old) == source::identity_text(fresh);
}

bool is_superseded(ItemRow const& item) { return item.key.ends_with(' ' + item.ulid); }

Result<Added> add_url(Context& ctx, SourcePolicy const& source, UrlWish const& wish, Wishes const& wishes,
                      bool dry_run) {
  auto key = key_of(wish);
  SLUICE_TRY(known, known_for(ctx, wish, key));
  if (known) {
    if (known->state == ItemState::kFailed) SLUICE_CHECK(check_time(ctx, wish));
    if (dry_run) return Added{.item = *std::move(known), .was_known = true};
    SLUICE_TRY(item, refresh(ctx, *std::move(known), wish.url));
    return Added{.item = std::move(item), .was_known = true};
  }
  if (auto before = replaced_before(ctx, wish, key)) {
    SLUICE_CHECK(check_time(ctx, wish));
    return take_up_again(ctx, *std::move(before), wish, key);
  }
  auto item = item_of(ctx, source, wish, std::move(key));
  auto const kept = kept_for(ctx, item);
  if (!kept) SLUICE_CHECK(check_time(ctx, wish));
  if (!kept) SLUICE_CHECK(check_end(ctx, wish));
  SLUICE_CHECK(apply_wishes(ctx, item, wishes));
  auto const media = media_of(wish, item.name);
  auto const kind = media ? media->kind : std::string();
  auto const relayed = fetches_itself(ctx.policy, source, wish.url.shown, kind, wish.size_bytes);
  if (!kept) SLUICE_CHECK(may_be_called(source, wish.url.shown, relayed));
  if (relayed) item.method = kByRelay;
  SLUICE_TRY(plan, plan_item(ctx.policy, item, source, media, ctx.now));
  if (dry_run) return Added{.item = std::move(item), .was_known = false};
  auto const doubted = kept ? std::nullopt : kept_of_key(ctx, item);
  if (auto const corrected = ctx.journal.item_by_key(item.key)) ctx.journal.release_key(corrected->id);
  if (kept) return adopt_kept(ctx, std::move(item), plan, *kept);
  item.id = ctx.journal.insert(item);
  journal::DownloadRow download{.item_id = item.id,
                                .state = relayed ? DownloadState::kWanted : DownloadState::kProbing,
                                .sums = sums_of(wish),
                                .promised_bytes = wish.size_bytes.value_or(0)};
  if (relayed || source.fetch == FetchPolicy::kAuto) ctx.journal.insert(download);  // it may turn out to be too large
  for (auto const& step : steps_for(item, plan)) ctx.journal.insert(step);
  ctx.log.info("item=" + item.ulid + " url=\"" + printable(item.path) + "\" added source=" + printable(item.source));
  if (doubted) item = leave_to_a_person(ctx, item, *doubted);
  return Added{.item = std::move(item), .was_known = false};
}

}  // namespace sluice::stage

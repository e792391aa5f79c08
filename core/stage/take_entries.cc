#include "core/stage/take_entries.h"

#include <algorithm>
#include <utility>

#include "core/base/url_text.h"
#include "core/stage/entry_row.h"
#include "core/stage/take_url.h"

namespace sluice::stage {

using journal::EntryRow;
using journal::EntryState;
using journal::ManifestRow;

namespace {

constexpr std::int64_t kTakenPerTurn = 64;

std::optional<std::string> wish_of(std::string const& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

Result<Added> add(Context& ctx, SourcePolicy const& source, source::manifest::Entry const& entry,
                  journal::RowId corrects) {
  SLUICE_TRY(url, parse_url(entry.url));
  UrlWish const wish{.url = std::move(url),
                     .name = entry.name,
                     .key = entry.item_key,
                     .size_bytes = entry.size,
                     .priority = entry.priority,
                     .not_before = entry.not_before,
                     .not_after = entry.not_after,
                     .kind = entry.kind,
                     .md5 = entry.md5,
                     .sha256 = entry.sha256,
                     .metadata = entry.metadata,
                     .corrects = corrects};
  Wishes const wishes{
      .index = wish_of(entry.index), .collection = wish_of(entry.collection), .entity = wish_of(entry.entity)};
  return add_url(ctx, source, wish, wishes, false);
}

void refuse(EntryRow& row, std::string reason, std::string text) {
  row.state = EntryState::kRefused;
  row.reason = std::move(reason);
  row.last_error = std::move(text);
}

void take(Context& ctx, SourcePolicy const& source, ManifestRow& manifest, EntryRow row) {
  auto added = add(ctx, source, to_entry(row), row.item_id);
  auto const before = std::pair(std::exchange(row.reason, {}), std::exchange(row.last_error, {}));
  row.url = {};
  row.options.clear();
  if (!added) {
    refuse(row, added.error().code, added.error().text);
    if (before == std::pair(row.reason, row.last_error)) {  // it was told so already
      row.state = EntryState::kEnded;
      row.outcome = "failed";
    }
  } else if (added->was_known && added->item.id != row.item_id) {  // by hand, or by a manifest of an older journal
    row.item_id = added->item.id;
    refuse(row, "duplicate", "item " + added->item.ulid + " has this key");
  } else if (added->was_known && added->item.state == journal::ItemState::kFailed && before.first.empty()) {
    // The same URL again, whose failure was told; any other end that it came to meanwhile is told now.
    row.state = EntryState::kEnded;
    row.outcome = "failed";
  } else {
    row.item_id = added->item.id;
    row.state = EntryState::kTaken;
  }
  ctx.journal.update(row, EntryState::kWaiting);
  manifest.waiting -= 1;
  manifest.open += row.state == EntryState::kEnded ? 0 : 1;
  manifest.failed += row.state == EntryState::kEnded ? 1 : 0;
}

}  // namespace

void choose_take_entries(Context& ctx) {
  for (auto const id : ctx.journal.manifests_waiting()) {
    auto manifest = ctx.journal.manifest(id);
    auto const* const source = ctx.policy.source(manifest->source);
    auto const room = std::min(kRoom - manifest->open, kTakenPerTurn);
    if (source == nullptr || source->manifest.empty() || room <= 0) continue;
    auto entries = ctx.journal.waiting_entries(id, ctx.now, static_cast<int>(room));
    for (auto& entry : entries) take(ctx, *source, *manifest, std::move(entry));
    if (!entries.empty()) ctx.journal.update(*manifest, manifest->state, ctx.now);
  }
}

}  // namespace sluice::stage

#include "core/stage/find_duplicate.h"

#include <algorithm>
#include <optional>

#include "core/base/text.h"

namespace sluice::stage {

using journal::ItemRow;
using journal::ItemState;

namespace {

constexpr Millis kReadingPause{1'000};
constexpr Millis kMendPause{60'000};
constexpr Millis kTwinPause{600'000};  // the end of the twin comes first, by rule: its own file is looked at meanwhile

// What a done item's file held; one that was sent while the daemon died is read once more. "" when nobody can know any
// more; nothing: not known yet.
std::optional<std::string> key_of(Context& ctx, ItemRow const& twin) {
  if (!twin.content_key.empty()) return twin.content_key;
  auto const key = ctx.digests.content_key(ctx, twin);
  if (!key) return std::nullopt;
  return key->value_or("");
}

// Renamed since, which leaves its inode, its size and its mtime: of a file that an older journal's daemon sent, nobody
// knows the content key, and at its old name there is nothing left to read.
bool is_same_file(ItemRow const& item, ItemRow const& twin) {
  return item.root == twin.root && item.print.device == twin.print.device && item.print.inode == twin.print.inode &&
         item.print.size_bytes == twin.print.size_bytes && item.print.mtime_ns == twin.print.mtime_ns;
}

}  // namespace

bool same_places(Plan const& one, Plan const& other) {
  return std::ranges::equal(one.steps, other.steps, [](PlannedStep const& a, PlannedStep const& b) {
    return a.kind == b.kind && a.name == b.name && a.collection == b.collection;
  });
}

Duplicate find_duplicate(Context& ctx, ItemRow const& item, SourcePolicy const& source, Plan const& plan) {
  if (source.duplicates == DuplicatePolicy::kUpload || !item.duplicate_of.empty()) return {};
  std::optional<Answer<std::string>> own;
  for (auto const& twin : ctx.journal.items_of_ends(item)) {
    if (!same_places(plan, read_plan(twin.plan))) continue;
    auto const name = printable(twin.path) + " (" + twin.ulid + ")";
    auto const patience = item.created_at + source.max_settle - ctx.now;
    if (!is_end(twin.state) && patience <= Millis(0)) continue;  // it is stuck: no more waiting
    if (!is_end(twin.state))
      return {.held = {"waiting_for_twin", name + " may have the same content, and is under way",
                       std::min(patience, kTwinPause)},
              .twin = twin.id};
    auto const key = key_of(ctx, twin);
    if (key && key->empty() && is_same_file(item, twin))
      return {.of = twin.ulid, .text = "the same file as " + name + ", renamed"};
    if (key && key->empty()) continue;
    if (!own) own = ctx.digests.content_key(ctx, item);
    if (!key || !*own) return {.held = {"comparing", "it is read and compared with " + name, kReadingPause}};
    if (!**own) return {.held = {"comparing", (*own)->error().text, kMendPause}};
    if (***own == *key) return {.of = twin.ulid, .key = *key, .text = "the same content as " + name};
  }
  return {};
}

}  // namespace sluice::stage

#include "core/stage/find_duplicate.h"

#include <algorithm>
#include <optional>

#include "core/base/text.h"
#include "core/stage/outbox.h"

namespace sluice::stage {

using journal::ItemRow;
using journal::ItemState;

namespace {

constexpr Millis kReadingPause{1'000};
constexpr int kPagesMax = 64;  // of twins whose content is another, or unknown; behind them a file counts as new
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

bool has_same_times(ItemRow const& item, ItemRow const& twin) {
  return item.print.size_bytes == twin.print.size_bytes && item.print.mtime_ns == twin.print.mtime_ns;
}

// Renamed since, which leaves its inode, its size and its mtime; or put back in its place: of a file that an older
// journal's daemon sent, nobody knows the content key, and of what it was sent from there is nothing left to read.
bool is_same_file(ItemRow const& item, ItemRow const& twin) {
  auto const is_same_inode = item.print.device == twin.print.device && item.print.inode == twin.print.inode;
  return item.root == twin.root && (is_same_inode || item.path == twin.path) && has_same_times(item, twin);
}

// What this item's file holds, against what those may hold that it may repeat.
class Comparison {
 public:
  Comparison(Context& ctx, ItemRow const& item, SourcePolicy const& source, Plan const& plan)
      : ctx_(ctx), item_(item), source_(source), plan_(plan) {}

  // Nothing: it does not repeat that one.
  std::optional<Duplicate> with(ItemRow const& twin) {
    if (!same_places(plan_, read_plan(twin.plan))) return std::nullopt;
    auto const name = printable(twin.path) + " (" + twin.ulid + ")";
    if (!is_end(twin.state)) {
      auto const patience = item_.created_at + source_.max_settle - ctx_.now;
      if (patience <= Millis(0)) return std::nullopt;  // it is stuck: no more waiting
      return Duplicate{.held = {"waiting_for_twin", name + " may have the same content, and is under way",
                                std::min(patience, kTwinPause)},
                       .twin = twin.id};
    }
    auto const key = key_of(ctx_, twin);
    if (key && key->empty() && is_same_file(item_, twin))
      return Duplicate{.of = twin.ulid,
                       .text = "the same file as " + name + (item_.path == twin.path ? ", put back" : ", renamed")};
    if (key && key->empty()) return std::nullopt;
    if (own_.empty()) {
      auto const own = ctx_.digests.content_key(ctx_, item_);
      if (!key || !own) return Duplicate{.held = {"comparing", "it is read and compared with " + name, kReadingPause}};
      if (!*own) return Duplicate{.held = {"comparing", own->error().text, kMendPause}};
      own_ = **own;
    }
    if (!key) return Duplicate{.held = {"comparing", "it is read and compared with " + name, kReadingPause}};
    if (own_ != *key) return std::nullopt;
    return Duplicate{.of = twin.ulid, .key = *key, .text = "the same content as " + name};
  }
  std::string const& own() const { return own_; }  // "" until it was needed

 private:
  Context& ctx_;
  ItemRow const& item_;
  SourcePolicy const& source_;
  Plan const& plan_;
  std::string own_ = {};
};

// The file in whose place this one came, its times kept: only its bytes can tell whether it is another one. What we put
// away ourselves was put there again to be sent again.
std::optional<ItemRow> sent_from_here(Context const& ctx, ItemRow const& item) {
  auto before = ctx.journal.done_before(item);
  if (!before || before->content_key.empty() || !has_same_times(item, *before)) return std::nullopt;
  if (before->print.inode == item.print.inode || put_away(ctx.journal.acts_of(before->id), *before) != nullptr)
    return std::nullopt;
  return before;
}

}  // namespace

bool same_places(Plan const& one, Plan const& other) {
  return std::ranges::equal(one.steps, other.steps, [](PlannedStep const& a, PlannedStep const& b) {
    return a.kind == b.kind && a.name == b.name && a.collection == b.collection;
  });
}

Duplicate find_duplicate(Context& ctx, ItemRow const& item, SourcePolicy const& source, Plan const& plan) {
  if (!item.duplicate_of.empty()) return {};
  Comparison comparison(ctx, item, source, plan);
  if (source.duplicates == DuplicatePolicy::kUpload) {
    auto const before = sent_from_here(ctx, item);
    return before ? comparison.with(*before).value_or(Duplicate()) : Duplicate();
  }
  journal::RowId last = 0;
  for (int page = 0; page < kPagesMax; ++page) {
    auto const twins = ctx.journal.items_of_ends(item, comparison.own(), last);
    for (auto const& twin : twins) {
      if (auto found = comparison.with(twin)) return *std::move(found);
      last = twin.id;
    }
    if (twins.empty()) break;
  }
  return {};
}

}  // namespace sluice::stage

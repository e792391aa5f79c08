#include "core/stage/mended.h"

#include "core/stage/admit.h"
#include "core/stage/check_sum.h"

namespace sluice::stage {
namespace {

bool may_be_mended(journal::ItemRow const& item) {
  return item.state == journal::ItemState::kFailed && (item.reason == kUnreadable || item.reason == kChecksumMismatch);
}

bool goes_on(journal::ItemRow const& item, source::Look const& look) {
  if (item.reason == kUnreadable) return look.type.has_value();
  return !is_still_said(item, look);
}

}  // namespace

void Mended::met(journal::ItemRow const& item, WallTime now) {
  if (!may_be_mended(item)) return;
  met_ += 1;
  if (met_ > skipped_ && met_ <= skipped_ + kLooksMax && looks_.size() < kLooksMax) looks_.emplace(item.id, now);
}

void Mended::swept(bool whole) {
  if (whole) skipped_ = met_ > skipped_ + kLooksMax ? skipped_ + kLooksMax : 0;
  met_ = 0;
}

std::vector<Mended::File> Mended::look(Context& ctx, SourcePolicy const& source) {
  std::vector<File> mended;
  std::erase_if(looks_, [&](auto const& asked) {
    auto const item = ctx.journal.item(asked.first);
    if (!item || !may_be_mended(*item)) return true;
    auto const look =
        ctx.scout.look(item->root, item->path, item->print.device, wanted_of(source, item->path), asked.second);
    if (!look) return false;
    if (!*look || !goes_on(*item, **look)) return true;
    mended.push_back({*item, (*look)->print});
    if (skipped_ > 0) skipped_ -= 1;  // it is met no more
    return true;
  });
  return mended;
}

}  // namespace sluice::stage

// look_asset.h - stage LOOK_ASSET: a POST /assets whose answer was lost -> its asset, or the proof that there is none.
//
//   takes    items in `sending` with an unknown outcome, whose due_at has come
//   writes   item: `sent`, or `stable` again; looks, due_at
//   remote   GET /assets by filename, newest first, page by page back to the attempt (R50)
//   unknown  -
//   then     AWAIT_ASSET takes the items left in `sent`, SEND_DIRECT and SEND_URL those left in `stable`
//
// Adopts the asset with our operation tag, or without metadata the one whose name, method, time and size fit; only
// after two looks and the list lag is the call made again.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "core/platform/replies.h"
#include "core/stage/stage.h"

namespace sluice::stage {

void choose_look_asset(Context& ctx);
void settle_look_asset(Context& ctx, Landing const& landing);

// What is looked for, and what may be said of one page of assets. Pure.
struct SoughtAsset {
  std::string client_op;
  std::string filename;
  std::optional<std::uint64_t> size_bytes;  // nothing: of a URL whose size nobody told
  WallTime not_before;                      // the attempt by the platform's clock, less 5 minutes (R50)
  bool tagged;                              // the platform takes user_metadata: only the tag counts
  std::string method = "direct";
};
struct AssetMatch {
  platform::Asset const* found = nullptr;  // adopt it; of untagged ones only when exactly one fits
  bool undecided = false;                  // an untagged candidate has no size yet: look again later
  bool passed_attempt = false;             // the page reaches back beyond the attempt: no further page is needed
};
// `is_known` says whether an asset id belongs to another row of the journal.
AssetMatch match_asset(std::span<platform::Asset const> assets, SoughtAsset const& sought,
                       std::function<bool(std::string const&)> const& is_known);

}  // namespace sluice::stage

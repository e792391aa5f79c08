// send_direct.h - stage SEND_DIRECT: a small stable file -> an asset, in one request.
//
//   takes    items in `stable` with method direct whose due_at has come; writes `sending` before the request leaves
//   writes   item: state, client_op, asset_id, bytes
//   remote   POST /assets, method=direct. Not repeatable.
//   unknown  lists assets by filename, newest first, back to the attempt (R50): adopts the one with our
//            operation tag, or without metadata the one whose name, method, time and size fit; only
//            after two looks and the list lag is the file sent again
//   then     AWAIT_ASSET takes the items left in `sent`
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "core/platform/replies.h"
#include "core/stage/stage.h"

namespace sluice::stage {

void choose_send_direct(Context& ctx);
void settle_send_direct(Context& ctx, Landing const& landing);

void choose_look_asset(Context& ctx);
void settle_look_asset(Context& ctx, Landing const& landing);

// What is looked for, and what may be said of one page of assets. Pure.
struct SoughtAsset {
  std::string client_op;
  std::string filename;
  std::uint64_t size_bytes;
  WallTime not_before;  // the attempt by the platform's clock, less 5 minutes (R50)
  bool tagged;          // the platform takes user_metadata: only the tag counts
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

#include "core/stage/take_sidecar.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/source/sidecar.h"
#include "core/stage/admit.h"
#include "core/stage/plan.h"
#include "core/stage/wishes.h"

namespace sluice::stage {

using journal::ItemRow;

Held held_by_sidecar(SourcePolicy const& source, source::Look const& look, WallTime now) {
  if (!source.sidecars) return {};
  auto const& [newest_ns, has_own, sidecar, unknown, links] = look.sidecar;
  auto const quiet_at = WallTime(std::chrono::ceil<Millis>(std::chrono::nanoseconds(newest_ns))) + source.settle;
  if (newest_ns > 0 && quiet_at > now && look.marker != source::Marker::kThere)
    return {"settling", "its sidecar was written just now", quiet_at - now};
  if (!sidecar) return {source::kBadSidecar, sidecar.error().text, kSidecarMendPause, true};
  return {};
}

void take_words(Policy const& policy, ItemRow& item, SourcePolicy const& source, source::Sidecar const& sidecar) {
  auto const before = sidecar_of(item);
  if (!source::want_the_same(before, sidecar)) forget_plan(policy, item, source);
  if (before.priority || sidecar.priority) item.priority = sidecar.priority.value_or(source.priority);
  item.sidecar = sidecar.files.empty() ? "" : sidecar.to_json().dump();
}

std::string sidecar_words(ItemRow const& item) {
  auto const sidecar = sidecar_of(item);
  std::string files;
  for (auto const& file : sidecar.files) files.append(files.empty() ? "" : ", ").append(printable(file));
  return files.empty() ? "" : "sidecar " + files + ": " + sidecar.keys();
}

void tell_what_is_left_out(Context& ctx, ItemRow const& item, source::SidecarLook const& look) {
  auto const warn = [&](std::string_view what, std::string const& which) {
    ctx.log.warning(std::string("item=")
                        .append(item.ulid)
                        .append(" path=\"")
                        .append(printable(item.path))
                        .append("\" ")
                        .append(what)
                        .append(which));
  };
  for (auto const& key : look.unknown) warn("the sidecar has an unknown key, which is left out: ", key);
  for (auto const& link : look.links) warn("links are not followed, and so this one is no sidecar: ", link);
}

void forget_plan(Policy const& policy, ItemRow& item, SourcePolicy const& source) {
  if (item.pipeline == kByHand) return;
  auto const* const usual = item.kind.empty() ? nullptr : pipeline_for(policy, source, item.kind);
  auto const by_source = usual != nullptr && usual->name == item.pipeline;
  if (by_source || item.pipeline == kBySidecar || item.pipeline == sidecar_of(item).pipeline) item.pipeline.clear();
  item.plan.clear();
}

}  // namespace sluice::stage

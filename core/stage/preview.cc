#include "core/stage/preview.h"

#include <algorithm>
#include <optional>

#include "core/base/text.h"
#include "core/source/kind.h"
#include "core/source/url_expiry.h"
#include "core/stage/admit.h"
#include "core/stage/next_uploads.h"
#include "core/stage/plan.h"

namespace sluice::stage {
namespace {

using journal::ItemRow;

std::string known_words(ItemRow const& item) {
  return "known already as " + item.ulid + ", " + std::string(word(item.state)) +
         ": it would not be sent a second time";
}

std::string upload_words(Limits const& limits, ItemRow const& item) {
  auto const image = item.kind == "image";
  auto const up_to = [](std::uint64_t limit) { return " (up to " + to_words_bytes(limit) + ")"; };
  if (item.method == kByDirect)
    return "upload it in one request" + up_to(image ? limits.direct_image_bytes : limits.direct_video_bytes);
  if (item.method == kByMultipart)
    return "upload it in chunks" + up_to(image ? limits.multipart_image_bytes : limits.multipart_video_bytes);
  if (item.method == kByRelay)
    return "download it from its host, and upload it" +
           up_to(image ? limits.multipart_image_bytes : limits.multipart_video_bytes);
  auto text = "let the platform fetch it" + up_to(image ? limits.url_image_bytes : limits.url_video_bytes);
  if (auto const end = source::url_end(item.url)) text += ", before " + to_rfc3339(*end);
  return text;
}

std::string step_words(PlannedStep const& step) {
  if (step.kind == journal::StepKind::kIndex) return "index it in " + printable(step.name);
  return "make it part of entity " + printable(step.name) + " in " + printable(step.collection);
}

}  // namespace

std::vector<std::string> preview(Added const& added, Policy const& policy, SourcePolicy const& source, WallTime now) {
  if (added.was_known) return {known_words(added.item)};
  if (!added.sidecar_trouble.empty()) return {"hold it back until its sidecar is mended: " + added.sidecar_trouble};
  auto item = added.item;
  auto const media = source::media_by_name(file_name(item));
  if (!media && !is_of_url(item)) return {"look at its content, which decides what kind it is, and then do the rest"};
  auto const plan = plan_item(policy, item, source, media, now);
  if (!plan) return {"refuse it: " + plan.error().text + " (" + plan.error().code + ")"};
  auto kind = "take it as " + item.kind + ", by pipeline " + printable(item.pipeline);
  if (item.print.size_bytes > 0) kind += ", " + to_words_bytes(item.print.size_bytes);
  std::vector<std::string> lines = {std::move(kind), upload_words(policy.limits, item)};
  std::ranges::transform(plan->steps, std::back_inserter(lines), step_words);
  return lines;
}

}  // namespace sluice::stage

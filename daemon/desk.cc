#include "daemon/desk.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "core/base/text.h"
#include "core/source/kind.h"
#include "core/stage/orders.h"
#include "core/stage/plan.h"
#include "core/stage/stage.h"

namespace sluice::daemon {
namespace {

Error no_writing() { return {Fault::kLocal, "the journal cannot be written now: see `sluice status`", "journal_full"}; }

struct Spot {
  stage::SourcePolicy const* source;
  std::string path;  // beneath its root
};

// The deepest source that the path lies beneath.
Result<Spot> spot_of(stage::Policy const& policy, std::string const& path) {
  auto const whole = resolved_path(path);
  if (whole.empty()) return fail(Fault::kGone, "no such file: " + printable(path), "no_such_file");
  Spot spot{nullptr, {}};
  for (auto const& source : policy.sources) {
    auto const root = std::filesystem::weakly_canonical(source.root).string() + "/";
    if (!whole.starts_with(root)) continue;
    if (spot.source == nullptr || source.root.size() > spot.source->root.size())
      spot = {&source, whole.substr(root.size())};
  }
  if (spot.source == nullptr)
    return fail(Fault::kRejected, printable(path) + " lies beneath no source: put it there, or use `sluice ingest`",
                "not_beneath_source");
  return spot;
}

std::vector<std::string> would_do(journal::ItemRow const& item) {
  if (item.plan.empty()) return {"upload it, then do what its pipeline asks for"};
  std::vector<std::string> lines = {"upload it as an asset"};
  for (auto const& step : stage::read_plan(item.plan).steps)
    lines.push_back(step.kind == journal::StepKind::kIndex
                        ? "index it in " + step.name
                        : "make it part of entity " + step.name + " in " + step.collection);
  return lines;
}

}  // namespace

std::string resolved_path(std::string const& path) {
  std::error_code error;
  std::filesystem::path const given(path);
  auto const folder = std::filesystem::canonical(given.parent_path(), error);
  if (error) return {};
  return (folder / given.filename()).string();
}

Result<AddedItem> Desk::add(AddRequest const& request) {
  if (ctx_ == nullptr) return std::unexpected(no_writing());
  SLUICE_TRY(spot, spot_of(policy_, request.path));
  stage::Wishes const wishes{request.pipeline, request.index, request.collection, request.entity};
  SLUICE_TRY(added, stage::add_item(*ctx_, *spot.source, spot.path, wishes, request.dry_run));
  auto const media = source::media_by_name(basename_of(spot.path));
  AddedItem out{.row = added.item.id,
                .ulid = request.dry_run && !added.was_known ? std::string() : added.item.ulid,
                .path = request.path,
                .source = spot.source->name,
                .kind = !added.item.kind.empty() ? added.item.kind
                        : media                  ? media->kind
                                                 : std::string(),
                .pipeline = added.item.pipeline,
                .was_known = added.was_known,
                .would = {}};
  if (request.dry_run) out.would = would_do(added.item);
  return out;
}

Result<void> Desk::retry(journal::RowId item) {
  if (ctx_ == nullptr) return std::unexpected(no_writing());
  return stage::retry_order(*ctx_, item);
}

Result<void> Desk::cancel(journal::RowId item) {
  if (ctx_ == nullptr) return std::unexpected(no_writing());
  return stage::cancel_order(*ctx_, item);
}

}  // namespace sluice::daemon

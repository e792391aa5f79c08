#include "daemon/desk.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include "core/base/text.h"
#include "core/source/entry_key.h"
#include "core/source/kind.h"
#include "core/stage/admit.h"
#include "core/stage/discover.h"
#include "core/stage/entry_row.h"
#include "core/stage/explain_manifest.h"
#include "core/stage/fetch_policy.h"
#include "core/stage/orders.h"
#include "core/stage/preview.h"
#include "core/stage/stage.h"
#include "core/stage/take_url.h"

namespace sluice::daemon {
namespace {

Error no_writing() { return {Fault::kLocal, "the journal cannot be written now: see `sluice status`", "journal_full"}; }

bool is_no_file(Error const& error) { return error.code == "not_regular" || error.code == "symlink"; }

// The deepest source that the path lies beneath, the file there, and what lies beside it. Touches the file system: for
// a lane, and then only the roots that are asked about, by their numbers. `with_sidecars`: which of them have any.
Result<Spot> spot_of(ports::Files& files, std::vector<std::string> const& roots, std::vector<bool> const& with_sidecars,
                     std::vector<std::size_t> const& asked, std::string const& path) {
  auto const whole = resolved_path(path);
  if (whole.empty()) return fail(Fault::kGone, "no such file: " + printable(path), "no_such_file");
  std::optional<Spot> spot;
  for (auto const i : asked) {
    std::error_code error;
    auto const root = std::filesystem::weakly_canonical(roots[i], error).string() + "/";
    if (error || !whole.starts_with(root) || (spot && roots[i].size() <= roots[spot->source].size())) continue;
    spot = {.source = i, .found = {.path = whole.substr(root.size())}};
  }
  if (!spot)
    return fail(Fault::kRejected, printable(path) + " lies beneath no source: put it there, or use `sluice ingest`",
                "not_beneath_source");
  auto const& root = roots[spot->source];
  auto const print = files.stat(root, spot->found.path);
  if (!print && print.error().fault == Fault::kGone) return std::unexpected(print.error());
  if (print) spot->found.print = *print;
  if (!print) spot->trouble = print.error();
  // What cannot be read today may be tomorrow; what is no file never will be one.
  if (auto const opened = files.open(root, spot->found.path); !opened && is_no_file(opened.error()))
    spot->trouble = opened.error();
  if (!with_sidecars[spot->source]) return *spot;
  if (auto look = source::look_for_sidecar(files, root, spot->found.path, 0)) spot->found.sidecar = *std::move(look);
  return *spot;
}

// By its letters, in which root's lane a path is best looked for: a mount that hangs holds up its own paths only. One
// that lies beneath none by its letters may do so by a link.
constexpr int kLookedAt = 20;  // items of one URL without its query
constexpr char kAnyRoot[] = "(all sources)";
std::string lane_of(std::vector<std::string> const& roots, std::string const& path) {
  std::string lane;
  for (auto const& root : roots)
    if (path.starts_with(root + "/") && root.size() > lane.size()) lane = root;
  return lane.empty() ? kAnyRoot : lane;
}

// The roots that a path in this lane may lie beneath.
std::vector<std::size_t> roots_in(std::vector<std::string> const& roots, std::string const& lane) {
  std::vector<std::size_t> numbers;
  for (std::size_t i = 0; i < roots.size(); ++i)
    if (lane == kAnyRoot || lane == roots[i] || lane.starts_with(roots[i] + "/")) numbers.push_back(i);
  return numbers;
}

}  // namespace

std::string resolved_path(std::string const& path) {
  std::error_code error;
  std::filesystem::path const given(path);
  auto const folder = std::filesystem::canonical(given.parent_path(), error);
  if (error == std::errc::permission_denied) return given.lexically_normal().string();  // whoever asks on is told where
  if (error) return {};
  return (folder / given.filename()).string();
}

bool Desk::has_found(std::string const& path) {
  if (ctx_ == nullptr || spots_.contains(path)) return true;
  std::vector<std::string> roots;
  std::vector<bool> with_sidecars;
  for (auto const& source : policy_.sources) {
    roots.push_back(source.root);
    with_sidecars.push_back(source.sidecars);
  }
  auto const lane = lane_of(roots, path);
  auto spot = ctx_->scout.ask<Spot>(lane, "find " + path, {},
                                    [roots, with_sidecars, asked = roots_in(roots, lane), path](ports::Files& files) {
                                      return spot_of(files, roots, with_sidecars, asked, path);
                                    });
  if (spot) spots_.emplace(path, *std::move(spot));
  return spot.has_value();
}

Result<AddedItem> Desk::shown(AddRequest const& request, stage::SourcePolicy const& source,
                              stage::Added const& added) const {
  auto const& item = added.item;
  auto const media = source::media_by_name(file_name(item));
  AddedItem out{.row = item.id,
                .ulid = request.dry_run && !added.was_known ? std::string() : item.ulid,
                .path = request.url ? request.url->shown : request.path,
                .source = source.name,
                .kind = !item.kind.empty() ? item.kind
                        : media            ? media->kind
                                           : std::string(),
                .pipeline = item.pipeline,
                .was_known = added.was_known,
                .would = {}};
  if (request.dry_run) out.would = stage::preview(added, policy_, source, ctx_->now);
  return out;
}

Result<AddedItem> Desk::add(AddRequest const& request) {
  if (ctx_ == nullptr) return std::unexpected(no_writing());
  stage::Wishes const wishes{request.pipeline, request.index, request.collection, request.entity};
  if (request.url) {
    stage::UrlWish const wish{.url = *request.url, .name = request.name};
    SLUICE_TRY(added, stage::add_url(*ctx_, policy_.hand, wish, wishes, request.dry_run));
    return shown(request, policy_.hand, added);
  }
  SLUICE_TRY(spot, spots_.at(request.path));
  if (spot.trouble) return std::unexpected(*spot.trouble);
  auto const& source = policy_.sources[spot.source];
  SLUICE_TRY(added, stage::add_item(*ctx_, source, spot.found, wishes, request.dry_run));
  return shown(request, source, added);
}

Result<stage::Explanation> Desk::explain_url(UrlText const& url) {
  if (ctx_ == nullptr) return std::unexpected(no_writing());
  auto const key = source::entry_key(url, {});
  auto item = ctx_->journal.item_by_key(key);
  for (auto& other : ctx_->journal.items_by_url(url.shown, kLookedAt))
    if (!item && stage::is_same_url(other, url)) item = std::move(other);
  auto const* const source = item ? stage::source_of(policy_, ctx_->journal, *item) : nullptr;
  auto told = stage::explain(policy_, source ? *source : policy_.hand, url, std::move(item), ctx_->now);
  auto const entry = ctx_->journal.entry_of_key(stage::packed_key(key));
  auto const manifest = entry ? ctx_->journal.manifest(entry->manifest_id) : std::nullopt;
  if (manifest && entry->state == journal::EntryState::kWaiting)
    told.findings.insert(told.findings.begin(),
                         {"manifest", stage::Finding::Says::kWaits,
                          "line " + std::to_string(entry->line) + " of " +
                              printable(manifest->root + "/" + manifest->path) + " waits for its turn"});
  return told;
}

source::Answer<stage::Explanation> Desk::explain(std::string const& path) {
  if (ctx_ == nullptr) return std::unexpected(no_writing());
  if (!has_found(path)) return std::nullopt;
  auto const& spot = spots_.at(path);
  if (!spot) return std::unexpected(spot.error());
  auto const& first = policy_.sources[spot->source];
  auto const& [file, print, sidecar] = spot->found;
  for (auto const& other : policy_.sources)  // the first of those in this folder whose pattern it fits
    if (other.root == first.root && !other.manifest.empty() && glob_match(other.manifest, file))
      return stage::explain_manifest(ctx_->journal, other, file);
  if (!first.manifest.empty()) return stage::explain_manifest(ctx_->journal, first, file);
  auto item = ctx_->journal.latest_item(first.root, file);
  auto const* const its_own = item ? policy_.source(item->source) : nullptr;
  auto const& source = its_own != nullptr && its_own->root == first.root ? *its_own : first;
  auto const look = ctx_->scout.look(source.root, file, print.device, stage::wanted_of(source, file), {});
  if (!look) return std::nullopt;
  return stage::explain(policy_, source, file, *look, std::move(item), ctx_->now);
}

Result<void> Desk::retry(journal::RowId item) {
  if (ctx_ == nullptr) return std::unexpected(no_writing());
  return stage::retry_order(*ctx_, item);
}

Result<void> Desk::cancel(journal::RowId item) {
  if (ctx_ == nullptr) return std::unexpected(no_writing());
  return stage::cancel_order(*ctx_, item);
}

Result<std::vector<std::string>> Desk::rescan(std::string const& source) {
  std::vector<std::string> names;
  std::ranges::transform(policy_.sources, std::back_inserter(names), &stage::SourcePolicy::name);
  if (source.empty()) {
    discovery_.want_all();
    return names;
  }
  auto const wanted = std::ranges::find(policy_.sources, source, &stage::SourcePolicy::name);
  if (wanted == policy_.sources.end()) {
    auto const close = nearest(source, names);
    return fail(Fault::kGone,
                "there is no source " + printable(source) + (close ? "; did you mean " + printable(*close) + "?" : ""),
                "no_such_source");
  }
  discovery_.want_root(wanted->root);
  names.clear();
  for (auto const& each : policy_.sources)
    if (each.root == wanted->root) names.push_back(each.name);
  return names;
}

}  // namespace sluice::daemon

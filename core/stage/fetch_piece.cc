#include "core/stage/fetch_piece.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/base/text.h"
#include "core/source/fetch_reply.h"
#include "core/source/spool_blocks.h"
#include "core/stage/effort.h"
#include "core/stage/fetch_landed.h"
#include "core/stage/fetch_policy.h"
#include "core/stage/moves.h"
#include "core/stage/next_uploads.h"
#include "core/stage/send_url.h"
#include "core/stage/spooling.h"

namespace sluice::stage {

using budget::Errand;
using budget::Flight;
using journal::DownloadRow;
using journal::DownloadState;
using journal::ItemRow;
using journal::ItemState;
using source::BlockRun;

namespace {

constexpr std::size_t kPiecesPerFile = 4;
constexpr std::size_t kCallsPerHost = 8;
constexpr std::uint32_t kBlocksPerPiece = 8;
constexpr std::uint64_t kSlowerThanUploads = 16;  // pieces share a line with one another, and with what goes up

using Flights = std::vector<std::pair<std::uint64_t, Flight>>;

std::size_t count_of_item(Flights const& flights, journal::RowId item) {
  return static_cast<std::size_t>(
      std::ranges::count_if(flights, [&](auto const& named) { return named.second.item == item; }));
}

std::size_t count_to_host(Flights const& flights, std::string const& host) {
  return static_cast<std::size_t>(
      std::ranges::count_if(flights, [&](auto const& named) { return named.second.host == host; }));
}

std::string range_of(BlockRun run, std::uint64_t total_bytes) {
  auto const begin = source::run_begin(run);
  auto const length = total_bytes == 0 ? run.count * source::kSpoolBlockBytes : source::run_bytes(run, total_bytes);
  return "bytes=" + std::to_string(begin) + "-" + std::to_string(begin + length - 1);
}

// The blocks that are there, are coming in, or are being written.
std::string blocks_under_way(Context const& ctx, Flights const& flights, DownloadRow const& row) {
  auto blocks = ctx.spooling->coming(row.item_id, row.have);
  for (auto const& [ticket, flight] : flights)
    if (flight.item == row.item_id)
      blocks = source::with_blocks(std::move(blocks), {flight.chunk_index, static_cast<std::uint32_t>(flight.mode)});
  return blocks;
}

// A slow host has no more than its share of the pieces while others wait for theirs.
bool has_room(Context const& ctx, Flights const& flights, DownloadRow const& row, std::string const& host,
              std::size_t hosts) {
  auto const pieces = pieces_max(ctx.policy);
  auto const share = std::min(kCallsPerHost, (pieces + hosts - 1) / hosts);
  return flights.size() + ctx.spooling->writing() < pieces && count_of_item(flights, row.item_id) < kPiecesPerFile &&
         count_to_host(flights, host) < share;
}

// Its host asked for a pause: it goes on when that is over, and gives its place to others.
void pause(Context& ctx, ItemRow item, WallTime until) {
  ctx.spooling->gives_way(item.id);
  item.reason = name_of(Fault::kThrottled);
  item.effort.due_at = until;
  ctx.journal.update(item, ItemState::kStable, ctx.now);
}

// Asks for as many pieces as may be in the air.
void fetch_some(Context& ctx, ItemRow const& item, DownloadRow row, std::size_t hosts) {
  auto const host = host_of(shown(fetch_url(item, row)));
  if (auto const until = ctx.spooling->hosts().paused_until(host, ctx.now)) {
    auto const is_under_way = ctx.spooling->is_writing(item.id) || ctx.traffic.busy(Errand::kFetchPiece, item.id);
    if (is_under_way) return;
    auto const was = std::exchange(row.state, DownloadState::kWanted);
    ctx.journal.update(row, was, ctx.now);
    return pause(ctx, item, *until);
  }
  for (;;) {
    auto const flights = ctx.traffic.flights(Errand::kFetchPiece);
    auto const left = ctx.traffic.queued(Errand::kFetchPiece);
    Flights all = flights;
    all.insert(all.end(), left.begin(), left.end());
    if (!has_room(ctx, all, row, host, hosts)) return;
    auto const per_piece = blocks_per_piece(ctx.policy);
    if (row.total_bytes == 0) {
      if (count_of_item(all, item.id) == 0) send_fetch(ctx, item, row, {0, per_piece}, 1);
      return;
    }
    auto const run = source::next_missing(row.have, blocks_under_way(ctx, all, row), row.total_bytes, per_piece);
    if (!run) return;
    send_fetch(ctx, item, row, *run, 1);
  }
}

void begin(Context& ctx, ItemRow item) {
  if (!is_usable(item.url, ctx.now)) {
    item.url = {};
    return fail_item(ctx, std::move(item), kNeedsNewUrl, "its signed URL has ended", ItemState::kStable);
  }
  auto row = ctx.journal.download_of(item.id);
  auto const host = host_of(shown(row ? fetch_url(item, *row) : item.url));
  if (auto const until = ctx.spooling->hosts().paused_until(host, ctx.now)) return pause(ctx, std::move(item), *until);
  auto const needs_room = row && row->reserved_bytes == 0;
  if (auto why = needs_room ? why_never_room(ctx, row->total_bytes) : std::nullopt)  // the spool was made smaller
    return fail_item(ctx, std::move(item), kSpoolTooSmall, *std::move(why), ItemState::kStable);
  if (auto why = why_no_room(ctx, item, row.value_or(DownloadRow{})))
    return wait_for_room(ctx, std::move(item), *std::move(why), ctx.policy.poll_min);
  if (!row) {
    DownloadRow fresh{.item_id = item.id};
    fresh.id = ctx.journal.insert(fresh);
    row = std::move(fresh);
  }
  auto const was = std::exchange(row->state, DownloadState::kFetching);
  ctx.journal.update(*row, was, ctx.now);
  item.effort.due_at.reset();
  item.reason.clear();
  ctx.journal.update(item, ItemState::kStable, ctx.now);
}

void go_on(Context& ctx, DownloadRow row, std::size_t hosts) {
  auto item = ctx.journal.item(row.item_id);
  if (!item || item->state != ItemState::kStable || item->method != kByRelay) return;
  if (row.total_bytes > 0 && row.reserved_bytes == 0 && !reserve(ctx, *item, row)) return;
  auto const is_whole = row.total_bytes > 0 && !source::next_missing(row.have, {}, row.total_bytes, 1) &&
                        !ctx.spooling->is_writing(item->id);
  if (is_whole) return finish_download(ctx, *std::move(item), std::move(row));
  fetch_some(ctx, *item, row, hosts);
}

std::size_t hosts_of(Context const& ctx, std::vector<DownloadRow> const& rows) {
  std::set<std::string> hosts;
  for (auto const& row : rows)
    if (auto const item = ctx.journal.item(row.item_id)) hosts.insert(host_of(shown(fetch_url(*item, row))));
  return std::max<std::size_t>(1, hosts.size());
}

}  // namespace

std::uint32_t blocks_per_piece(Policy const& policy) {
  auto const quarter = policy.fetch_bytes / 4 / source::kSpoolBlockBytes;
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(quarter, 1, kBlocksPerPiece));
}

std::size_t pieces_max(Policy const& policy) {
  auto const piece = blocks_per_piece(policy) * source::kSpoolBlockBytes;
  return static_cast<std::size_t>(std::max<std::uint64_t>(1, policy.fetch_bytes / piece));
}

SecretUrl const& fetch_url(ItemRow const& item, DownloadRow const& row) { return row.url.empty() ? item.url : row.url; }

void send_fetch(Context& ctx, ItemRow const& item, DownloadRow const& row, BlockRun run, int hop) {
  auto const& url = fetch_url(item, row);
  auto const* const source = source_of(ctx.policy, ctx.journal, item);
  ports::Call call;
  call.target = url;
  call.headers = {{"range", range_of(run, row.total_bytes)}, {"accept-encoding", "identity"}};
  source::Validators const known{.etag = row.etag, .modified = row.modified};
  if (row.total_bytes > 0 && !known.if_range().empty()) call.headers.emplace_back("if-range", known.if_range());
  call.stall_limit = ctx.policy.stall_limit;
  call.stall_below_bytes_per_s = std::max<std::uint64_t>(1, ctx.policy.stall_below_bytes_per_s / kSlowerThanUploads);
  call.stranger = ports::Stranger{.allowed = source == nullptr ? nullptr : source->allow_hosts,
                                  .body_bytes_max = static_cast<std::size_t>(run.count * source::kSpoolBlockBytes)};
  ctx.traffic.send({.errand = Errand::kFetchPiece,
                    .row = item.id,
                    .item = item.id,
                    .chunk_index = run.first,
                    .page = hop,
                    .mode = static_cast<int>(run.count),
                    .host = host_of(shown(url))},
                   std::move(call), ctx.now);
}

void choose_fetch_piece(Context& ctx) {
  if (ctx.spooling == nullptr || !ctx.spooling->works()) return;
  ctx.spooling->tidy(ctx);
  for (auto const& written : ctx.spooling->collect(ctx)) settle_written(ctx, written);
  for (auto& item : next_uploads(ctx, kByRelay)) begin(ctx, std::move(item));
  auto rows = ctx.journal.fetching_downloads();
  auto const hosts = hosts_of(ctx, rows);
  for (auto& row : rows) go_on(ctx, std::move(row), hosts);
}

void fetch_anew(Context& ctx, ItemRow item, std::string_view why) {
  abandon_upload(ctx, item);
  ctx.traffic.cancel_item(item.id);
  leave_spool(ctx, item);
  auto const was = item.state;
  item.state = ItemState::kStable;
  item.method = kByRelay;
  item.generation += 1;
  item.print = {};
  item.intent = {};
  item.asset_id.clear();
  item.content_key.clear();
  item.client_op.clear();
  item.bytes_acked = 0;
  item.effort = renewed(ctx.now + backoff(static_cast<std::uint32_t>(item.generation), ctx.policy, ctx.jitter()));
  move(ctx, item, was, std::string(why) + ": it is downloaded again");
}

void park_download(Context& ctx, ItemRow const& item) {
  auto row = is_relayed(item) ? ctx.journal.download_of(item.id) : std::nullopt;
  if (!row || row->state == DownloadState::kFetched || row->have.empty()) return leave_spool(ctx, item);
  auto const was = std::exchange(row->state, DownloadState::kWanted);
  row->url = {};
  row->restarts = 0;
  ctx.journal.update(*row, was, ctx.now, "kept for a retry");
}

void leave_spool(Context& ctx, ItemRow const& item) {
  if (!is_of_url(item)) return;
  auto row = ctx.journal.download_of(item.id);
  if (!row) return;
  if (row->reserved_bytes > 0 && ctx.spooling != nullptr) ctx.spooling->leave(item);
  auto const was = row->state;
  ctx.journal.update(DownloadRow{.id = row->id,
                                 .item_id = item.id,
                                 .state = is_relayed(item) ? DownloadState::kWanted : DownloadState::kProbing,
                                 .restarts = row->restarts,
                                 .sums = row->sums,
                                 .promised_bytes = row->promised_bytes},
                     was, ctx.now);
}

}  // namespace sluice::stage

#include "core/stage/fetch_landed.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/base/text.h"
#include "core/base/time.h"
#include "core/platform/faults.h"
#include "core/source/fetch_reply.h"
#include "core/stage/admit.h"
#include "core/stage/effort.h"
#include "core/stage/fetch_piece.h"
#include "core/stage/fetch_policy.h"
#include "core/stage/moves.h"
#include "core/stage/next_uploads.h"
#include "core/stage/plan.h"
#include "core/stage/send_url.h"

namespace sluice::stage {

using journal::DownloadRow;
using journal::DownloadState;
using journal::ItemRow;
using journal::ItemState;
using source::BlockRun;
using source::Validators;

namespace {

constexpr std::uint32_t kRestartsMax = 3;
constexpr Millis kPauseMax = std::chrono::hours(1);
constexpr Millis kDiskFullPause{30'000};  // each try fetches a piece anew
constexpr Millis kHeardLately{30'000};
constexpr std::uint32_t kUnheardTriesMax = 100;  // at the longest pause of 5 minutes: some hours

// A download that a call or a write is about, with its item; it may wait meanwhile.
struct Pair {
  ItemRow item;
  DownloadRow row;
};

std::optional<Pair> live(Context& ctx, journal::RowId id) {
  auto item = ctx.journal.item(id);
  if (!item || item->state != ItemState::kStable || item->method != kByRelay) return std::nullopt;
  auto row = ctx.journal.download_of(id);
  if (!row || row->state == DownloadState::kFetched) return std::nullopt;
  return Pair{*std::move(item), *std::move(row)};
}

void rest(Context& ctx, DownloadRow row) {
  auto const was = std::exchange(row.state, DownloadState::kWanted);
  ctx.journal.update(row, was, ctx.now);
}

void fail_download(Context& ctx, Pair pair, std::string code, std::string text) {
  fail_item(ctx, std::move(pair.item), std::move(code), std::move(text), ItemState::kStable);
}

// It waits, and is charged once for what befell several pieces at once.
void trouble(Context& ctx, Pair pair, Error const& error) {
  auto const first = pair.row.state == DownloadState::kFetching;
  rest(ctx, std::move(pair.row));
  if (!first) return;
  pair.item.effort = after_failure(pair.item.effort, error, ctx.policy, ctx.now, ctx.jitter());
  if (is_exhausted(pair.item.effort, ctx.policy))
    return fail_item(ctx, std::move(pair.item), error.code.empty() ? std::string(name_of(error.fault)) : error.code,
                     error.text, ItemState::kStable);
  pair.item.reason = reason_of(error);
  move(ctx, pair.item, ItemState::kStable, error.text);
}

// The source has another content now: what was downloaded of the old one counts for nothing.
void restart(Context& ctx, Pair pair, std::string const& why, std::string const& code = "source_changed") {
  ctx.traffic.cancel_item(pair.item.id);
  if (pair.row.restarts >= kRestartsMax) {
    pair.row.restarts = 0;
    ctx.journal.update(pair.row, pair.row.state, ctx.now);
    leave_spool(ctx, pair.item);
    return fail_download(ctx, std::move(pair), code, why + ", for the fourth time");
  }
  leave_spool(ctx, pair.item);
  auto row = *ctx.journal.download_of(pair.item.id);
  row.restarts += 1;
  ctx.journal.update(row, row.state, ctx.now);
  pair.item.print = {};
  pair.item.effort.tries += 1;
  pair.item.effort.due_at = ctx.now + backoff(row.restarts, ctx.policy, ctx.jitter());
  pair.item.effort.last_error = why;
  pair.item.reason = code;
  move(ctx, pair.item, ItemState::kStable, why + ": it is downloaded from its beginning");
}

// What the first piece tells of the whole.
struct Whole {
  std::uint64_t total_bytes;
  bool in_pieces;  // the host gives ranges
  Validators validators;
};

// Why the file cannot be downloaded; nothing if it can.
std::optional<Error> complaint(Context const& ctx, Pair const& pair, Whole const& whole) {
  auto const no = [](std::string code, std::string text) {
    return Error{Fault::kRejected, std::move(text), std::move(code)};
  };
  auto const& [item, row] = pair;
  if (whole.total_bytes == 0) return no("empty_file", "there is nothing behind the URL");
  if (row.promised_bytes != 0 && row.promised_bytes != whole.total_bytes)
    return no("size_mismatch", "the host has " + std::to_string(whole.total_bytes) + " bytes, and " +
                                   std::to_string(row.promised_bytes) + " were promised");
  if (auto broken = broken_limit(ctx.policy, read_plan(item.plan), item.kind, whole.total_bytes, false))
    return no("too_large", *std::move(broken));
  if (auto why = why_never_room(ctx, whole.total_bytes)) return no(kSpoolTooSmall, *std::move(why));
  auto const one_piece = blocks_per_piece(ctx.policy) * source::kSpoolBlockBytes;
  if (whole.in_pieces && whole.validators.empty() && row.sums.empty() && whole.total_bytes > one_piece)
    return no("no_validator",
              "the host gives neither an ETag nor a date, by which pieces of one content could be told from others");
  return std::nullopt;
}

void write_piece(Context& ctx, Pair pair, BlockRun run, std::shared_ptr<std::string const> const& bytes) {
  run.count = source::whole_blocks(run, bytes->size(), pair.row.total_bytes);
  if (run.count == 0)
    return trouble(ctx, std::move(pair), {Fault::kTransient, "the connection broke off within the first MiB"});
  if (!ctx.spooling->write(ctx, pair.item, pair.row, run, bytes))
    trouble(ctx, std::move(pair), {Fault::kLocal, "the spool's disk does not answer", kSourceDown});
}

void first_piece(Context& ctx, Pair pair, Whole const& whole, BlockRun run,
                 std::shared_ptr<std::string const> const& bytes) {
  if (auto const error = complaint(ctx, pair, whole))
    return fail_download(ctx, std::move(pair), error->code, error->text);
  auto& [item, row] = pair;
  row.total_bytes = whole.total_bytes;
  row.etag = whole.validators.etag;
  row.modified = whole.validators.modified;
  ctx.journal.update(row, row.state, ctx.now);
  item.print = {.size_bytes = whole.total_bytes};
  ctx.journal.update(item, ItemState::kStable, ctx.now);
  run.count = std::min(run.count, source::blocks_of(whole.total_bytes));
  if (reserve(ctx, item, row)) write_piece(ctx, std::move(pair), run, bytes);
}

void took_range(Context& ctx, Pair pair, ports::Reply const& reply, BlockRun run) {
  auto const range = source::read_content_range(reply.header("content-range").value_or(""));
  if (!range || !reply.payload)
    return fail_download(ctx, std::move(pair), "no_ranges", "the host's answer does not say which bytes it holds");
  auto const found = source::validators_of(reply);
  auto const is_first = pair.row.total_bytes == 0;
  auto const total = is_first ? range->total : pair.row.total_bytes;
  if (!is_first && (range->total != total || !source::is_same_content({pair.row.etag, pair.row.modified}, found)))
    return restart(ctx, std::move(pair), "the host has another content behind the URL now");
  auto const length = range->last - range->first + 1;
  auto const is_whole = !reply.is_cut && reply.payload->size() == length;
  auto const is_asked = range->first == source::run_begin(run) && length <= source::run_bytes(run, total);
  if (!is_asked || (!is_whole && reply.payload->size() >= length))
    return trouble(ctx, std::move(pair), {Fault::kProtocol, "the host sent other bytes than were asked for"});
  if (is_first)
    return first_piece(ctx, std::move(pair), {.total_bytes = total, .in_pieces = true, .validators = found}, run,
                       reply.payload);
  write_piece(ctx, std::move(pair), run, reply.payload);
}

// Whether an answer that breaks off would have shown (RFC 9112, 8): one that ends with its connection does not.
bool is_framed(ports::Reply const& reply) {
  if (auto const coding = reply.header("transfer-encoding"))
    return to_lower_ascii(*coding).find("chunked") != std::string::npos;
  return reply.header("content-length").has_value();
}

// 200: all of it, whatever was asked for.
void took_whole(Context& ctx, Pair pair, ports::Reply const& reply, BlockRun run) {
  auto const is_begun = !pair.row.have.empty() || ctx.spooling->is_writing(pair.item.id);
  if (is_begun) return restart(ctx, std::move(pair), "the host has another content behind the URL now");
  if (!reply.payload || reply.is_cut)
    return fail_download(ctx, std::move(pair), "no_ranges",
                         "the host gives no ranges, so that a download could not go on after a stop");
  if (!is_framed(reply) && pair.row.promised_bytes == 0 && pair.row.sums.empty())
    return fail_download(ctx, std::move(pair), "no_length",
                         "the host does not say how long the file is, so that nobody could know that it is all there; "
                         "a manifest may give its size or its checksum");
  pair.row.reserved_bytes = 0;  // of the size that was met before, if it was
  Whole const whole{
      .total_bytes = reply.payload->size(), .in_pieces = false, .validators = source::validators_of(reply)};
  first_piece(ctx, std::move(pair), whole, run, reply.payload);
}

void redirected(Context& ctx, Pair pair, ports::Reply const& reply, budget::Flight const& flight) {
  if (flight.page > source::kRedirectsMax)
    return fail_download(ctx, std::move(pair), "too_many_redirects", "the host redirects more than five times");
  auto const* const policy = source_of(ctx.policy, ctx.journal, pair.item);
  static AllowedHosts const none;
  auto const& allowed = policy != nullptr && policy->allow_hosts ? *policy->allow_hosts : none;
  auto const target = source::redirect_target(fetch_url(pair.item, pair.row), reply, allowed);
  if (!target) return fail_download(ctx, std::move(pair), target.error().code, target.error().text);
  pair.row.url = target->whole;
  ctx.journal.update(pair.row, pair.row.state, ctx.now);
  if (pair.row.state != DownloadState::kFetching) return;  // it waits for something else
  send_fetch(ctx, pair.item, pair.row, {flight.chunk_index, static_cast<std::uint32_t>(flight.mode)}, flight.page + 1);
}

void refused(Context& ctx, Pair pair, ports::Reply const& reply, std::string const& host) {
  auto error = fetch_refusal(reply, ctx.now);
  if (error.fault == Fault::kThrottled)
    ctx.spooling->hosts().pause(host, ctx.now + error.retry_after.value_or(ctx.policy.retry_initial));
  if (error.fault == Fault::kRejected && !pair.row.url.empty()) {  // what it was redirected to may have ended
    pair.row.url = {};
    error.fault = Fault::kTransient;
  } else if (error.fault == Fault::kRejected && !is_usable(pair.item.url, ctx.now)) {
    return fail_download(ctx, std::move(pair), kNeedsNewUrl, "its signed URL has ended");
  }
  if (error.fault == Fault::kRejected) return fail_download(ctx, std::move(pair), error.code, error.text);
  trouble(ctx, std::move(pair), error);
}

// No answer: the host's own affair and charged, but where nobody out there answers: then the network is down, which may
// last for hours. A host that nobody else can be held against has so many tries more.
void no_answer(Context& ctx, Pair pair, Error error) {
  for (auto const* const denied : {ports::kAddressDenied, ports::kProxyDenied, ports::kHttpDenied})
    if (error.code == denied) return fail_download(ctx, std::move(pair), error.code, error.text);
  auto const others_answer = ctx.spooling->hosts().has_heard_since(ctx.now - kHeardLately);
  auto const is_known = ctx.traffic.offline_since().has_value();
  if (error.fault == Fault::kOffline && !is_known && (others_answer || pair.item.effort.tries >= kUnheardTriesMax))
    error.fault = Fault::kTransient;
  trouble(ctx, std::move(pair), error);
}

void fetched(Context& ctx, ItemRow item, DownloadRow row) {
  row.state = DownloadState::kFetched;
  row.url = {};
  row.restarts = 0;
  ctx.journal.update(row, DownloadState::kFetching, ctx.now);
  item.method = method_for(ctx.policy, item.kind, item.print.size_bytes);
  item.effort = renewed(ctx.now);
  item.reason.clear();
  move(ctx, item, ItemState::kStable, "downloaded: " + to_words_bytes(row.total_bytes));
}

// Nothing: it is being read.
source::Answer<bool> has_its_sum(Context& ctx, ItemRow const& item, DownloadRow const& row) {
  if (row.sums.empty()) return true;
  auto const colon = row.sums.find(':');
  auto const kind = row.sums.starts_with("md5:") ? source::DigestKind::kMd5 : source::DigestKind::kSha256;
  auto const digits = ctx.scout.digest(ctx.policy.spool_folder, spool_name(item), item.print, kind);
  if (!digits) return std::nullopt;
  if (!*digits) return std::unexpected(digits->error());
  return equal_ignoring_case(**digits, std::string_view(row.sums).substr(colon + 1));
}

// What failed downloads have left there goes, the oldest first, where that makes the room.
bool make_room(Context& ctx, std::uint64_t bytes) {
  auto const max = ctx.policy.spool_max_bytes;
  auto used = ctx.journal.reserved_bytes();
  if (bytes > max || used - ctx.journal.parked_bytes() > max - bytes) return false;
  for (; used > max - bytes; used = ctx.journal.reserved_bytes())
    leave_spool(ctx, *ctx.journal.item(ctx.journal.oldest_parked()->item_id));
  return true;
}

}  // namespace

Error fetch_refusal(ports::Reply const& reply, WallTime now) {
  auto const text = "HTTP " + std::to_string(reply.status) + " from the host of the URL";
  auto const asked = platform::retry_after(reply, now);
  Error error{Fault::kRejected, text, "fetch_refused"};
  if (asked) error.retry_after = std::min(*asked, kPauseMax);
  if (reply.status == 404 || reply.status == 410) error.code = "fetch_gone";
  if (reply.status == 429 || (reply.status == 503 && asked)) {
    error.fault = Fault::kThrottled;
    error.code.clear();
  } else if (reply.status == 408 || reply.status == 425 || reply.status >= 500) {
    error.fault = Fault::kTransient;
    error.code.clear();
  }
  return error;
}

std::optional<std::string> why_never_room(Context const& ctx, std::uint64_t total_bytes) {
  auto const max = ctx.policy.spool_max_bytes;
  if (total_bytes <= max) return std::nullopt;
  return "the file has " + to_words_bytes(total_bytes) + ", and the spool holds " + to_words_bytes(max);
}

// Those of which nobody knows the size yet do not ask for it while others wait: what came with the answer would be
// lost.
std::optional<std::string> why_no_room(Context& ctx, ItemRow const& item, DownloadRow const& row) {
  if (row.reserved_bytes > 0) return std::nullopt;
  auto const max = ctx.policy.spool_max_bytes;
  auto const is_held_up = ctx.spooling->is_held_up(ctx, item.id);
  if (row.total_bytes == 0)
    return is_held_up ? std::optional<std::string>("other files wait for room in the spool") : std::nullopt;
  if (!is_held_up && make_room(ctx, row.total_bytes)) return std::nullopt;
  ctx.spooling->has_no_room(item.id);
  auto const used = ctx.journal.reserved_bytes();
  return "the spool holds " + to_words_bytes(max) + ", " + to_words_bytes(used) + " are in use, and the file has " +
         to_words_bytes(row.total_bytes);
}

void wait_for_room(Context& ctx, ItemRow item, std::string why, Millis wait) {
  item.reason = kSpoolFull;
  item.effort.last_error = std::move(why);
  item.effort.due_at = ctx.now + wait;
  ctx.journal.update(item, ItemState::kStable, ctx.now);
}

bool reserve(Context& ctx, ItemRow const& item, DownloadRow& row) {
  if (row.reserved_bytes > 0) return true;
  if (auto why = why_no_room(ctx, item, row)) {
    rest(ctx, row);
    wait_for_room(ctx, item, *std::move(why), ctx.policy.poll_min);
    return false;
  }
  row.reserved_bytes = row.total_bytes;
  ctx.journal.update(row, row.state, ctx.now);
  return true;
}

void settle_fetch_piece(Context& ctx, Landing const& landing) {
  auto pair = live(ctx, landing.flight.item);
  if (!pair || ctx.spooling == nullptr) return;
  BlockRun const run{landing.flight.chunk_index, static_cast<std::uint32_t>(landing.flight.mode)};
  if (!landing.reply) return no_answer(ctx, *std::move(pair), landing.reply.error());
  auto const& reply = *landing.reply;
  if (source::is_redirect(reply)) return redirected(ctx, *std::move(pair), reply, landing.flight);
  if (reply.status == 416) {
    auto const size = source::read_unsatisfied_range(reply.header("content-range").value_or(""));
    if (pair->row.total_bytes == 0 && size == 0)
      return fail_download(ctx, *std::move(pair), "empty_file", "there is nothing behind the URL");
    return restart(ctx, *std::move(pair), "the host does not have the bytes any more that it told of");
  }
  if (reply.status != 200 && reply.status != 206) return refused(ctx, *std::move(pair), reply, landing.flight.host);
  if (auto const why = source::why_no_file(reply); !why.empty())
    return fail_download(ctx, *std::move(pair), "not_media", std::string(why));
  if (reply.status == 206) return took_range(ctx, *std::move(pair), reply, run);
  took_whole(ctx, *std::move(pair), reply, run);
}

void settle_written(Context& ctx, Spooling::Written const& written) {
  auto pair = live(ctx, written.piece.item);
  if (!pair || pair->row.reserved_bytes == 0) return;
  auto const code = written.result ? std::string() : written.result.error().code;
  if (code == ports::kNoSpace) {
    if (auto const parked = ctx.journal.oldest_parked()) leave_spool(ctx, *ctx.journal.item(parked->item_id));
    rest(ctx, pair->row);
    return wait_for_room(ctx, pair->item, written.result.error().text, kDiskFullPause);
  }
  if (code == ports::kSpoolLost && pair->row.have.empty())
    return;  // the first part was not written: it is asked for anew
  if (code == ports::kSpoolLost)
    return restart(ctx, *std::move(pair), "its file in the spool is gone", ports::kSpoolLost);
  if (!written.result) return trouble(ctx, *std::move(pair), written.result.error());
  pair->row.have = source::with_blocks(std::move(pair->row.have), written.piece.run);
  ctx.journal.update(pair->row, pair->row.state, ctx.now);
  if (pair->item.effort.attempts == 0 && pair->item.effort.tries == 0) return;
  pair->item.effort.attempts = pair->item.effort.tries = 0;  // it goes on
  ctx.journal.update(pair->item, ItemState::kStable, ctx.now);
}

void finish_download(Context& ctx, ItemRow item, DownloadRow row) {
  if (item.print.inode == 0) {
    auto const print = ctx.spooling->stat(ctx, item);
    if (!print) return;
    if (!*print && print->error().fault != Fault::kGone)
      return trouble(ctx, {std::move(item), std::move(row)}, print->error());
    if (!*print || (*print)->size_bytes != row.total_bytes)
      return restart(ctx, {std::move(item), std::move(row)}, "its file in the spool is gone", ports::kSpoolLost);
    item.print = **print;
    ctx.journal.update(item, ItemState::kStable, ctx.now);
  }
  auto const good = has_its_sum(ctx, item, row);
  if (!good) return;
  if (!*good) return restart(ctx, {std::move(item), std::move(row)}, "the spool: " + good->error().text);
  if (**good) return fetched(ctx, std::move(item), std::move(row));
  leave_spool(ctx, item);
  auto text = "the bytes behind the URL are not those of its checksum, " + row.sums;
  fail_download(ctx, {std::move(item), std::move(row)}, "checksum_mismatch", std::move(text));
}

}  // namespace sluice::stage

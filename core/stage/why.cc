#include "core/stage/why.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/text.h"
#include "core/stage/doubted_upload.h"
#include "core/stage/next_uploads.h"
#include "core/stage/why_meanings.h"

namespace sluice::stage {
namespace {

using journal::ItemRow;
using journal::ItemState;
using journal::SessionRow;
using journal::StepKind;
using journal::StepRow;
using journal::StepState;

std::string with_id(std::string_view text, std::string const& ulid) {
  std::string made(text);
  if (auto const at = made.find("{id}"); at != std::string::npos) made.replace(at, 4, ulid);
  return made;
}

// What a person is told of a code and the last error behind it.
std::string described(std::string_view code, std::string const& last_error) {
  auto const* const meaning = find_meaning(code);
  if (last_error.empty()) return meaning_of(code);
  if (meaning != nullptr) return meaning->leads ? std::string(meaning->text) + ": " + last_error : last_error;
  return code.empty() ? last_error : last_error + " (" + std::string(code) + ")";
}

bool unfinished(StepRow const& step) { return step.state != StepState::kReady && step.state != StepState::kFailed; }

StepRow const* first_unfinished(std::span<StepRow const> steps) {
  auto const found = std::find_if(steps.begin(), steps.end(), unfinished);
  return found == steps.end() ? nullptr : &*found;
}

// In the ordinary course of things: nothing is wrong, and nobody needs to do anything.
Why waiting(std::string code, std::string text, std::optional<WallTime> until) {
  return {.code = std::move(code), .text = std::move(text), .until = until};
}

Why working(std::string text) { return waiting("working", std::move(text), std::nullopt); }

Why of_failed(ItemRow const& item, std::span<StepRow const> steps) {
  auto const step =
      std::find_if(steps.begin(), steps.end(), [](StepRow const& row) { return row.state == StepState::kFailed; });
  bool const by_step = step != steps.end();
  auto code = item.reason;
  if (by_step && (code.empty() || code == "step_failed")) code = step->reason;
  auto const& last_error =
      by_step && !step->effort.last_error.empty() ? step->effort.last_error : item.effort.last_error;

  Why made{.code = code, .text = described(code, last_error), .whose = "platform", .heals = false};
  auto const attempts = by_step ? step->effort.attempts : item.effort.attempts;
  if (attempts > 1) made.text += ", after " + std::to_string(attempts) + " attempts";
  if (by_step)
    made.text = "step " + std::to_string(step->ordinal) + " (" + std::string(word(step->kind)) + "): " + made.text;
  auto const* const meaning = find_meaning(code);
  if (meaning != nullptr) made.whose = meaning->whose;
  made.remedy = "sluice retry " + item.ulid;
  if (meaning != nullptr && !meaning->remedy.empty())
    made.remedy = with_id(meaning->remedy, item.ulid) + "; then " + made.remedy;
  return made;
}

Why of_skipped(ItemRow const& item) {
  Why made{.code = item.reason, .text = described(item.reason, item.effort.last_error), .heals = false};
  if (auto const* const meaning = find_meaning(item.reason); meaning != nullptr) {
    made.remedy = with_id(meaning->remedy, item.ulid);
    made.whose = meaning->whose;
  }
  return made;
}

Why of_cancelled(ItemRow const& item) {
  return {.code = "cancelled",
          .text = "a person cancelled it",
          .remedy = "sluice retry " + item.ulid + " takes it up again",
          .whose = "person",
          .heals = false};
}

// The part of the platform that the item's next call goes to.
std::string_view group_of(ItemRow const& item, StepRow const* step) {
  switch (item.state) {
    case ItemState::kStable:
    case ItemState::kOpening:
    case ItemState::kOpened:
    case ItemState::kReported:
    case ItemState::kSending:
    case ItemState::kCompleted:
    case ItemState::kSent: return kGroupAssets;
    case ItemState::kAssetReady:
      if (step == nullptr) return {};
      return step->kind == StepKind::kIndex ? kGroupIndexing : kGroupEntities;
    case ItemState::kSeen:
    case ItemState::kDone:
    case ItemState::kFailed:
    case ItemState::kCancelled:
    case ItemState::kSkipped: return {};
  }
  std::unreachable();
}

std::string_view group_words(std::string_view group) {
  if (group == kGroupStorage) return "the storage limits how fast chunks may be put";
  if (group == kGroupIndexing) return "the platform limits indexing";
  if (group == kGroupEntities) return "the platform limits calls about entities";
  return "the platform limits calls about assets";
}

std::optional<WallTime> pause_of(std::string_view group, Surroundings const& around, WallTime now) {
  auto const found = around.paused_until.find(group);
  if (found == around.paused_until.end() || found->second <= now) return std::nullopt;
  return found->second;
}

std::string after_colon(std::string const& text) { return text.empty() ? text : ": " + text; }

// The platform's own trouble: its calls fail for one item after the other (B12).
std::optional<Why> outage_of(std::string_view group, ItemRow const& item, Surroundings const& around) {
  auto found = around.failing_since.find(group);
  if (found == around.failing_since.end() && item.state == ItemState::kOpened)
    found = around.failing_since.find(kGroupStorage);
  if (found == around.failing_since.end()) return std::nullopt;
  return Why{.code = "outage",
             .text = "calls about " + found->first + " have failed one after the other since " +
                     to_rfc3339(found->second) + ", for other items too; one is tried now and then",
             .remedy = "nothing, if the platform's status page knows of it; no item is charged for it",
             .whose = "platform"};
}

// What the configuration allows is spent.
std::optional<Why> limit_of(std::string_view group, StepRow const* step, Surroundings const& around, WallTime now) {
  auto const found = around.reached.find(group);
  if (found == around.reached.end() || found->second.until <= now) return std::nullopt;
  // Media is spent by what is handed in; what is there already goes on.
  if (is_media(found->second.of) && (step == nullptr || step->state != StepState::kWaiting)) return std::nullopt;
  return Why{
      .code = "rate_limit",
      .text = "all that rate_limits allows is spent: " + words_of(group, found->second) + "; no item is charged for it",
      .until = found->second.until,
      .remedy = "nothing; or allow more in rate_limits." + std::string(group) + " if the plan does",
      .whose = "configuration"};
}

// What stops many items at once, if it stops this one too.
std::optional<Why> shared_wait(ItemRow const& item, StepRow const* step, Surroundings const& around, WallTime now) {
  if (around.key_refused_since)
    return Why{
        .code = "key_refused",
        .text = "the platform has refused the API key since " + to_rfc3339(*around.key_refused_since),
        .remedy =
            "put a working key in its place: from a file it is read anew within seconds, else restart sluiced; no "
            "item is charged for it",
        .whose = "key",
        .heals = false};
  if (around.offline_since)
    return Why{
        .code = "offline",
        .text = "the platform has not been reachable since " + to_rfc3339(*around.offline_since) +
                after_colon(around.offline_text),
        .remedy = "check what is said there, and the network if this host should be online; no item is charged for it",
        .whose = "network"};
  if (around.storage_lost_since && item.state == ItemState::kOpened)
    return Why{.code = "storage_unreachable",
               .text = "the storage has not been reachable since " + to_rfc3339(*around.storage_lost_since) +
                       after_colon(around.storage_text),
               .remedy = "check whether this host may reach the storage; no item is charged for it",
               .whose = "network"};
  auto group = group_of(item, step);
  if (auto outage = outage_of(group, item, around)) return outage;
  auto paused = pause_of(group, around, now);
  if (!paused && item.state == ItemState::kOpened) {
    group = kGroupStorage;
    paused = pause_of(group, around, now);
  }
  if (paused)
    return Why{.code = "throttled",
               .text = std::string(group_words(group)) + "; no item is charged for it",
               .until = paused,
               .whose = "platform"};
  return limit_of(group, step, around, now);
}

// One in a line that moves as fast as the platform allows since it has refused calls of the group.
Why with_pace(std::string_view group, Surroundings const& around, Why made) {
  auto const found = around.calls_per_second.find(group);
  if (made.code != "queued" || found == around.calls_per_second.end()) return made;
  auto const tenths = std::lround(found->second * 10);
  made.code = "paced";
  made.text += "; " + std::string(group_words(group)) + ", now " + std::to_string(tenths / 10) + "." +
               std::to_string(tenths % 10) + " a second leave, more by and by";
  made.whose = "platform";
  return made;
}

std::string looked(std::uint32_t times) {
  return " (looked " + std::to_string(times) + (times == 1 ? " time" : " times") + ")";
}

// The platform forgot what it had (R41): said for as long as it is looked for and made again.
std::optional<Why> of_missing(ItemRow const& item) {
  if (item.reason != "asset_missing") return std::nullopt;
  auto text = meaning_of("asset_missing") + ", and the file is uploaded again if it is gone";
  if (item.intent.looks > 0) text += looked(item.intent.looks);
  return Why{.code = "asset_missing", .text = std::move(text), .until = item.effort.due_at, .whose = "platform"};
}

Why with_loss(ItemRow const& item, Why made) {
  if (item.reason != "asset_gone") return made;
  if (made.code == "working" || made.code == "queued" || made.code == "paced") made.code = "asset_gone";
  made.text = "the platform no longer has the asset, the file is uploaded again: " + made.text;
  made.whose = "platform";
  return made;
}

Why with_loss(StepRow const& step, Why made) {
  if (step.remote_status != "gone") return made;
  auto const thing = step.kind == StepKind::kIndex ? "what was put into the index" : "the entity or its picture";
  made.code = "gone";
  made.text = "the platform no longer has " + std::string(thing) + ", it is looked for and made again";
  made.until = step.effort.due_at;
  made.whose = "platform";
  return made;
}

// What holds back one row that has its own tries: a lost answer being looked for, or a backoff.
std::optional<Why> own_wait(journal::Intent const& intent, journal::Effort const& effort, std::string_view reason,
                            WallTime now) {
  if (intent.unknown_at) {
    auto text = std::string(
        "the answer to a call that must not be repeated was lost; the platform is asked whether it happened");
    if (intent.looks > 0) text += looked(intent.looks);
    return Why{.code = "outcome_unknown", .text = std::move(text), .until = effort.due_at, .whose = "network"};
  }
  if (effort.last_error.empty() || !effort.due_at || *effort.due_at <= now) return std::nullopt;
  auto const* const meaning = find_meaning(reason);
  Why made{.code = reason.empty() ? "retry" : std::string(reason),
           .text = described(reason, effort.last_error),
           .until = effort.due_at,
           .whose = "platform"};
  if (effort.attempts > 0) made.text += "; attempt " + std::to_string(effort.attempts + 1) + " comes next";
  if (meaning != nullptr) made.whose = meaning->whose;
  return made;
}

// Its file has trouble, and may not be needed any more.
Why of_doubted(ItemRow const& item) {
  Why made{.code = item.reason,
           .text = item.effort.last_error +
                   ", after every chunk was sent; the platform is asked whether the upload was complete by then",
           .until = item.effort.due_at,
           .whose = "file"};
  if (item.intent.looks > 0) made.text += looked(item.intent.looks);
  return made;
}

Why of_seen(ItemRow const& item, WallTime now) {
  auto const code = item.reason.empty() ? std::string("settling") : item.reason;
  auto const* const meaning = find_meaning(code);
  Why made{.code = code, .text = described(code, item.effort.last_error), .until = item.effort.due_at};
  if (code == "settling") made.text += "; quiet for " + to_words(std::max(Millis(0), now - item.quiet_since));
  if (meaning == nullptr) return made;
  made.whose = meaning->whose;
  made.remedy = with_id(meaning->remedy, item.ulid);
  made.heals = code != "source_removed";
  return made;
}

Why of_plain_step(StepRow const& step, WallTime now) {
  std::string const thing = step.kind == StepKind::kIndex ? "index" : "entity";
  if (auto own = own_wait(step.intent, step.effort, step.reason, now)) return *own;
  switch (step.state) {
    case StepState::kWaiting:
      if (step.effort.due_at) return waiting("queued", "next in line for the " + thing, step.effort.due_at);
      return waiting("named_wanted",
                     "the " + thing + " that it goes into is being looked for or created" +
                         (step.effort.last_error.empty() ? "" : ": " + step.effort.last_error),
                     std::nullopt);
    case StepState::kCreating:
      return working(step.kind == StepKind::kIndex ? "it is being put into the index" : "the entity is being made");
    case StepState::kCreated: {
      auto text = std::string(step.kind == StepKind::kIndex ? "the platform is indexing it"
                                                            : "the platform is preparing the entity");
      if (!step.remote_status.empty()) text += " (" + step.remote_status + ")";
      return waiting(step.kind == StepKind::kIndex ? "indexing" : "entity_processing", std::move(text),
                     step.effort.due_at);
    }
    case StepState::kReady:
    case StepState::kFailed: break;
  }
  return working("it is being finished");
}

Why of_step(StepRow const& step, WallTime now) { return with_loss(step, of_plain_step(step, now)); }

// An upload session that will end before the file is up, if it goes on as so far: better said now than then (B16).
std::optional<Why> of_late(ItemRow const& item, std::optional<SessionRow> const& session, Surroundings const& around,
                           WallTime now) {
  constexpr Millis kProves = std::chrono::minutes(10);
  if (!session || item.bytes_acked == 0 || now - session->opened_at < kProves) return std::nullopt;
  auto const spent = static_cast<double>((now - session->opened_at).count());
  auto const left = static_cast<double>(item.print.size_bytes - std::min(item.print.size_bytes, item.bytes_acked));
  auto const needed = spent * left / static_cast<double>(item.bytes_acked);
  if (needed <= static_cast<double>((session->expires_at - now).count())) return std::nullopt;
  auto const pace = static_cast<std::uint64_t>(static_cast<double>(item.bytes_acked) * 1'000 / spent);
  return Why{.code = "session_too_short",
             .text = "at " + to_words_bytes(pace) +
                     " a second the upload session ends before the file is up; then another is opened, and what went "
                     "up counts for nothing",
             .until = session->expires_at,
             .remedy = (around.bandwidth ? "more transfer.bandwidth" : "a faster line") +
                       std::string(", fewer uploads at once (transfer.max_files), or a smaller file"),
             .whose = around.bandwidth ? "configuration" : "network"};
}

// An item in its upload session: what it has, what it waits for.
Why of_upload(ItemRow const& item, std::optional<SessionRow> const& session, Surroundings const& around, WallTime now) {
  if (session && session->tries > 0 && session->due_at > now)
    return {.code = "retry",
            .text = "a call about its upload session failed and is repeated",
            .until = session->due_at,
            .whose = "platform"};
  if (item.state == ItemState::kReported)
    return waiting("completing", "every chunk is reported; the platform is putting the file together",
                   session ? std::optional(session->due_at) : item.effort.due_at);
  if (auto late = of_late(item, session, around, now)) return *late;
  auto const size = std::max<std::uint64_t>(item.print.size_bytes, 1);
  auto const percent = std::min(item.bytes_acked, size) * 100 / size;  // sizes stay far below 2^57
  return working("chunks are going up: " + std::to_string(percent) + " % acknowledged");
}

// Of an upload that sends bytes now, and may not as fast as it could.
std::string cap_words(ItemRow const& item, Surroundings const& around) {
  auto const sends = item.state == ItemState::kOpened || item.state == ItemState::kSending;
  if (!sends || !around.bandwidth) return {};
  return "; transfer.bandwidth allows " + to_words_bytes(*around.bandwidth) + " a second";
}

Why of_stable(ItemRow const& item, Surroundings const& around) {
  if (item.method == kByRelay && item.effort.due_at)
    return waiting("queued", "next in line for the download", item.effort.due_at);
  if (item.method == kByRelay) return working("it is being downloaded");
  auto const of_sessions = session_slots(around.max_files);
  if (item.method == kByMultipart && of_sessions < around.max_files && around.sessions_under_way >= of_sessions)
    return {.code = "no_slot",
            .text = "waits for one of the " + std::to_string(of_sessions) + " upload slots for large files (of " +
                    std::to_string(around.max_files) + "), all in use",
            .remedy = "raise transfer.max_files if the network has room"};
  if (around.max_files > 0 && around.files_under_way >= around.max_files)
    return {.code = "no_slot",
            .text = "waits for one of " + std::to_string(around.max_files) + " upload slots, all in use",
            .remedy = "raise transfer.max_files if the network has room"};
  return waiting("queued", "next in line for the upload", item.effort.due_at);
}

std::optional<Why> of_end(ItemRow const& item, std::span<StepRow const> steps) {
  switch (item.state) {
    case ItemState::kFailed: return of_failed(item, steps);
    case ItemState::kSkipped: return of_skipped(item);
    case ItemState::kCancelled: return of_cancelled(item);
    case ItemState::kDone:
    case ItemState::kSeen:
    case ItemState::kStable:
    case ItemState::kOpening:
    case ItemState::kOpened:
    case ItemState::kReported:
    case ItemState::kCompleted:
    case ItemState::kSending:
    case ItemState::kSent:
    case ItemState::kAssetReady: return std::nullopt;
  }
  std::unreachable();
}

// What the item is doing, or waiting for in the ordinary course of things.
Why of_progress(ItemRow const& item, StepRow const* step, std::optional<SessionRow> const& session,
                Surroundings const& around, WallTime now) {
  switch (item.state) {
    case ItemState::kStable: return of_stable(item, around);
    case ItemState::kOpening: return working("its upload session is being opened");
    case ItemState::kOpened:
    case ItemState::kReported: return of_upload(item, session, around, now);
    case ItemState::kSending:
      return working(item.method == kByUrl ? "the platform is told its URL" : "it is going up in one request");
    case ItemState::kCompleted:
    case ItemState::kSent:
      return waiting("asset_processing",
                     item.effort.due_at ? "the platform is preparing the asset"
                                        : "the platform is preparing the asset, and takes long; it is asked in rounds",
                     item.effort.due_at);
    case ItemState::kAssetReady: return step == nullptr ? working("it is being finished") : of_step(*step, now);
    case ItemState::kSeen:
    case ItemState::kDone:
    case ItemState::kFailed:
    case ItemState::kCancelled:
    case ItemState::kSkipped: break;
  }
  std::unreachable();
}

}  // namespace

std::string words_of(std::string_view group, ReachedLimit const& reached) {
  using Of = budget::Allowance::Of;
  auto const daily = reached.of == Of::kCallsPerDay || reached.of == Of::kMediaPerDay;
  if (is_media(reached.of))
    return to_words(Millis(static_cast<std::int64_t>(reached.limit))) + " of media " + (daily ? "a day" : "an hour");
  return std::to_string(reached.limit) + (daily ? " calls a day" : " calls a minute") + " about " + std::string(group);
}

std::string meaning_of(std::string_view code) {
  auto const* const meaning = find_meaning(code);
  return std::string(meaning == nullptr ? code : meaning->text);
}

std::optional<Why> why(ItemRow const& item, std::span<StepRow const> steps, std::optional<SessionRow> const& session,
                       Surroundings const& surroundings, WallTime now) {
  if (is_end(item.state)) return of_end(item, steps);
  if (item.state == ItemState::kStable && item.method == kByRelay) {  // the platform has no part in it yet
    if (auto own = own_wait(item.intent, item.effort, item.reason, now)) return own;
    return of_stable(item, surroundings);
  }
  if (item.state == ItemState::kSeen) return of_seen(item, now);  // needs no platform
  auto const* const step = item.state == ItemState::kAssetReady ? first_unfinished(steps) : nullptr;
  if (auto shared = shared_wait(item, step, surroundings, now)) return shared;
  if (auto missing = of_missing(item)) return missing;
  if (item.state == ItemState::kReported && is_doubted(item)) return of_doubted(item);
  if (auto own = own_wait(item.intent, item.effort, item.reason, now)) return with_loss(item, std::move(*own));
  auto made = of_progress(item, step, session, surroundings, now);
  if (made.code == "working") made.text += cap_words(item, surroundings);
  return with_loss(item, with_pace(group_of(item, step), surroundings, std::move(made)));
}

}  // namespace sluice::stage

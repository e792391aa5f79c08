#include "core/journal/states.h"

#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace sluice::journal {
namespace {

constexpr std::array<std::string_view, 13> kItemWords = {"seen",      "stable",    "opening", "opened",      "reported",
                                                         "completed", "sending",   "sent",    "asset_ready", "done",
                                                         "failed",    "cancelled", "skipped"};
constexpr std::array<std::string_view, 4> kSessionWords = {"open", "completed", "expired", "abandoned"};
constexpr std::array<std::string_view, 5> kChunkWords = {"needs_url", "has_url", "putting", "stored", "reported"};
constexpr std::array<std::string_view, 5> kStepWords = {"waiting", "creating", "created", "ready", "failed"};
constexpr std::array<std::string_view, 3> kNamedWords = {"wanted", "creating", "present"};
constexpr std::array<std::string_view, 3> kNamedKinds = {"index", "collection", "entity"};
constexpr std::array<std::string_view, 4> kManifestWords = {"reading", "followed", "gone", "refused"};
constexpr std::array<std::string_view, 4> kEntryWords = {"waiting", "taken", "refused", "ended"};
constexpr std::array<std::string_view, 5> kDownloadWords = {"probing", "probed", "wanted", "fetching", "fetched"};
constexpr std::array<std::string_view, 2> kStepKindWords = {"index", "entity"};
constexpr std::array<std::string_view, 4> kActWords = {"wanted", "acting", "done", "refused"};
constexpr std::array<std::string_view, 7> kActKinds = {"move",       "delete", "receipt", "error_note",
                                                       "clear_note", "hook",   "amend"};
constexpr std::array<std::string_view, 9> kStages = {"settle", "upload", "ready",     "index",  "register",
                                                     "done",   "failed", "cancelled", "skipped"};

template <class Enum, std::size_t N>
std::optional<Enum> find(std::array<std::string_view, N> const& words, std::string_view text) {
  for (std::size_t i = 0; i < N; ++i)
    if (words[i] == text) return static_cast<Enum>(i);
  return std::nullopt;
}

template <class Enum, std::size_t N>
Enum must_find(std::array<std::string_view, N> const& words, std::string_view text) {
  auto const found = find<Enum>(words, text);
  if (!found) std::abort();  // the CHECKs of the schema let no other word in
  return *found;
}

}  // namespace

std::string_view word(ItemState state) { return kItemWords[std::to_underlying(state)]; }
std::string_view word(SessionState state) { return kSessionWords[std::to_underlying(state)]; }
std::string_view word(ChunkState state) { return kChunkWords[std::to_underlying(state)]; }
std::string_view word(StepState state) { return kStepWords[std::to_underlying(state)]; }
std::string_view word(NamedState state) { return kNamedWords[std::to_underlying(state)]; }
std::string_view word(NamedKind kind) { return kNamedKinds[std::to_underlying(kind)]; }
std::string_view word(StepKind kind) { return kStepKindWords[std::to_underlying(kind)]; }
std::string_view word(ManifestState state) { return kManifestWords[std::to_underlying(state)]; }
std::string_view word(EntryState state) { return kEntryWords[std::to_underlying(state)]; }
std::string_view word(DownloadState state) { return kDownloadWords[std::to_underlying(state)]; }
std::string_view word(ActState state) { return kActWords[std::to_underlying(state)]; }
std::string_view word(ActKind kind) { return kActKinds[std::to_underlying(kind)]; }
std::string_view word(StageWord stage) { return kStages[std::to_underlying(stage)]; }

ItemState item_state(std::string_view text) { return must_find<ItemState>(kItemWords, text); }
SessionState session_state(std::string_view text) { return must_find<SessionState>(kSessionWords, text); }
ChunkState chunk_state(std::string_view text) { return must_find<ChunkState>(kChunkWords, text); }
StepState step_state(std::string_view text) { return must_find<StepState>(kStepWords, text); }
NamedState named_state(std::string_view text) { return must_find<NamedState>(kNamedWords, text); }
NamedKind named_kind(std::string_view text) { return must_find<NamedKind>(kNamedKinds, text); }
StepKind step_kind(std::string_view text) { return must_find<StepKind>(kStepKindWords, text); }
ManifestState manifest_state(std::string_view text) { return must_find<ManifestState>(kManifestWords, text); }
EntryState entry_state(std::string_view text) { return must_find<EntryState>(kEntryWords, text); }
DownloadState download_state(std::string_view text) { return must_find<DownloadState>(kDownloadWords, text); }
ActState act_state(std::string_view text) { return must_find<ActState>(kActWords, text); }
ActKind act_kind(std::string_view text) { return must_find<ActKind>(kActKinds, text); }
std::optional<ItemState> parse_item_state(std::string_view text) { return find<ItemState>(kItemWords, text); }
std::optional<StageWord> parse_stage(std::string_view text) { return find<StageWord>(kStages, text); }

StageWord stage_of(ItemState state, bool indexing) {
  switch (state) {
    case ItemState::kSeen: return StageWord::kSettle;
    case ItemState::kStable:
    case ItemState::kOpening:
    case ItemState::kOpened:
    case ItemState::kReported:
    case ItemState::kSending: return StageWord::kUpload;
    case ItemState::kCompleted:
    case ItemState::kSent: return StageWord::kReady;
    case ItemState::kAssetReady: return indexing ? StageWord::kIndex : StageWord::kRegister;
    case ItemState::kDone: return StageWord::kDone;
    case ItemState::kFailed: return StageWord::kFailed;
    case ItemState::kCancelled: return StageWord::kCancelled;
    case ItemState::kSkipped: return StageWord::kSkipped;
  }
  std::abort();
}

}  // namespace sluice::journal

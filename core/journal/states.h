// states.h - the words of the journal. docs/STATES.md has a paragraph for each.
//
// A past participle or an adjective is a resting state: a fact, safe to crash in. A present participle
// (opening, sending, creating, putting, acting) is written before a call leaves that must not be repeated
// blindly. The schema CHECKs the same words.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::journal {

enum class ItemState : std::uint8_t {
  kSeen,
  kStable,
  kOpening,
  kOpened,
  kReported,
  kCompleted,
  kSending,
  kSent,
  kAssetReady,
  kDone,
  kFailed,
  kCancelled,
  kSkipped,
};
enum class SessionState : std::uint8_t { kOpen, kCompleted, kExpired, kAbandoned };
enum class ChunkState : std::uint8_t { kNeedsUrl, kHasUrl, kPutting, kStored, kReported };
enum class StepState : std::uint8_t { kWaiting, kCreating, kCreated, kReady, kFailed };
enum class NamedState : std::uint8_t { kWanted, kCreating, kPresent };
enum class NamedKind : std::uint8_t { kIndex, kCollection, kEntity };
enum class ManifestState : std::uint8_t { kReading, kFollowed, kGone, kRefused };
enum class EntryState : std::uint8_t { kWaiting, kTaken, kRefused, kEnded };
enum class DownloadState : std::uint8_t { kProbing, kProbed, kWanted, kFetching, kFetched };
enum class StepKind : std::uint8_t { kIndex, kEntity };
enum class ActState : std::uint8_t { kWanted, kActing, kDone, kRefused };
enum class ActKind : std::uint8_t { kMove, kDelete, kReceipt, kErrorNote, kClearNote, kHook, kAmend };
inline constexpr std::array kStepKinds = {StepKind::kIndex, StepKind::kEntity};

std::string_view word(ItemState state);
std::string_view word(SessionState state);
std::string_view word(ChunkState state);
std::string_view word(StepState state);
std::string_view word(NamedState state);
std::string_view word(NamedKind kind);
std::string_view word(StepKind kind);
std::string_view word(ManifestState state);
std::string_view word(EntryState state);
std::string_view word(DownloadState state);
std::string_view word(ActState state);
std::string_view word(ActKind kind);

// The state a word names. Aborts on any other word: the schema's CHECKs let no other in.
ItemState item_state(std::string_view text);
SessionState session_state(std::string_view text);
ChunkState chunk_state(std::string_view text);
StepState step_state(std::string_view text);
NamedState named_state(std::string_view text);
NamedKind named_kind(std::string_view text);
StepKind step_kind(std::string_view text);
ManifestState manifest_state(std::string_view text);
EntryState entry_state(std::string_view text);
DownloadState download_state(std::string_view text);
ActState act_state(std::string_view text);
ActKind act_kind(std::string_view text);

// The state a word names, for words that come from people; nothing for others.
std::optional<ItemState> parse_item_state(std::string_view text);

constexpr bool is_end(ItemState state) { return state >= ItemState::kDone; }
constexpr bool is_over(ActState state) { return state >= ActState::kDone; }

// What people see of an item's way (product page, Words).
enum class StageWord : std::uint8_t {
  kSettle,
  kUpload,
  kReady,
  kIndex,
  kRegister,
  kDone,
  kFailed,
  kCancelled,
  kSkipped
};
std::string_view word(StageWord stage);
std::optional<StageWord> parse_stage(std::string_view text);
// `indexing`: an index step of the item is unfinished. The view v_items says the same in SQL.
StageWord stage_of(ItemState state, bool indexing);

}  // namespace sluice::journal

// samples.h - a folder that goes away with its test, and rows with every column set.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/journal/journal.h"

namespace sluice::journal {

inline WallTime at(std::int64_t ms) { return from_unix_ms(ms); }
inline constexpr std::int64_t kNoon = 1'795'262'400'000;

// Bytes that are no UTF-8, a NUL, a newline, a quote: names are bytes (D42).
inline std::string const kOddBytes("odd \xff\xfe\0\n'\"\\ \xc3\xa9", 14);

class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-journal-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
  }
  ~Scratch() { std::filesystem::remove_all(folder_); }
  Scratch(Scratch const&) = delete;
  Scratch& operator=(Scratch const&) = delete;
  std::filesystem::path const& folder() const { return folder_; }
  std::filesystem::path file() const { return folder_ / "journal.db"; }

 private:
  std::filesystem::path folder_;
};

inline std::string ulid_of(std::int64_t number) {
  auto text = std::to_string(number);
  return std::string(26 - text.size(), '0') + text;
}

// The least that the schema asks of an item in that state.
inline ItemRow item_in(ItemState state, std::int64_t number = 1) {
  ItemRow row;
  row.ulid = ulid_of(number);
  row.source = "drop";
  row.root = "/srv/drop";
  row.path = "clip" + std::to_string(number) + ".mp4";
  row.state = state;
  row.created_at = at(kNoon);
  row.quiet_since = at(kNoon);
  row.effort.due_at = at(kNoon);
  if (is_end(state)) row.finished_at = at(kNoon + 1);
  if (state == ItemState::kOpening || state == ItemState::kSending) row.intent.at = at(kNoon);
  if (state == ItemState::kSent || state == ItemState::kCompleted || state == ItemState::kAssetReady ||
      state == ItemState::kDone)
    row.asset_id = "asset" + std::to_string(number);
  if (state == ItemState::kFailed || state == ItemState::kSkipped) row.reason = "empty_file";
  return row;
}

// The same of a URL.
inline ItemRow url_item_in(ItemState state, std::int64_t number = 1) {
  auto row = item_in(state, number);
  row.name = row.path;
  row.root.clear();
  row.path = "https://media.example/" + row.name;
  row.key = "u:" + std::to_string(number);
  row.method = "url";
  if (state != ItemState::kDone) row.url = SecretUrl(row.path + "?X-Amz-Signature=secret" + std::to_string(number));
  return row;
}

inline SessionRow session_of(RowId item_id) {
  SessionRow row;
  row.item_id = item_id;
  row.upload_id = "upload" + std::to_string(item_id);
  row.asset_id = "reserved" + std::to_string(item_id);
  row.file_bytes = 100;
  row.chunk_size_bytes = 10;
  row.total_chunks = 10;
  row.opened_at = at(kNoon);
  row.expires_at = at(kNoon + 86'400'000);
  row.due_at = at(kNoon);
  return row;
}

inline NamedRow named_called(std::string name, NamedKind kind = NamedKind::kIndex, RowId parent = 0) {
  NamedRow row;
  row.kind = kind;
  row.parent_id = parent;
  row.name = std::move(name);
  row.params = "{}";
  row.client_op = "op";
  row.effort.due_at = at(kNoon);
  return row;
}

inline StepRow step_of(RowId item_id, std::int64_t ordinal, StepKind kind = StepKind::kIndex) {
  StepRow row;
  row.item_id = item_id;
  row.ordinal = ordinal;
  row.kind = kind;
  row.params = "{}";
  row.client_op = "op" + std::to_string(ordinal);
  return row;
}

// Every column different from its default and from its neighbours.
inline ItemRow full_item() {
  ItemRow row;
  row.ulid = ulid_of(7);
  row.source = "drop";
  row.root = "/srv/" + kOddBytes;
  row.path = kOddBytes + ".mp4";
  row.kind = "video";
  row.pipeline = "footage";
  row.generation = 3;
  row.state = ItemState::kFailed;
  row.method = "multipart";
  row.print = {.size_bytes = 11, .mtime_ns = -12, .ctime_ns = 13, .inode = UINT64_MAX, .device = UINT64_MAX - 1};
  row.quiet_since = at(kNoon + 14);
  row.plan = R"({"filename":"a"})";
  row.sidecar = R"({"files":["a.json"]})";
  row.sidecars_print = -26;
  row.content_type = "video/mp4";
  row.client_op = "op.3";
  row.asset_id = "asset7";
  row.content_key = "c0ffee";
  row.intent = {.at = at(kNoon + 15), .unknown_at = at(kNoon + 16), .looks = 17};
  row.effort = {.attempts = 18, .tries = 19, .due_at = at(kNoon + 20), .last_error = "503 from the platform"};
  row.reason = "gave_up";
  row.failed_from = "opened";
  row.priority = 21;
  row.bytes_sent = 22;
  row.bytes_acked = 23;
  row.created_at = at(kNoon + 24);
  row.finished_at = at(kNoon + 25);
  return row;
}

inline SessionRow full_session(RowId item_id) {
  auto row = session_of(item_id);
  row.generation = 3;
  row.state = SessionState::kExpired;
  row.upload_headers = {{"x-amz-meta-a", "1"}, {"content-type", "a \"quoted\" value"}, {"x-amz-meta-a", "2"}};
  row.tries = 4;
  row.due_at = at(kNoon + 5);
  return row;
}

inline ChunkRow full_chunk(RowId session_id, std::uint32_t index) {
  ChunkRow row;
  row.session_id = session_id;
  row.index = index;
  row.state = ChunkState::kHasUrl;
  row.url = SecretUrl("https://storage.example/chunk?X-Amz-Signature=abc");
  row.url_renew_at = at(kNoon + 1);
  row.attempts = 2;
  row.tries = 3;
  row.refusals = 4;
  row.mismatches = 5;
  row.due_at = at(kNoon + 6);
  row.last_error = "reset by peer";
  return row;
}

inline NamedRow full_named(RowId parent) {
  auto row = named_called("Ada \"the first\"", NamedKind::kEntity, parent);
  row.remote_id = "";
  row.params = R"({"description":"x"})";
  row.seed_step_id = 9;
  row.created_by_us = true;
  row.intent = {.at = at(kNoon + 1), .unknown_at = at(kNoon + 2), .looks = 3};
  row.effort = {.attempts = 4, .tries = 5, .due_at = at(kNoon + 6), .last_error = "timed out"};
  return row;
}

inline StepRow full_step(RowId item_id, RowId named_id) {
  auto row = step_of(item_id, 2, StepKind::kEntity);
  row.state = StepState::kFailed;
  row.params = R"({"name":"Ada"})";
  row.named_id = named_id;
  row.remote_id = "entity1";
  row.remote_status = "processing";
  row.intent = {.at = at(kNoon + 1), .unknown_at = at(kNoon + 2), .looks = 3};
  row.effort = {.attempts = 4, .tries = 5, .due_at = at(kNoon + 6), .last_error = "timed out"};
  row.reason = "refused";
  return row;
}

inline ActRow act_of(RowId item_id, std::int64_t ordinal, ActKind kind = ActKind::kMove) {
  ActRow row;
  row.item_id = item_id;
  row.ordinal = ordinal;
  row.kind = kind;
  row.effort.due_at = at(kNoon);
  return row;
}

inline ActRow full_act(RowId item_id) {
  auto row = act_of(item_id, 2, ActKind::kHook);
  row.generation = 3;
  row.state = ActState::kRefused;
  row.target_folder = "/srv/" + kOddBytes;
  row.target_path = kOddBytes + ".mp4";
  row.effort = {.attempts = 4, .tries = 5, .due_at = at(kNoon + 6), .last_error = "no space"};
  row.reason = "gave_up";
  row.hook = "notify";
  row.payload = "{}";
  return row;
}

}  // namespace sluice::journal

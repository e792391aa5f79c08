// check_sum.h - part of ADMIT: a finished file is held against the checksum file beside it (D25).
//
// Who sends a checksum wants the bytes to be those: a file that has others is not taken, waits until they or the
// checksum are mended, and fails once max_settle is over. Reading the whole file takes as long as the disk does, so the
// item waits for it in `seen`; what was read is remembered until the file changes, in memory only.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "core/stage/stage.h"

namespace sluice::stage {

inline constexpr char kChecksumMismatch[] = "checksum_mismatch";

// What keeps the file back for now; "" in `reason` if nothing does.
struct Held {
  std::string reason = {};  // "waiting_for_checksum", "verifying_checksum", "checksum_mismatch"
  std::string text = {};
  Millis again{0};     // when it is to be looked at again
  bool fails = false;  // once max_settle is over
};

// The digests of files that wait, and of those that they are compared with, by item. Bounded: kKeptMax, then all are
// forgotten and read again.
class Digests {
 public:
  static constexpr std::size_t kKeptMax = 10'000;
  // Nothing: it is being read.
  source::Answer<std::string> of(Context& ctx, journal::ItemRow const& item, source::DigestKind kind);
  source::Answer<std::string> content_key(Context& ctx, journal::ItemRow const& item);  // core/upload/leaves.h
  void forget(journal::RowId item) { kept_.erase(item), keys_.erase(item); }

 private:
  struct Kept {
    ports::FilePrint print;
    std::optional<source::DigestKind> kind;  // nothing: the content key
    std::string digits;
  };
  using ByItem = std::map<journal::RowId, Kept>;
  static source::Answer<std::string> kept_or(ByItem& kept, journal::ItemRow const& item,
                                             std::optional<source::DigestKind> kind,
                                             std::function<source::Answer<std::string>()> const& ask);
  ByItem kept_ = {};
  ByItem keys_ = {};
};

// Requires  `item` has the print of the look.
Held held_by_checksum(Context& ctx, journal::ItemRow const& item, SourcePolicy const& source, source::Look const& look);

// Whether the checksum file says now what an item failed for as kChecksumMismatch. Pure.
bool is_still_said(journal::ItemRow const& item, source::Look const& look);

}  // namespace sluice::stage

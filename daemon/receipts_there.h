// receipts_there.h - the receipts that lie beside files and in receipt folders, for a rebuild of a lost journal.
//
// A receipt (NAME.sluice.json, core/stage/results.h) says of an asset what it holds, whatever its file is called by
// now: that decides where name, size and time do not. Only those of sources whose `receipt` is set are read, where they
// are written to today. Symlinks are not followed; what is no regular file, or too long, is unreadable.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/error.h"
#include "core/ports/files.h"
#include "core/stage/policy.h"

namespace sluice::daemon {

struct Receipt {
  std::string asset_id = {};
  std::string content_key = {};  // core/upload/leaves.h; "" where it was not known
  std::uint64_t size_bytes = 0;
};

// Fails  kRejected: it is no receipt, or names no asset. Pure.
Result<Receipt> read_receipt(std::string_view text);

struct ReceiptsThere {
  std::unordered_map<std::string, Receipt> of_asset = {};  // by id
  std::uint64_t read = 0;
  std::uint64_t unreadable = 0;
  std::vector<std::string> problems = {};  // the first ones that could not be read, and why; at most 100
  bool is_cut_off = false;                 // there are more than kReceiptsMax
};
inline constexpr std::uint64_t kReceiptsMax = 500'000;
inline constexpr std::size_t kReceiptBytesMax = std::size_t{1} << 20U;

ReceiptsThere receipts_there(ports::Files& files, std::vector<stage::SourcePolicy> const& sources);

}  // namespace sluice::daemon

// lived_rows.h - items as the daemon leaves them, with all the texts that an admitted file has: a row's length is part
// of what it costs.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/units.h"
#include "core/stage/plan.h"
#include "tests/journal/samples.h"

namespace sluice::bench {

inline WallTime const kNow = journal::at(journal::kNoon);
inline constexpr std::uint64_t kChunkBytes = 5 * kMiB;  // the platform's own example

inline journal::ItemRow lived_item(journal::ItemState state, std::int64_t number, std::optional<WallTime> due) {
  auto row = journal::item_in(state, number);
  row.kind = "video";
  row.pipeline = "footage";
  row.method = "multipart";
  row.print = {.size_bytes = kGiB, .mtime_ns = 1, .ctime_ns = 2, .inode = static_cast<std::uint64_t>(number)};
  row.plan = stage::Plan{.filename = row.path}.to_json();
  row.content_type = "video/mp4";
  row.client_op = row.ulid + ".1";
  row.effort.due_at = due;
  return row;
}

// `count` items from `first` on that wait for their assets, each a millisecond after the one before; the first of them
// an hour from now.
inline void insert_waiting(journal::Journal& journal, std::int64_t first, std::int64_t count) {
  auto const begins = kNow + std::chrono::hours(1);
  journal.begin();
  for (auto number = first; number < first + count; ++number)
    journal.insert(lived_item(journal::ItemState::kSent, number, begins + Millis(number)));
  journal.commit();
}

}  // namespace sluice::bench

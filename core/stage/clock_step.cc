#include "core/stage/clock_step.h"

#include <charconv>

#include "core/stage/pauses.h"
#include "core/stage/spent.h"

namespace sluice::stage {
namespace {

constexpr Millis kSlewing{60'000};
constexpr char kKey[] = "clock";

std::string to_text(ClockAnchor const& anchor) {
  return anchor.boot_id + " " + std::to_string(anchor.boot_began.time_since_epoch().count());
}

std::optional<ClockAnchor> from_text(std::optional<std::string> const& text) {
  auto const space = text ? text->find(' ') : std::string::npos;
  if (space == std::string::npos) return std::nullopt;
  std::int64_t began = 0;
  auto const* const end = text->data() + text->size();
  if (std::from_chars(text->data() + space + 1, end, began).ptr != end) return std::nullopt;
  return ClockAnchor{.boot_id = text->substr(0, space), .boot_began = from_unix_ms(began)};
}

Millis size_of(Millis step) { return step < Millis(0) ? -step : step; }

}  // namespace

Millis clock_step(std::optional<ClockAnchor> const& before, ClockAnchor const& anchor,
                  std::optional<WallTime> last_event, WallTime now) {
  auto const same_boot = before && !anchor.boot_id.empty() && before->boot_id == anchor.boot_id;
  auto const step = same_boot                         ? anchor.boot_began - before->boot_began
                    : last_event && now < *last_event ? now - *last_event
                                                      : Millis(0);
  return size_of(step) < kSlewing ? Millis(0) : step;
}

void take_clock_step(journal::Journal& journal, ClockAnchor const& anchor, WallTime now, ports::Log& log) {
  auto const before = from_text(journal.meta(kKey));
  auto const step = clock_step(before, anchor, journal.last_event_at(), now);
  auto const same_boot = before && before->boot_id == anchor.boot_id;
  if (same_boot && step == Millis(0)) return;
  journal.begin();
  try {
    if (step != Millis(0)) {
      journal.shift_times(step);
      shift_pauses(journal, step);
      shift_spent(journal, step);
    }
    journal.set_meta(kKey, to_text(anchor));
    journal.commit();
  } catch (...) {
    journal.rollback();
    throw;
  }
  if (step != Millis(0))
    log.warning("the host's clock was set " + std::string(step < Millis(0) ? "back" : "forward") + " by " +
                to_words(size_of(step)) + " since the last start: what waits goes on waiting as long as it would have");
}

}  // namespace sluice::stage

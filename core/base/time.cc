#include "core/base/time.h"

#include <algorithm>
#include <array>
#include <span>

namespace sluice {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// Takes a text apart from the left. After the first mismatch `ok` stays false.
struct Reader {
  std::string_view rest;
  bool ok = true;

  int number(int digits) {
    auto const width = static_cast<std::size_t>(digits);
    if (rest.size() < width) return fail();
    int value = 0;
    for (char const c : rest.substr(0, width)) {
      if (!is_digit(c)) return fail();
      value = value * 10 + (c - '0');
    }
    rest.remove_prefix(width);
    return value;
  }
  void literal(std::string_view text) {
    if (!rest.starts_with(text)) {
      fail();
      return;
    }
    rest.remove_prefix(text.size());
  }
  // Takes one character if it is one of `choices` (lower case), and says which; else 0.
  char one_of(std::string_view choices) {
    if (rest.empty() || choices.find(lower(rest.front())) == std::string_view::npos) return 0;
    char const taken = lower(rest.front());
    rest.remove_prefix(1);
    return taken;
  }
  // The place of the first word in `words` that the text goes on with; words are three letters.
  int word(std::span<std::string_view const> words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (rest.starts_with(words[i])) {
        rest.remove_prefix(words[i].size());
        return static_cast<int>(i);
      }
    }
    return fail();
  }
  int fail() {
    ok = false;
    return 0;
  }
};

std::optional<WallTime> assemble(int year, int month, int day, int hour, int minute, int second, int ms) {
  auto const date = std::chrono::year(year) / month / day;
  // Second 60 is a leap second; it is taken as the first second of the next minute.
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return WallTime(sys_days(date)) + hours(hour) + minutes(minute) + seconds(second) + Millis(ms);
}

// Reads ".123456" as 123 ms; no fraction is 0 ms.
int fraction_ms(Reader& reader) {
  if (reader.one_of(".") == 0) return 0;
  int ms = 0;
  int digits = 0;
  for (; !reader.rest.empty() && is_digit(reader.rest.front()); ++digits) {
    if (digits < 3) ms = ms * 10 + (reader.rest.front() - '0');
    reader.rest.remove_prefix(1);
  }
  if (digits == 0) return reader.fail();
  for (; digits < 3; ++digits) ms *= 10;
  return ms;
}

// Reads "Z", "+09:00" or "-00:30".
minutes offset(Reader& reader) {
  char const sign = reader.one_of("z+-");
  if (sign == 'z') return minutes(0);
  if (sign == 0) reader.fail();
  int const hour = reader.number(2);
  reader.literal(":");
  int const minute = reader.number(2);
  if (hour > 23 || minute > 59) reader.fail();
  auto const size = hours(hour) + minutes(minute);
  return sign == '-' ? -size : size;
}

std::string padded(std::int64_t value, std::size_t width) {
  auto text = std::to_string(value);
  return text.size() < width ? std::string(width - text.size(), '0') + text : text;
}

}  // namespace

std::string to_rfc3339(WallTime at) {
  // Four digits of year are all that RFC 3339 has; what lies outside is written as the nearest end.
  constexpr WallTime kFirst = sys_days(std::chrono::year(0) / 1 / 1);
  constexpr WallTime kLast = WallTime(sys_days(std::chrono::year(10000) / 1 / 1)) - Millis(1);
  at = std::clamp(at, kFirst, kLast);

  auto const midnight = floor<days>(at);
  std::chrono::year_month_day const date(midnight);
  std::chrono::hh_mm_ss const clock(at - midnight);
  auto text = padded(int{date.year()}, 4) + "-" + padded(unsigned{date.month()}, 2) + "-" +
              padded(unsigned{date.day()}, 2) + "T" + padded(clock.hours().count(), 2) + ":" +
              padded(clock.minutes().count(), 2) + ":" + padded(clock.seconds().count(), 2);
  if (auto const ms = clock.subseconds().count(); ms != 0) text += "." + padded(ms, 3);
  return text + "Z";
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  Reader reader{text};
  int const year = reader.number(4);
  reader.literal("-");
  int const month = reader.number(2);
  reader.literal("-");
  int const day = reader.number(2);
  if (reader.one_of("t") == 0) reader.fail();
  int const hour = reader.number(2);
  reader.literal(":");
  int const minute = reader.number(2);
  reader.literal(":");
  int const second = reader.number(2);
  int const ms = fraction_ms(reader);
  auto const east = offset(reader);
  if (!reader.ok || !reader.rest.empty()) return std::nullopt;

  auto const local = assemble(year, month, day, hour, minute, second, ms);
  if (!local) return std::nullopt;
  return *local - east;
}

std::optional<WallTime> parse_http_date(std::string_view text) {
  static constexpr std::array<std::string_view, 7> kDays = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  static constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  Reader reader{text};
  reader.word(kDays);  // not compared with the date: a wrong weekday does no harm
  reader.literal(", ");
  int const day = reader.number(2);
  reader.literal(" ");
  int const month = reader.word(kMonths) + 1;
  reader.literal(" ");
  int const year = reader.number(4);
  reader.literal(" ");
  int const hour = reader.number(2);
  reader.literal(":");
  int const minute = reader.number(2);
  reader.literal(":");
  int const second = reader.number(2);
  reader.literal(" GMT");
  if (!reader.ok || !reader.rest.empty()) return std::nullopt;
  return assemble(year, month, day, hour, minute, second, 0);
}

std::string to_words(Millis duration) {
  if (duration < Millis(0)) {
    if (duration == Millis::min()) duration += Millis(1);  // its negative does not exist
    return "-" + to_words(-duration);
  }
  if (duration == Millis(0)) return "0 s";
  if (duration < seconds(1)) return std::to_string(duration.count()) + " ms";

  struct Unit {
    std::int64_t seconds;
    std::string_view word;
  };
  static constexpr std::array<Unit, 4> kUnits = {{{86'400, " d"}, {3'600, " h"}, {60, " min"}, {1, " s"}}};
  auto rest = floor<seconds>(duration).count();
  std::size_t first = 0;
  while (rest < kUnits[first].seconds) ++first;

  auto text = std::to_string(rest / kUnits[first].seconds) + std::string(kUnits[first].word);
  rest %= kUnits[first].seconds;
  // The second unit is the next smaller one; what it cannot hold is cut, not rounded.
  auto const second = first + 1;
  if (second < kUnits.size() && rest >= kUnits[second].seconds) {
    text += " " + std::to_string(rest / kUnits[second].seconds) + std::string(kUnits[second].word);
  }
  return text;
}

}  // namespace sluice

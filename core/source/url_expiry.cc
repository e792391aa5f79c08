#include "core/source/url_expiry.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

#include "core/base/text.h"
#include "core/source/url_parameters.h"

namespace sluice::source {
namespace {

// A number outside of 2001 to 5138 is no time in seconds, whatever else it may be.
constexpr std::int64_t kSecondsMin = 1'000'000'000;
constexpr std::int64_t kSecondsMax = 100'000'000'000;
constexpr std::int64_t kLifeMax = 100LL * 365 * 24 * 3600;

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::optional<WallTime> unix_seconds(std::string_view text) {
  auto const value = whole_number(text);
  if (!value || *value < kSecondsMin || *value > kSecondsMax) return std::nullopt;
  return from_unix_ms(*value * 1000);
}

// "20261122T030405Z", the basic form of ISO 8601.
std::optional<WallTime> basic_time(std::string_view text) {
  if (text.size() != 16) return std::nullopt;
  auto const part = [&](std::size_t at, std::size_t length) { return std::string(text.substr(at, length)); };
  return parse_rfc3339(part(0, 4) + "-" + part(4, 2) + "-" + part(6, 2) + part(8, 3) + ":" + part(11, 2) + ":" +
                       part(13, 3));
}

// Azure writes the day alone, or leaves out the seconds, too.
std::optional<WallTime> azure_time(std::string_view encoded) {
  auto const text = percent_decode(encoded).value_or("");
  if (text.size() == 10) return parse_rfc3339(text + "T00:00:00Z");
  if (text.size() == 17 && text.ends_with('Z')) return parse_rfc3339(text.substr(0, 16) + ":00Z");
  return parse_rfc3339(text);
}

// What the parameters said, until all were read.
struct Said {
  std::optional<WallTime> date = {};
  std::optional<std::int64_t> life_s = {};
  std::optional<WallTime> end = {};
  std::optional<WallTime> azure_end = {};
  bool has_sig = false;

  void note_end(std::optional<WallTime> at) {
    if (at && (!end || *at < *end)) end = at;
  }
};

}  // namespace

std::optional<WallTime> url_end(SecretUrl const& url) {
  Said said;
  for (auto const& [raw_name, value, whole] : parameters_of(url.reveal_for_journal())) {
    auto const name = to_lower_ascii(raw_name);
    if (name == "x-amz-date" || name == "x-goog-date" || name == "x-oss-date") said.date = basic_time(value);
    if (name == "x-amz-expires" || name == "x-goog-expires" || name == "x-oss-expires")
      said.life_s = whole_number(value);
    if (name == "expires" || name == "exp") said.note_end(unix_seconds(value));
    if (name == "se") said.azure_end = azure_time(value);
    said.has_sig = said.has_sig || name == "sig";
  }
  if (said.date && said.life_s && *said.life_s <= kLifeMax)
    said.note_end(*said.date + std::chrono::seconds(*said.life_s));
  if (said.has_sig) said.note_end(said.azure_end);
  return said.end;
}

bool ends_later(SecretUrl const& fresh, SecretUrl const& old) {
  if (old.empty()) return true;
  auto const fresh_end = url_end(fresh);
  auto const old_end = url_end(old);
  return old_end && (!fresh_end || *fresh_end > *old_end);
}

}  // namespace sluice::source

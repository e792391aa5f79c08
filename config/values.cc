#include "config/values.h"

#include <charconv>
#include <iterator>
#include <span>

#include "core/base/units.h"

namespace sluice::config {
namespace {

struct Unit {
  std::string_view word;
  std::uint64_t factor;
};

constexpr Unit kDurations[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
constexpr Unit kSizes[] = {{"B", 1},    {"kB", 1000},  {"KiB", kKiB},      {"MB", kMB},         {"MiB", kMiB},
                           {"GB", kGB}, {"GiB", kGiB}, {"TB", 1000 * kGB}, {"TiB", 1024 * kGiB}};
constexpr std::uint64_t kDurationMax = 10ull * 365 * 86'400'000;
constexpr std::uint64_t kSizeMax = 1ull << 53;

struct Words {
  std::string_view thing;     // "a duration"
  std::string_view examples;  // "5s, 10m, 1h, 2d or 200ms"
};
constexpr Words kDurationWords = {"a duration", "5s, 10m, 1h, 2d or 200ms"};
constexpr Words kSizeWords = {"a size", "16MiB, 64KiB, 200MB or 10GB"};

std::string complaint(Words const& words, std::string_view why) {
  return std::string(words.thing) + " " + std::string(why) + "; write one such as " + std::string(words.examples);
}

std::expected<std::uint64_t, Complaint> parse_number_with_unit(std::string_view text, std::span<Unit const> units,
                                                               std::uint64_t most, Words const& words) {
  std::uint64_t number = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range) return std::unexpected(complaint(words, "this large is out of range"));
  if (error != std::errc()) return std::unexpected(complaint(words, "begins with a whole number"));
  auto const rest = text.substr(static_cast<std::size_t>(end - text.data()));
  if (rest.empty()) return std::unexpected(complaint(words, "needs a unit"));
  if (rest.front() == '.' || rest.front() == ',') return std::unexpected(complaint(words, "has no fraction"));
  for (auto const& unit : units) {
    if (unit.word != rest) continue;
    if (number > most / unit.factor) return std::unexpected(complaint(words, "this large is out of range"));
    return number * unit.factor;
  }
  return std::unexpected(complaint(words, "has a number and a known unit, nothing between or behind"));
}

}  // namespace

std::expected<Millis, Complaint> parse_duration(std::string_view text) {
  auto const ms = parse_number_with_unit(text, kDurations, kDurationMax, kDurationWords);
  if (!ms) return std::unexpected(ms.error());
  return Millis(static_cast<Millis::rep>(*ms));
}

std::expected<std::uint64_t, Complaint> parse_size(std::string_view text) {
  return parse_number_with_unit(text, kSizes, kSizeMax, kSizeWords);
}

std::expected<std::uint64_t, Complaint> parse_rate(std::string_view text) {
  if (!text.ends_with("/s")) return std::unexpected("a rate is a size per second; write one such as 50MB/s or 64KiB/s");
  text.remove_suffix(2);
  return parse_size(text);
}

}  // namespace sluice::config

#include "text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace sluice::emulator {

namespace {

constexpr double kLargest = 9e18;  // fits 63 bits

struct Number {
  double value;
  std::string_view unit;
};

std::optional<Number> number_and_unit(std::string_view text) {
  double value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value < 0 || !std::isfinite(value)) return std::nullopt;
  return Number{value, text.substr(static_cast<std::size_t>(end - text.data()))};
}

bool unreserved(char c) {
  auto const u = static_cast<unsigned char>(c);
  return std::isalnum(u) != 0 || c == '-' || c == '.' || c == '_' || c == '~';
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::tm utc(std::int64_t wall_ms) {
  auto const seconds = static_cast<std::time_t>(wall_ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return parts;
}

std::string formatted(std::int64_t wall_ms, char const* form) {
  auto const parts = utc(wall_ms);
  std::array<char, 40> text{};
  auto const length = std::strftime(text.data(), text.size(), form, &parts);
  return {text.data(), length};
}

}  // namespace

std::optional<std::int64_t> parse_duration_ms(std::string_view text) {
  auto const number = number_and_unit(text);
  if (!number) return std::nullopt;
  auto const ms = [&](double factor) -> std::optional<std::int64_t> {
    auto const value = number->value * factor;
    if (value > kLargest) return std::nullopt;
    return static_cast<std::int64_t>(value);
  };
  if (number->unit == "ms") return ms(1);
  if (number->unit == "s") return ms(1000);
  if (number->unit == "m") return ms(60'000);
  if (number->unit == "h") return ms(3'600'000);
  if (number->unit == "d") return ms(86'400'000);
  if (number->unit.empty() && number->value == 0.0) return 0;
  return std::nullopt;
}

std::optional<std::uint64_t> parse_size_bytes(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, double>, 10> kUnits{{{"", 1.0},
                                                                               {"B", 1.0},
                                                                               {"kB", 1e3},
                                                                               {"KB", 1e3},
                                                                               {"KiB", 1024.0},
                                                                               {"MB", 1e6},
                                                                               {"MiB", 1048576.0},
                                                                               {"GB", 1e9},
                                                                               {"GiB", 1073741824.0},
                                                                               {"TB", 1e12}}};
  auto const number = number_and_unit(text);
  if (!number) return std::nullopt;
  for (auto const& [unit, factor] : kUnits) {
    if (number->unit != unit) continue;
    if (number->value * factor > kLargest) return std::nullopt;
    return static_cast<std::uint64_t>(number->value * factor);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> parse_rate_bytes_per_s(std::string_view text) {
  if (!text.ends_with("/s")) return std::nullopt;
  auto const bytes = parse_size_bytes(text.substr(0, text.size() - 2));
  if (!bytes || *bytes == 0) return std::nullopt;
  return bytes;
}

std::string rfc3339(std::int64_t wall_ms) { return formatted(wall_ms, "%Y-%m-%dT%H:%M:%SZ"); }

std::string amz_date(std::int64_t wall_ms) { return formatted(wall_ms, "%Y%m%dT%H%M%SZ"); }

std::optional<std::int64_t> parse_amz_date(std::string_view text) {
  std::tm parts{};
  std::string const copy(text);
  auto const* const end = strptime(copy.c_str(), "%Y%m%dT%H%M%SZ", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return static_cast<std::int64_t>(timegm(&parts)) * 1000;
}

std::optional<std::int64_t> parse_rfc3339_ms(std::string_view text) {
  std::tm parts{};
  std::string const copy(text);
  char const* rest = strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return std::nullopt;
  auto ms = static_cast<std::int64_t>(timegm(&parts)) * 1000;
  if (*rest == '.') {
    int digits = 0;
    for (++rest; std::isdigit(static_cast<unsigned char>(*rest)) != 0; ++rest, ++digits) {
      static constexpr std::array<int, 3> kWeight{100, 10, 1};
      if (digits < 3) ms += (*rest - '0') * kWeight[static_cast<std::size_t>(digits)];
    }
    if (digits == 0) return std::nullopt;
  }
  if (*rest == 'Z' && rest[1] == '\0') return ms;
  int hours = 0;
  int minutes = 0;
  int used = 0;
  char sign = 0;
  if (std::sscanf(rest, "%c%2d:%2d%n", &sign, &hours, &minutes, &used) != 3 || rest[used] != '\0') return std::nullopt;
  if (sign != '+' && sign != '-') return std::nullopt;
  auto const offset_ms = static_cast<std::int64_t>(hours * 60 + minutes) * 60'000;
  return sign == '+' ? ms - offset_ms : ms + offset_ms;
}

std::string uri_encode(std::string_view text, bool keep_slash) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size() + text.size() / 4);
  for (char const c : text) {
    if (unreserved(c) || (keep_slash && c == '/')) {
      out += c;
      continue;
    }
    auto const u = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[u >> 4U];
    out += kDigits[u & 0x0FU];
  }
  return out;
}

std::string uri_decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else if (text[i] == '+' && plus_is_blank) {
      out += ' ';
    } else {
      out += text[i];
    }
  }
  return out;
}

Pairs parse_query(std::string_view raw) {
  Pairs pairs;
  for (auto const& segment : split(raw, '&')) {
    if (segment.empty()) continue;
    auto const equals = segment.find('=');
    auto const name = std::string_view(segment).substr(0, equals);
    auto const value = equals == std::string::npos ? std::string_view{} : std::string_view(segment).substr(equals + 1);
    pairs.emplace_back(uri_decode(name, true), uri_decode(value, true));
  }
  return pairs;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    auto const at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool contains_no_case(std::string_view text, std::string_view part) {
  return lower(text).find(lower(part)) != std::string::npos;
}

bool glob_match(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::string xml_escape(std::string_view text) {
  std::string out;
  for (char const c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&apos;"; break;
      default: out += c;
    }
  }
  return out;
}

}  // namespace sluice::emulator

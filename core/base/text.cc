#include "core/base/text.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace sluice {
namespace {

constexpr std::string_view kLowerHex = "0123456789abcdef";
constexpr std::string_view kUpperHex = "0123456789ABCDEF";

std::uint8_t byte_of(char c) { return static_cast<std::uint8_t>(c); }

char folded(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

void append_percent(std::string& out, char c) {
  out += '%';
  out += kUpperHex[byte_of(c) >> 4];
  out += kUpperHex[byte_of(c) & 15];
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// FNV-1a, folded to 32 bits: tells long names apart, and need not stand up to anyone.
std::uint32_t name_hash(std::string_view bytes) {
  std::uint64_t hash = 14695981039346656037ull;
  for (char const c : bytes) hash = (hash ^ byte_of(c)) * 1099511628211ull;
  return static_cast<std::uint32_t>(hash ^ (hash >> 32));
}

// The first `characters` characters of valid UTF-8.
std::string_view first_characters(std::string_view text, std::size_t characters) {
  std::size_t end = 0;
  for (; characters > 0 && end < text.size(); --characters)
    end += std::max<std::size_t>(1, utf8_length(text.substr(end)));
  return text.substr(0, end);
}

std::size_t count_characters(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(std::max<std::size_t>(1, utf8_length(text)));
  return count;
}

// Where the extension's dot stands; npos when there is none. Dots that lead a name start no extension.
std::size_t extension_dot(std::string_view path) {
  auto const name_begin = path.rfind('/') + 1;  // npos + 1 is 0
  auto const name = path.substr(name_begin);
  auto const dot = name.rfind('.');
  if (dot == std::string_view::npos || dot + 1 == name.size()) return std::string_view::npos;
  if (name.find_first_not_of('.') > dot) return std::string_view::npos;
  return name_begin + dot;
}

}  // namespace

std::string percent_encode(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (char const c : bytes) {
    bool const unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                            c == '.' || c == '_' || c == '~';
    if (unreserved) {
      out += c;
    } else {
      append_percent(out, c);
    }
  }
  return out;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    int const high = hex_value(text[i + 1]);
    int const low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return decoded;
}

std::string to_hex(std::span<std::byte const> bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (std::byte const byte : bytes) {
    out += kLowerHex[std::to_integer<std::size_t>(byte >> 4)];
    out += kLowerHex[std::to_integer<std::size_t>(byte & std::byte{15})];
  }
  return out;
}

std::string to_base64(std::string_view bytes) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    auto const left = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = (group << 8) | (k < left ? byte_of(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) out += k <= left ? kDigits[(group >> (18 - 6 * k)) & 63] : '=';
  }
  return out;
}

bool is_hex(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

std::string to_lower_ascii(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), folded);
  return out;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, folded, folded);
}

std::string_view trimmed(std::string_view text) {
  static constexpr std::string_view kSpace = " \t\r\n";
  auto const begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::size_t utf8_length(std::string_view bytes) {
  if (bytes.empty()) return 0;
  auto const lead = byte_of(bytes.front());
  if (lead < 0x80) return 1;
  std::size_t const length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || bytes.size() < length) return 0;
  // The second byte's range shuts out overlong forms, surrogates and what lies beyond U+10FFFF
  // (Unicode, table 3-7).
  auto const second = byte_of(bytes[1]);
  std::uint8_t const lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  std::uint8_t const highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (second < lowest || second > highest) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte_of(bytes[i]) & 0xC0) != 0x80) return 0;
  }
  return length;
}

bool is_utf8(std::string_view bytes) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  while (!bytes.empty()) {
    std::uint64_t eight = 0;  // most text is ASCII
    while (bytes.size() >= sizeof eight && (std::memcpy(&eight, bytes.data(), sizeof eight), (eight & kHighBits) == 0))
      bytes.remove_prefix(sizeof eight);
    if (bytes.empty()) return true;
    auto const length = utf8_length(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

std::string_view cut_to(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  auto end = bytes_max;
  // A character has at most three bytes that continue it; more of them are no UTF-8 anyway.
  for (int back = 0; back < 3 && end > 0 && (byte_of(text[end]) & 0xC0) == 0x80; ++back) --end;
  return text.substr(0, end);
}

std::string printable(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    auto const c = byte_of(bytes.front());
    auto const length = utf8_length(bytes);
    // U+0080 to U+009F are control characters too, and terminals obey them.
    bool const c1_control = length == 2 && c == 0xC2 && byte_of(bytes[1]) < 0xA0;
    if (length == 0 || c < 0x20 || c == 0x7F || c == '\\' || c1_control) {
      out += "\\x";
      out += kLowerHex[c >> 4];
      out += kLowerHex[c & 15];
      bytes.remove_prefix(1);
    } else {
      out += bytes.substr(0, length);
      bytes.remove_prefix(length);
    }
  }
  return out;
}

std::string platform_filename(std::string_view name_bytes) {
  constexpr std::size_t kCharactersMax = 255;
  constexpr std::size_t kExtensionMax = 32;  // longer than this is no extension but a part of the name
  if (name_bytes.empty()) return "unnamed";

  std::string name;
  for (auto rest = name_bytes; !rest.empty();) {
    auto const length = utf8_length(rest);
    if (length == 0) {
      append_percent(name, rest.front());
    } else {
      name += rest.substr(0, length);
    }
    rest.remove_prefix(std::max<std::size_t>(1, length));
  }
  if (count_characters(name) <= kCharactersMax) return name;

  auto const dot = extension_dot(name);
  auto extension = dot == std::string::npos ? std::string() : name.substr(dot);
  if (count_characters(extension) > kExtensionMax) extension.clear();
  auto const stem = std::string_view(name).substr(0, name.size() - extension.size());
  auto const hash = name_hash(name_bytes);
  std::array<std::byte, 4> const digits = {std::byte(hash >> 24), std::byte(hash >> 16), std::byte(hash >> 8),
                                           std::byte(hash)};
  auto const tail = "-" + to_hex(digits) + extension;
  return std::string(first_characters(stem, kCharactersMax - count_characters(tail))) + tail;
}

std::string extension_of(std::string_view name) {
  auto const dot = extension_dot(name);
  return dot == std::string_view::npos ? std::string() : to_lower_ascii(name.substr(dot + 1));
}

std::string_view basename_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string_view stem_of(std::string_view name) { return name.substr(0, extension_dot(name)); }

bool is_plain_relative(std::string_view relative) {
  if (relative.empty()) return true;
  if (relative.find('\0') != std::string_view::npos) return false;
  while (true) {
    auto const slash = relative.find('/');
    auto const component = relative.substr(0, slash);
    if (component.empty() || component == "." || component == "..") return false;
    if (slash == std::string_view::npos) return true;
    relative.remove_prefix(slash + 1);
  }
}

std::string_view directory_of(std::string_view path) {
  auto const slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string to_words_bytes(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 6> kUnits = {" kB", " MB", " GB", " TB", " PB", " EB"};
  if (bytes < 1000) return std::to_string(bytes) + " B";

  // Three digits of a decimal number in units of `unit`: `scaled` counts hundredths, tenths or ones.
  std::uint64_t unit = 1000;
  for (std::size_t i = 0;; ++i, unit *= 1000) {
    for (std::uint64_t const fraction : {std::uint64_t{100}, std::uint64_t{10}, std::uint64_t{1}}) {
      auto const step = unit / fraction;
      auto const scaled = bytes / step + (bytes % step >= step - step / 2 ? 1 : 0);
      if (scaled >= 1000) continue;
      auto text = std::to_string(scaled / fraction);
      if (auto rest = scaled % fraction; rest != 0) {
        auto const digits = std::to_string(fraction + rest).substr(1);
        text += "." + digits.substr(0, digits.find_last_not_of('0') + 1);
      }
      return text + std::string(kUnits[i]);
    }
  }
}

}  // namespace sluice

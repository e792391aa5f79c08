#include "core/source/identity.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/base/ids.h"

namespace sluice::source {
namespace {

constexpr std::size_t kPrintDigits = 16;
constexpr char kUrlMark = 'u';
constexpr std::size_t kUrlIdentity = 1 + 2 * kPrintDigits;

class Fnv1a {
 public:
  void add(std::string_view bytes) {
    for (char const c : bytes) add(static_cast<unsigned char>(c));
  }
  void add_number(std::uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) add(static_cast<unsigned char>(value >> shift));
  }
  void add(unsigned char byte) { hash_ = (hash_ ^ byte) * 1099511628211U; }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 14695981039346656037U;
};

bool is_identity(std::string_view text) {
  if (names_url(text))
    text.remove_prefix(1);
  else if (text.size() != kPrintDigits)
    return false;
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string to_digits(std::uint64_t print) {
  std::string digits;
  for (int shift = 60; shift >= 0; shift -= 4) digits += "0123456789abcdef"[(print >> shift) & 15];
  return digits;
}

std::string print_of(std::string_view text) {
  Fnv1a hash;
  hash.add(text);
  return to_digits(hash.value());
}

}  // namespace

std::string identity_of(std::string_view root, std::string_view path, std::uint64_t size_bytes, std::int64_t mtime_ns) {
  Fnv1a hash;
  for (auto const text : {root, path}) {
    hash.add(text);
    hash.add(static_cast<unsigned char>(0));
  }
  hash.add_number(size_bytes);
  hash.add_number(static_cast<std::uint64_t>(mtime_ns));
  return to_digits(hash.value());
}

std::string identity_of_url(std::string_view key, std::string_view url) {
  return kUrlMark + print_of(key) + print_of(url);
}

bool names_url(std::string_view identity) { return identity.size() == kUrlIdentity && identity.front() == kUrlMark; }

std::string_view key_part(std::string_view identity) { return identity.substr(0, 1 + kPrintDigits); }

std::string to_text(OperationTag const& tag) {
  return tag.ulid + "." + std::to_string(tag.generation) + "." + tag.identity;
}

std::optional<OperationTag> parse_operation_tag(std::string_view text) {
  std::array<std::string_view, 2> front;
  for (auto& part : front) {
    auto const dot = text.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    part = text.substr(0, dot);
    text.remove_prefix(dot + 1);
  }
  OperationTag tag{.ulid = std::string(front[0]), .generation = 0, .identity = std::string(text)};
  std::from_chars(front[1].data(), front[1].data() + front[1].size(), tag.generation);  // stays 0 if it is none
  // Written anew it must be the same text: no sign, no leading zero, nothing after it.
  if (tag.generation < 1 || std::to_string(tag.generation) != front[1]) return std::nullopt;
  if (!is_ulid(tag.ulid) || !is_identity(tag.identity)) return std::nullopt;
  return tag;
}

}  // namespace sluice::source

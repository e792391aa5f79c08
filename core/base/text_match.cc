// Patterns and near misses: the parts of text.h that compare two texts.
#include <algorithm>
#include <numeric>

#include "core/base/text.h"

namespace sluice {
namespace {

// One character of a text: a UTF-8 character as its code point, any other byte as a number of its own.
struct Character {
  std::uint32_t value;
  std::size_t length;
};

Character character_at(std::string_view text, bool fold_case) {
  auto const length = utf8_length(text);
  auto const first = static_cast<std::uint8_t>(text.front());
  if (length == 0) return {0x110000u + first, 1};
  if (length == 1) {
    bool const upper = fold_case && first >= 'A' && first <= 'Z';
    return {upper ? first + 32u : first, 1};
  }
  std::uint32_t value = first & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) value = (value << 6) | (static_cast<std::uint8_t>(text[i]) & 0x3Fu);
  return {value, length};
}

// One element of a pattern, other than '*', against one character.
struct Step {
  bool matches;
  std::size_t length;  // of the element in the pattern
};

// "[abc]", "[a-z]" or "[!abc]" at the pattern's begin; nothing when the bracket is never closed.
std::optional<Step> match_set(std::string_view pattern, std::uint32_t wanted, bool fold_case) {
  std::size_t at = 1;
  bool const negated = at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^');
  if (negated) ++at;
  bool found = false;
  for (bool first = true; at < pattern.size(); first = false) {
    if (pattern[at] == ']' && !first) return Step{found != negated, at + 1};
    auto const low = character_at(pattern.substr(at), fold_case);
    at += low.length;
    auto high = low;
    if (at + 1 < pattern.size() && pattern[at] == '-' && pattern[at + 1] != ']') {
      high = character_at(pattern.substr(at + 1), fold_case);
      at += 1 + high.length;
    }
    found = found || (low.value <= wanted && wanted <= high.value);
  }
  return std::nullopt;
}

Step match_one(std::string_view pattern, std::uint32_t wanted, bool fold_case) {
  if (pattern.front() == '?') return {true, 1};
  if (pattern.front() == '[') {
    if (auto const set = match_set(pattern, wanted, fold_case)) return *set;
  }
  auto const literal = character_at(pattern, fold_case);
  return {literal.value == wanted, literal.length};
}

// Whether the pattern is "*" and a text that stands for itself, such as "*.part": so are most of those that each name
// of a folder is held against. The text begins with an ASCII byte, which is a character of its own wherever it is.
bool is_plain_end(std::string_view pattern) {
  return pattern.size() > 1 && pattern.front() == '*' && static_cast<std::uint8_t>(pattern[1]) < 0x80 &&
         pattern.find_first_of("*?[", 1) == std::string_view::npos;
}

bool same_bytes(std::string_view a, std::string_view b, bool fold_case) {
  auto const folded = [fold_case](char c) { return fold_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, folded, folded);
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i;
    for (std::size_t k = 1; k <= b.size(); ++k) {
      auto const replaced = diagonal + (a[i - 1] == b[k - 1] ? 0 : 1);
      diagonal = row[k];
      row[k] = std::min({replaced, row[k] + 1, row[k - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

// Goes back to the last '*' only: what an earlier one could still take, the last one can take too.
// So the time is at most the product of the two lengths, whatever the pattern.
bool glob_match(std::string_view pattern, std::string_view text, bool fold_case) {
  if (is_plain_end(pattern)) {
    auto const end = pattern.substr(1);
    return text.size() >= end.size() && same_bytes(text.substr(text.size() - end.size()), end, fold_case);
  }
  std::optional<std::string_view> after_star;
  std::string_view star_text;
  while (!text.empty()) {
    if (!pattern.empty() && pattern.front() == '*') {
      pattern.remove_prefix(1);
      after_star = pattern;
      star_text = text;
      continue;
    }
    auto const next = character_at(text, fold_case);
    if (!pattern.empty()) {
      auto const step = match_one(pattern, next.value, fold_case);
      if (step.matches) {
        pattern.remove_prefix(step.length);
        text.remove_prefix(next.length);
        continue;
      }
    }
    if (!after_star) return false;
    star_text.remove_prefix(character_at(star_text, false).length);
    pattern = *after_star;
    text = star_text;
  }
  return pattern.find_first_not_of('*') == std::string_view::npos;
}

std::optional<std::string> nearest(std::string_view word, std::span<std::string const> candidates) {
  if (word.empty()) return std::nullopt;
  // At least one character must be common, or every word of two letters would be near "ls".
  auto best = std::min(std::max<std::size_t>(2, word.size() / 3), word.size() - 1);
  std::optional<std::string> found;
  auto const folded_word = to_lower_ascii(word);
  for (auto const& candidate : candidates) {
    auto const gap = std::max(word.size(), candidate.size()) - std::min(word.size(), candidate.size());
    if (gap > best || (found && gap == best)) continue;
    auto const distance = edit_distance(folded_word, to_lower_ascii(candidate));
    if (distance > best || (found && distance == best)) continue;
    best = distance;
    found = candidate;
  }
  return found;
}

}  // namespace sluice

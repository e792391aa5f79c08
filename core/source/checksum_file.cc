#include "core/source/checksum_file.h"

#include <algorithm>
#include <optional>

#include "core/base/text.h"

namespace sluice::source {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::size_t digits_of(DigestKind kind) { return kind == DigestKind::kMd5 ? 32 : 64; }

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::string lowered(std::string_view digits) {
  std::string made(digits);
  for (char& c : made)
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  return made;
}

// As md5sum escapes names that hold a newline or a backslash: the line begins with a backslash then.
std::string unescaped(std::string_view name) {
  std::string made;
  for (std::size_t at = 0; at < name.size(); ++at) {
    if (name[at] != '\\' || at + 1 == name.size()) {
      made += name[at];
      continue;
    }
    auto const next = name[++at];
    made += next == 'n' ? '\n' : next == 'r' ? '\r' : next;
  }
  return made;
}

struct Line {
  std::string digits;
  std::string name;  // "": for whichever file it stands beside
};

// "MD5 (NAME) = DIGITS".
std::optional<Line> bsd_line(std::string_view line) {
  auto const open = line.find(" ("), close = line.rfind(") = ");
  if (open == std::string_view::npos || close == std::string_view::npos || open > close) return std::nullopt;
  return Line{std::string(line.substr(close + 4)), std::string(line.substr(open + 2, close - open - 2))};
}

// "DIGITS  NAME", "DIGITS *NAME", "\DIGITS  NA\nME", "DIGITS".
std::optional<Line> gnu_line(std::string_view line) {
  bool const is_escaped = line.starts_with('\\');
  if (is_escaped) line.remove_prefix(1);
  auto const end = static_cast<std::size_t>(std::ranges::find_if_not(line, is_hex) - line.begin());
  auto name = line.substr(end);
  if (end == 0 || (!name.empty() && name.front() != ' ' && name.front() != '\t')) return std::nullopt;
  if (!name.empty()) name.remove_prefix(1);
  if (name.starts_with(' ') || name.starts_with('*')) name.remove_prefix(1);
  return Line{std::string(line.substr(0, end)), is_escaped ? unescaped(name) : std::string(name)};
}

std::optional<Line> read_line(std::string_view line) {
  auto read = bsd_line(line);
  return read ? read : gnu_line(line);
}

}  // namespace

std::string_view name_of(DigestKind kind) { return kind == DigestKind::kMd5 ? "MD5" : "SHA-256"; }
std::string_view suffix_of(DigestKind kind) { return kind == DigestKind::kMd5 ? ".md5" : ".sha256"; }

Result<std::string> checksum_of(DigestKind kind, std::string_view text, std::string_view name) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::size_t number = 0;
  while (!text.empty()) {
    auto const end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    auto const read = read_line(line);
    if (!read)
      return fail(Fault::kRejected, "line " + std::to_string(number) + " is no checksum", "checksum_unreadable");
    if (!read->name.empty() && basename_of(read->name) != name) continue;
    if (read->digits.size() == digits_of(kind) && std::ranges::all_of(read->digits, is_hex))
      return lowered(read->digits);
    return fail(Fault::kRejected,
                "line " + std::to_string(number) + " holds " + std::to_string(read->digits.size()) + " digits, and " +
                    std::string(name_of(kind)) + " has " + std::to_string(digits_of(kind)),
                "checksum_unreadable");
  }
  return fail(Fault::kRejected, "there is no line for " + printable(name), "checksum_unreadable");
}

}  // namespace sluice::source

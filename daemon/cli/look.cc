#include "daemon/cli/look.h"

#include <algorithm>
#include <utility>

#include "core/base/text.h"

namespace sluice::cli {
namespace {

constexpr std::size_t kShrunkMin = 12;

std::string_view code_of(Tone tone) {
  switch (tone) {
    case Tone::kPlain: return "";
    case Tone::kGood: return "\x1b[32m";
    case Tone::kBad: return "\x1b[31m";
    case Tone::kWarning: return "\x1b[33m";
    case Tone::kDim: return "\x1b[2m";
    case Tone::kStrong: return "\x1b[1m";
  }
  std::unreachable();
}

bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

// The bytes of the first `columns` code points.
std::string_view first_columns(std::string_view text, std::size_t columns) {
  std::size_t i = 0;
  for (; i < text.size(); ++i)
    if (begins_character(text[i]) && columns-- == 0) break;
  return text.substr(0, i);
}

std::string padded(Cell const& cell, std::size_t width, bool right, bool last, Look const& look) {
  auto const text = columns_of(cell.text) > width ? shortened(cell.text, width) : cell.text;
  auto const gap = std::string(width - std::min(width, columns_of(text)), ' ');
  auto const shown = painted(text, cell.tone, look);
  if (right) return gap + shown;
  return last ? shown : shown + gap;
}

std::vector<std::size_t> widths_of(std::vector<Column> const& columns, std::vector<std::vector<Cell>> const& rows,
                                   std::size_t width) {
  std::vector<std::size_t> widths;
  std::size_t sum = 2 * (columns.empty() ? 0 : columns.size() - 1);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    auto widest = columns_of(columns[i].title);
    for (auto const& row : rows) widest = std::max(widest, columns_of(row[i].text));
    widths.push_back(widest);
    sum += widest;
  }
  while (sum > width) {  // take a column at a time from the widest one that may shrink
    std::size_t widest = columns.size();
    for (std::size_t i = 0; i < columns.size(); ++i)
      if (columns[i].shrinks && widths[i] > kShrunkMin && (widest == columns.size() || widths[i] > widths[widest]))
        widest = i;
    if (widest == columns.size()) break;
    --widths[widest];
    --sum;
  }
  return widths;
}

}  // namespace

std::string painted(std::string_view text, Tone tone, Look const& look) {
  if (!look.color || tone == Tone::kPlain || text.empty()) return std::string(text);
  return std::string(code_of(tone)).append(text).append("\x1b[0m");
}

Tone tone_of_stage(std::string_view stage) {
  if (stage == "done") return Tone::kGood;
  if (stage == "failed") return Tone::kBad;
  if (stage == "cancelled" || stage == "skipped") return Tone::kDim;
  return Tone::kPlain;
}

std::string safe(std::string_view bytes) { return printable(cut_to(bytes, 4096)); }

std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_character));
}

std::string shortened(std::string_view text, std::size_t columns) {
  auto const have = columns_of(text);
  if (have <= columns) return std::string(text);
  if (columns <= 3) return std::string(first_columns(text, columns));
  auto const tail = (columns - 3) / 2;
  auto const head = columns - 3 - tail;
  auto const skipped = first_columns(text, have - tail).size();
  return std::string(first_columns(text, head)).append("...").append(text.substr(skipped));
}

std::string table(std::vector<Column> const& columns, std::vector<std::vector<Cell>> const& rows, Look const& look) {
  auto const widths = widths_of(columns, rows, look.width);
  std::string made;
  auto const line = [&](auto const& cell_at) {
    std::string text;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) text += "  ";
      text += padded(cell_at(i), widths[i], columns[i].right, i + 1 == columns.size(), look);
    }
    while (text.ends_with(' ')) text.pop_back();
    made += text + "\n";
  };
  line([&](std::size_t i) { return Cell{columns[i].title, Tone::kStrong}; });
  for (auto const& row : rows) line([&](std::size_t i) { return row[i]; });
  return made;
}

std::string when(std::string_view rfc3339, Look const& look) {
  auto const at = parse_rfc3339(rfc3339);
  if (!at) return {};
  if (*at <= look.now) return "now";
  auto const whole = to_rfc3339(std::chrono::floor<std::chrono::seconds>(*at));
  return "in " + to_words(*at - look.now) + " (" + whole.substr(11) + ")";
}

std::string since(std::string_view rfc3339, Look const& look) {
  auto const at = parse_rfc3339(rfc3339);
  if (!at) return {};
  return to_words(std::max(Millis(0), look.now - *at)) + " ago";
}

std::string rate_words(std::uint64_t bytes_per_s) {
  return bytes_per_s == 0 ? "-" : to_words_bytes(bytes_per_s) + "/s";
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "-";
  if (part >= whole) return "100 %";
  auto const share = static_cast<double>(part) / static_cast<double>(whole) * 100.0;
  return std::to_string(std::min(99, static_cast<int>(share))) + " %";
}

std::string bar(std::uint64_t part, std::uint64_t whole, std::size_t columns) {
  if (columns < 3) return {};
  auto const inner = columns - 2;
  auto const share = whole == 0 ? 1.0 : std::min(1.0, static_cast<double>(part) / static_cast<double>(whole));
  auto const filled = static_cast<std::size_t>(share * static_cast<double>(inner));
  return "[" + std::string(filled, '#') + std::string(inner - filled, '-') + "]";
}

}  // namespace sluice::cli

#include "core/source/manifest/csv.h"

#include <algorithm>
#include <utility>

#include "core/base/text.h"

namespace sluice::source::manifest {
namespace {

constexpr std::string_view kTransferHeader = "TsvHttpData-1.0";
constexpr std::size_t kColumnsMax = 256;

// The delimiter that the header has most of, outside of quotes.
char sniff(std::string_view header) {
  static constexpr std::string_view kDelimiters = ",;\t";
  std::size_t counts[kDelimiters.size()] = {};
  bool quoted = false;
  for (char const c : header) {
    if (c == '"') quoted = !quoted;
    auto const which = kDelimiters.find(c);
    if (!quoted && which != std::string_view::npos) counts[which] += 1;
  }
  return kDelimiters[static_cast<std::size_t>(std::ranges::max_element(counts) - counts)];
}

}  // namespace

std::optional<Place> Csv::held() const { return lines_.empty() ? std::nullopt : std::optional(lines_.front().place); }

Csv::Cut Csv::cut(std::string_view record) {
  used_ = 0;
  for (std::size_t at = 0;;) {
    if (used_ == cells_.size()) cells_.emplace_back();
    auto& cell = cells_[used_++];
    cell.text.clear();
    cell.column = at + 1;
    if (at < record.size() && record[at] == '"') {
      for (++at;; ++at) {
        auto const quote = record.find('"', at);
        if (quote == std::string_view::npos) return Cut::kOpen;
        cell.text.append(record, at, quote - at);
        at = quote + 1;
        if (at == record.size() || record[at] != '"') break;
        cell.text += '"';
      }
      if (at < record.size() && record[at] != delimiter_) return broken_at_ = at + 1, Cut::kBroken;
    } else {
      auto const end = std::min(record.find(delimiter_, at), record.size());
      cell.text.append(record, at, end - at);
      at = end;
    }
    if (at == record.size()) return Cut::kWhole;
    if (used_ == kColumnsMax) return broken_at_ = at + 1, Cut::kBroken;
    ++at;
  }
}

// One error for the record's first line; the others get a chance of their own.
void Csv::give_up(Place const& place, std::uint64_t column, std::string reason, Found& found) {
  found.fail(place, column, std::move(reason));
  auto const rest = std::exchange(lines_, {});
  for (std::size_t i = 1; i < rest.size(); ++i) {
    lines_.push_back(rest[i]);
    try_record(false, found);
  }
}

void Csv::take_header(Place const& place, Found& found) {
  if (used_ == 1 && cells_[0].text == kTransferHeader) {
    delimiter_ = '\t';
    columns_ = {{"url", Field::kUrl}, {"size", Field::kSize}, {"md5", Field::kMd5}};
    return;
  }
  std::vector<Column> columns;
  for (std::size_t i = 0; i < used_; ++i)
    columns.push_back({std::string(trimmed(cells_[i].text)), field_of(cells_[i].text)});
  auto const is_url = [](Column const& column) { return column.field == Field::kUrl; };
  if (std::ranges::none_of(columns, is_url)) {
    found.refused = "has no column `url`: its first line (line " + std::to_string(place.line) +
                    ") must name the columns, such as: url,name,size";
    return;
  }
  columns_ = std::move(columns);
}

void Csv::take_record(Place const& place, Found& found) {
  if (used_ > columns_.size())
    return found.fail(place, cells_[columns_.size()].column,
                      "has " + std::to_string(used_) + " fields, and the header " + std::to_string(columns_.size()));
  Entry entry{.place = place};
  for (std::size_t i = 0; i < used_; ++i) {
    if (auto reason = set_text(entry, columns_[i].field, columns_[i].name, cells_[i].text))
      return found.fail(place, cells_[i].column, *std::move(reason));
  }
  if (entry.url.empty()) return found.fail(place, 1, "has no URL");
  found.entries.push_back(std::move(entry));
}

// What is held back as a record, if it is whole; a broken one, or one that `is_last` leaves open, is given up.
void Csv::try_record(bool is_last, Found& found) {
  std::string joined;
  std::string_view record = lines_.front().text;
  if (lines_.size() > 1) {
    for (auto const& line : lines_) joined.append(joined.empty() ? "" : "\n").append(line.text);
    record = joined;
  }
  auto const place = lines_.front().place;
  auto const is_header = columns_.empty();
  if (is_header && delimiter_ == '\0') delimiter_ = sniff(record);
  auto const result = cut(record);
  if (result == Cut::kBroken)
    return give_up(place, broken_at_,
                   used_ == kColumnsMax ? "has more than 256 fields" : "has text behind the quote that closes a field",
                   found);
  if (result == Cut::kOpen) {
    auto const too_large = lines_.size() >= kRecordLinesMax || record.size() > kLineBytesMax;
    if (is_last || too_large) give_up(place, cells_[used_ - 1].column, "has a quote that is never closed", found);
    return;
  }
  lines_.clear();
  is_header ? take_header(place, found) : take_record(place, found);
}

void Csv::take(Line const& line, Found& found) {
  if (lines_.empty() && trimmed(line.text).empty()) return;
  lines_.push_back({std::string(line.text), line.place});
  try_record(false, found);
}

void Csv::finish(Found& found) {
  while (!lines_.empty()) try_record(true, found);
}

}  // namespace sluice::source::manifest

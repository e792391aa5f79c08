// csv.h - a manifest as a table: CSV and TSV with a header line (RFC 4180), and Storage Transfer's TsvHttpData-1.0.
//
// The header's names are fields (fields.h). A `.csv` has the delimiter among `,`, `;` and tab that its header has most
// of; a `.tsv` has tabs. Fields may be in quotes, with delimiters, doubled quotes and ends of lines in them. A quote
// that is never closed would swallow the rest of the file: a record ends at kRecordLinesMax lines or kLineBytesMax,
// counts as one error at its first line, and the lines behind that one are read anew.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/source/manifest/fields.h"
#include "core/source/manifest/format.h"

namespace sluice::source::manifest {

class Csv final : public Format {
 public:
  static constexpr std::size_t kRecordLinesMax = 100;

  explicit Csv(bool tabs) : delimiter_(tabs ? '\t' : '\0') {}  // '\0': not known yet

  void take(Line const& line, Found& found) override;
  void finish(Found& found) override;
  std::optional<Place> held() const override;
  bool needs_head() const override { return columns_.empty(); }

 private:
  struct Column {
    std::string name;
    Field field;
  };
  struct Cell {
    std::string text;
    std::uint64_t column;  // in bytes, from 1
  };
  struct HeldLine {
    std::string text;
    Place place;
  };
  enum class Cut : std::uint8_t { kWhole, kOpen, kBroken };  // kOpen: a quote is not closed

  Cut cut(std::string_view record);
  void try_record(bool is_last, Found& found);
  void take_header(Place const& place, Found& found);
  void take_record(Place const& place, Found& found);
  void give_up(Place const& place, std::uint64_t column, std::string reason, Found& found);

  char delimiter_;
  std::vector<Column> columns_ = {};
  std::vector<HeldLine> lines_ = {};  // of the record that is being read
  std::vector<Cell> cells_ = {};      // of the last cut()
  std::size_t used_ = 0;              // cells_ that count: their texts are used again
  std::uint64_t broken_at_ = 0;       // column
};

}  // namespace sluice::source::manifest

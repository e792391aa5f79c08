// look.h - how text for people is laid out: width, colour, columns, spans of time.
//
// Pure. Colour is only ever added to what can be read without it. Everything that came from a file
// system or the platform goes through safe() before it is shown: a name must not move the cursor.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.h"

namespace sluice::cli {

struct Look {
  bool color = false;
  std::size_t width = 100;  // columns
  WallTime now = {};
};

enum class Tone : std::uint8_t { kPlain, kGood, kBad, kWarning, kDim, kStrong };

std::string painted(std::string_view text, Tone tone, Look const& look);

// The tone of a stage's word: done is good, failed is bad, waiting words are plain.
Tone tone_of_stage(std::string_view stage);

std::string safe(std::string_view bytes);       // printable, and no longer than 4 KiB
std::size_t columns_of(std::string_view text);  // code points; no colour in it
// At most `columns` wide; what is cut away becomes "...", in the middle for names, so that both ends can be read.
std::string shortened(std::string_view text, std::size_t columns);

struct Cell {
  std::string text;
  Tone tone = Tone::kPlain;
};

struct Column {
  std::string title;
  bool right = false;    // numbers
  bool shrinks = false;  // gives way when the width is not enough
};

// A table with a title row; two spaces between columns, none at a line's end.
std::string table(std::vector<Column> const& columns, std::vector<std::vector<Cell>> const& rows, Look const& look);

// "in 4 min (03:24:05Z)", "now" for the past; "" for text that is no time.
std::string when(std::string_view rfc3339, Look const& look);
// "4 min ago"; "" for text that is no time.
std::string since(std::string_view rfc3339, Look const& look);

std::string rate_words(std::uint64_t bytes_per_s);             // "35 MB/s"; "-" for 0
std::string percent(std::uint64_t part, std::uint64_t whole);  // "52 %"; "100 %" only when all is there; "-" of nothing
// "[#####-----]" of `columns` columns.
std::string bar(std::uint64_t part, std::uint64_t whole, std::size_t columns);

}  // namespace sluice::cli

// copy.h - a copy of the whole journal in a file beside it: whole and durable under its name, or not there.
#pragma once

#include <cstdint>
#include <filesystem>

#include "core/journal/sqlite.h"

namespace sluice::journal {

// A presigned URL outlives neither its hour nor the journal (P2), and a copy may lie there for years. Only one that
// shall take the journal's place keeps them.
enum class Urls : std::uint8_t { kForgotten, kKept };

// Makes `copy`, mode 0600. What an earlier one left under its name and ".part" is overwritten.
// Throws  JournalError kFull, kIo, or what the database's own reading throws.
void keep_copy(Database& database, std::filesystem::path const& copy, Urls urls);

}  // namespace sluice::journal

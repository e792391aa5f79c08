// open.h - opens or creates the journal's file, safely, and makes sure that it is ours.
//
// For core/journal and its tests. What durability needs is here in one place: one process, one
// connection, WAL, synchronous=FULL, locking_mode=EXCLUSIVE before the first access to the log.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "core/journal/migrate.h"
#include "core/journal/sqlite.h"

namespace sluice::journal {

inline constexpr std::int64_t kApplicationId = 0x534C5549;  // "SLUI": what `file` and we know a journal by

// Opens, or creates with mode 0600, then checks and migrates.
// Throws  JournalError: kLocked, kNewer, kDamaged, kFull, kIo. A file that is refused is not changed.
std::unique_ptr<Database> open_database(std::filesystem::path const& file, std::span<Migration const> all);

// Why a journal may not lie on a file system of this type (statfs's f_type); nothing if it may. Network
// file systems and FUSE keep no promise about locks, fsync or the shared order of writes that WAL needs.
std::optional<std::string_view> refused_file_system(std::uint64_t type);

}  // namespace sluice::journal

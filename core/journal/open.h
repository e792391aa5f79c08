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
#include <string>
#include <string_view>

#include "core/journal/journal.h"
#include "core/journal/migrate.h"
#include "core/journal/sqlite.h"

namespace sluice::journal {

inline constexpr std::int64_t kApplicationId = 0x534C5549;  // "SLUI": what `file` and we know a journal by

// Opens, or creates with mode 0600, then checks and migrates.
// `vfs` names the SQLite VFS that holds the file; "" is the system's, and only there are the file's mode, type
// and file system looked at.
// What the log holds is in the database afterwards, written and synced anew: after a failed sync the kernel
// may call pages clean that never reached the disk, and only a fresh write makes them durable. Where the disk is full
// that is left to the journal's first transaction.
// Throws  JournalError: kLocked, kNewer, kDamaged, kFull, kIo. A file that is refused is not changed.
std::unique_ptr<Database> open_database(std::filesystem::path const& file, std::span<Migration const> all,
                                        std::string const& vfs = {}, Check check = Check::kWhole);

// Refuses what is no journal of ours, or of a newer Sluice, before anything is written to it. An empty database is
// fine. Throws  JournalError: kDamaged, kNewer.
void check_identity(Database& database, std::filesystem::path const& file, int newest);

// Why a journal may not lie on a file system of this type (statfs's f_type); nothing if it may. Network
// file systems and FUSE keep no promise about locks, fsync or the shared order of writes that WAL needs.
std::optional<std::string_view> refused_file_system(std::uint64_t type);

}  // namespace sluice::journal

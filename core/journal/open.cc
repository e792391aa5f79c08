#include "core/journal/open.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "core/journal/folder_owner.h"

namespace sluice::journal {
namespace {

using Kind = JournalError::Kind;

[[noreturn]] void refuse(Kind kind, std::filesystem::path const& file, std::string const& why) {
  throw JournalError(kind, "journal " + file.string() + ": " + why);
}

[[noreturn]] void refuse_errno(std::filesystem::path const& file, std::string const& doing, int error) {
  auto const kind = error == ENOSPC || error == EDQUOT ? Kind::kFull : Kind::kIo;
  refuse(kind, file, doing + ": " + std::generic_category().message(error) + owner_trouble(file));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor const&) = delete;
  Descriptor& operator=(Descriptor const&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::filesystem::path folder_of(std::filesystem::path const& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

void check_file_system(std::filesystem::path const& file) {
  struct statfs facts {};
  if (::statfs(folder_of(file).c_str(), &facts) != 0) refuse_errno(file, "its folder cannot be looked at", errno);
  if (auto const why = refused_file_system(static_cast<std::uint64_t>(facts.f_type)))
    refuse(Kind::kIo, file, std::string(*why) + ": the journal must lie on a local disk; set state_dir to one");
}

// Makes the empty file, and its name durable. The descriptor is closed before SQLite opens the file:
// closing any later one in this process would drop SQLite's lock (howtocorrupt.html, measured).
void create_empty(std::filesystem::path const& file) {
  {
    Descriptor const made(::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (made.get() < 0) refuse_errno(file, "it cannot be created", errno);
    give_to_owner_of_folder(made.get(), file);
  }
  Descriptor const folder(::open(folder_of(file).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || ::fsync(folder.get()) != 0) refuse_errno(file, "its folder cannot be synced", errno);
}

// Returns whether the file was there.
bool ensure_file(std::filesystem::path const& file) {
  struct stat facts {};
  if (::lstat(file.c_str(), &facts) != 0) {
    if (errno != ENOENT) refuse_errno(file, "it cannot be looked at", errno);
    create_empty(file);
    return false;
  }
  if (!S_ISREG(facts.st_mode)) refuse(Kind::kIo, file, "it is not a regular file");
  // Presigned URLs are in there (P2); SQLite gives the log the mode of the database.
  if ((facts.st_mode & 077) != 0 && ::chmod(file.c_str(), 0600) != 0)
    refuse_errno(file, "others may read it, and its mode cannot be set to 0600", errno);
  return true;
}

void configure(Database& database, std::filesystem::path const& file) {
  database.run("PRAGMA mmap_size = 0");        // I/O errors must come back as errors, not as SIGBUS
  database.run("PRAGMA cache_size = -65536");  // KiB, as far as it is used: the keys of manifests come in no order
  database.run("PRAGMA temp_store = MEMORY");  // no files outside the state directory
  database.run("PRAGMA trusted_schema = OFF");
  database.run("PRAGMA foreign_keys = ON");
  // A new file gets its mode by a rollback journal. If the power brought that back after its removal, it would roll
  // everything back that came after; EXTRA syncs the folder, too.
  database.run("PRAGMA synchronous = EXTRA");
  auto const mode = database.text("PRAGMA journal_mode = WAL");
  if (mode != "wal")
    refuse(Kind::kIo, file, "SQLite cannot use a write-ahead log here (journal_mode is '" + mode + "')");
  database.run("PRAGMA synchronous = FULL");  // NORMAL loses acknowledged rows at a power cut (measured)
  // wal_autocheckpoint is off already: Database put its own hook in the place of SQLite's, and the pragma
  // would take that out. Checkpoints are the journal's: after a commit, or when idle.
}

void write_log_back(Database& database) {
  try {
    database.write_log_back();
  } catch (JournalError const& error) {
    if (error.kind() != Kind::kFull) throw;
    database.leave_log();  // a full disk does not keep the daemon from starting, only from its first transaction
  }
}

}  // namespace

void check_identity(Database& database, std::filesystem::path const& file, int newest) {
  auto const application = database.integer("PRAGMA application_id");
  auto const version = database.integer("PRAGMA user_version");
  if (application == 0 && version == 0 && database.integer("SELECT count(*) FROM sqlite_schema") == 0) return;
  if (application != kApplicationId)
    refuse(Kind::kDamaged, file,
           "it is an SQLite database of another program (application_id " + std::to_string(application) +
               "); give Sluice a state_dir of its own");
  if (version > newest)
    refuse(Kind::kNewer, file,
           "it was written by a newer Sluice (schema " + std::to_string(version) + ", this one knows " +
               std::to_string(newest) +
               "); install that version again, or go back to the copy that "
               "it left beside it, " +
               file.filename().string() + ".before-" + std::to_string(newest + 1));
}

std::optional<std::string_view> refused_file_system(std::uint64_t type) {
  switch (type & 0xFFFFFFFF) {  // f_type is signed on some machines; the magic numbers are 32 bits (statfs(2))
    case 0x6969: return "its folder is on NFS";
    case 0x517B:
    case 0xFF534D42:
    case 0xFE534D42: return "its folder is on an SMB or CIFS share";
    case 0x65735546: return "its folder is on a FUSE file system";
    case 0x01021997: return "its folder is on a 9p share";
    case 0x00C36400: return "its folder is on CephFS";
    default: return std::nullopt;
  }
}

std::unique_ptr<Database> open_database(std::filesystem::path const& file, std::span<Migration const> all,
                                        std::string const& vfs, Check check) {
  if (vfs.empty()) check_file_system(file);
  auto const was_there = !vfs.empty() || ensure_file(file);
  auto database = std::make_unique<Database>(file.string(), vfs);
  // Before anything is read: in this mode the first access to the log takes the lock for good, and no
  // shared memory is ever made.
  database->run("PRAGMA locking_mode = EXCLUSIVE");
  check_identity(*database, file, all.empty() ? 0 : all.back().number);
  configure(*database, file);
  if (was_there) {
    if (check == Check::kWhole) database->check_whole();
    write_log_back(*database);
  }
  migrate(*database, file, all);
  return database;
}

}  // namespace sluice::journal

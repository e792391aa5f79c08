// The SQLite side of SimDisk: a VFS of version 1, enough for one connection in exclusive mode.
#include <sqlite3.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "tests/sim/sim_disk.h"

namespace sluice::sim {

// SQLite's C callbacks, gathered in one friend of SimDisk. No exception may cross them.
struct DiskVfs {
  using File = SimDisk::File;
  struct Handle {
    sqlite3_file base;  // first: SQLite sees only this
    SimDisk* disk;
    std::shared_ptr<File> file;
  };

  static Handle& of(sqlite3_file* file) { return *reinterpret_cast<Handle*>(file); }
  static SimDisk& of(sqlite3_vfs* vfs) { return *static_cast<SimDisk*>(vfs->pAppData); }

  static int code_of(DiskError error, int io_code) {
    switch (error) {
      case DiskError::kFull: return SQLITE_FULL;
      case DiskError::kReadOnly: return SQLITE_READONLY;
      case DiskError::kNoDescriptors: return SQLITE_CANTOPEN;
      case DiskError::kIo: break;
    }
    return io_code;
  }

  static int close(sqlite3_file* file) {
    of(file).~Handle();
    return SQLITE_OK;
  }

  static int read(sqlite3_file* file, void* into, int bytes, sqlite3_int64 offset) {
    auto& handle = of(file);
    if (auto const error = handle.disk->trouble(DiskCall::kRead)) return code_of(*error, SQLITE_IOERR_READ);
    auto const& seen = handle.file->seen;
    auto const at = std::min(static_cast<std::size_t>(offset), seen.size());
    auto const count = std::min(static_cast<std::size_t>(bytes), seen.size() - at);
    std::memcpy(into, seen.data() + at, count);
    if (count == static_cast<std::size_t>(bytes)) return SQLITE_OK;
    std::memset(static_cast<char*>(into) + count, 0, static_cast<std::size_t>(bytes) - count);
    return SQLITE_IOERR_SHORT_READ;
  }

  static int write(sqlite3_file* file, void const* from, int bytes, sqlite3_int64 offset) {
    auto& handle = of(file);
    auto const text = std::string_view(static_cast<char const*>(from), static_cast<std::size_t>(bytes));
    if (auto const error = handle.disk->trouble(DiskCall::kWrite)) {
      // Some of it may have got there before the trouble came.
      if (!handle.disk->frozen_ && bytes > 1)
        handle.disk->write(*handle.file, static_cast<std::uint64_t>(offset), text.substr(0, text.size() / 2));
      return code_of(*error, SQLITE_IOERR_WRITE);
    }
    handle.disk->write(*handle.file, static_cast<std::uint64_t>(offset), text);
    return SQLITE_OK;
  }

  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    auto& handle = of(file);
    if (auto const error = handle.disk->trouble(DiskCall::kTruncate)) return code_of(*error, SQLITE_IOERR_TRUNCATE);
    handle.disk->truncate(*handle.file, static_cast<std::uint64_t>(size));
    return SQLITE_OK;
  }

  static int sync(sqlite3_file* file, int) {
    auto& handle = of(file);
    if (!handle.disk->frozen_ && handle.disk->dies_before_sync_ && handle.disk->dies_before_sync_())
      handle.disk->freeze();
    auto const error = handle.disk->trouble(DiskCall::kSync);
    if (handle.disk->frozen_) return SQLITE_IOERR_FSYNC;
    if (error) {
      handle.disk->fail_sync(*handle.file);
      return code_of(*error, SQLITE_IOERR_FSYNC);
    }
    handle.disk->sync(*handle.file);
    return SQLITE_OK;
  }

  static int size(sqlite3_file* file, sqlite3_int64* size) {
    auto& handle = of(file);
    if (auto const error = handle.disk->trouble(DiskCall::kSize)) return code_of(*error, SQLITE_IOERR_FSTAT);
    *size = static_cast<sqlite3_int64>(handle.file->seen.size());
    return SQLITE_OK;
  }

  static int lock(sqlite3_file*, int) { return SQLITE_OK; }
  static int check_reserved(sqlite3_file*, int* reserved) { return *reserved = 0, SQLITE_OK; }
  static int control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
  static int sector_size(sqlite3_file*) { return 4096; }
  static int traits(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }  // as SQLite's own VFS for Unix says

  static int open(sqlite3_vfs* vfs, char const* name, sqlite3_file* file, int flags, int* out_flags) {
    static constexpr sqlite3_io_methods kMethods = {.iVersion = 1,
                                                    .xClose = close,
                                                    .xRead = read,
                                                    .xWrite = write,
                                                    .xTruncate = truncate,
                                                    .xSync = sync,
                                                    .xFileSize = size,
                                                    .xLock = lock,
                                                    .xUnlock = lock,
                                                    .xCheckReservedLock = check_reserved,
                                                    .xFileControl = control,
                                                    .xSectorSize = sector_size,
                                                    .xDeviceCharacteristics = traits,
                                                    .xShmMap = nullptr,
                                                    .xShmLock = nullptr,
                                                    .xShmBarrier = nullptr,
                                                    .xShmUnmap = nullptr,
                                                    .xFetch = nullptr,
                                                    .xUnfetch = nullptr};
    auto& disk = of(vfs);
    file->pMethods = nullptr;  // SQLite then does not close what was never open
    if (auto const error = disk.trouble(DiskCall::kOpen)) return code_of(*error, SQLITE_CANTOPEN);
    auto found = disk.files_.find(name == nullptr ? "" : name);
    if (found == disk.files_.end()) {
      if ((flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
      found = disk.files_.emplace(name == nullptr ? "" : name, std::make_shared<File>()).first;
    }
    new (file) Handle{.base = {.pMethods = &kMethods}, .disk = &disk, .file = found->second};
    if (out_flags != nullptr) *out_flags = flags;
    return SQLITE_OK;
  }

  static int remove(sqlite3_vfs* vfs, char const* name, int sync_folder) {
    auto& disk = of(vfs);
    if (auto const error = disk.trouble(DiskCall::kDelete)) return code_of(*error, SQLITE_IOERR_DELETE);
    auto const found = disk.files_.find(name);
    if (found == disk.files_.end()) return SQLITE_IOERR_DELETE_NOENT;
    if (sync_folder == 0) disk.removed_[name] = found->second;
    disk.files_.erase(found);
    return SQLITE_OK;
  }

  static int access(sqlite3_vfs* vfs, char const* name, int, int* result) {
    *result = of(vfs).files_.contains(name) ? 1 : 0;
    return SQLITE_OK;
  }

  static int full_path(sqlite3_vfs*, char const* name, int bytes, char* out) {
    sqlite3_snprintf(bytes, out, "%s", name);
    return SQLITE_OK;
  }

  static int randomness(sqlite3_vfs* vfs, int bytes, char* out) {
    for (int i = 0; i < bytes; ++i) out[i] = static_cast<char>(of(vfs).dice_.bits());
    return bytes;
  }

  static int sleep(sqlite3_vfs*, int microseconds) { return microseconds; }
  static int current_time(sqlite3_vfs*, double* days) { return *days = 2'461'253.5, SQLITE_OK; }
  static int last_error(sqlite3_vfs*, int, char*) { return 0; }
};

// One thread and no statistics: a third of the cost of a short transaction is in locks that nobody needs here.
void configure_sqlite() {
  static bool const kDone = sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) == SQLITE_OK &&
                            sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK;
  if (!kDone) std::abort();
}

SimDisk::SimDisk(std::uint64_t seed, Image files) : vfs_(std::make_unique<sqlite3_vfs>()), dice_(seed, 5) {
  configure_sqlite();
  static std::uint64_t counter = 0;
  name_ = "sluice-sim-" + std::to_string(++counter);
  for (auto& [name, bytes] : files)
    files_[name] = std::make_shared<File>(File{.seen = bytes, .held = bytes, .name_held = true});
  *vfs_ = {.iVersion = 1,
           .szOsFile = sizeof(DiskVfs::Handle),
           .mxPathname = 512,
           .pNext = nullptr,
           .zName = name_.c_str(),
           .pAppData = this,
           .xOpen = DiskVfs::open,
           .xDelete = DiskVfs::remove,
           .xAccess = DiskVfs::access,
           .xFullPathname = DiskVfs::full_path,
           .xDlOpen = nullptr,
           .xDlError = nullptr,
           .xDlSym = nullptr,
           .xDlClose = nullptr,
           .xRandomness = DiskVfs::randomness,
           .xSleep = DiskVfs::sleep,
           .xCurrentTime = DiskVfs::current_time,
           .xGetLastError = DiskVfs::last_error,
           .xCurrentTimeInt64 = nullptr,
           .xSetSystemCall = nullptr,
           .xGetSystemCall = nullptr,
           .xNextSystemCall = nullptr};
  if (sqlite3_vfs_register(vfs_.get(), 0) != SQLITE_OK) std::abort();
}

SimDisk::~SimDisk() { sqlite3_vfs_unregister(vfs_.get()); }

}  // namespace sluice::sim

#include "daemon/journal_seal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "core/journal/folder_owner.h"
#include "core/journal/journal.h"
#include "daemon/unique_fd.h"

namespace sluice::daemon {

namespace fs = std::filesystem;
using journal::JournalError;

namespace {

constexpr std::size_t kPieceBytes = 256 * 1024;
constexpr std::size_t kLineMax = 128;

struct StateCloser {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

// The line of a journal: nothing if it cannot be read, or if its log holds commits of its own.
std::optional<std::string> line_of(fs::path const& journal_file) {
  struct stat facts {};
  if (::stat((journal_file.string() + "-wal").c_str(), &facts) == 0 && facts.st_size > 0) return std::nullopt;
  UniqueFd const fd(::open(journal_file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  std::unique_ptr<XXH3_state_t, StateCloser> const state(XXH3_createState());
  if (!fd || !state) return std::nullopt;
  XXH3_128bits_reset(state.get());
  std::vector<std::byte> piece(kPieceBytes);
  long long bytes = 0;
  while (true) {
    auto const got = ::read(fd.get(), piece.data(), piece.size());
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    XXH3_128bits_update(state.get(), piece.data(), static_cast<std::size_t>(got));
    bytes += got;
  }
  auto const digest = XXH3_128bits_digest(state.get());
  std::array<char, kLineMax> line{};
  std::snprintf(line.data(), line.size(), "sluice journal closed at %lld bytes, xxh3 %016llx%016llx\n", bytes,
                static_cast<unsigned long long>(digest.high64), static_cast<unsigned long long>(digest.low64));
  return std::string(line.data());
}

// False where nothing is known: it took too long, somebody else has it open, or there is no space for its log.
bool passes(fs::path const& journal_file, std::function<bool()> const& give_up) {
  try {
    return journal::check_closed(journal_file, give_up);
  } catch (JournalError const& error) {
    if (error.kind() != JournalError::Kind::kFull && error.kind() != JournalError::Kind::kLocked) throw;
    return false;
  }
}

}  // namespace

JournalSeal::JournalSeal(fs::path const& journal_file)
    : journal_file_(journal_file), file_(journal_file.parent_path() / "journal.seal") {}

bool JournalSeal::holds() const {
  UniqueFd const fd(::open(file_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  std::array<char, kLineMax> bytes{};
  auto const size = fd ? ::read(fd.get(), bytes.data(), bytes.size()) : -1;
  if (size <= 0) return false;
  return line_of(journal_file_) == std::string(bytes.data(), static_cast<std::size_t>(size));
}

// What is sealed is the file as it was before the check: what is damaged in between does not fit the seal.
bool JournalSeal::put(std::function<bool()> const& give_up) const {
  auto const line = line_of(journal_file_);
  if (!line || !passes(journal_file_, give_up)) return false;
  auto const half = file_.string() + ".part";
  {
    UniqueFd const fd(::open(half.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd || ::write(fd.get(), line->data(), line->size()) != static_cast<ssize_t>(line->size())) return false;
    journal::give_to_owner_of_folder(fd.get(), half);
  }
  std::error_code error;
  fs::rename(half, file_, error);
  return !error;
}

}  // namespace sluice::daemon

#include "daemon/journal_place.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "core/base/text.h"

namespace sluice::daemon {

namespace fs = std::filesystem;
using journal::JournalError;

namespace {

// The log first: without it the database is an older state, and never the other way round.
constexpr std::array kParts = {"-wal", "-shm", ""};

[[noreturn]] void failed(std::string const& doing, fs::path const& file) {
  throw JournalError(JournalError::Kind::kIo, printable(file.string()) + ": " + doing + ": " +
                                                  std::generic_category().message(errno) +
                                                  "; mend that, and run sluice journal rebuild again");
}

void rename_or_throw(fs::path const& from, fs::path const& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) failed("it cannot be renamed", from);
}

void sync(fs::path const& path) {
  UniqueFd const fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) failed("it cannot be synced", path);
}

fs::path with(fs::path const& file, std::string const& more) { return file.string() + more; }

bool is_there(fs::path const& file) {
  struct stat facts {};
  return ::lstat(file.c_str(), &facts) == 0;
}

// "20261122T030405Z"
std::string stamp(WallTime now) {
  auto text = to_rfc3339(std::chrono::floor<std::chrono::seconds>(now));
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

}  // namespace

JournalPlace::JournalPlace(fs::path journal_file)
    : file_(std::move(journal_file)), workshop_(with(file_, ".rebuilding")) {}

fs::path JournalPlace::clean_workshop() const {
  for (auto const* part : kParts)
    if (::unlink(with(workshop_, part).c_str()) != 0 && errno != ENOENT)
      failed("what a rebuild left cannot be removed", with(workshop_, part));
  return workshop_;
}

fs::path JournalPlace::free_name(std::string const& more, WallTime now) const {
  auto name = with(file_, more + stamp(now));
  while (std::ranges::any_of(kParts, [&](auto const* part) { return is_there(with(name, part)); }))
    name = with(name, "+");
  return name;
}

// The database goes last: while it is not there under the name that a cut-off rebuild began with, what lies here is
// still the old one.
fs::path JournalPlace::name_aside(JournalMark const& mark, WallTime now) const {
  if (auto const begun = mark.begun_rebuild()) {
    auto const same = file_.parent_path() / *begun;
    auto const taken = [&](auto const* part) { return is_there(with(same, part)) && is_there(with(file_, part)); };
    if (!is_there(same) && std::ranges::none_of(kParts, taken)) return same;
  }
  return free_name(".before-rebuild-", now);
}

std::string JournalPlace::exchange(JournalMark& mark, std::string const& id, journal::RowId last_event,
                                   WallTime now) const {
  if (auto const other = journal::opener_of(file_))
    throw JournalError(JournalError::Kind::kLocked,
                       printable(file_.string()) + " is in use by " + *other +
                           ": stop that one (systemctl stop sluiced); nothing was changed");
  sync(workshop_);
  auto const aside = name_aside(mark, now);
  mark.begin_rebuild(aside.filename().string());
  auto moved = false;
  for (auto const* part : kParts) {
    if (!is_there(with(file_, part))) continue;
    rename_or_throw(with(file_, part), with(aside, part));
    moved = true;
  }
  rename_or_throw(workshop_, file_);
  sync(file_.parent_path());
  mark.placed(id, last_event);
  return moved ? aside.string() : std::string();
}

}  // namespace sluice::daemon

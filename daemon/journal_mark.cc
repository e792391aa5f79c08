#include "daemon/journal_mark.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <system_error>
#include <utility>

#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/journal/folder_owner.h"
#include "daemon/journal_watch.h"

namespace sluice::daemon {

namespace fs = std::filesystem;
using journal::JournalError;

namespace {

constexpr std::string_view kFront = "sluice journal ";
constexpr std::string_view kRebuilding = "being rebuilt";
constexpr std::string_view kSetAside = ", the old one as ";
constexpr std::size_t kBytesMax = 256;
constexpr off_t kHeaderBytes = 100;  // of every SQLite database (fileformat2.html)

// One line, always of one length, so that a note overwrites it whole and within one sector.
std::string line_of(std::string const& id, journal::RowId last_event) {
  std::array<char, kBytesMax> line{};
  auto const size = std::snprintf(line.data(), line.size(), "%s%s event %020lld\n", kFront.data(), id.c_str(),
                                  static_cast<long long>(last_event));
  return {line.data(), static_cast<std::size_t>(size)};
}

[[noreturn]] void io_failed(fs::path const& file, std::string const& doing) {
  auto const error = errno;
  auto const kind = error == ENOSPC || error == EDQUOT ? JournalError::Kind::kFull : JournalError::Kind::kIo;
  auto const owner = journal::owner_trouble(file);
  throw JournalError(kind, printable(file.string()) + " cannot be " + doing + ": " +
                               std::generic_category().message(error) +
                               (owner.empty() ? "; it must be writable beside the journal" : owner));
}

void sync_folder(fs::path const& file) {
  UniqueFd const folder(::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0) io_failed(file, "made durable");
}

}  // namespace

JournalMark::JournalMark(fs::path journal_file)
    : journal_file_(std::move(journal_file)), file_(journal_file_.parent_path() / "journal.id") {}

void JournalMark::refuse(std::string const& why) const {
  throw JournalError(
      JournalError::Kind::kDamaged,
      "journal " + printable(journal_file_.string()) + ": " + why +
          ". Nothing was started or changed. Put the newest journal back; or run: sluice journal rebuild, which makes "
          "a new one from the platform's lists and the sources, so that nothing complete is sent again (for the "
          "journal of `sluice ingest`: sluice journal rebuild PATH...). Only to begin anew all the same, with "
          "every file that still lies in a source uploaded once more: move " +
          printable(journal_file_.string()) + "* away and remove " + printable(file_.string()));
}

std::optional<std::string> JournalMark::read_text() const {
  UniqueFd const fd(::open(file_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd && errno == ENOENT) return std::nullopt;
  std::array<char, kBytesMax> bytes{};
  auto const size = fd ? ::read(fd.get(), bytes.data(), bytes.size()) : -1;
  if (size < 0) io_failed(file_, "read");
  return std::string(bytes.data(), static_cast<std::size_t>(size));
}

std::optional<JournalMark::Content> JournalMark::read() const {
  auto const whole = read_text();
  if (!whole) return std::nullopt;
  auto text = std::string_view(*whole);
  if (text.starts_with(kFront)) text.remove_prefix(kFront.size());
  if (text.starts_with(kRebuilding)) return Content{};
  Content content{.id = std::string(text.substr(0, 26)), .last_event = 0};
  auto const digits = text.size() > 33 ? text.substr(33) : std::string_view();
  std::from_chars(digits.data(), digits.data() + digits.size(), content.last_event);
  if (!is_ulid(content.id) || line_of(content.id, content.last_event) != *whole)
    refuse("the mark beside it, " + printable(file_.string()) +
           ", cannot be read; if the journal is known to be the newest, "
           "remove that file alone");
  return content;
}

void JournalMark::check_before_open() const {
  auto const mark = read();
  if (!mark) return;
  if (mark->id.empty()) refuse("a rebuild of it did not come to its end");
  struct stat facts {};
  if (::stat(journal_file_.c_str(), &facts) != 0 && errno == ENOENT)
    refuse("it is not there, although there was one: " + printable(file_.string()) + " says so");
  // SQLite takes a file this short for a new database.
  if (facts.st_size < kHeaderBytes)
    refuse("it is empty, although there was one: " + printable(file_.string()) + " says so");
}

std::string JournalMark::ensure_id(journal::Journal& journal, WallTime now, ports::Random& random) {
  if (auto const known = journal.meta(journal::kIdKey)) return *known;
  auto const id = make_ulid(now, random.bits(), random.bits());
  journal.begin();
  journal.set_meta(journal::kIdKey, id);
  journal.commit();
  return id;
}

void JournalMark::check_against(std::optional<std::string> const& id, journal::RowId last_event) const {
  auto const mark = read();
  if (!mark) return;
  if (mark->id != id)
    refuse("it is not the one that belongs here, " + mark->id + ", which " + printable(file_.string()) + " names");
  if (last_event < mark->last_event)
    refuse("it is older than it was, or its last commits are lost: its newest event is " + std::to_string(last_event) +
           ", and it had come to " + std::to_string(mark->last_event));
}

bool JournalMark::adopt(journal::Journal& journal, WallTime now, ports::Random& random) {
  auto const last_event = journal.last_event();
  auto const known = journal.meta(journal::kIdKey);
  check_against(known, last_event);
  auto const is_new = !known && last_event == 0;
  if (is_new) {  // before it has its id: cut off in between, it is new once more
    journal.begin();
    journal.set_meta(kMadeAtKey, std::to_string(to_unix_ms(now)));
    journal.commit();
  }
  auto const id = ensure_id(journal, now, random);
  auto const mark = read();
  if (!mark) write_anew(line_of(id, last_event));
  open_to_note();
  id_ = id;
  noted_ = mark ? mark->last_event : last_event;
  return is_new;
}

void JournalMark::open_to_note() {
  fd_.reset(::open(file_.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd_) io_failed(file_, "opened");
}

bool JournalMark::note(journal::RowId last_event) {
  if (last_event <= noted_) return true;
  auto const line = line_of(id_, last_event);
  if (::pwrite(fd_.get(), line.data(), line.size(), 0) != static_cast<ssize_t>(line.size())) return false;
  noted_ = last_event;
  return true;
}

bool JournalMark::put_back() {
  if (!fd_ || !is_gone(file_, identity_of(fd_.get()))) return false;
  write_anew(line_of(id_, noted_));
  open_to_note();
  return true;
}

// Whole or not at all, and durable.
void JournalMark::write_anew(std::string const& text) const {
  auto const half = file_.string() + ".part";
  {
    UniqueFd const fd(::open(half.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::fsync(fd.get()) != 0)
      io_failed(half, "written");
    journal::give_to_owner_of_folder(fd.get(), half);
  }
  if (::rename(half.c_str(), file_.c_str()) != 0) io_failed(file_, "put into place");
  sync_folder(file_);
}

void JournalMark::begin_rebuild(std::string const& aside) {
  write_anew(std::string(kFront).append(kRebuilding).append(kSetAside).append(aside).append("\n"));
}

std::optional<std::string> JournalMark::begun_rebuild() const {
  auto const text = read_text().value_or("");
  auto const front = std::string(kFront).append(kRebuilding).append(kSetAside);
  if (!text.starts_with(front) || !text.ends_with('\n') || text.contains('/')) return std::nullopt;
  return text.substr(front.size(), text.size() - front.size() - 1);
}

void JournalMark::placed(std::string const& id, journal::RowId last_event) { write_anew(line_of(id, last_event)); }

}  // namespace sluice::daemon

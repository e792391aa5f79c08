// journal_place.h - the files of one journal: made beside, set aside, put into place.
//
// A log (-wal) belongs to the database that it was written for: beside another one SQLite would apply it to
// that one. So all files of a journal move together, while its mark says that a rebuild is under way.
#pragma once

#include <filesystem>
#include <string>

#include "core/base/time.h"
#include "daemon/journal_mark.h"

namespace sluice::daemon {

class JournalPlace {
 public:
  explicit JournalPlace(std::filesystem::path journal_file);

  std::filesystem::path const& file() const { return file_; }
  // Where the new journal is made. What a killed rebuild left there is removed.
  std::filesystem::path clean_workshop() const;

  // The journal made in the workshop, closed, becomes the journal; what was there is set aside under a name
  // with the time in it. Killed in between, the mark stays "being rebuilt", and it can be run again: what it finds of
  // the old one comes under the same name then.
  // Returns  the name of the one set aside; "" if there was none.
  // Throws   journal::JournalError kIo; kLocked: somebody has the old one open, and nothing was changed.
  std::string exchange(JournalMark& mark, std::string const& id, journal::RowId last_event, WallTime now) const;

  // A name beside the journal that nothing has, for a copy: its own, `more`, and the time.
  std::filesystem::path free_name(std::string const& more, WallTime now) const;

 private:
  std::filesystem::path name_aside(JournalMark const& mark, WallTime now) const;

  std::filesystem::path file_;
  std::filesystem::path workshop_;
};

}  // namespace sluice::daemon

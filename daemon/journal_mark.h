// journal_mark.h - the small file beside the journal that says which journal belongs there, and how far it came.
//
// A journal that was deleted, cut to nothing or replaced by an older copy looks, from inside, like a new or a
// good one; starting on it would upload every file again. So `journal.id` lies beside it: the journal's id and
// its newest event. A start on a journal that is missing, is another, or is behind its mark is refused with
// instructions (docs/JOURNAL.md). The mark is written after each commit and never synced: after a power cut it
// may be behind the journal, which is harmless, and never ahead. While a rebuild puts its journal into place
// the mark says so, and nothing starts.
//
// What it cannot see: that the whole state directory, mark and all, was set back to an earlier day.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/journal/journal.h"
#include "core/ports/random.h"
#include "daemon/unique_fd.h"

namespace sluice::daemon {

// In meta: when the daemon found no journal and made this one, in ms. A rebuilt one has none.
inline constexpr char kMadeAtKey[] = "journal_made_at_ms";

class JournalMark {
 public:
  explicit JournalMark(std::filesystem::path journal_file);

  // Before the journal is opened: opening a missing one would make a new one.
  // Throws  JournalError kDamaged: the journal is missing or empty although there was one, or a rebuild did
  //         not come to its end. The text names the next command.
  void check_before_open() const;

  // Once it can be read. Throws  JournalError kDamaged: another journal, or an older state of it.
  void check_against(std::optional<std::string> const& id, journal::RowId last_event) const;

  // After it was opened: check_against(), gives a new journal its id and notes when that was (kMadeAtKey), and makes
  // the mark if there is none.
  // Returns  whether it is a new journal, in which nothing ever happened.
  // Throws   JournalError: kDamaged as above; kFull, kIo: the mark cannot be written.
  bool adopt(journal::Journal& journal, WallTime now, ports::Random& random);

  // After a commit: writes how far the journal came, if it came further. False if that failed.
  bool note(journal::RowId last_event);

  // Makes the mark anew where it was removed or exchanged since it was adopted: the journal that is open is the truth.
  // Returns  whether it did. Throws  JournalError: it cannot be written.
  bool put_back();

  // For a rebuild. From begin_rebuild() on nothing may start, until placed() says that the new journal, of
  // this id, lies under its name. `aside` is the file name that the old one is given. Throw  JournalError kIo.
  void begin_rebuild(std::string const& aside);
  // That name, of a rebuild which was cut off; nothing if none was.
  std::optional<std::string> begun_rebuild() const;
  void placed(std::string const& id, journal::RowId last_event);

  // The journal's id; it gets one if it has none.
  static std::string ensure_id(journal::Journal& journal, WallTime now, ports::Random& random);

  std::filesystem::path const& file() const { return file_; }

 private:
  struct Content {
    std::string id;  // "" while a rebuild puts its journal into place
    journal::RowId last_event = 0;
  };
  std::optional<Content> read() const;  // nothing: there is no mark
  void open_to_note();
  std::optional<std::string> read_text() const;
  void write_anew(std::string const& text) const;
  [[noreturn]] void refuse(std::string const& why) const;

  std::filesystem::path journal_file_;
  std::filesystem::path file_;
  UniqueFd fd_;
  std::string id_;
  journal::RowId noted_ = 0;
};

}  // namespace sluice::daemon

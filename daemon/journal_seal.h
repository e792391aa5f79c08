// journal_seal.h - the digest of a journal that was closed in peace, so that the next start need not check it whole.
//
// SQLite's whole check reads every row of every index: 8 s for a million items (measured). It is needed after a
// crash or on a file that somebody touched. A file that is, byte by byte, the one that was closed in peace needs
// none: reading it once (XXH3-128, 0.2 s for the same million) proves that, and sees a flipped bit, a cut and an
// exchanged file alike. `journal.seal` lies beside the journal. It is never synced and never removed: a seal that
// does not hold, or cannot be read, only means that the check is made.
#pragma once

#include <filesystem>

namespace sluice::daemon {

class JournalSeal {
 public:
  explicit JournalSeal(std::filesystem::path const& journal_file);
  ~JournalSeal();  // makes the seal, if wanted: after the journal was closed
  JournalSeal(JournalSeal const&) = delete;
  JournalSeal& operator=(JournalSeal const&) = delete;

  // Whether the journal is, byte by byte, the one that was sealed. Reads it all.
  bool holds() const;

  // The journal is about to be closed, and nothing failed.
  void want() { wanted_ = true; }

 private:
  void put() const;

  std::filesystem::path journal_file_;
  std::filesystem::path file_;
  bool wanted_ = false;
};

}  // namespace sluice::daemon

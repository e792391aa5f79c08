// journal_seal.h - the digest of a journal that was closed in peace, so that the next start need not check it whole.
//
// SQLite's whole check reads every row of every index: 8 s for a million items (measured). It is needed after a
// crash or on a file that somebody touched. A file that is, byte by byte, the one that was closed in peace needs
// none: reading it once (XXH3-128, 0.2 s for the same million) proves that, and sees a flipped bit, a cut and an
// exchanged file alike. So only a file that has just passed that check is sealed: what was damaged while the daemon
// ran must not be blessed by its end. `journal.seal` lies beside the journal. It is never synced and never removed: a
// seal that does not hold, or cannot be read, only means that the check is made.
#pragma once

#include <filesystem>
#include <functional>

namespace sluice::daemon {

class JournalSeal {
 public:
  explicit JournalSeal(std::filesystem::path const& journal_file);

  // Whether the journal is, byte by byte, the one that was sealed. Reads it all.
  bool holds() const;

  // Seals a journal that was closed, once it has passed the whole check. `give_up` is asked whether that takes too
  // long. Returns  whether it is sealed. If not, the next start makes the check. Throws   journal::JournalError
  // kDamaged, with what to do about it, or kIo: it does not pass.
  bool put(std::function<bool()> const& give_up) const;

 private:
  std::filesystem::path journal_file_;
  std::filesystem::path file_;
};

}  // namespace sluice::daemon

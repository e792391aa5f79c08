// put_away.h - moves or deletes a file whose item is at its end, and writes notes beside files (D62 to D66, D71).
//
// Each function is an order that may be given again after a crash at any of its steps, and then comes to the same end:
// what was done already is recognised by the file itself, never by memory. At any instant there is the file, or the
// file and a whole copy of it, or the copy. What is not the file that was sent is never touched: a file that turns out
// to be another one under our hands is put back.
//
// Runs in a lane: touches nothing but the port.
#pragma once

#include <optional>
#include <string>

#include "core/base/error.h"
#include "core/base/template.h"
#include "core/ports/acts.h"

namespace sluice::source {

inline constexpr unsigned kNumbersMax = 1'000;  // "~1" to "~999" before a name counts as taken for good

struct Leaving {
  ports::Place at = {};
  ports::FilePrint print = {};          // of what was sent; all else is another file
  std::string tag = {};                 // names the act: letters, digits and dots; in our temporary names
  std::optional<Template> marker = {};  // the source's ready_marker, for the companions
  std::string sidecar = {};             // the one that it used and may share (companions.h): goes with the last file
};

struct Left {
  ports::Place at = {};   // where the file is now; of a deleted one, where it was
  std::string note = {};  // for people: what did not go quite as one would think
};

// The file is at `to` afterwards, or with "~1", "~2" ... before its extension where that name was taken (D64); across
// file systems as a copy that was written, flushed and read again before the file goes (D63). Its companions follow.
// Fails  kSourceChanged (changed, or replaced), kGone (neither it nor what was made of it is there), kRejected
//        "occupied", and as the port does.
Result<Left> move_away(ports::Acts& acts, Leaving const& file, ports::Place const& to);

// The file is no more, and neither are its companions. One that is not there is no failure.
// Fails  kSourceChanged, and as the port does.
Result<Left> delete_away(ports::Acts& acts, Leaving const& file);

// A small text file of ours.
struct Note {
  ports::Place at = {};
  std::string text = {};
  std::string ours = {};  // what a note begins with that this one replaces: ours, about the same file
  std::string tag = {};
};

// Writes it beside whatever has its name and is no older note of ours. Returns where.
Result<ports::Place> write_note(ports::Acts& acts, Note const& note);
// Removes what write_note() wrote; anything else stays.
Result<void> remove_note(ports::Acts& acts, Note const& note);

}  // namespace sluice::source

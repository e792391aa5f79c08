// carry_out.h - part of ACT: the work in a lane, by an order that holds all that it needs.
//
// Touches nothing but the ports. Recognises what an earlier try has done already (core/source/put_away.h), so that an
// order may be given again after a crash at any of its steps.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "core/base/time.h"
#include "core/journal/rows.h"
#include "core/ports/acts.h"
#include "core/ports/files.h"
#include "core/source/put_away.h"
#include "core/stage/results.h"

namespace sluice::stage {

// The code of an Error: the folder that something is to be moved or written to is not there. That of a source is away
// with kSourceDown.
inline constexpr char kTargetAway[] = "target_away";

// The code of an Error, with its retry_after: nobody can know whether a program still writes to the file.
inline constexpr char kMaybeWritten[] = "maybe_written";

// How long a file must have rested before it is moved or deleted, where writers cannot be seen and nothing proves it
// whole. Being quiet for `settle` is enough to read it, since what comes later is sent again; it is not enough to
// take it away under somebody's hands. Ten minutes are longer than a copy over a network that stalls, a recorder
// between two takes or a tape that spools leave a file alone, and short beside what an upload takes.
inline constexpr Millis kRestUnseen = std::chrono::minutes(10);

struct Order {
  journal::ActKind kind = journal::ActKind::kMove;
  source::Leaving file = {};
  std::string guard_file = {};
  ports::Place target = {};  // of a move; of a note, where it is wanted
  NoteText note = {};
  bool needs_file = false;  // a note beside a file that is still in its folder
  // Of a move or a deletion:
  std::string content_key = {};  // of what was sent, or of what it was found to repeat; "" if nobody knows
  bool is_whole = false;         // its marker or its checksum said so
  WallTime quiet_since = {};     // by this host's clock: it looked different before
  WallTime now = {};             // when the order was given
};

struct Carried {
  source::Left left = {};
  // Nothing was done, since the file has another ctime than what was sent: a chmod, a hard link, a backup. It was read,
  // and is the same; this is its print now.
  std::optional<ports::FilePrint> adopted = {};
};

// Whether it is of no use without the file's own folder.
bool uses_file(Order const& order);

// Fails  kSourceChanged, kGone, kRejected as put_away.h does; kLocal with kSourceDown or kTargetAway where a folder is
//        away; kSourceIo with kMaybeWritten; kSourceIo, kLocal for what may pass.
Result<Carried> carry_out(ports::Acts& acts, ports::Files& files, Order const& order);

// Whether one of the two folders of an order is there, the file's or the target's.
// Fails  kLocal with kSourceDown or kTargetAway: it is not.
Result<void> look_for(std::string const& folder, ports::Acts& acts, ports::Files& files, Order const& order);

}  // namespace sluice::stage

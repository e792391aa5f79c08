#include "core/source/put_away.h"

#include <algorithm>
#include <utility>

#include "core/base/text.h"
#include "core/source/companions.h"

namespace sluice::source {

using ports::Acts;
using ports::FilePrint;
using ports::FileType;
using ports::Place;
using ports::Standing;

namespace {

constexpr std::int64_t kCoarseNs = 2'000'000'000;  // some file systems keep times to two seconds

Place numbered_place(Place const& at, unsigned n) { return {at.folder, numbered(at.path, n)}; }

Place sibling(Place const& at, std::string_view name) {
  auto const folder = directory_of(at.path);
  return {at.folder, folder.empty() ? std::string(name) : std::string(folder).append("/").append(name)};
}

// Hidden, so that no sweep takes it for a file (D13). `end` is "part" or "taken".
Place hidden(Place const& at, std::string const& tag, std::string_view end) {
  return sibling(at, (".sluice-" + tag + ".").append(end));
}

bool is_regular(Standing const& there) { return there.type == FileType::kRegular; }

bool is_untouched(Standing const& there, FilePrint const& print) { return is_regular(there) && there.print == print; }

// The same after a rename, which changes the ctime.
bool is_it(Standing const& there, FilePrint const& print) {
  return is_regular(there) && there.print.inode == print.inode && there.print.size_bytes == print.size_bytes &&
         there.print.mtime_ns == print.mtime_ns;
}

// As far as can be told without reading.
bool may_be_copy(Standing const& there, FilePrint const& print) {
  auto const apart = there.print.mtime_ns - print.mtime_ns;
  return is_regular(there) && there.print.size_bytes == print.size_bytes && apart > -kCoarseNs && apart < kCoarseNs;
}

std::string shown(Place const& at) { return printable(at.folder + "/" + at.path); }

std::unexpected<Error> changed(Place const& at) {
  return fail(Fault::kSourceChanged, shown(at) + " is not the file any more that was sent: it stays where it is",
              "changed");
}

std::unexpected<Error> occupied(Place const& at) {
  return fail(Fault::kRejected, shown(at) + " and " + std::to_string(kNumbersMax - 1) + " names like it are taken",
              "occupied");
}

// What was taken and turned out to be another file goes back, or as near to it as can be.
Result<void> give_back(Acts& acts, Place const& taken, Place const& to) {
  for (unsigned n = 0; n < kNumbersMax; ++n) {
    SLUICE_TRY(renamed, acts.rename(taken, numbered_place(to, n)));
    if (renamed) return acts.sync(to);
  }
  return occupied(to);
}

// Takes a file's name away, so that what is removed is what was looked at.
Result<void> take(Acts& acts, Place const& at, FilePrint const& print, std::string const& tag) {
  auto const taken = hidden(at, tag, "taken");
  SLUICE_TRY(renamed, acts.rename(at, taken));
  if (!renamed) return fail(Fault::kSourceIo, shown(taken) + " is in the way", "busy");
  SLUICE_TRY(there, acts.look(taken));
  if (there && is_it(*there, print)) return {};
  SLUICE_CHECK(give_back(acts, taken, at));
  return changed(at);
}

Result<void> remove_taken(Acts& acts, Place const& at, std::string const& tag) {
  SLUICE_CHECK(acts.remove(hidden(at, tag, "taken")));
  return acts.sync(at);
}

Result<void> discard(Acts& acts, Place const& at, FilePrint const& print, std::string const& tag) {
  SLUICE_CHECK(take(acts, at, print, tag));
  return remove_taken(acts, at, tag);
}

// A life that ended within discard() left the taken file. Returns whether that is the one that is leaving; another one
// has gone back.
Result<bool> was_taken(Acts& acts, Leaving const& file) {
  auto const taken = hidden(file.at, file.tag, "taken");
  SLUICE_TRY(there, acts.look(taken));
  if (!there) return false;
  if (is_it(*there, file.print)) return true;
  SLUICE_CHECK(give_back(acts, taken, file.at));
  return false;
}

// The first of the names at `to` whose file `fits`.
template <class Fits>
Result<std::optional<Place>> find_there(Acts& acts, Place const& to, Fits const& fits) {
  for (unsigned n = 0; n < kNumbersMax; ++n) {
    auto const place = numbered_place(to, n);
    SLUICE_TRY(there, acts.look(place));
    if (!there) break;
    SLUICE_TRY(is_one, fits(place, *there));
    if (is_one) return place;
  }
  return std::nullopt;
}

// Another file than the one that was looked at was renamed: it goes back.
Result<void> take_back(Acts& acts, Place const& from, Place const& to) {
  SLUICE_CHECK(give_back(acts, to, from));
  return changed(from);
}

// What no retry mends leaves no part behind; all else leaves it for the next try.
Result<bool> rename_part(Acts& acts, Place const& part, Place const& to) {
  auto renamed = acts.rename(part, to);
  if (!renamed && renamed.error().fault == Fault::kRejected) static_cast<void>(acts.remove(part));
  return renamed;
}

// A whole, flushed and compared copy at a free name.
Result<Place> copy_to(Acts& acts, Place const& from, FilePrint const& print, Place const& to, std::string const& tag) {
  auto const is_copy = [&](Place const& place, Standing const& there) -> Result<bool> {
    if (!is_regular(there) || there.print.size_bytes != print.size_bytes) return false;
    return acts.same_bytes(from, place);
  };
  SLUICE_TRY(earlier, find_there(acts, to, is_copy));  // of a life that ended before the file went
  if (earlier) {
    SLUICE_CHECK(acts.sync(*earlier));
    return *earlier;
  }
  auto const part = hidden(to, tag, "part");
  SLUICE_CHECK(acts.copy(from, print, part));
  SLUICE_TRY(is_whole, acts.same_bytes(from, part));
  if (!is_whole) {
    SLUICE_CHECK(acts.remove(part));
    return fail(Fault::kSourceIo, "the copy of " + shown(from) + " does not read as it was written", "io");
  }
  for (unsigned n = 0; n < kNumbersMax; ++n) {
    auto const place = numbered_place(to, n);
    SLUICE_TRY(renamed, rename_part(acts, part, place));
    if (!renamed) continue;
    SLUICE_CHECK(acts.sync(place));
    return place;
  }
  SLUICE_CHECK(acts.remove(part));
  return occupied(to);
}

// The file is of that print, and nothing was done to it yet.
Result<Place> put_at(Acts& acts, Place const& from, FilePrint const& print, Place const& to, std::string const& tag) {
  for (unsigned n = 0; n < kNumbersMax; ++n) {
    auto const place = numbered_place(to, n);
    auto const renamed = acts.rename(from, place);
    if (!renamed && renamed.error().code == ports::kOtherDevice) {
      SLUICE_TRY(copied, copy_to(acts, from, print, to, tag));
      SLUICE_CHECK(discard(acts, from, print, tag));
      return copied;
    }
    if (!renamed) return std::unexpected(renamed.error());
    if (!*renamed) continue;
    SLUICE_TRY(there, acts.look(place));
    if (!there || !is_it(*there, print)) {
      SLUICE_CHECK(take_back(acts, from, place));
    }
    SLUICE_CHECK(acts.sync(place));
    SLUICE_CHECK(acts.sync(from));
    return place;
  }
  return occupied(to);
}

using Companion = Result<void> (*)(Acts&, Place const& from, Place const& to, std::string const& tag);

// What stands at a companion's place; one that a dead life had taken away is put back there first.
Result<std::optional<Standing>> companion_at(Acts& acts, Place const& at, std::string const& tag) {
  auto const taken = hidden(at, tag, "taken");
  SLUICE_TRY(leftover, acts.look(taken));
  if (leftover) {
    SLUICE_CHECK(give_back(acts, taken, at));
  }
  SLUICE_TRY(there, acts.look(at));
  return there && is_regular(*there) ? there : std::nullopt;
}

// Whether another file is there that may need the sidecar of this one; what cannot be known counts as one.
bool is_shared_still(Acts& acts, Leaving const& file) {
  auto const name = basename_of(file.at.path);
  return acts.any_beside(file.at, [&](std::string_view other) { return may_share_sidecar(other, name); })
      .value_or(true);
}

// One that stays; only what a dead life had taken away is put back.
Result<void> leave_companion(Acts& acts, Place const& from, Place const&, std::string const& tag) {
  auto const there = companion_at(acts, from, tag);
  return there ? Result<void>() : std::unexpected(there.error());
}

// It is not tried again, so that it gets its name back where it was taken already, and leaves no part of a copy.
void undo(Acts& acts, Place const& from, Place const& to, std::string const& tag) {
  static_cast<void>(companion_at(acts, from, tag));
  static_cast<void>(acts.remove(hidden(to, tag, "part")));
}

// What is done to each companion; what fails is only told, since the file itself has gone.
std::string with_companions(Acts& acts, Leaving const& file, Place const& to, Companion do_it) {
  auto names = companions_of(basename_of(file.at.path), file.marker);
  auto new_names = companions_of(basename_of(to.path), file.marker);
  auto const stays = !file.sidecar.empty() && is_shared_still(acts, file);
  if (!file.sidecar.empty()) {
    names.push_back(file.sidecar);
    new_names.push_back(shared_sidecar_of(file.sidecar, basename_of(to.path)));
  }
  std::string note;
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto const do_this = stays && i + 1 == names.size() ? leave_companion : do_it;
    auto const from = sibling(file.at, names[i]), goes_to = sibling(to, new_names[i]);
    auto const tag = file.tag + ".c" + std::to_string(i);
    auto const done = do_this(acts, from, goes_to, tag);
    if (done) continue;
    undo(acts, from, goes_to, tag);
    note.append(note.empty() ? "" : "; ").append(printable(names[i]) + " stays: " + done.error().text);
  }
  return note;
}

Result<void> move_companion(Acts& acts, Place const& from, Place const& to, std::string const& tag) {
  SLUICE_TRY(there, companion_at(acts, from, tag));
  if (!there) return {};
  SLUICE_TRY(put, put_at(acts, from, there->print, to, tag));
  return {};
}

Result<void> delete_companion(Acts& acts, Place const& from, Place const&, std::string const& tag) {
  SLUICE_TRY(there, companion_at(acts, from, tag));
  return there ? discard(acts, from, there->print, tag) : Result<void>();
}

Left left_at(Acts& acts, Leaving const& file, Place place) {
  auto note = with_companions(acts, file, place, move_companion);
  return {.at = std::move(place), .note = std::move(note)};
}

// The file is not at its place as it was sent. Has an earlier try put it away?
Result<Left> moved_already(Acts& acts, Leaving const& file, Place const& to, std::optional<Standing> const& here) {
  auto const fits = [&](Place const&, Standing const& there) -> Result<bool> {
    return is_it(there, file.print) || (!here && may_be_copy(there, file.print));
  };
  SLUICE_TRY(there, find_there(acts, to, fits));
  if (!there && here) return changed(file.at);
  if (!there) return fail(Fault::kGone, shown(file.at) + " is not there any more", "gone");
  if (here && !is_it(*here, file.print)) return Left{.at = *there, .note = {}};  // the next file of that name
  if (here) SLUICE_CHECK(acts.remove(file.at));  // its second name: some file systems rename in two steps
  return left_at(acts, file, *there);
}

// It was copied, and taken, and then the life ended.
Result<Left> copied_already(Acts& acts, Leaving const& file, Place const& to) {
  auto const taken = hidden(file.at, file.tag, "taken");
  auto const is_copy = [&](Place const& place, Standing const& there) -> Result<bool> {
    if (!may_be_copy(there, file.print)) return false;
    return acts.same_bytes(taken, place);
  };
  SLUICE_TRY(there, find_there(acts, to, is_copy));
  if (!there) {
    SLUICE_CHECK(give_back(acts, taken, file.at));
    return changed(file.at);
  }
  SLUICE_CHECK(acts.remove(taken));
  SLUICE_CHECK(acts.sync(file.at));
  return left_at(acts, file, *there);
}

Result<Left> move_once(Acts& acts, Leaving const& file, Place const& to) {
  SLUICE_TRY(taken, was_taken(acts, file));
  if (taken) return copied_already(acts, file, to);
  SLUICE_TRY(here, acts.look(file.at));
  if (!here || !is_untouched(*here, file.print)) return moved_already(acts, file, to, here);
  SLUICE_CHECK(acts.stands_apart(to));
  SLUICE_CHECK(acts.make_way(to));
  SLUICE_TRY(place, put_at(acts, file.at, file.print, to, file.tag));
  return left_at(acts, file, std::move(place));
}

}  // namespace

Result<Left> move_away(Acts& acts, Leaving const& file, Place const& to) {
  auto left = move_once(acts, file, to);
  // Nobody would come back for the beginning of a copy.
  if (!left && (left.error().fault == Fault::kSourceChanged || left.error().fault == Fault::kGone))
    static_cast<void>(acts.remove(hidden(to, file.tag, "part")));
  return left;
}

// The taken file is the memory of it: while it stands there the companions are those of the file that was sent.
Result<Left> delete_away(Acts& acts, Leaving const& file) {
  SLUICE_TRY(was, was_taken(acts, file));
  if (!was) {
    SLUICE_TRY(here, acts.look(file.at));
    if (!here) return Left{.at = file.at, .note = "it was gone already"};
    if (!is_untouched(*here, file.print)) return changed(file.at);
    SLUICE_CHECK(take(acts, file.at, file.print, file.tag));
  }
  auto note = with_companions(acts, file, file.at, delete_companion);
  SLUICE_CHECK(remove_taken(acts, file.at, file.tag));
  return Left{.at = file.at, .note = std::move(note)};
}

Result<Place> write_note(Acts& acts, Note const& note) {
  auto const part = hidden(note.at, note.tag, "part");
  SLUICE_CHECK(acts.write(part, note.text));
  for (unsigned n = 0; n < kNumbersMax; ++n) {
    auto const place = numbered_place(note.at, n);
    SLUICE_TRY(renamed, rename_part(acts, part, place));
    if (!renamed) {
      SLUICE_TRY(head, acts.head(place, note.ours.size()));
      if (head != note.ours) continue;
      SLUICE_CHECK(acts.replace(part, place));
    }
    SLUICE_CHECK(acts.sync(place));
    return place;
  }
  SLUICE_CHECK(acts.remove(part));
  return occupied(note.at);
}

Result<void> remove_note(Acts& acts, Note const& note) {
  for (unsigned n = 0; n < kNumbersMax; ++n) {
    auto const place = numbered_place(note.at, n);
    SLUICE_TRY(there, acts.look(place));
    if (!there) return {};
    SLUICE_TRY(head, acts.head(place, note.ours.size()));
    if (head != note.ours) continue;
    SLUICE_CHECK(acts.remove(place));
    return acts.sync(place);
  }
  return {};
}

}  // namespace sluice::source

#include "core/stage/carry_out.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "core/base/text.h"
#include "core/source/scout.h"
#include "core/upload/file_digest.h"

namespace sluice::stage {

using journal::ActKind;
using ports::Place;
using source::kSourceDown;
using source::Left;

namespace {

using Opened = Result<std::shared_ptr<ports::OpenFile>>;

bool is_folder_missing(Error const& error) { return error.code == ports::kNoFolder; }

// The file, or why it cannot be opened: kGone where only the file is missing, kSourceDown where its folder is, and
// anything else of one that stands there.
Opened open_file(ports::Acts& acts, ports::Files& files, Order const& order) {
  auto const& [folder, path] = order.file.at;
  auto file = files.open(folder, path);
  if (file) return file;
  auto gone = file.error();
  if (gone.fault != Fault::kGone) {
    auto const there = acts.look(order.file.at);
    if (!there && !is_folder_missing(there.error())) return std::unexpected(there.error());
    if (there && *there) return file;
    gone = {Fault::kGone, path + ": no such file"};
  }
  return std::unexpected(
      source::gone_or_away(files, folder, path, order.file.print.device, order.guard_file, std::move(gone)));
}

// A time of the file that lies ahead says nothing.
WallTime last_change(Order const& order, ports::FilePrint const& print) {
  auto last = order.quiet_since;
  for (auto const ns : {print.mtime_ns, print.ctime_ns})
    if (auto const at = from_unix_ms(ns / 1'000'000); at <= order.now) last = std::max(last, at);
  return last;
}

// Whether a program may be writing to the file, as far as anybody can know.
Result<void> is_left_alone(ports::OpenFile const& file, Order const& order, ports::FilePrint const& print) {
  auto const name = printable(order.file.at.folder + "/" + order.file.at.path);
  auto const writer = file.writer();
  if (writer == ports::Writer::kPresent) return fail(Fault::kSourceIo, name + " is open for writing", "busy");
  if (writer == ports::Writer::kNone || order.is_whole) return {};
  auto const rest = last_change(order, print) + kRestUnseen - order.now;
  if (rest <= Millis(0)) return {};
  return std::unexpected(Error{.fault = Fault::kSourceIo,
                               .text = "nobody can see whether a program still writes to " + name +
                                       " (CAP_LEASE would tell): it is touched " + to_words(kRestUnseen) +
                                       " after its last change",
                               .code = kMaybeWritten,
                               .retry_after = rest});
}

// Its print now, if that is another one although its content is what was sent; nothing if it is as it was, or another.
Result<std::optional<ports::FilePrint>> adopted(std::shared_ptr<ports::OpenFile> const& file, Order const& order,
                                                ports::FilePrint const& print) {
  if (!print.differs_in_ctime_only(order.file.print) || order.content_key.empty()) return std::nullopt;
  SLUICE_TRY(key, upload::content_key_of(file, print));
  return key == order.content_key ? std::optional(print) : std::nullopt;
}

Result<Left> put_note(ports::Acts& acts, Order const& order) {
  source::Note const note{.at = order.target, .text = order.note.text, .ours = order.note.ours, .tag = order.file.tag};
  if (order.kind == ActKind::kClearNote) {
    SLUICE_CHECK(source::remove_note(acts, note));
    return Left{.at = note.at, .note = {}};
  }
  SLUICE_CHECK(acts.make_way(note.at));
  SLUICE_TRY(at, source::write_note(acts, note));
  return Left{.at = std::move(at), .note = {}};
}

// The folder of the file was there, or is not needed: it is the other one that is missing. Of a deletion there is no
// other: its own went away after the file was opened.
Error folder_away(Error error, Order const& order) {
  return {.fault = Fault::kLocal,
          .text = std::move(error.text),
          .code = order.target.folder.empty() ? kSourceDown : kTargetAway};
}

Result<Carried> put_away(ports::Acts& acts, Opened const& file, Order const& order) {
  // One that cannot be opened can be moved; but not because this process has no descriptor left to look at it.
  if (!file && file.error().fault == Fault::kLocal) return std::unexpected(file.error());
  if (file) {
    SLUICE_TRY(print, (*file)->print());
    SLUICE_CHECK(is_left_alone(**file, order, print));
    SLUICE_TRY(fresh, adopted(*file, order, print));
    if (fresh) return Carried{.left = {}, .adopted = fresh};
  }
  SLUICE_TRY(left, order.kind == ActKind::kMove ? source::move_away(acts, order.file, order.target)
                                                : source::delete_away(acts, order.file));
  return Carried{.left = std::move(left)};
}

// Nothing where it is not there any more. One that may not be read is described all the same.
Result<std::optional<ports::FilePrint>> print_of(ports::Acts& acts, Opened const& file, Order const& order) {
  if (file) return (*file)->print();
  if (file.error().fault == Fault::kGone) return std::nullopt;
  SLUICE_TRY(there, acts.look(order.file.at));
  return there ? std::optional(there->print) : std::nullopt;
}

// No note is written beside a file that it is not about; nor, where the file was deleted, into an empty mount point.
Result<void> is_its_place(ports::Acts& acts, Opened const& file, Order const& order) {
  if (!file && file.error().fault == Fault::kLocal) return std::unexpected(file.error());
  if (!order.needs_file) return {};
  SLUICE_TRY(print, print_of(acts, file, order));
  auto const& sent = order.file.print;
  if (!print) return fail(Fault::kGone, order.file.at.path + ": no such file");
  if (print->size_bytes == sent.size_bytes && print->mtime_ns == sent.mtime_ns) return {};
  return fail(Fault::kSourceChanged, "another file stands there now: nothing is written beside it", "changed");
}

Result<Carried> work(ports::Acts& acts, ports::Files& files, Order const& order) {
  auto const file = open_file(acts, files, order);
  switch (order.kind) {
    case ActKind::kMove:
    case ActKind::kDelete: return put_away(acts, file, order);
    case ActKind::kReceipt:
    case ActKind::kErrorNote:
    case ActKind::kClearNote: {
      if (order.target.folder == order.file.at.folder) SLUICE_CHECK(is_its_place(acts, file, order));
      SLUICE_TRY(left, put_note(acts, order));
      return Carried{.left = std::move(left)};
    }
    case ActKind::kHook: break;   // no file's: send_hook
    case ActKind::kAmend: break;  // nor this one: amend
  }
  std::unreachable();
}

}  // namespace

bool uses_file(Order const& order) {
  return order.kind == ActKind::kMove || order.kind == ActKind::kDelete || order.needs_file;
}

Result<Carried> carry_out(ports::Acts& acts, ports::Files& files, Order const& order) {
  auto done = work(acts, files, order);
  if (!done && is_folder_missing(done.error())) return std::unexpected(folder_away(std::move(done).error(), order));
  return done;
}

Result<void> look_for(std::string const& folder, ports::Acts& acts, ports::Files& files, Order const& order) {
  if (folder == order.file.at.folder) {
    auto there = open_file(acts, files, order);
    if (!there && there.error().code == kSourceDown) return std::unexpected(std::move(there).error());
    return {};
  }
  auto looked = acts.look({folder, order.target.path});
  if (!looked && is_folder_missing(looked.error()))
    return std::unexpected(folder_away(std::move(looked).error(), order));
  return {};
}

}  // namespace sluice::stage

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

// No note is written beside a file that it is not about.
Result<void> is_the_one(Result<std::shared_ptr<ports::OpenFile>> const& file, source::Leaving const& sent) {
  if (!file) return {};  // one that cannot be opened is described all the same
  SLUICE_TRY(print, (*file)->print());
  if (print.size_bytes == sent.print.size_bytes && print.mtime_ns == sent.print.mtime_ns) return {};
  return fail(Fault::kSourceChanged, "another file stands there now: nothing is written beside it", "changed");
}

using Opened = Result<std::shared_ptr<ports::OpenFile>>;

// The file, or why it cannot be opened: kGone where only the file is missing, kSourceDown where its folder is.
Opened open_file(ports::Files& files, Order const& order) {
  auto const& [folder, path] = order.file.at;
  auto file = files.open(folder, path);
  if (!file && file.error().fault == Fault::kGone)
    return std::unexpected(
        source::gone_or_away(files, folder, path, order.file.print.device, order.guard_file, file.error()));
  return file;
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

bool is_folder_missing(Error const& error) { return error.code == ports::kNoFolder; }

// The folder of the file was there, or is not needed: it is the other one that is missing. Of a deletion there is no
// other: its own went away after the file was opened.
Error folder_away(Error error, Order const& order) {
  return {.fault = Fault::kLocal,
          .text = std::move(error.text),
          .code = order.target.folder.empty() ? kSourceDown : kTargetAway};
}

Result<Carried> put_away(ports::Acts& acts, Opened const& file, Order const& order) {
  if (!file && file.error().code == kSourceDown) return std::unexpected(file.error());
  if (file) {  // one that cannot be opened can be moved
    SLUICE_TRY(print, (*file)->print());
    SLUICE_CHECK(is_left_alone(**file, order, print));
    SLUICE_TRY(fresh, adopted(*file, order, print));
    if (fresh) return Carried{.left = {}, .adopted = fresh};
  }
  SLUICE_TRY(left, order.kind == ActKind::kMove ? source::move_away(acts, order.file, order.target)
                                                : source::delete_away(acts, order.file));
  return Carried{.left = std::move(left)};
}

Result<Carried> work(ports::Acts& acts, ports::Files& files, Order const& order) {
  auto const file = open_file(files, order);
  switch (order.kind) {
    case ActKind::kMove:
    case ActKind::kDelete: return put_away(acts, file, order);
    case ActKind::kReceipt:
    case ActKind::kErrorNote:
    case ActKind::kClearNote: {
      if (order.needs_file && !file && (file.error().code == kSourceDown || file.error().fault == Fault::kGone))
        return std::unexpected(file.error());
      if (order.needs_file) SLUICE_CHECK(is_the_one(file, order.file));
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
    auto there = open_file(files, order);
    if (!there && there.error().code == kSourceDown) return std::unexpected(std::move(there).error());
    return {};
  }
  auto looked = acts.look({folder, order.target.path});
  if (!looked && is_folder_missing(looked.error()))
    return std::unexpected(folder_away(std::move(looked).error(), order));
  return {};
}

}  // namespace sluice::stage

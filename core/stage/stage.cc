#include "core/stage/stage.h"

#include <utility>

#include "core/base/text.h"

namespace sluice::stage {
namespace {

void log_move(Context& ctx, std::string subject, std::string_view was, std::string_view became, std::string_view note) {
  if (was == became && note.empty()) return;
  subject.append(" ").append(was).append("→").append(became);
  if (!note.empty()) subject.append(" note=\"").append(printable(note)).append("\"");
  ctx.log.info(subject);
}

std::string generation_of(journal::ItemRow const& item) { return item.ulid + "." + std::to_string(item.generation); }

std::unexpected<Error> changed() {
  return fail(Fault::kSourceChanged, "the file changed after it was admitted", "source_changed");
}

}  // namespace

std::pair<std::string, std::string> OpenSources::place_of(journal::ItemRow const& item) const {
  if (is_spooled(item)) return {spool_folder_, spool_name(item)};
  return {item.root, item.path};
}

Answer<std::shared_ptr<ports::OpenFile>> OpenSources::get(journal::ItemRow const& item) {
  if (auto const held = open_.find(item.id); held != open_.end()) return held->second.file;
  auto const [root, path] = place_of(item);
  // The spool is the daemon's own folder: empty, it is no mount point without its mount.
  auto met = scout_.open(root, path, is_spooled(item) ? 0 : item.print.device, generation_of(item));
  if (!met) return std::nullopt;
  if (!*met) {
    auto& error = met->error();
    if (error.fault == Fault::kGone) return fail(Fault::kSourceChanged, error.text, kSourceGone);
    return std::unexpected(std::move(error));
  }
  if ((*met)->print != item.print) {
    scout_.let_go(root, std::move((*met)->file));
    return changed();
  }
  if ((*met)->writer == ports::Writer::kPresent) {
    scout_.let_go(root, std::move((*met)->file));
    return fail(Fault::kLocal, "a program has the file open for writing", ports::kBeingWritten);
  }
  return open_.emplace(item.id, Held{root, std::move((*met)->file)}).first->second.file;
}

Answer<std::shared_ptr<ports::OpenFile>> OpenSources::get_unchanged(journal::ItemRow const& item) {
  auto held = get(item);
  if (!held || !*held) return held;
  auto const [root, path] = place_of(item);
  auto const print = scout_.print(root, path, **held, generation_of(item));
  if (!print) return std::nullopt;
  if (!*print) return std::unexpected(print->error());
  auto const writer = (**held)->writer_since();
  if (writer == ports::Writer::kPresent)
    return fail(Fault::kLocal, "a program opened the file for writing", ports::kBeingWritten);
  if (**print == item.print) return held;
  if (writer == ports::Writer::kNone && (*print)->differs_in_ctime_only(item.print)) return held;
  forget(item.id);
  return changed();
}

std::vector<journal::RowId> OpenSources::written() const {
  std::vector<journal::RowId> items;
  for (auto const& [item, held] : open_)
    if (held.file->writer_since() == ports::Writer::kPresent) items.push_back(item);
  return items;
}

bool OpenSources::keeps_writers_out(journal::RowId item) const {
  auto const held = open_.find(item);
  return held != open_.end() && held->second.file->writer_since() == ports::Writer::kNone;
}

void OpenSources::forget(journal::RowId item) {
  auto const at = open_.find(item);
  if (at == open_.end()) return;
  scout_.let_go(at->second.root, std::move(at->second.file));
  open_.erase(at);
}

void move(Context& ctx, journal::ItemRow const& row, journal::ItemState was, std::string_view note) {
  ctx.journal.update(row, was, ctx.now, note);
  if (row.state == journal::ItemState::kStable) ctx.sources.forget(row.id);  // others may be chosen before it
  log_move(ctx, "item=" + row.ulid + " path=\"" + printable(row.path) + "\"", word(was), word(row.state), note);
}

void move(Context& ctx, journal::SessionRow const& row, journal::SessionState was, std::string_view note) {
  ctx.journal.update(row, was, ctx.now, note);
  log_move(ctx, "session=" + printable(row.upload_id), word(was), word(row.state), note);
}

void move(Context& ctx, journal::ChunkRow const& row, journal::ChunkState was, journal::ItemRow const& item,
          std::string_view note) {
  ctx.journal.update(row, was, item.id, ctx.now, note);
  if (note.empty()) return;  // hundreds of chunks a second: only what somebody would act on
  log_move(ctx, "chunk item=" + item.ulid + " index=" + std::to_string(row.index), word(was), word(row.state), note);
}

void move(Context& ctx, journal::NamedRow const& row, journal::NamedState was, std::string_view note) {
  ctx.journal.update(row, was, ctx.now, note);
  log_move(ctx, std::string(word(row.kind)) + "=\"" + printable(row.name) + "\"", word(was), word(row.state), note);
}

void move(Context& ctx, journal::StepRow const& row, journal::StepState was, std::string_view note) {
  ctx.journal.update(row, was, ctx.now, note);
  log_move(ctx,
           "step item=" + std::to_string(row.item_id) + " ordinal=" + std::to_string(row.ordinal) +
               " kind=" + std::string(word(row.kind)),
           word(was), word(row.state), note);
}

}  // namespace sluice::stage

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

}  // namespace

Error gone_or_away(ports::Files& files, journal::ItemRow const& item, Error error) {
  if (error.fault != Fault::kGone) return error;
  auto const away = [&](std::string const& how) {
    return Error{.fault = Fault::kLocal, .text = printable(item.root) + " " + how, .code = kSourceDown};
  };
  auto const listing = files.list(item.root, "");  // opens the folder itself anew
  if (!listing) return away("is not there: " + listing.error().text);
  auto const first = (*listing)->next(1);
  if (!first) return away("cannot be listed: " + first.error().text);
  auto const root = files.stat(item.root, "");
  if (first->empty() && root && root->device != item.print.device)
    return away("is empty, and another file system than the file was on: is it mounted?");
  if (files.stat(item.root, item.path)) return away("was away, and has come back");
  return error;
}

Result<std::shared_ptr<ports::OpenFile>> OpenSources::get(journal::ItemRow const& item) {
  auto& held = open_[item.id];
  if (!held) {
    auto opened = files_.open(item.root, item.path);
    if (!opened) {
      open_.erase(item.id);
      auto error = gone_or_away(files_, item, std::move(opened).error());
      if (error.fault == Fault::kGone) return fail(Fault::kSourceChanged, error.text, "source_gone");
      return std::unexpected(std::move(error));
    }
    held = std::move(*opened);
  }
  auto const print = held->print();
  if (!print) return std::unexpected(print.error());
  if (*print != item.print) {
    open_.erase(item.id);
    return fail(Fault::kSourceChanged, "the file changed after it was admitted", "source_changed");
  }
  return held;
}

void move(Context& ctx, journal::ItemRow const& row, journal::ItemState was, std::string_view note) {
  ctx.journal.update(row, was, ctx.now, note);
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

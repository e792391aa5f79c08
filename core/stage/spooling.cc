#include "core/stage/spooling.h"

#include <algorithm>
#include <utility>

#include "core/base/text.h"

namespace sluice::stage {
namespace {

constexpr char kList[] = "list the spool";
constexpr std::string_view kRemove = "remove ";

// The answer to a question that says nothing but whether it went well.
struct Done {};

}  // namespace

bool Spooling::write(Context& ctx, journal::ItemRow const& item, journal::DownloadRow const& row, source::BlockRun run,
                     std::shared_ptr<std::string const> bytes) {
  auto const& folder = ctx.policy.spool_folder;
  auto const question = "write " + std::to_string(++questions_);
  ports::SpoolPart const part{.total_bytes = row.total_bytes,
                              .offset_bytes = source::run_begin(run),
                              .bytes = std::string_view(*bytes).substr(0, source::run_bytes(run, row.total_bytes)),
                              .is_first = row.have.empty() && !is_writing(item.id)};
  auto const work = [spool = spool_, folder, name = spool_name(item), part,
                     held = std::move(bytes)](ports::Files&) -> Result<Done> {
    SLUICE_CHECK(spool->write(folder, name, part));
    return Done{};
  };
  auto const put = ctx.scout.put<Done>(folder, question, work);
  if (put) writing_.emplace(question, Piece{item.id, run});
  return put;
}

source::Answer<ports::FilePrint> Spooling::stat(Context& ctx, journal::ItemRow const& item) {
  auto const [look, is_new] = looking_.try_emplace(item.id, questions_ + 1);
  questions_ += is_new ? 1 : 0;
  auto const& folder = ctx.policy.spool_folder;
  auto answer = ctx.scout.ask<ports::FilePrint>(
      folder, "look " + std::to_string(look->second), {},
      [folder, name = spool_name(item)](ports::Files& files) { return files.stat(folder, name); });
  if (answer) looking_.erase(look);
  return answer;
}

void Spooling::leave(journal::ItemRow const& item) {
  leaving_.insert(spool_name(item));
  looking_.erase(item.id);
  std::erase_if(writing_, [&](auto const& named) { return named.second.item == item.id; });
}

std::vector<Spooling::Written> Spooling::collect(Context& ctx) {
  std::vector<Written> written;
  for (auto at = writing_.begin(); at != writing_.end();) {
    auto const answer = ctx.scout.fetch<Done>(ctx.policy.spool_folder, at->first);
    if (!answer) {
      ++at;
      continue;
    }
    written.push_back({at->second, *answer ? Result<void>() : std::unexpected(answer->error())});
    at = writing_.erase(at);
  }
  return written;
}

bool Spooling::is_writing(journal::RowId item) const {
  return std::ranges::any_of(writing_, [&](auto const& named) { return named.second.item == item; });
}

std::string Spooling::coming(journal::RowId item, std::string blocks) const {
  for (auto const& [question, piece] : writing_)
    if (piece.item == item) blocks = source::with_blocks(std::move(blocks), piece.run);
  return blocks;
}

void Spooling::find_strays(Context& ctx) {
  using Names = std::vector<std::string>;
  auto const names = ctx.scout.ask<Names>(
      ctx.policy.spool_folder, kList, {},
      [spool = spool_, folder = ctx.policy.spool_folder](ports::Files&) { return spool->names(folder); });
  if (!names) return;
  is_listed_ = true;
  if (!*names) return ctx.log.warning("the spool cannot be listed: " + names->error().text);
  for (auto const& name : **names) {
    if (ctx.journal.owns_in_spool(name)) continue;
    ctx.log.info("spool: \"" + printable(name) + "\" is nobody's, and is removed");
    left_.insert(name);
  }
}

void Spooling::tidy(Context& ctx) {
  if (!is_listed_) find_strays(ctx);
  auto const& folder = ctx.policy.spool_folder;
  std::erase_if(removing_, [&](std::string const& name) {
    auto const answer = ctx.scout.fetch<Done>(folder, std::string(kRemove) + name);
    if (answer && !*answer)
      ctx.log.warning("spool: \"" + printable(name) + "\" stays until the next start: " + answer->error().text);
    return answer.has_value();
  });
  std::erase_if(left_, [&](std::string const& name) {
    if (ctx.journal.owns_in_spool(name)) return true;
    if (removing_.contains(name)) return false;  // it was removed, came again, and is to go again
    auto const work = [spool = spool_, folder, name](ports::Files&) -> Result<Done> {
      SLUICE_CHECK(spool->remove(folder, name));
      return Done{};
    };
    auto const put = ctx.scout.put<Done>(folder, std::string(kRemove) + name, work);
    if (put) removing_.insert(name);
    return put;
  });
}

bool Spooling::is_held_up(Context const& ctx, journal::RowId item) {
  if (!first_without_room_ || *first_without_room_ == item) return false;
  auto const row = ctx.journal.download_of(*first_without_room_);
  if (row && row->total_bytes > 0 && row->reserved_bytes == 0) return true;  // one that ended knows no size any more
  first_without_room_.reset();
  return false;
}

}  // namespace sluice::stage

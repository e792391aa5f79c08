#include <algorithm>
#include <utility>

#include "core/base/url_text.h"
#include "core/stage/orders.h"
#include "core/stage/outbox.h"
#include "core/stage/take_url.h"
#include "tests/sim/oracle.h"
#include "tests/sim/world.h"

namespace sluice::sim {
namespace {

constexpr std::size_t kLastDrops = 3;  // that may be under way at a death

Content content_of(std::uint64_t seed, std::string const& path, std::size_t version, std::uint64_t size_bytes) {
  auto hash = mixed(seed ^ (version * 0x5851f42d4c957f2d));
  for (char const c : path) hash = mixed(hash ^ static_cast<unsigned char>(c));
  return {.seed = hash, .size_bytes = size_bytes};
}

std::string folder_of(std::string const& path) {
  auto const slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

}  // namespace

// What happens from outside.

void World::change_files(stage::Turn* turn) {
  auto const since = virtual_time();
  auto const hint = [&](std::string const& path) {
    if (scenario_.hints == 0) return;
    if (turn != nullptr && dice_.chance(scenario_.hints)) {
      auto const folder = folder_of(path);
      if (path.starts_with('/')) return turn->manifests().look_now(folder);
      turn->discovery().want_directory(scenario_.first_source().root, folder);
    } else
      count(turn == nullptr ? "file.changed_while_dead" : "file.event_lost");
  };
  for (; drops_done_ < scenario_.drops.size() && scenario_.drops[drops_done_].at <= since; ++drops_done_) {
    auto const& drop = scenario_.drops[drops_done_];
    files_.create(drop.path,
                  content_of(options_.seed, drop.copy_of.empty() ? drop.path : drop.copy_of, 0, drop.size_bytes));
    hint(drop.path);
  }
  for (; changes_done_ < scenario_.changes.size() && scenario_.changes[changes_done_].at <= since; ++changes_done_) {
    auto const& change = scenario_.changes[changes_done_];
    apply(change, changes_done_ + 1);
    hint(change.path);
  }
}

void World::apply(Change const& change, std::uint64_t generation) {
  auto const content = content_of(options_.seed, change.path, generation, change.bytes);
  log_.tell("== " + change.path + " changes");
  auto const is_there = files_.is_there(change.path);  // else it was put away, and begins anew
  switch (change.what) {
    case Change::What::kOverwrite:
      is_there ? files_.overwrite(change.path, content) : files_.create(change.path, content);
      break;
    case Change::What::kReplace: files_.create(change.path, content); break;
    case Change::What::kAppend:
      is_there ? files_.append(change.path, change.bytes) : files_.create(change.path, content);
      break;
    case Change::What::kRemove: files_.remove(change.path); break;
    case Change::What::kMode: files_.change_mode(change.path); break;
    case Change::What::kText: files_.write(change.path, change.text); break;
    case Change::What::kMoreText: files_.write_more(change.path, change.text); break;
    case Change::What::kOpen: files_.open_to_write(change.path, clock_.now() + change.lasts); break;
  }
  static constexpr char const* kNames[] = {"file.overwritten",  "file.replaced",     "file.grew",
                                           "file.vanished",     "file.mode_changed", "file.opened_to_write",
                                           "file.text_written", "file.text_grew"};
  count(kNames[static_cast<std::size_t>(change.what)]);
  if (!change.text.empty() && !change.text.ends_with('\n')) count("file.half_a_line");
}

// What the scenario has for the time after the first death; and by dice what becomes of the files that came last, some
// of which are under way.
void World::change_while_dead() {
  auto generation = scenario_.changes.size() + changes_while_dead_;
  for (auto const& change : std::exchange(scenario_.changes_while_dead, {})) apply(change, ++generation);
  for (auto n = drops_done_; options_.changed_while_dead > 0 && n > 0 && n + kLastDrops > drops_done_; --n) {
    auto const& drop = scenario_.drops[n - 1];
    auto const expected = std::ranges::find(scenario_.expected, drop.path, &Expected::path);
    if (expected->state != "done" || !files_.is_there(drop.path) || !dice_.chance(options_.changed_while_dead))
      continue;
    auto const what = dice_.chance(0.5) ? Change::What::kMode : Change::What::kOverwrite;
    apply({.what = what, .path = drop.path, .bytes = drop.size_bytes}, ++generation);
  }
  changes_while_dead_ = generation - scenario_.changes.size();
}

// Before the daemon starts again. Time passes, so that what each life brought about can be told apart.
void World::reconfigure() {
  if (!scenario_.next_policy) return;
  clock_.advance_to(clock_.now() + Millis(1));
  scenario_.former = {.policy = std::move(scenario_.policy), .until = clock_.now()};
  scenario_.policy = *std::exchange(scenario_.next_policy, std::nullopt);
  log_.tell("== another configuration");
  count("process.reconfigured");
}

// A person, to whom a retry said that the file was moved away when its item failed: it is taken up once it is back.
bool World::move_back(journal::Journal const& journal, journal::ItemRow const& item) {
  auto const acts = journal.acts_of(item.id);
  if (stage::put_away(acts, item) == nullptr || journal.latest_item(item.root, item.path)->id != item.id) return false;
  if (!acts_.moved_by_hand(stage::place_of_file(acts, item), {item.root, item.path})) return false;
  log_.tell("== a person moves " + item.path + " back");
  count("person.moved_back");
  return true;
}

// As they stand now; a span that was slept through, or fell into the time between two lives, never was.
void World::move_folders() {
  away_now_.resize(scenario_.away.size());
  for (std::size_t i = 0; i < scenario_.away.size(); ++i) {
    auto const& away = scenario_.away[i];
    auto const is_now = away.from <= virtual_time() && virtual_time() < away.until;
    if (is_now == away_now_[i]) continue;
    away_now_[i] = is_now;
    auto const is_mount_point = away.what == Away::What::kUnmounted;
    if (is_now)
      files_.take_away(away.folder, is_mount_point);
    else
      files_.bring_back(away.folder);
    log_.tell("== folder " + away.folder + (is_now ? " goes away" : " is back"));
    count(!is_now ? "folder.back" : is_mount_point ? "folder.unmounted" : "folder.missing");
  }
}

void World::change_media() {
  for (; media_done_ < scenario_.media.size() && scenario_.media[media_done_].at <= virtual_time(); ++media_done_) {
    auto const& medium = scenario_.media[media_done_];
    if (medium.moved_to.empty())
      hosts_.put(medium.url, content_of(options_.seed, medium.url, media_done_, medium.size_bytes));
    else
      hosts_.move(medium.url, medium.moved_to);
  }
}

// As if the person had looked at the file the moment before.
void World::add(stage::Context& ctx, std::string const& path) {
  if (looks_like_url(path)) {
    (void)stage::add_url(ctx, ctx.policy.hand, {.url = *parse_url(path)}, {}, false);
    return;
  }
  auto const& source = scenario_.first_source();
  auto const print = files_.stat(source.root, path);
  if (print) (void)stage::add_item(ctx, source, {path, *print}, {}, false);
}

// Carried out inside a turn; counted as done only when its transaction is.
void World::give_orders(stage::Context& ctx) {
  auto const& source = scenario_.first_source();
  for (auto at = orders_done_; at < scenario_.orders.size() && scenario_.orders[at].at <= virtual_time(); ++at) {
    auto const& order = scenario_.orders[at];
    auto const item = item_of(ctx.journal, source.root, order.path);
    log_.tell("== a person: " + std::string(name_of(order.what)) + " " + order.path);
    count("person." + std::string(name_of(order.what)));
    // A refusal is an answer, too: that the file is not there, or that the item is at its end already.
    if (order.what == Order::What::kAdd)
      add(ctx, order.path);
    else if (item && order.what == Order::What::kCancel)
      (void)stage::cancel_order(ctx, item->id);
    else if (item)
      (void)stage::retry_order(ctx, item->id);
  }
}

// SIGSTOP, and a disk that is full for a while.
void World::pass_spans() {
  disk_.set_full(false);
  while (spans_done_ < options_.spans.size() && options_.spans[spans_done_].from <= virtual_time()) {
    auto const& span = options_.spans[spans_done_];
    if (span.what == Span::What::kDiskFull && virtual_time() < span.until) return disk_.set_full(true);
    if (span.what == Span::What::kPaused && virtual_time() < span.until) {
      count("process.paused");
      clock_.advance_to(kBeginning + span.until);
    }
    ++spans_done_;
  }
}

}  // namespace sluice::sim

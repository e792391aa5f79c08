#include "core/source/scout.h"

#include <type_traits>
#include <utility>
#include <vector>

#include "core/base/text.h"
#include "core/source/names.h"
#include "core/upload/file_digest.h"

namespace sluice::source {
namespace {

constexpr std::size_t kNameBytesMax = 255;  // NAME_MAX
constexpr Millis kPruneEvery{60'000};
constexpr std::uint64_t kNobodys = 0;                // the ticket of a piece that nobody waits for
constexpr std::string_view kDigestLane = "digest ";  // a root is absolute
constexpr std::string_view kOpenQuestion = "open ";

// A companion by its name, or in capitals where that one is not there; `name` is then the one that is.
template <class LookFor>
std::invoke_result_t<LookFor, std::string const&> first_spelling(std::string& name, LookFor const& look_for) {
  auto found = look_for(name);
  auto const other = in_capitals(name);
  if (found || found.error().fault != Fault::kGone || !other) return found;
  auto second = look_for(*other);
  if (!second && second.error().fault == Fault::kGone) return found;
  name = *other;
  return second;
}

// SHA-256 where there are both.
Result<std::optional<Look::Checksum>> checksum_beside(ports::Files& files, std::string const& root,
                                                      std::string const& path) {
  for (auto const kind : {DigestKind::kSha256, DigestKind::kMd5}) {
    Look::Checksum found{.file = std::string(basename_of(path)) + std::string(suffix_of(kind)), .kind = kind};
    if (found.file.size() > kNameBytesMax) continue;  // no file can have that name
    auto const file =
        first_spelling(found.file, [&](auto const& name) { return files.open(root, beside(path, name)); });
    if (!file && file.error().fault == Fault::kGone) continue;
    auto const text = file ? read_whole(**file, kChecksumFileBytesMax) : std::unexpected(file.error());
    if (!text && is_passing(text.error())) return std::unexpected(text.error());
    found.digits = text ? checksum_of(kind, *text, basename_of(path)) : std::unexpected(text.error());
    return found;
  }
  return std::optional<Look::Checksum>();
}

// "" where there is none.
Result<std::string> control_file_beside(ports::Files& files, std::string const& root, std::string const& path) {
  auto const name = std::string(basename_of(path)).append(kControlSuffix);
  if (name.size() > kNameBytesMax) return std::string();
  auto const print = files.stat(root, beside(path, name));
  if (!print && is_passing(print.error())) return std::unexpected(print.error());
  return print ? name : std::string();
}

// Tells the contents of one path apart in a question.
std::string words_of(ports::FilePrint const& print) {
  std::string words;
  for (auto const number : {std::int64_t(print.size_bytes), print.mtime_ns, print.ctime_ns, std::int64_t(print.inode)})
    words.append(" ").append(std::to_string(number));
  return words;
}

}  // namespace

Error gone_or_away(ports::Files& files, std::string const& root, std::string const& path, std::uint64_t device,
                   std::string const& guard_file, Error error) {
  if (error.fault != Fault::kGone) return error;
  auto const away = [&](std::string const& how) {
    return Error{.fault = Fault::kLocal, .text = printable(root) + " " + how, .code = kSourceDown};
  };
  auto const listing = files.list(root, "");  // opens the folder itself anew
  if (!listing) return away("is not there: " + listing.error().text);
  auto const first = (*listing)->next(1);
  if (!first) return away("cannot be listed: " + first.error().text);
  auto const folder = files.stat(root, "");
  if (!folder) return away("cannot be looked at: " + folder.error().text);
  if (first->empty() && device != 0 && folder->device != device)
    return away("is empty, and another file system than the file was on: is it mounted?");
  if (!guard_file.empty() && !files.stat(root, guard_file)) return away("has no " + printable(guard_file));
  auto const file = files.stat(root, path);
  if (file) return away("was away, and has come back");
  if (file.error().fault != Fault::kGone) return away("could not be looked at: " + file.error().text);
  return error;
}

void Scout::collect(WallTime now) {
  now_ = now;
  for (auto const ticket : lanes_.collect()) {
    auto const at = asked_.find(ticket);
    if (at == asked_.end()) continue;
    at->second.answered_at = now;
    auto& lane = by_root_[at->second.root];
    lane.alive_at = now;
    lane.open -= 1;
    open_ -= 1;
  }
  close_what_left();
  if (now >= next_prune_ || next_prune_ > now + kPruneEvery) prune();
}

// An open file keeps writers out.
Millis Scout::kept_for(std::string const& question) {
  return question.starts_with(kOpenQuestion) ? kPruneEvery : kKeptMax;
}

// What nobody fetched: its row went another way.
void Scout::prune() {
  next_prune_ = now_ + kPruneEvery;
  std::vector<std::uint64_t> old;
  for (auto const& [ticket, asked] : asked_)
    if (asked.answered_at && *asked.answered_at + kept_for(asked.question) < now_) old.push_back(ticket);
  for (auto const ticket : old) {
    auto& asked = asked_.at(ticket);
    lanes_.start(asked.root, kNobodys, [result = std::move(asked.result)] {});  // it may hold an open file
    forget(ticket);
  }
}

void Scout::let_go(std::string const& root, std::shared_ptr<ports::OpenFile> file) {
  leaving_.emplace_back(root, std::move(file));
}

// What is read by nobody else any more is closed where closing may hang.
void Scout::close_what_left() {
  std::erase_if(leaving_, [&](auto& left) {
    auto& [root, file] = left;
    if (file.use_count() > 1) return false;
    lanes_.start(root, kNobodys, [held = std::move(file)] {});
    return true;
  });
}

void Scout::forget(std::uint64_t ticket) {
  auto const at = asked_.find(ticket);
  auto const lane = by_root_.find(at->second.root);
  lane->second.asked.erase(at->second.question);
  if (lane->second.asked.empty()) by_root_.erase(lane);
  asked_.erase(at);
}

std::optional<WallTime> Scout::stuck_since(std::string const& root) const {
  if (ports::may_take_long(root)) return std::nullopt;  // that it gives no sign of life says nothing
  auto const lane = by_root_.find(root);
  if (lane == by_root_.end() || lane->second.open == 0) return std::nullopt;
  if (now_ - lane->second.alive_at < kStuckAfter) return std::nullopt;
  return lane->second.alive_at;
}

std::optional<WallTime> Scout::next_stuck() const {
  std::optional<WallTime> next;
  for (auto const& [root, lane] : by_root_) {
    auto const at = lane.alive_at + kStuckAfter;
    if (lane.open > 0 && !ports::may_take_long(root) && at > now_ && (!next || at < *next)) next = at;
  }
  return next;
}

std::string Scout::guard_of(std::string const& root) const {
  auto const at = guards_.find(root);
  return at == guards_.end() ? std::string() : at->second;
}

Scout::Asked* Scout::find(std::string const& root, std::string const& question) {
  auto const lane = by_root_.find(root);
  if (lane == by_root_.end()) return nullptr;
  auto const at = lane->second.asked.find(question);
  return at == lane->second.asked.end() ? nullptr : &asked_.at(at->second);
}

bool Scout::has_answer(std::string const& root, std::string const& question, WallTime since) {
  auto const* asked = find(root, question);
  if (asked == nullptr || !asked->answered_at) return false;
  if (asked->at >= since) return true;
  forget(by_root_.at(root).asked.at(question));  // too old: it is asked anew
  return false;
}

std::shared_ptr<void> Scout::take(std::string const& root, std::string const& question) {
  auto result = std::move(find(root, question)->result);
  forget(by_root_.at(root).asked.at(question));
  return result;
}

std::shared_ptr<void> Scout::show(std::string const& root, std::string const& question) {
  shown_.push_back(by_root_.at(root).asked.at(question));
  return asked_.at(shown_.back()).result;
}

void Scout::committed() {
  for (auto const ticket : std::exchange(shown_, {}))
    if (asked_.contains(ticket)) forget(ticket);
}

Error Scout::does_not_answer(std::string const& root, WallTime since) {
  return {.fault = Fault::kLocal,
          .text = printable(root) + " does not answer since " + to_rfc3339(since),
          .code = kSourceDown};
}

bool Scout::put_untyped(std::string const& root, std::string const& question, std::shared_ptr<void> result,
                        std::function<void()> work) {
  if (find(root, question) != nullptr) return true;
  if (stuck_since(root)) return false;
  auto& lane = by_root_[root];
  if (lane.open >= kAskedMax) return false;
  auto const ticket = next_ticket_++;
  auto const done = lanes_.start(root, ticket, std::move(work));
  if (!done && lane.open == 0) lane.alive_at = now_;
  lane.open += done ? 0 : 1;
  open_ += done ? 0 : 1;
  lane.asked.emplace(question, ticket);
  asked_.emplace(ticket, Asked{root, question, std::move(result), now_, done ? std::optional(now_) : std::nullopt});
  return true;
}

Answer<Met> Scout::open(std::string const& root, std::string const& path, std::uint64_t device,
                        std::string const& whose) {
  return ask<Met>(root, std::string(kOpenQuestion) + whose + " " + path, {},
                  [=, guard = guard_of(root)](ports::Files& files) -> Result<Met> {
                    auto file = files.open(root, path);
                    if (!file)
                      return std::unexpected(gone_or_away(files, root, path, device, guard, std::move(file).error()));
                    auto const writer = (*file)->keep_writers_out();
                    SLUICE_TRY(print, (*file)->print());
                    return Met{std::move(*file), print, writer};
                  });
}

Answer<Look> Scout::look(std::string const& root, std::string const& path, std::uint64_t device, Wanted const& wanted,
                         WallTime since) {
  auto const now_ns = std::chrono::nanoseconds(now_.time_since_epoch()).count();
  return ask<Look>(root, "look " + path, since, [=, guard = guard_of(root)](ports::Files& files) -> Result<Look> {
    auto const file = files.open(root, path);
    if (!file) return std::unexpected(gone_or_away(files, root, path, device, guard, file.error()));
    SLUICE_TRY(print, (*file)->print());
    Look look{.print = print, .writer = (*file)->writer()};
    if (wanted.type && print.size_bytes > 0) look.type = files.sniff(**file);
    if (wanted.ends) {
      SLUICE_TRY(ends, upload::ends_hash_of(**file, print.size_bytes));
      look.ends_hash = ends;
    }
    SLUICE_TRY(control_file, control_file_beside(files, root, path));
    look.control_file = std::move(control_file);
    if (wanted.checksum) {
      SLUICE_TRY(checksum, checksum_beside(files, root, path));
      look.checksum = std::move(checksum);
    }
    if (wanted.sidecar) {
      SLUICE_TRY(sidecar, look_for_sidecar(files, root, path, now_ns));
      look.sidecar = std::move(sidecar);
    }
    if (wanted.marker.empty()) return look;
    auto name = wanted.marker;
    auto const marker = first_spelling(name, [&](auto const& each) { return files.stat(root, beside(path, each)); });
    if (!marker && marker.error().fault != Fault::kGone) return std::unexpected(marker.error());
    look.marker = marker && marker->mtime_ns >= print.mtime_ns ? Marker::kThere : Marker::kMissing;
    return look;
  });
}

Answer<std::string> Scout::digest(std::string const& root, std::string const& path, ports::FilePrint const& print,
                                  DigestKind kind) {
  auto const question = std::string(name_of(kind)) + " " + path + words_of(print);
  return ask<std::string>(std::string(kDigestLane) + root, question, {},
                          [=, guard = guard_of(root)](ports::Files& files) -> Result<std::string> {
                            auto const file = files.open(root, path);
                            if (file) return upload::digest_of(*file, print, kind);
                            return std::unexpected(gone_or_away(files, root, path, print.device, guard, file.error()));
                          });
}

Answer<std::string> Scout::content_key(std::string const& root, std::string const& path,
                                       ports::FilePrint const& print) {
  return ask<std::string>(std::string(kDigestLane) + root, "content " + path + words_of(print), {},
                          [=, guard = guard_of(root)](ports::Files& files) -> Result<std::string> {
                            auto const file = files.open(root, path);
                            if (file) return upload::content_key_of(*file, print);
                            return std::unexpected(gone_or_away(files, root, path, print.device, guard, file.error()));
                          });
}

Answer<ports::FilePrint> Scout::stat(std::string const& root, std::string const& path, std::uint64_t device) {
  return ask<ports::FilePrint>(
      root, "stat " + path, {}, [=, guard = guard_of(root)](ports::Files& files) -> Result<ports::FilePrint> {
        auto print = files.stat(root, path);
        if (!print) return std::unexpected(gone_or_away(files, root, path, device, guard, std::move(print).error()));
        return print;
      });
}

Answer<ports::FilePrint> Scout::print(std::string const& root, std::string const& path,
                                      std::shared_ptr<ports::OpenFile> const& file, std::string const& whose) {
  return ask<ports::FilePrint>(root, "print " + whose + " " + path, {},
                               [file](ports::Files&) { return file->print(); });
}

}  // namespace sluice::source

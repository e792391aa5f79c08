#include "core/source/sweep.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <map>
#include <utility>

#include "core/base/marker.h"
#include "core/base/text.h"
#include "core/source/kind.h"
#include "core/source/names.h"
#include "core/source/sidecar.h"

namespace sluice::source {
namespace {

constexpr std::size_t kNamesAtOnce = 128;
constexpr std::size_t kNamesPerEntry = 2;  // of a slice's bound: on a slow disk each name costs a look at its print

std::string joined(std::string const& folder, std::string const& name) {
  return folder.empty() ? name : folder + "/" + name;
}

bool is_below(std::string_view path, std::string_view folder) {
  if (folder.empty()) return true;
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

}  // namespace

std::string_view name_of(Problem::Code code) {
  switch (code) {
    case Problem::Code::kSymlink: return "symlink";
    case Problem::Code::kSpecial: return "special";
    case Problem::Code::kUnreadableDirectory: return "unreadable_directory";
    case Problem::Code::kPathTooLong: return "path_too_long";
    case Problem::Code::kOrphanSidecar: return "orphan_sidecar";
  }
  std::abort();
}

Sweep::Sweep(ports::Files& files, Scope scope) : files_(files), scope_(std::move(scope)) {}

void Sweep::all() { directory(""); }

void Sweep::directory(std::string relative) {
  if (keeps_out_way_to_folder(scope_, relative)) return;
  // A wish for a folder above covers this one, and this one covers those below it.
  auto const covered = [&](std::string const& wish) { return wish == relative || is_below(relative, wish); };
  if (std::ranges::any_of(wanted_, covered)) return;
  std::erase_if(wanted_, [&](std::string const& wish) { return is_below(wish, relative); });
  if (wanted_.size() < kWantedMax) {
    wanted_.insert(std::move(relative));
  } else {
    wanted_ = {std::string()};
  }
}

void Sweep::drop_all(std::string why, Slice& slice) {
  slice.source_gone = std::move(why);
  wanted_.clear();
  stack_.clear();
  whole_.reset();
}

void Sweep::leave_out(Problem::Code code, std::string path, std::string_view what, Slice& slice) {
  auto text = printable(path) + ": " + std::string(what);
  auto const& problem = slice.problems.emplace_back(std::move(path), std::move(text), code);
  if (!whole_) return;
  whole_->total += 1;
  if (whole_->first.size() < LeftOut::kKeptMax) whole_->first.push_back(problem);
}

void Sweep::listing_failed(std::string path, Error const& error, Slice& slice) {
  if (path.empty()) return drop_all("source " + scope_.name + ": " + error.text, slice);
  // A folder that went away while the sweep was coming needs no word; its files are looked for one by one.
  if (error.fault == Fault::kGone) return;
  auto const why = "the folder cannot be listed: " + error.text;
  leave_out(Problem::Code::kUnreadableDirectory, std::move(path), why, slice);
}

// An empty mount point looks like a folder from which all files went (D9).
bool Sweep::is_guarded(Slice& slice) {
  if (scope_.guard_file.empty()) return true;
  auto const guard = files_.stat(scope_.root, scope_.guard_file);
  if (!guard)
    drop_all("source " + scope_.name + ": its guard_file is not there, so nothing is looked at: " + guard.error().text,
             slice);
  return guard.has_value();
}

// Puts a folder on the stack.
void Sweep::enter(std::string path, Slice& slice) {
  auto listing = files_.list(scope_.root, path);
  if (!listing) return listing_failed(std::move(path), listing.error(), slice);
  stack_.push_back({.path = std::move(path),
                    .listing = std::move(*listing),
                    .entries = {},
                    .unfinished = {},
                    .markers = {},
                    .sidecars = {},
                    .subfolders = {}});
}

// Reads some more names of the folder on top. None is looked at before all are known, since a control file may come
// last. Returns how many there were.
std::size_t Sweep::read_on(Slice& slice) {
  auto& folder = stack_.back();
  auto some = folder.listing->next(kNamesAtOnce);
  if (!some) {
    auto path = std::move(folder.path);
    stack_.pop_back();
    listing_failed(std::move(path), some.error(), slice);
    return 0;
  }
  for (auto& entry : *some) {
    if (entry.name.ends_with(kControlSuffix))
      folder.unfinished.insert(entry.name.substr(0, entry.name.size() - kControlSuffix.size()));
    if (scope_.ready_marker) {
      auto marker = is_marker(*scope_.ready_marker, entry.name) ? entry.name : in_small_letters(entry.name);
      if (is_marker(*scope_.ready_marker, marker)) folder.markers.insert(std::move(marker));
    }
    // No candidate, and not looked at by itself: its print is told with that of the file that it describes.
    if (scope_.sidecars && entry.type == ports::FileType::kRegular && is_sidecar_name(entry.name)) {
      folder.sidecars.emplace(entry.name, entry.has_print ? print_of_sidecar(entry.name, entry.print) : 0);
      continue;
    }
    folder.entries.push_back(std::move(entry));
  }
  if (some->empty()) {
    folder.listing.reset();
    if (whole_ && !folder.sidecars.empty()) tell_orphans(slice);
    std::ranges::reverse(folder.entries);  // taken from the back, so that their memory goes as they do
  }
  return some->size();
}

// Of the folder on top, all of whose names are known.
void Sweep::tell_orphans(Slice& slice) {
  auto const& folder = stack_.back();
  std::map<std::string_view, std::string_view> described;  // a media file's name -> its sidecar's
  for (auto const& [name, print] : folder.sidecars) {
    auto const media = std::string_view(name).substr(0, name.rfind('.'));
    if (media_by_name(media)) described.emplace(media, name);
  }
  for (auto const& entry : folder.entries) described.erase(entry.name);
  for (auto const& [media, name] : described) {
    if (keeps_out_file(scope_, joined(folder.path, std::string(media)))) continue;
    auto path = joined(folder.path, std::string(name));
    auto const print = files_.stat(scope_.root, path);
    if (!print) continue;
    auto const changed = from_unix_ms(std::max(print->mtime_ns, print->ctime_ns) / 1'000'000);
    if (changed + kOrphanAfter > now_) continue;
    leave_out(Problem::Code::kOrphanSidecar, std::move(path), "the file that it describes is not there", slice);
  }
}

// Of the first of these names that is in the folder on top.
template <class Names>
std::int64_t Sweep::print_of_first(Names const& names) {
  auto& folder = stack_.back();
  for (auto const& name : names) {
    auto const found = folder.sidecars.find(std::string(name));
    if (found == folder.sidecars.end()) continue;
    if (found->second != 0) return found->second;
    auto const print = files_.stat(scope_.root, joined(folder.path, found->first));
    if (!print) continue;  // it went away meanwhile
    return found->second = print_of_sidecar(found->first, *print);
  }
  return 0;
}

std::int64_t Sweep::sidecars_print_of(std::string_view name) {
  if (stack_.back().sidecars.empty()) return 0;
  return print_of_sidecars(print_of_first(sidecar_names(name)), print_of_first(kDefaultNames));
}

void Sweep::add_candidate(std::string path, ports::FilePrint const& print, Slice& slice) {
  auto const marked =
      scope_.ready_marker && stack_.back().markers.contains(marker_of(*scope_.ready_marker, basename_of(path)));
  auto const sidecars = sidecars_print_of(basename_of(path));
  slice.candidates.push_back({std::move(path), print, marked, sidecars});
}

void Sweep::look_at(ports::DirEntry entry, Slice& slice) {
  auto& folder = stack_.back();
  auto path = joined(folder.path, entry.name);
  bool const is_folder = entry.type == ports::FileType::kDirectory;
  if (auto const kept_out = is_folder ? keeps_out_folder(scope_, path) : keeps_out_file(scope_, path)) {
    if (kept_out->by == KeptOut::By::kTooDeep || kept_out->by == KeptOut::By::kTooLong)
      leave_out(Problem::Code::kPathTooLong, std::move(path), kept_out->text, slice);
    return;
  }
  if (is_folder) return folder.subfolders.push_back(std::move(entry.name));
  if (folder.unfinished.contains(entry.name)) return;
  if (entry.type == ports::FileType::kSymlink) {
    leave_out(Problem::Code::kSymlink, std::move(path), "symbolic links are not followed", slice);
  } else if (entry.type == ports::FileType::kOther) {
    leave_out(Problem::Code::kSpecial, std::move(path), "this is no regular file but a fifo, socket or device", slice);
  } else if (entry.has_print) {
    add_candidate(std::move(path), entry.print, slice);
  } else if (auto const print = files_.stat(scope_.root, path)) {
    add_candidate(std::move(path), *print, slice);
  }  // else it went away meanwhile, or the next sweep will find it
}

Slice Sweep::step(std::size_t max_entries, WallTime now) {
  assert(max_entries > 0);
  now_ = now;
  Slice slice;
  // Listing a folder counts as an entry too, so that a million empty folders also take many slices.
  for (std::size_t looked = 0; looked < max_entries && !finished(); ++looked) {
    if (!at_work()) {
      if (!is_guarded(slice)) break;
      auto wish = std::move(wanted_.extract(wanted_.begin()).value());
      if (wish.empty()) whole_.emplace();
      enter(std::move(wish), slice);
      continue;
    }
    auto& folder = stack_.back();
    if (folder.listing) {
      looked += read_on(slice) / kNamesPerEntry;
    } else if (!folder.entries.empty()) {
      auto entry = std::move(folder.entries.back());
      folder.entries.pop_back();
      look_at(std::move(entry), slice);
    } else if (!folder.subfolders.empty()) {
      folder.entries = {};  // gives the memory of a long list back before going deeper
      auto path = joined(folder.path, folder.subfolders.back());
      folder.subfolders.pop_back();
      enter(std::move(path), slice);
    } else {
      stack_.pop_back();
      if (stack_.empty() && whole_) slice.left_out = std::exchange(whole_, std::nullopt);
    }
  }
  slice.finished = finished();
  return slice;
}

}  // namespace sluice::source

#include "core/source/sweep.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <utility>

#include "core/base/text.h"
#include "core/source/names.h"

namespace sluice::source {
namespace {

constexpr std::size_t kNamesAtOnce = 512;
constexpr std::size_t kNamesPerEntry = 8;  // of a slice's bound: a name costs far less to read than to look at

std::size_t depth_of(std::string_view relative) {  // how many folders lead to it, itself counted
  return relative.empty() ? 0 : 1 + static_cast<std::size_t>(std::ranges::count(relative, '/'));
}

std::string joined(std::string const& folder, std::string const& name) {
  return folder.empty() ? name : folder + "/" + name;
}

bool is_below(std::string_view path, std::string_view folder) {
  if (folder.empty()) return true;
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

bool matches(std::vector<std::string> const& patterns, std::string_view relative, std::string_view name) {
  return std::ranges::any_of(patterns, [&](std::string const& pattern) {
    return glob_match(pattern, pattern.find('/') == std::string::npos ? name : relative);
  });
}

Problem problem(Problem::Code code, std::string path, std::string_view what) {
  auto text = printable(path) + ": " + std::string(what);
  return {std::move(path), std::move(text), code};
}

}  // namespace

std::string_view name_of(Problem::Code code) {
  switch (code) {
    case Problem::Code::kSymlink: return "symlink";
    case Problem::Code::kSpecial: return "special";
    case Problem::Code::kUnreadableDirectory: return "unreadable_directory";
    case Problem::Code::kPathTooLong: return "path_too_long";
  }
  std::abort();
}

Sweep::Sweep(ports::Files& files, Scope scope) : files_(files), scope_(std::move(scope)) {}

bool Sweep::excluded(std::string_view relative, std::string_view name) const {
  return is_ignored_name(name) || matches(scope_.exclude, relative, name);
}

bool Sweep::included(std::string_view relative, std::string_view name) const {
  return scope_.include.empty() || matches(scope_.include, relative, name);
}

// Whether a sweep from the root would come to this folder.
bool Sweep::covers(std::string_view relative) const {
  if (relative.empty()) return true;
  if (!scope_.recursive || depth_of(relative) > kDepthMax || relative.size() > kPathBytesMax) return false;
  for (auto end = relative.find('/');; end = relative.find('/', end + 1)) {
    auto const path = relative.substr(0, end);
    if (excluded(path, basename_of(path))) return false;
    if (end == std::string_view::npos) return true;
  }
}

void Sweep::all() { directory(""); }

void Sweep::directory(std::string relative) {
  if (!covers(relative)) return;
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
}

void Sweep::listing_failed(std::string path, Error const& error, Slice& slice) {
  if (path.empty()) return drop_all("source " + scope_.name + ": " + error.text, slice);
  // A folder that went away while the sweep was coming needs no word; its files are looked for one by one.
  if (error.fault == Fault::kGone) return;
  auto const why = "the folder cannot be listed: " + error.text;
  slice.problems.push_back(problem(Problem::Code::kUnreadableDirectory, std::move(path), why));
}

// Puts a folder on the stack.
void Sweep::enter(std::string path, Slice& slice) {
  auto listing = files_.list(scope_.root, path);
  if (!listing) return listing_failed(std::move(path), listing.error(), slice);
  stack_.push_back(
      {.path = std::move(path), .listing = std::move(*listing), .entries = {}, .unfinished = {}, .subfolders = {}});
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
    if (entry.name.ends_with(".aria2")) folder.unfinished.insert(entry.name.substr(0, entry.name.size() - 6));
    folder.entries.push_back(std::move(entry));
  }
  if (some->empty()) {
    folder.listing.reset();
    std::ranges::reverse(folder.entries);  // taken from the back, so that their memory goes as they do
  }
  return some->size();
}

void Sweep::look_at(ports::DirEntry entry, Slice& slice) {
  auto& folder = stack_.back();
  auto path = joined(folder.path, entry.name);
  if (excluded(path, entry.name)) return;
  if (entry.type == ports::FileType::kDirectory) {
    if (!scope_.recursive) return;
    if (depth_of(path) > kDepthMax) {
      auto const what =
          "this folder is more than " + std::to_string(kDepthMax) + " folders deep, and is not looked into";
      slice.problems.push_back(problem(Problem::Code::kPathTooLong, std::move(path), what));
    } else if (path.size() > kPathBytesMax) {
      slice.problems.push_back(
          problem(Problem::Code::kPathTooLong, std::move(path), "the path of this folder is too long"));
    } else {
      folder.subfolders.push_back(std::move(entry.name));
    }
    return;
  }
  if (is_companion_name(entry.name) || !included(path, entry.name) || folder.unfinished.contains(entry.name)) return;
  if (entry.type == ports::FileType::kSymlink) {
    slice.problems.push_back(problem(Problem::Code::kSymlink, std::move(path), "symbolic links are not followed"));
  } else if (entry.type == ports::FileType::kOther) {
    slice.problems.push_back(
        problem(Problem::Code::kSpecial, std::move(path), "this is no regular file but a fifo, socket or device"));
  } else if (path.size() > kPathBytesMax) {
    slice.problems.push_back(
        problem(Problem::Code::kPathTooLong, std::move(path), "the path of this file is too long"));
  } else if (entry.has_print) {
    slice.candidates.push_back({std::move(path), entry.print});
  } else if (auto const print = files_.stat(scope_.root, path)) {
    slice.candidates.push_back({std::move(path), *print});
  }  // else it went away meanwhile, or the next sweep will find it
}

Slice Sweep::step(std::size_t max_entries) {
  assert(max_entries > 0);
  Slice slice;
  // Listing a folder counts as an entry too, so that a million empty folders also take many slices.
  for (std::size_t looked = 0; looked < max_entries && !finished(); ++looked) {
    if (!at_work()) {
      enter(std::move(wanted_.extract(wanted_.begin()).value()), slice);
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
    }
  }
  slice.finished = finished();
  return slice;
}

}  // namespace sluice::source

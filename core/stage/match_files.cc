#include "core/stage/match_files.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "core/source/identity.h"

namespace sluice::stage {

using platform::Asset;
using platform::IncompleteUpload;

namespace {

constexpr Millis kClockSlack = std::chrono::minutes(5);   // as R50 has it for lost answers
constexpr std::size_t kFittingMax = 100;                  // assets named to one file
constexpr Millis kSameOpening = std::chrono::seconds(5);  // a session and its reserved asset are made by one call
using ByText = std::unordered_multimap<std::string_view, std::size_t>;

bool same_moment(std::optional<WallTime> a, std::optional<WallTime> b) {
  return a && b && *a - *b <= kSameOpening && *b - *a <= kSameOpening;
}

class Matcher {
 public:
  Matcher(std::span<SoughtFile const> files, std::span<Asset const> assets,
          std::span<IncompleteUpload const> unfinished)
      : files_(files), assets_(assets), unfinished_(unfinished), tags_(assets.size()), reserved_(assets.size()) {
    for (std::size_t i = 0; i < files.size(); ++i) files_by_identity_.emplace(files[i].identity, i);
    for (std::size_t i = 0; i < assets.size(); ++i) {
      tags_[i] = source::parse_operation_tag(assets[i].client_op);
      if (tags_[i])
        tagged_.emplace(tags_[i]->identity, i);
      else
        untagged_.emplace(assets[i].filename, i);
      if (assets[i].method == "multipart" && assets[i].state == Asset::State::kProcessing) open_.push_back(i);
    }
  }

  Matching run() {
    Matching made;
    made.files.resize(files_.size());
    for (std::size_t i = 0; i < files_.size(); ++i) by_tag(files_[i], made.files[i]);
    for (std::size_t i = 0; i < files_.size(); ++i)
      if (made.files[i].fate == FileMatch::Fate::kUpload) gather_untagged(files_[i], made.files[i]);
    settle_untagged(made);
    find_orphans();
    for (std::size_t i = 0; i < files_.size(); ++i)
      if (made.files[i].fate == FileMatch::Fate::kUpload) doubt(files_[i], made.files[i]);
    keep_orphans(made);
    std::vector<bool> spoken_for = reserved_;
    for (auto const& file : made.files)
      for (auto const asset : file.assets) spoken_for[asset] = true;
    made.unfinished = static_cast<std::size_t>(std::ranges::count(reserved_, true));
    made.strangers = static_cast<std::size_t>(std::ranges::count(spoken_for, false));
    made.of_files = static_cast<std::size_t>(
        std::ranges::count_if(tagged_, [](auto const& tagged) { return !source::names_url(tagged.first); }));
    return made;
  }

 private:
  // The size of the file that a processing asset was made of, where its tag says which.
  std::optional<std::uint64_t> size_meant(std::size_t asset) const {
    if (!tags_[asset]) return std::nullopt;
    auto const file = files_by_identity_.find(tags_[asset]->identity);
    if (file == files_by_identity_.end()) return std::nullopt;
    return files_[file->second].size_bytes;
  }

  // Of one whose file is not there the size is not known: nothing.
  bool is_reservation(std::size_t asset, std::optional<std::uint64_t> size_bytes) {
    if (std::ranges::find(open_, asset) == open_.end()) return false;
    auto const opened = assets_[asset].created_at;
    auto const sessions = std::ranges::count_if(unfinished_, [&](IncompleteUpload const& session) {
      return session.total_size_bytes == size_bytes.value_or(session.total_size_bytes) &&
             same_moment(session.created_at, opened);
    });
    auto const could_be_theirs = std::ranges::count_if(open_, [&](std::size_t other) {
      return same_moment(assets_[other].created_at, opened) &&
             (!size_bytes || size_meant(other).value_or(*size_bytes) == *size_bytes);
    });
    reserved_[asset] = sessions > 0 && sessions >= could_be_theirs;
    return reserved_[asset];
  }

  // Of two assets of one file or URL, the better: ready before processing before failed, then the later item's, then
  // the later generation, then the older record, which is what the daemon would have taken too.
  bool is_better(std::size_t a, std::size_t b) const {
    auto const rank = [&](std::size_t i) {
      auto const state = assets_[i].state;
      auto const usable = state == Asset::State::kReady ? 2 : state == Asset::State::kProcessing ? 1 : 0;
      return std::tuple(usable, std::string_view(tags_[i]->ulid), tags_[i]->generation);
    };
    if (rank(a) != rank(b)) return rank(a) > rank(b);
    return assets_[a].created_at < assets_[b].created_at;
  }

  bool size_may_fit(std::size_t asset, SoughtFile const& file) const {
    return assets_[asset].size_bytes.value_or(file.size_bytes) == file.size_bytes;
  }

  void by_tag(SoughtFile const& file, FileMatch& match) {
    std::optional<std::size_t> best;
    auto const [first, last] = tagged_.equal_range(file.identity);
    for (auto at = first; at != last; ++at) {
      auto const asset = at->second;
      if (!size_may_fit(asset, file) || is_reservation(asset, file.size_bytes)) continue;
      if (!best || is_better(asset, *best)) best = asset;
    }
    if (best) match = {.fate = FileMatch::Fate::kAdopt, .assets = {*best}, .by_tag = true};
  }

  void gather_untagged(SoughtFile const& file, FileMatch& match) {
    auto const [first, last] = untagged_.equal_range(file.filename);
    for (auto at = first; at != last; ++at) {
      auto const& asset = assets_[at->second];
      if (!asset.created_at || *asset.created_at < file.not_before - kClockSlack) continue;
      if (size_may_fit(at->second, file) && !is_reservation(at->second, file.size_bytes))
        match.assets.push_back(at->second);
    }
    // A failed one is only what became of the file if nothing else did.
    auto const failed = [&](std::size_t i) { return assets_[i].state == Asset::State::kFailed; };
    if (!std::ranges::all_of(match.assets, failed)) std::erase_if(match.assets, failed);
    std::ranges::sort(match.assets);
  }

  void settle_untagged(Matching& made) const {
    std::unordered_map<std::size_t, std::size_t> claims;  // how many files an asset fits
    for (auto const& match : made.files)
      if (!match.by_tag)
        for (auto const asset : match.assets) ++claims[asset];
    for (auto& match : made.files) {
      if (match.by_tag || match.assets.empty()) continue;
      auto const& first = assets_[match.assets.front()];
      auto const certain = first.size_bytes || first.state == Asset::State::kFailed;
      auto const alone = match.assets.size() == 1 && claims[match.assets.front()] == 1;
      match.fate = alone && certain ? FileMatch::Fate::kAdopt : FileMatch::Fate::kAmbiguous;
    }
  }

  // Tagged assets that are good for something, of files and URLs that are not there. What was made of a URL is no
  // file's, also where its bytes went up from here.
  void find_orphans() {
    for (auto const& [identity, asset] : tagged_) {
      if (assets_[asset].state == Asset::State::kFailed || files_by_identity_.contains(identity)) continue;
      if (!is_reservation(asset, std::nullopt)) orphans_.push_back(asset);
    }
    std::ranges::sort(orphans_);
    for (auto const asset : orphans_) {
      if (source::names_url(tags_[asset]->identity)) continue;
      if (assets_[asset].size_bytes)
        orphans_by_size_.emplace(*assets_[asset].size_bytes, asset);
      else
        orphans_by_name_.emplace(assets_[asset].filename, asset);
    }
  }

  // A file that nothing on the platform is known of, and that may be one of the orphans' under another name or with
  // another mtime.
  void doubt(SoughtFile const& file, FileMatch& match) const {
    auto const fits = [&](std::size_t asset) {
      match.fate = FileMatch::Fate::kAmbiguous;
      if (match.assets.size() < kFittingMax) match.assets.push_back(asset);
    };
    auto const [first, last] = orphans_by_size_.equal_range(file.size_bytes);
    for (auto at = first; at != last; ++at) {
      auto const& asset = assets_[at->second];
      auto const is_renamed = asset.created_at && *asset.created_at >= file.not_before - kClockSlack;
      if (is_renamed || asset.filename == file.filename) fits(at->second);
    }
    auto const [first_named, last_named] = orphans_by_name_.equal_range(file.filename);
    for (auto at = first_named; at != last_named; ++at) fits(at->second);
    std::ranges::sort(match.assets);
  }

  // Those that made a file ambiguous too: whoever comes by their very identity is theirs, whatever that file is.
  void keep_orphans(Matching& made) const {
    std::unordered_map<std::string_view, std::size_t> best;  // by identity
    for (auto const asset : orphans_) {
      auto const [at, is_new] = best.emplace(tags_[asset]->identity, asset);
      if (!is_new && is_better(asset, at->second)) at->second = asset;
    }
    for (auto const& [identity, asset] : best) made.unclaimed.push_back(asset);
    std::ranges::sort(made.unclaimed);
  }

  std::span<SoughtFile const> files_;
  std::span<Asset const> assets_;
  std::span<IncompleteUpload const> unfinished_;
  std::vector<std::optional<source::OperationTag>> tags_;  // by asset
  std::vector<bool> reserved_;                             // by asset
  std::vector<std::size_t> open_;                          // multipart assets that are processing
  ByText files_by_identity_;
  ByText tagged_;    // by identity
  ByText untagged_;  // by filename
  std::vector<std::size_t> orphans_;
  std::unordered_multimap<std::uint64_t, std::size_t> orphans_by_size_;
  ByText orphans_by_name_;  // of those whose size is not known
};

}  // namespace

Matching match_files(std::span<SoughtFile const> files, std::span<Asset const> assets,
                     std::span<IncompleteUpload const> unfinished) {
  return Matcher(files, assets, unfinished).run();
}

}  // namespace sluice::stage

// away_folders.h - folders that are not there, such as a NAS that is not mounted, and when each is looked for again.
//
// What is to be done in such a folder waits as long as it takes, and none of it by itself: the folder is looked for
// after 1, 2, 4 ... 60 s, by one look for all who wait, and they go on as soon as it is there.
//
// Memory only: after a restart the first who goes there learns it anew. That one was found again counts once the turn
// is committed that lets its acts go on: if it comes to nothing, the folder is looked for again. Never looks: whoever
// has the lanes does.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "core/base/time.h"
#include "core/budget/probe.h"

namespace sluice::budget {

class AwayFolders {
 public:
  struct Away {
    std::string text = {};  // how it showed last, for people
    Probe probe{Millis(1'000), Millis(60'000)};
  };

  // Somebody found it away. Returns whether nobody knew that.
  bool lost(std::string const& folder, std::string text, WallTime now) {
    auto const [at, is_unknown] = all_.try_emplace(folder);
    auto const is_new = found_.erase(folder) > 0 || is_unknown;
    at->second.text = std::move(text);
    if (is_new) at->second.probe.begin(now, now);
    return is_new;
  }
  // It was looked for, and is away still.
  void still_away(std::string const& folder, std::string text, WallTime now) {
    auto const at = all_.find(folder);
    if (at == all_.end()) return;
    at->second.text = std::move(text);
    at->second.probe.failed(now);
  }
  void found(std::string const& folder) { found_.insert(folder); }

  // --- at the end of a turn: exactly one of the two
  void committed() {
    for (auto const& folder : found_) all_.erase(folder);
    found_.clear();
  }
  void discard() { found_.clear(); }  // its look is still due

  bool is_away(std::string const& folder) const { return all_.contains(folder) && !found_.contains(folder); }
  std::map<std::string, Away> const& all() const { return all_; }
  // The first look after `now`.
  std::optional<WallTime> next_look(WallTime now) const {
    std::optional<WallTime> next;
    for (auto const& [folder, away] : all_)
      if (auto const at = away.probe.at(now); at && *at > now) next = std::min(next.value_or(*at), *at);
    return next;
  }

 private:
  std::map<std::string, Away> all_ = {};
  std::set<std::string> found_ = {};  // in this turn
};

}  // namespace sluice::budget

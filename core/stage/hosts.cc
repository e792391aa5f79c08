#include "core/stage/hosts.h"

#include <algorithm>

namespace sluice::stage {
namespace {

using Times = std::map<std::string, WallTime>;

void note(Times& times, std::string const& host, WallTime until) {
  if (!times.contains(host) && times.size() >= Hosts::kHostsMax) return;
  auto& at = times[host];
  at = std::max(at, until);
}

std::optional<WallTime> noted(Times const& times, std::string const& host, WallTime now) {
  auto const found = times.find(host);
  return found != times.end() && found->second > now ? std::optional(found->second) : std::nullopt;
}

}  // namespace

void Hosts::pause(std::string const& host, WallTime until) { note(paused_, host, until); }

std::optional<WallTime> Hosts::paused_until(std::string const& host, WallTime now) const {
  return noted(paused_, host, now);
}

void Hosts::fell_silent(std::string const& host, WallTime until) { note(silent_, host, until); }

bool Hosts::is_silent(std::string const& host, WallTime now) const { return noted(silent_, host, now).has_value(); }

}  // namespace sluice::stage

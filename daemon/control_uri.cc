#include "daemon/control_uri.h"

#include <utility>

#include "core/base/text.h"

namespace sluice::daemon {
std::optional<std::vector<std::string>> path_segments(std::string_view path) {
  if (!path.starts_with('/')) return std::nullopt;
  path.remove_prefix(1);
  if (path.starts_with('/')) return std::nullopt;
  if (path.ends_with('/')) path.remove_suffix(1);
  std::vector<std::string> segments;
  while (!path.empty()) {
    auto const end = path.find('/');
    auto segment = percent_decode(path.substr(0, end));
    if (!segment || segment->empty()) return std::nullopt;
    segments.push_back(std::move(*segment));
    if (end == std::string_view::npos) break;
    path.remove_prefix(end + 1);
    if (path.empty()) return std::nullopt;
  }
  return segments;
}

}  // namespace sluice::daemon

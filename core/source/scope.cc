#include "core/source/scope.h"

#include <algorithm>

#include "core/base/marker.h"
#include "core/base/text.h"
#include "core/source/names.h"

namespace sluice::source {
namespace {

using By = KeptOut::By;

std::size_t depth_of(std::string_view relative) {  // how many folders lead to it, itself counted
  return relative.empty() ? 0 : 1 + static_cast<std::size_t>(std::ranges::count(relative, '/'));
}

std::string const* matching(std::vector<std::string> const& patterns, std::string_view relative) {
  auto const name = basename_of(relative);
  auto const found = std::ranges::find_if(patterns, [&](std::string const& pattern) {
    return glob_match(pattern, pattern.find('/') == std::string::npos ? name : relative);
  });
  return found == patterns.end() ? nullptr : &*found;
}

std::optional<KeptOut> keeps_out_any(Scope const& scope, std::string_view relative) {
  if (is_ignored_name(basename_of(relative)))
    return KeptOut{By::kTemporary, "hidden and temporary names are never taken"};
  if (auto const* pattern = matching(scope.exclude, relative))
    return KeptOut{By::kExclude, "it is excluded by the pattern " + printable(*pattern)};
  return std::nullopt;
}

}  // namespace

std::optional<KeptOut> keeps_out_folder(Scope const& scope, std::string_view relative) {
  if (relative.empty()) return std::nullopt;
  if (auto kept_out = keeps_out_any(scope, relative)) return kept_out;
  if (!scope.recursive) return KeptOut{By::kSubfolder, "only the folder itself is looked at (recursive: false)"};
  if (depth_of(relative) > kDepthMax)
    return KeptOut{By::kTooDeep,
                   "this folder is more than " + std::to_string(kDepthMax) + " folders deep, and is not looked into"};
  if (relative.size() > kPathBytesMax) return KeptOut{By::kTooLong, "the path of this folder is too long"};
  return std::nullopt;
}

std::optional<KeptOut> keeps_out_file(Scope const& scope, std::string_view relative) {
  if (auto kept_out = keeps_out_any(scope, relative)) return kept_out;
  auto const name = basename_of(relative);
  if (!scope.guard_file.empty() && relative == scope.guard_file) return KeptOut{By::kGuard, "it is the guard_file"};
  if (scope.ready_marker && is_marker(*scope.ready_marker, name))
    return KeptOut{By::kMarker, "it is a marker by its name (ready_marker)"};
  if (is_companion_name(name))
    return KeptOut{By::kCompanion, "names like this are checksums, markers, receipts and notes of other files"};
  if (!scope.include.empty() && matching(scope.include, relative) == nullptr)
    return KeptOut{By::kInclude, "no pattern of include takes it"};
  if (relative.size() > kPathBytesMax) return KeptOut{By::kTooLong, "the path of this file is too long"};
  return std::nullopt;
}

std::optional<KeptOut> keeps_out_way_to_folder(Scope const& scope, std::string_view relative) {
  for (auto end = relative.find('/'); end != std::string_view::npos; end = relative.find('/', end + 1))
    if (auto kept_out = keeps_out_folder(scope, relative.substr(0, end))) return kept_out;
  return keeps_out_folder(scope, relative);
}

std::optional<KeptOut> keeps_out_way_to_file(Scope const& scope, std::string_view relative) {
  auto const folder = directory_of(relative);
  if (auto kept_out = keeps_out_way_to_folder(scope, folder)) {
    kept_out->text = "the folder " + printable(folder) + ": " + kept_out->text;
    return kept_out;
  }
  return keeps_out_file(scope, relative);
}

}  // namespace sluice::source

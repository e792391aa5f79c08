#include "core/source/companions.h"

#include <algorithm>

#include "core/base/marker.h"
#include "core/base/text.h"
#include "core/source/kind.h"
#include "core/source/sidecar.h"

namespace sluice::source {

std::vector<std::string> companions_of(std::string_view name, std::optional<Template> const& marker) {
  std::vector<std::string> names;
  auto const has_extension = stem_of(name) != name;  // else its sidecar may be that of all files of its stem
  for (std::string_view const suffix :
       {".json", ".yaml", ".yml", ".md5", ".sha256", ".done", ".MD5", ".SHA256", ".DONE"})
    if (has_extension || !is_sidecar_name(std::string(name).append(suffix)))
      names.push_back(std::string(name).append(suffix));
  auto const is_name = [](Template::Piece const& piece) {
    return piece.is_variable && piece.variable == TemplateVariable::kName;
  };
  if (marker && std::ranges::any_of(marker->pieces, is_name)) names.push_back(marker_of(*marker, name));
  return names;
}

bool is_shared_sidecar(std::string_view sidecar, std::string_view name) {
  return is_sidecar_name(sidecar) && sidecar != name && stem_of(sidecar) == stem_of(name) &&
         std::ranges::find(kDefaultNames, sidecar) == kDefaultNames.end();
}

std::string shared_sidecar_of(std::string_view sidecar, std::string_view new_name) {
  return std::string(stem_of(new_name)).append(sidecar.substr(stem_of(sidecar).size()));
}

bool may_share_sidecar(std::string_view other, std::string_view name) {
  return other != name && stem_of(other) == stem_of(name) && (stem_of(other) == other || media_by_name(other));
}

std::string numbered(std::string_view path, unsigned n) {
  if (n == 0) return std::string(path);
  auto const name = basename_of(path);
  auto const dot = name.rfind('.');
  auto const stem = dot == std::string_view::npos || dot == 0 ? name : name.substr(0, dot);
  std::string text(path.substr(0, path.size() - name.size()));
  return text.append(stem).append("~").append(std::to_string(n)).append(name.substr(stem.size()));
}

}  // namespace sluice::source

#include "core/base/after_end.h"

#include <algorithm>
#include <string_view>

#include "core/base/text.h"

namespace sluice {
namespace {

constexpr std::size_t kNameBytesMax = 255;  // NAME_MAX

std::string_view literal_folder(Template const& move_to) {
  if (move_to.pieces.empty() || move_to.pieces.front().is_variable) return {};
  std::string_view const literal = move_to.pieces.front().literal;
  return literal.substr(0, std::min(literal.rfind('/'), literal.size()));
}

bool tells_files_apart(Template::Piece const& piece) {
  if (!piece.is_variable) return false;
  return piece.variable == TemplateVariable::kPath || piece.variable == TemplateVariable::kName ||
         piece.variable == TemplateVariable::kStem;
}

bool has_only_names(std::string_view path) {
  for (std::size_t begin = 0; begin <= path.size();) {
    auto const end = std::min(path.find('/', begin), path.size());
    if (end - begin > kNameBytesMax) return false;
    begin = end + 1;
  }
  return !path.empty() && is_plain_relative(path);
}

}  // namespace

std::string why_no_target(Template const& move_to) {
  auto const folder = literal_folder(move_to);
  if (!move_to.text.starts_with('/')) return "must be an absolute path, such as /srv/done/{source}/{path}";
  if (folder.size() < 2 || !is_plain_relative(folder.substr(1)))
    return "needs a folder of its own before the first variable, such as /srv/done/{source}/{path}";
  if (uses_metadata(move_to)) return "cannot use {meta.KEY}: where a file goes is no affair of its uploader";
  if (std::ranges::none_of(move_to.pieces, tells_files_apart))
    return "gives all files one name: use {path}, {name} or {stem}, as in /srv/done/{source}/{path}";
  auto values = template_values("source", "folder/name.ext", "host", {});
  values.match.emplace();
  for (auto const& group : groups_in(move_to)) values.match->emplace(group, "group");
  if (!target_of(move_to, values)) return "must be a plain path of a file, without empty, `.` or `..` parts";
  return {};
}

std::string target_folder(Template const& move_to) { return std::string(literal_folder(move_to)); }

std::optional<Target> target_of(Template const& move_to, TemplateValues const& values) {
  Target target{.folder = target_folder(move_to), .path = expand(move_to, values)};
  target.path.erase(0, target.folder.size() + 1);
  if (!has_only_names(target.path)) return std::nullopt;
  return target;
}

}  // namespace sluice

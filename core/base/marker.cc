#include "core/base/marker.h"

#include <algorithm>

#include "core/base/text.h"

namespace sluice {
namespace {

using Variable = TemplateVariable;

bool names_the_file(Template::Piece const& piece) {
  return piece.is_variable && (piece.variable == Variable::kName || piece.variable == Variable::kStem);
}

bool may_stand(Template::Piece const& piece) {
  if (!piece.is_variable) return piece.literal.find('/') == std::string::npos;
  return names_the_file(piece) || piece.variable == Variable::kExt;
}

// The pattern that all its names fit.
std::string pattern_of(Template const& marker) {
  std::string pattern;
  for (auto const& piece : marker.pieces) {
    if (piece.is_variable) pattern += "*";
    for (char const c : piece.literal)
      pattern += std::string("*?[").find(c) == std::string::npos ? std::string(1, c) : "?";
  }
  return pattern;
}

}  // namespace

std::string why_no_marker(Template const& marker) {
  if (!std::ranges::all_of(marker.pieces, may_stand))
    return "a marker stands beside its file: only {name}, {stem} and {ext} may be used, and no '/'";
  if (std::ranges::none_of(marker.pieces, names_the_file)) return "it must name its file, by {name} or {stem}";
  for (std::string_view const name : {"a.b", "a", "A.B"})
    if (marker_of(marker, name) == name) return "it gives the file's own name: add something, as in {name}.done";
  return {};
}

std::string marker_of(Template const& marker, std::string_view name) {
  return expand(marker, template_values("", name, "", {}));
}

bool is_marker(Template const& marker, std::string_view name) { return glob_match(pattern_of(marker), name); }

}  // namespace sluice

#include "core/base/template.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/base/text.h"

namespace sluice {
namespace {

struct Named {
  std::string_view word;
  TemplateVariable variable;
};
constexpr std::string_view kMatchPrefix = "match.";
constexpr std::array<Named, 8> kVariables = {{
    {"name", TemplateVariable::kName},
    {"stem", TemplateVariable::kStem},
    {"ext", TemplateVariable::kExt},
    {"dir", TemplateVariable::kDir},
    {"path", TemplateVariable::kPath},
    {"source", TemplateVariable::kSource},
    {"host", TemplateVariable::kHost},
    {"date", TemplateVariable::kDate},
}};

constexpr std::string_view kMetaPrefix = "meta.";

std::string complaint_of_word(std::string_view word) {
  if (word.empty()) return "`{}` names no variable; write one such as {name}, or {{}} for the two braces";
  auto const shown = "{" + printable(word) + "}";
  if (word == kMetaPrefix) return shown + " names no key; write one, such as {meta.reel}";
  if (word.starts_with(kMatchPrefix))
    return shown +
           " names no group; write {match.NAME} for a group (?P<NAME>...) of `match`, a name of ASCII letters, "
           "digits and `_`";
  std::vector<std::string> known;
  std::string all;
  for (auto const& each : kVariables) {
    known.emplace_back(each.word);
    all += " {" + known.back() + "}";
  }
  if (auto const near = nearest(word, known)) {
    return "unknown variable " + shown + "; did you mean {" + *near + "}?";
  }
  return "unknown variable " + shown + "; known are" + all + " {match.NAME} {meta.KEY}, and {{ for a brace";
}

// "reel" of "match.reel"; "" for all else.
std::string_view group_of(std::string_view word) {
  static constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  if (!word.starts_with(kMatchPrefix)) return {};
  word.remove_prefix(kMatchPrefix.size());
  return word.find_first_not_of(kAllowed) == std::string_view::npos ? word : std::string_view();
}

std::optional<Template::Piece> variable_of(std::string_view word) {
  if (word.starts_with(kMetaPrefix) && word.size() > kMetaPrefix.size())
    return Template::Piece{
        .is_variable = true, .variable = TemplateVariable::kMeta, .key = std::string(word.substr(kMetaPrefix.size()))};
  if (auto const group = group_of(word); !group.empty())
    return Template::Piece{.is_variable = true, .variable = TemplateVariable::kMatch, .key = std::string(group)};
  auto const found = std::ranges::find(kVariables, word, &Named::word);
  if (found == kVariables.end()) return std::nullopt;
  return Template::Piece{.is_variable = true, .variable = found->variable};
}

void add_literal(Template& parsed, char byte) {
  if (parsed.pieces.empty() || parsed.pieces.back().is_variable) parsed.pieces.push_back({});
  parsed.pieces.back().literal += byte;
}

template <class Values>
std::string const& value_in(Values const& values, std::string const& key) {
  static std::string const kNothing;
  auto const found = values.find(key);
  return found == values.end() ? kNothing : found->second;
}

std::map<std::string, std::string> const kNoGroups;

std::string const& value_of(Template::Piece const& piece, TemplateValues const& values) {
  switch (piece.variable) {
    case TemplateVariable::kName: return values.name;
    case TemplateVariable::kStem: return values.stem;
    case TemplateVariable::kExt: return values.ext;
    case TemplateVariable::kDir: return values.dir;
    case TemplateVariable::kPath: return values.path;
    case TemplateVariable::kSource: return values.source;
    case TemplateVariable::kHost: return values.host;
    case TemplateVariable::kDate: return values.date;
    case TemplateVariable::kMeta: return value_in(values.meta, piece.key);
    case TemplateVariable::kMatch: return value_in(values.match ? *values.match : kNoGroups, piece.key);
  }
  std::unreachable();
}

}  // namespace

std::expected<Template, TemplateError> parse_template(std::string_view text) {
  Template parsed{.text = std::string(text), .pieces = {}};
  for (std::size_t at = 0; at < text.size(); ++at) {
    char const byte = text[at];
    if (byte != '{' && byte != '}') {
      add_literal(parsed, byte);
      continue;
    }
    if (at + 1 < text.size() && text[at + 1] == byte) {  // {{ or }}
      add_literal(parsed, byte);
      ++at;
      continue;
    }
    if (byte == '}') return std::unexpected(TemplateError{at, "a `}` without its `{`; write }} for the brace itself"});
    auto const close = text.find_first_of("{}", at + 1);
    if (close == std::string_view::npos || text[close] == '{') {
      return std::unexpected(TemplateError{at, "a `{` without its `}`; write {{ for the brace itself"});
    }
    auto const word = text.substr(at + 1, close - at - 1);
    auto piece = variable_of(word);
    if (!piece) return std::unexpected(TemplateError{at, complaint_of_word(word)});
    parsed.pieces.push_back(*std::move(piece));
    at = close;
  }
  return parsed;
}

std::set<std::string> groups_in(Template const& parsed) {
  std::set<std::string> groups;
  for (auto const& piece : parsed.pieces)
    if (piece.is_variable && piece.variable == TemplateVariable::kMatch) groups.insert(piece.key);
  return groups;
}

TemplateValues template_values(std::string_view source, std::string_view relative_path, std::string_view host,
                               WallTime admitted_at) {
  auto const name = basename_of(relative_path);
  auto const folder = basename_of(directory_of(relative_path));
  return {
      .name = std::string(name),
      .stem = std::string(stem_of(name)),
      .ext = extension_of(name),
      .dir = std::string(folder.empty() ? source : folder),
      .path = std::string(relative_path),
      .source = std::string(source),
      .host = std::string(host),
      .date = to_rfc3339(admitted_at).substr(0, 10),
  };
}

std::string expand(Template const& parsed, TemplateValues const& values) {
  std::string text;
  for (auto const& piece : parsed.pieces) text += piece.is_variable ? value_of(piece, values) : piece.literal;
  return text;
}

std::string const* missing_key(Template const& parsed, TemplateValues const& values) {
  auto const is_missing = [&](Template::Piece const& piece) {
    return piece.is_variable && piece.variable == TemplateVariable::kMeta && !values.meta.contains(piece.key);
  };
  auto const found = std::ranges::find_if(parsed.pieces, is_missing);
  return found == parsed.pieces.end() ? nullptr : &found->key;
}

bool uses_metadata(Template const& parsed) { return missing_key(parsed, {}) != nullptr; }

}  // namespace sluice

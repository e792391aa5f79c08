#include "core/base/path_match.h"

#include <re2/re2.h>

#include <utility>
#include <vector>

#include "core/base/text.h"

namespace sluice {
namespace {

constexpr std::int64_t kProgramBytesMax = 1 << 20;  // what one expression may cost in memory; RE2 refuses larger ones

RE2::Options options_for(RE2::Options::Encoding encoding) {
  RE2::Options options;
  options.set_encoding(encoding);
  options.set_log_errors(false);  // they are told by whoever asked
  options.set_max_mem(kProgramBytesMax);
  options.set_dot_nl(true);  // a line break is a byte of a name like any other
  return options;
}

// The form of newer Perl and of others, which RE2 takes for an error that it says badly.
bool has_other_group(std::string_view expression) {
  auto const at = expression.find("(?<");
  return at != std::string_view::npos && at + 3 < expression.size() && expression[at + 3] != '=' &&
         expression[at + 3] != '!';
}

// ", at its byte 7"; "" where it is the expression as a whole.
std::string place_of(std::string_view part, std::string_view expression) {
  if (part.empty() || part == expression) return {};
  auto const at = expression.ends_with(part) ? expression.size() - part.size() : expression.find(part);
  return at == std::string_view::npos ? "" : ", at its byte " + std::to_string(at + 1);
}

std::string complaint_of(std::string_view expression, RE2 const& compiled) {
  if (has_other_group(expression)) return "has a group (?<NAME>...); write it as (?P<NAME>...)";
  auto const& part = compiled.error_arg();
  auto why = compiled.error();  // "missing ]: [a-z"
  if (!part.empty() && why.ends_with(": " + part)) why.resize(why.size() - part.size() - 2);
  return "is no regular expression: " + why + place_of(part, expression) +
         "; it is RE2's (no back-references, no look-ahead): https://github.com/google/re2/wiki/Syntax";
}

}  // namespace

struct PathMatch::Compiled {
  explicit Compiled(std::string_view expression)
      : text(expression),
        characters(text, options_for(RE2::Options::EncodingUTF8)),
        bytes(text, options_for(RE2::Options::EncodingLatin1)) {
    for (auto const& [name, group] : characters.NamedCapturingGroups()) names.insert(name);
  }

  std::string text;
  RE2 characters;
  RE2 bytes;
  std::set<std::string> names;
};

PathMatch::PathMatch(std::shared_ptr<Compiled const> compiled) : compiled_(std::move(compiled)) {}

std::expected<PathMatch, std::string> PathMatch::parse(std::string_view expression) {
  if (expression.size() > kBytesMax) return std::unexpected("is longer than 1000 bytes; shorten it");
  auto compiled = std::make_shared<Compiled const>(expression);
  for (auto const* each : {&compiled->characters, &compiled->bytes})
    if (!each->ok()) return std::unexpected(complaint_of(expression, *each));
  if (compiled->characters.CapturingGroupNames().size() != compiled->names.size())
    return std::unexpected("has two groups of one name; rename one");
  return PathMatch(std::move(compiled));
}

std::set<std::string> const& PathMatch::names() const { return compiled_->names; }

std::string const& PathMatch::text() const { return compiled_->text; }

std::optional<std::map<std::string, std::string>> PathMatch::values_of(std::string_view path) const {
  auto const& expression = is_utf8(path) ? compiled_->characters : compiled_->bytes;
  auto const groups = expression.NumberOfCapturingGroups() + 1;  // the first is the whole
  std::vector<re2::StringPiece> found(static_cast<std::size_t>(groups));
  if (!expression.Match(re2::StringPiece(path.data(), path.size()), 0, path.size(), RE2::UNANCHORED, found.data(),
                        groups))
    return std::nullopt;
  std::map<std::string, std::string> values;
  for (auto const& [name, group] : expression.NamedCapturingGroups())
    values.emplace(name, std::string(found[static_cast<std::size_t>(group)]));
  return values;
}

}  // namespace sluice

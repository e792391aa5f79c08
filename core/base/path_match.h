// path_match.h - a regular expression with named groups, held against paths: `match:` of a source.
//
// In time linear in the path, whatever the expression and however a stranger named his file (docs/adr/0012). The
// expression is looked for anywhere in the path; `^` and `$` tie it to the ends. Paths are bytes (D42): one that is
// valid UTF-8 is read as characters, any other byte by byte, and none is refused for its bytes. Immutable; copies share
// it.
#pragma once

#include <cstddef>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace sluice {

class PathMatch {
 public:
  static constexpr std::size_t kBytesMax = 1'000;

  // Fails  with what is wrong, and what to write instead.
  static std::expected<PathMatch, std::string> parse(std::string_view expression);

  // The named groups, `(?P<NAME>...)`.
  std::set<std::string> const& names() const;

  // What each of them stands for: "" for one that took no part. Nothing where the path does not match.
  std::optional<std::map<std::string, std::string>> values_of(std::string_view path) const;

  std::string const& text() const;

 private:
  struct Compiled;
  explicit PathMatch(std::shared_ptr<Compiled const> compiled);
  std::shared_ptr<Compiled const> compiled_;
};

}  // namespace sluice

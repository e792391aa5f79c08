// template.h - the closed grammar of texts with variables: "{stem} from {source}".
//
// Variables are `{name} {stem} {ext} {dir} {path} {source} {host} {date} {match.NAME} {meta.KEY}`, and no others: an
// unknown one is an error when the configuration is read, never an empty text later. `{match.NAME}` stands for a named
// group of the source's `match`. `{{` and `}}` stand for one brace. There are no conditions, loops, defaults or calls,
// so a file's name can never be code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.h"

namespace sluice {

enum class TemplateVariable : std::uint8_t {
  kName,    // "clip.MP4": the file's name
  kStem,    // "clip": the name without its last extension
  kExt,     // "mp4": the last extension, lower case; "" if there is none
  kDir,     // the name of the folder that the file lies in; at the root of the source, the source's name
  kPath,    // "day1/clip.MP4": relative to the source
  kSource,  // the source's name
  kHost,    // this host's name
  kDate,    // "2026-11-22": the UTC day on which the item was admitted
  kMeta,    // the metadata that its sidecar or its manifest's line gives it under the piece's key
  kMatch,   // "R17": what a named group of the source's `match` found in the path; "" if the group took no part
};

// A parsed template. A default one is the empty text.
struct Template {
  struct Piece {
    bool is_variable = false;
    TemplateVariable variable = TemplateVariable::kName;  // when is_variable
    std::string literal = {};                             // when not
    std::string key = {};                                 // of kMeta, and the group's name of kMatch
    friend bool operator==(Piece const&, Piece const&) = default;
  };
  std::string text;           // as it was written; for messages, and for the journal to parse anew
  std::vector<Piece> pieces;  // in order; literals are never empty, and no two touch
  friend bool operator==(Template const&, Template const&) = default;
};

struct TemplateError {
  std::size_t at_byte;  // where in the text, from 0: the brace
  std::string text;     // for people: what is wrong, and what to write instead
};

// The named groups of `match` that it asks for.
std::set<std::string> groups_in(Template const& parsed);

// Fails on an unknown variable (naming the nearest one), on one that is not supported yet, on a brace
// without its partner, and on `{}`.
std::expected<Template, TemplateError> parse_template(std::string_view text);

// What the variables stand for, for one item. All are bytes as the file system gave them; a caller
// that sends the result somewhere makes it valid for that place (platform_filename, printable).
struct TemplateValues {
  std::string name;
  std::string stem;
  std::string ext;
  std::string dir;
  std::string path;
  std::string source;
  std::string host;
  std::string date;
  std::map<std::string, std::string, std::less<>> meta = {};     // by key
  std::optional<std::map<std::string, std::string>> match = {};  // by group; nothing: there is none, or it does not fit
};

// The values for the file at `relative_path` ('/' between components) beneath the source's folder.
TemplateValues template_values(std::string_view source, std::string_view relative_path, std::string_view host,
                               WallTime admitted_at);

// What is not in values.meta is left out: see missing_key().
std::string expand(Template const& parsed, TemplateValues const& values);

// The first {meta.KEY} that these values do not have; null if there is none.
std::string const* missing_key(Template const& parsed, TemplateValues const& values);

// Whether it has a variable that only an item's own metadata fills.
bool uses_metadata(Template const& parsed);

}  // namespace sluice

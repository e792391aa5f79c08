// read.h - takes values out of the tree, one type each, and says what is wrong with them.
//
// Every reader returns nothing after it has reported; the caller then leaves the default, and reading
// goes on, so that one run shows all errors. Types are strict: text that looks like a number must be
// in quotes, `yes` is no boolean. No message repeats a value.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/report.h"
#include "core/base/yaml_tree.h"

namespace sluice::config {

// A node, where it is, and where its errors go. Points into the tree; copied freely.
struct At {
  Node const* node;
  Origin origin;
  Report* report;

  void complain(std::string text) const { report->add(origin, node->mark, std::move(text)); }
};

std::optional<std::string> read_text(At const& at);  // not empty
std::optional<bool> read_bool(At const& at);
std::optional<std::int64_t> read_integer(At const& at, std::int64_t least, std::int64_t most);
std::optional<Millis> read_duration(At const& at, Millis least, Millis most);
std::optional<std::uint64_t> read_size(At const& at, std::uint64_t least_bytes);
std::optional<std::uint64_t> read_rate(At const& at);
std::optional<std::string> read_path(At const& at);  // absolute, no "..", no '/' at its end
std::optional<std::string> read_name(At const& at);  // letters, digits, '.', '_', '-'; 64 at most
std::optional<Template> read_template(At const& at);
Metadata read_metadata(At const& at, std::vector<std::string> const& reserved);

// A list's elements, each with its place; null is an empty list. Reports when it is something else.
std::vector<At> read_list(At const& at);
std::vector<std::string> read_texts(At const& at);

// What one of a few words stands for.
template <class T>
using Words = std::initializer_list<std::pair<std::string_view, T>>;
void complain_of_word(At const& at, std::vector<std::string> const& known);
template <class T>
std::optional<T> read_word(At const& at, Words<T> words) {
  std::vector<std::string> known;
  for (auto const& [word, value] : words) {
    if (at.node->type == Node::Type::kScalar && at.node->text == word) return value;
    known.emplace_back(word);
  }
  complain_of_word(at, known);
  return std::nullopt;
}

// Puts what a reader gave into the struct; leaves the default where it gave nothing.
template <class T, class From>
void assign(T& to, std::optional<From> from) {
  if (from) to = static_cast<T>(std::move(*from));
}

// One map. Every key that is asked for is a known key; finish() reports all others.
class Section {
 public:
  // Null is an empty map. Reports when the node is something else, and is empty then.
  explicit Section(At at);

  // The value of a key; nothing if it is not there.
  std::optional<At> find(std::string const& key);
  // The same for a key whose documented default is null.
  std::optional<At> find_unless_null(std::string const& key);
  // The same for a key that must be there; reports if it is not.
  std::optional<At> require(std::string const& key, std::string_view what_to_do);

  // Reports a key that this release does not support, unless its value is null, an empty list, an
  // empty map, or one of the words that say what this release does anyway.
  void not_yet(std::string const& key, std::initializer_list<std::string_view> accepted = {});

  // All keys in file order, for maps whose keys are names; every one counts as known.
  std::vector<std::pair<std::string, At>> all();

  // Reports unknown keys, with the nearest known one.
  void finish();

  At const& at() const { return at_; }

 private:
  At at_;
  bool is_map_;
  std::vector<std::string> known_;
};

}  // namespace sluice::config

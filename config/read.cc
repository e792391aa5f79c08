#include "config/read.h"

#include <algorithm>
#include <charconv>

#include "config/values.h"
#include "core/base/text.h"

namespace sluice::config {
namespace {

using yaml::classify;
using yaml::Plain;

std::string listed(std::vector<std::string> const& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
  return text;
}

// A scalar that may be text: in quotes, or not to be mistaken for a number.
std::optional<std::string> text_of(At const& at, std::string_view wanted) {
  auto const& node = *at.node;
  if (node.type == Node::Type::kNull) {
    at.complain("has no value; write " + std::string(wanted) + ", or remove the line for the default");
    return std::nullopt;
  }
  if (node.type != Node::Type::kScalar) {
    at.complain(std::string("is a ") + (node.type == Node::Type::kMap ? "map" : "list") + "; write " +
                std::string(wanted));
    return std::nullopt;
  }
  return node.text;
}

std::optional<std::string> refuse(At const& at, std::string text) {
  at.complain(std::move(text));
  return std::nullopt;
}

}  // namespace

std::optional<std::string> read_text(At const& at) {
  auto text = text_of(at, "a text");
  if (!text) return text;
  if (text->empty()) return refuse(at, "is an empty text; write one, or remove the line for the default");
  if (!at.node->quoted && classify(*text) != Plain::kText) {
    return refuse(at, "must be a text, and this is a number or a boolean; put it in quotes");
  }
  return text;
}

std::optional<bool> read_bool(At const& at) {
  auto const text = text_of(at, "true or false");
  if (!text) return std::nullopt;
  if (!at.node->quoted && *text == "true") return true;
  if (!at.node->quoted && *text == "false") return false;
  at.complain("must be true or false, in small letters and without quotes");
  return std::nullopt;
}

std::optional<std::int64_t> read_integer(At const& at, std::int64_t least, std::int64_t most) {
  auto const range = "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  auto const text = text_of(at, range);
  if (!text) return std::nullopt;
  std::int64_t value = 0;
  if (!at.node->quoted && classify(*text) == Plain::kInteger) {
    auto const [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error == std::errc() && value >= least && value <= most) return value;
  }
  at.complain("must be " + range + ", without quotes");
  return std::nullopt;
}

std::optional<Millis> read_duration(At const& at, Millis least, Millis most) {
  auto const text = text_of(at, "a duration such as 5s");
  if (!text) return std::nullopt;
  auto const value = parse_duration(*text);
  if (!value) {
    at.complain(value.error());
    return std::nullopt;
  }
  if (*value >= least && *value <= most) return *value;
  at.complain("must be from " + to_words(least) + " to " + to_words(most));
  return std::nullopt;
}

std::optional<std::uint64_t> read_size(At const& at, std::uint64_t least_bytes) {
  auto const text = text_of(at, "a size such as 16MiB");
  if (!text) return std::nullopt;
  auto const value = parse_size(*text);
  if (!value) {
    at.complain(value.error());
    return std::nullopt;
  }
  if (*value >= least_bytes) return *value;
  at.complain("must be " + to_words_bytes(least_bytes) + " at least");
  return std::nullopt;
}

std::optional<std::uint64_t> read_rate(At const& at) {
  auto const text = text_of(at, "a rate such as 64KiB/s");
  if (!text) return std::nullopt;
  auto const value = parse_rate(*text);
  if (value) return *value;
  at.complain(value.error());
  return std::nullopt;
}

std::optional<std::string> read_path(At const& at) {
  auto text = read_text(at);
  if (!text) return text;
  if (!text->starts_with('/')) return refuse(at, "must be an absolute path; begin it with /");
  while (text->size() > 1 && text->ends_with('/')) text->pop_back();
  auto const bounded = *text == "/" ? *text : *text + "/";
  for (auto const* part : {"//", "/./", "/../"}) {
    if (bounded.find(part) != std::string::npos) {
      return refuse(at, "must be a plain path, without empty, `.` or `..` parts");
    }
  }
  return text;
}

std::optional<std::string> read_name(At const& at) {
  auto text = read_text(at);
  if (!text) return text;
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  if (text->size() <= 64 && text->find_first_not_of(kAllowed) == std::string::npos) return text;
  return refuse(at, "is a name: at most 64 letters, digits, `.`, `_` and `-`");
}

std::optional<Template> read_template(At const& at) {
  auto const text = read_text(at);
  if (!text) return std::nullopt;
  auto parsed = parse_template(*text);
  if (parsed) return std::move(*parsed);
  at.complain(parsed.error().text);
  return std::nullopt;
}

namespace {

std::optional<MetadataValue> read_metadata_value(At const& at) {
  auto const text = text_of(at, "a text, a number, true or false");
  if (!text) return std::nullopt;
  switch (at.node->quoted ? Plain::kText : classify(*text)) {
    case Plain::kBool: return *text == "true";
    case Plain::kInteger: {
      std::int64_t value = 0;
      auto const [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
      if (error == std::errc()) return value;
      break;
    }
    case Plain::kFloat: {
      double value = 0;
      auto const* begin = text->data() + (text->starts_with('+') ? 1 : 0);
      auto const [end, error] = std::from_chars(begin, text->data() + text->size(), value);
      if (error == std::errc()) return value;
      break;
    }
    case Plain::kText:
      if (auto parsed = read_template(at)) return std::move(*parsed);
      return std::nullopt;
    case Plain::kOdd: break;
  }
  at.complain("this number or boolean can be read in two ways or is out of range; write it plainly, or in quotes");
  return std::nullopt;
}

}  // namespace

Metadata read_metadata(At const& at, std::vector<std::string> const& reserved) {
  Metadata metadata;
  Section section(at);
  for (auto const& [key, value] : section.all()) {
    if (std::ranges::find(reserved, key) != reserved.end()) {
      value.complain("this metadata key is reserved; choose another");
    } else if (key.empty()) {
      value.complain("a metadata key must not be empty");
    } else if (auto read = read_metadata_value(value)) {
      metadata.emplace_back(key, std::move(*read));
    }
  }
  return metadata;
}

std::vector<At> read_list(At const& at) {
  std::vector<At> elements;
  if (at.node->type == Node::Type::kNull) return elements;
  if (at.node->type != Node::Type::kList) {
    at.complain("must be a list; write [one, two], or one `- ` line for each");
    return elements;
  }
  for (auto const& item : at.node->items) {
    elements.push_back({&item, inside(at.origin, elements.size()), at.report});
    at.report->remember(elements.back().origin, item.mark);
  }
  return elements;
}

std::vector<std::string> read_texts(At const& at) {
  std::vector<std::string> texts;
  for (auto const& element : read_list(at)) {
    if (auto text = read_text(element)) texts.push_back(std::move(*text));
  }
  return texts;
}

void complain_of_word(At const& at, std::vector<std::string> const& known) {
  if (!text_of(at, listed(known))) return;
  auto const near = nearest(at.node->text, known);
  at.complain("must be " + listed(known) + (near ? "; did you mean " + *near + "?" : ""));
}

Section::Section(At at) : at_(std::move(at)), is_map_(at_.node->type == Node::Type::kMap) {
  if (!is_map_ && at_.node->type != Node::Type::kNull) at_.complain("must be a map of `key: value` lines");
}

std::optional<At> Section::find(std::string const& key) {
  if (std::ranges::find(known_, key) == known_.end()) known_.push_back(key);
  if (!is_map_) return std::nullopt;
  for (auto const& [name, value] : at_.node->entries) {
    if (name.text != key) continue;
    At found{&value, inside(at_.origin, key), at_.report};
    at_.report->remember(found.origin, name.mark);
    return found;
  }
  return std::nullopt;
}

std::optional<At> Section::find_unless_null(std::string const& key) {
  auto found = find(key);
  if (found && found->node->type == Node::Type::kNull) return std::nullopt;
  return found;
}

std::optional<At> Section::require(std::string const& key, std::string_view what_to_do) {
  auto found = find(key);
  if (!found && (is_map_ || at_.node->type == Node::Type::kNull)) {
    at_.report->add(inside(at_.origin, key), at_.node->mark, "is missing; " + std::string(what_to_do));
  }
  return found;
}

void Section::not_yet(std::string const& key, std::initializer_list<std::string_view> accepted) {
  auto const found = find(key);
  if (!found) return;
  auto const& node = *found->node;
  bool const is_empty = node.type == Node::Type::kNull || (node.type == Node::Type::kList && node.items.empty()) ||
                        (node.type == Node::Type::kMap && node.entries.empty());
  if (is_empty) return;
  if (node.type == Node::Type::kScalar && std::ranges::find(accepted, node.text) != accepted.end()) return;
  std::string text = "is not supported yet in this release; ";
  std::vector<std::string> const words(accepted.begin(), accepted.end());
  found->complain(text + (words.empty() ? "remove the line" : "write " + listed(words) + ", or remove the line"));
}

std::vector<std::pair<std::string, At>> Section::all() {
  std::vector<std::pair<std::string, At>> pairs;
  if (!is_map_) return pairs;
  for (auto const& [name, value] : at_.node->entries) {
    known_.push_back(name.text);
    pairs.emplace_back(name.text, At{&value, inside(at_.origin, printable(name.text)), at_.report});
    at_.report->remember(pairs.back().second.origin, name.mark);
  }
  return pairs;
}

void Section::finish() {
  if (!is_map_) return;
  for (auto const& [name, value] : at_.node->entries) {
    if (std::ranges::find(known_, name.text) != known_.end()) continue;
    auto const near = nearest(name.text, known_);
    at_.report->add(
        inside(at_.origin, printable(name.text)), name.mark,
        near ? "unknown key; did you mean `" + *near + "`?" : "unknown key; known here are " + listed(known_));
  }
}

}  // namespace sluice::config

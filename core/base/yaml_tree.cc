#include "core/base/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <unordered_map>

#include "core/base/text.h"

namespace sluice::yaml {
namespace {

Mark mark_of(YAML::Mark const& mark) { return {mark.line + 1, mark.column + 1}; }

constexpr char kNoAliases[] = "aliases (*name) are not allowed; a text that begins with * needs quotes";
constexpr char kNoAnchors[] = "anchors (&name) are not allowed; a text that begins with & needs quotes";
constexpr char kNoTags[] = "tags (!type) are not allowed; a text that begins with ! needs quotes";

// Leaves the parser from inside an event; never leaves this file.
struct Refused {
  YamlError error;
};

// Why what stands at the mark is refused; null if it is no property.
char const* property_at(std::string_view text, YAML::Mark const& mark) {
  if (mark.pos < 0 || static_cast<std::size_t>(mark.pos) >= text.size()) return nullptr;
  switch (text[static_cast<std::size_t>(mark.pos)]) {
    case '*': return kNoAliases;
    case '&': return kNoAnchors;
    case '!': return kNoTags;
    default: return nullptr;
  }
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::string_view text) : text_(text) {}

  Node take() { return std::move(root_); }

  // The parser takes the end of the file for the end of a quoted text, so that a file that was cut
  // short would pass. Only the last scalar can reach that far.
  std::optional<YamlError> unclosed_quote() const {
    if (last_.pos < 0 || static_cast<std::size_t>(last_.pos) >= text_.size()) return std::nullopt;
    auto at = static_cast<std::size_t>(last_.pos);
    char const quote = text_[at];
    if (quote != '"' && quote != '\'') return std::nullopt;
    for (++at; at < text_.size(); ++at) {
      bool const is_escape =
          quote == '"' ? text_[at] == '\\' : text_[at] == quote && at + 1 < text_.size() && text_[at + 1] == quote;
      if (is_escape) {
        ++at;
      } else if (text_[at] == quote) {
        return std::nullopt;
      }
    }
    return YamlError{mark_of(last_), key_,
                     "this quote is never closed; close it, or see whether the file was cut short"};
  }

  void OnDocumentStart(YAML::Mark const&) override {}
  void OnDocumentEnd() override {}

  void OnNull(YAML::Mark const& mark, YAML::anchor_t) override {
    refuse_properties(mark);
    put({.type = Node::Type::kNull, .mark = mark_of(mark)});
  }

  void OnAlias(YAML::Mark const& mark, YAML::anchor_t) override { throw Refused{{mark_of(mark), key_, kNoAliases}}; }

  void OnScalar(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t, std::string const& value) override {
    refuse_properties(mark);
    last_ = mark;
    put({.type = Node::Type::kScalar, .mark = mark_of(mark), .text = value, .quoted = tag != "?"});
  }

  void OnSequenceStart(YAML::Mark const& mark, std::string const&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    begin(mark, Node::Type::kList);
  }
  void OnSequenceEnd() override { end(); }

  void OnMapStart(YAML::Mark const& mark, std::string const&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    begin(mark, Node::Type::kMap);
  }
  void OnMapEnd() override { end(); }

 private:
  struct Open {
    Node node;
    std::optional<Node> key = std::nullopt;  // a map's key that waits for its value
    std::unordered_map<std::string, int> key_lines = {};
  };

  // The mark of an event with an anchor or a tag is the place of that property. Looking there finds
  // them also where the event itself no longer tells (`!tag ~`).
  void refuse_properties(YAML::Mark const& mark) const {
    if (char const* why = property_at(text_, mark)) throw Refused{{mark_of(mark), key_, why}};
  }

  void begin(YAML::Mark const& mark, Node::Type type) {
    refuse_properties(mark);
    if (open_.size() >= kDepthMax) {
      throw Refused{{mark_of(mark), key_, "more than " + std::to_string(kDepthMax) + " levels deep; flatten it"}};
    }
    open_.push_back({.node = {.type = type, .mark = mark_of(mark)}});
  }

  void end() {
    Node node = std::move(open_.back().node);
    open_.pop_back();
    put(std::move(node));
  }

  void put(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& top = open_.back();
    if (top.node.type == Node::Type::kList) {
      top.node.items.push_back(std::move(node));
    } else if (top.key) {
      top.node.entries.emplace_back(std::move(*top.key), std::move(node));
      top.key.reset();
    } else {
      check_key(top, node);
      key_ = node.text;
      top.key = std::move(node);
    }
  }

  static void check_key(Open& map, Node const& key) {
    if (key.type != Node::Type::kScalar) throw Refused{{key.mark, "", "a key must be one word; write `key: value`"}};
    if (key.text == "<<" && !key.quoted) {
      throw Refused{{key.mark, key.text, "merge keys (<<) are not allowed; write the keys out"}};
    }
    auto const [earlier, is_new] = map.key_lines.try_emplace(key.text, key.mark.line);
    if (is_new) return;
    throw Refused{
        {key.mark, printable(key.text),
         "this key is there already, in line " + std::to_string(earlier->second) + "; remove one of the two"}};
  }

  std::string_view text_;
  std::vector<Open> open_;
  std::string key_;
  YAML::Mark last_ = YAML::Mark::null_mark();  // of the last scalar
  Node root_;
};

// Where byte `at` of the text is.
Mark mark_at(std::string_view text, std::size_t at) {
  auto const before = text.substr(0, at);
  auto const line = static_cast<int>(std::ranges::count(before, '\n')) + 1;
  auto const newline = before.rfind('\n');
  auto const start = newline == std::string_view::npos ? 0 : newline + 1;
  return {line, static_cast<int>(at - start) + 1};
}

// What the parser must not see at all: yaml-cpp takes byte 0x04 for the end of the file, and guesses
// other encodings.
std::optional<YamlError> refuse_bytes(std::string_view text) {
  if (text.size() > kBytesMax) {
    return YamlError{{}, "", "the file is larger than 1 MiB; is it the right one?"};
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const byte = static_cast<unsigned char>(text[i]);
    if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f) {
      return YamlError{mark_at(text, i), "", "a control byte (" + printable(text.substr(i, 1)) + "); remove it"};
    }
  }
  if (is_utf8(text)) return std::nullopt;
  std::size_t line_start = 0;  // names the first line that is not UTF-8 by itself
  while (line_start < text.size()) {
    auto const line_end = std::min(text.find('\n', line_start), text.size());
    if (!is_utf8(text.substr(line_start, line_end - line_start))) break;
    line_start = line_end + 1;
  }
  return YamlError{mark_at(text, line_start), "", "this line is not UTF-8; save the file as UTF-8"};
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// [digits].[digits]e[sign]digits, at least one digit before the exponent.
bool is_float(std::string_view unsigned_text) {
  auto const e = unsigned_text.find_first_of("eE");
  if (e != std::string_view::npos) {
    auto exponent = unsigned_text.substr(e + 1);
    if (exponent.starts_with('-') || exponent.starts_with('+')) exponent.remove_prefix(1);
    if (!all_digits(exponent)) return false;
  }
  auto const mantissa = unsigned_text.substr(0, e);
  auto const point = mantissa.find('.');
  if (point == std::string_view::npos) return e != std::string_view::npos && all_digits(mantissa);
  std::string const digits = std::string(mantissa.substr(0, point)) + std::string(mantissa.substr(point + 1));
  return all_digits(digits);
}

}  // namespace

Plain classify(std::string_view text) {
  auto const lower = to_lower_ascii(text);
  if (lower == "true" || lower == "false") return text == lower ? Plain::kBool : Plain::kOdd;
  if (lower == ".nan") return Plain::kOdd;
  std::string_view rest = lower;
  if (rest.starts_with('-') || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == ".inf") return Plain::kOdd;
  if (all_digits(rest)) return (rest.size() > 1 && rest[0] == '0') || lower[0] == '+' ? Plain::kOdd : Plain::kInteger;
  if ((rest.starts_with("0x") || rest.starts_with("0o")) && is_hex(rest.substr(2))) return Plain::kOdd;
  return is_float(rest) ? Plain::kFloat : Plain::kText;
}

std::expected<Node, YamlError> read_yaml(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark, as some editors write
  if (auto refused = refuse_bytes(text)) return std::unexpected(std::move(*refused));
  if (text.starts_with('%') || text.find("\n%") != std::string_view::npos) {
    auto const at = text.starts_with('%') ? 0 : text.find("\n%") + 1;
    return std::unexpected(YamlError{mark_at(text, at), "", "directives (%NAME) are not allowed; remove the line"});
  }
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    TreeBuilder builder(text);
    if (!parser.HandleNextDocument(builder)) return Node{.mark = {1, 1}};
    if (auto unclosed = builder.unclosed_quote()) return std::unexpected(std::move(*unclosed));
    Node root = builder.take();
    TreeBuilder second(text);
    if (parser.HandleNextDocument(second)) {
      return std::unexpected(
          YamlError{second.take().mark, "", "a second document begins here; a file holds one: remove `---`"});
    }
    return root;
  } catch (Refused& refused) {
    return std::unexpected(std::move(refused.error));
  } catch (YAML::Exception const& error) {
    // The parser's words for a bad alias repeat the text; ours do not, and they say what to do.
    // Its mark is the sign or the byte behind it.
    for (int const back : {0, 1}) {
      auto mark = error.mark;
      mark.pos -= back;
      mark.column -= back;
      if (char const* why = property_at(text, mark)) return std::unexpected(YamlError{mark_of(mark), "", why});
    }
    return std::unexpected(YamlError{mark_of(error.mark), "", "this is not YAML: " + printable(error.msg)});
  }
}

}  // namespace sluice::yaml

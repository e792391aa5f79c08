// yaml_tree.h - a YAML text, a configuration or a sidecar, as a tree of marked nodes; the way to the only yaml-cpp.
//
// Only a small part of YAML is let through (Y2): one document of maps, lists and scalars. Anchors,
// aliases, tags, merge keys, directives, a second document, duplicate or non-scalar keys, control
// bytes, bytes that are not UTF-8, more than kBytesMax bytes or kDepthMax levels are errors. The
// tree is built from the parser's events, so nothing refused is ever expanded in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::yaml {

inline constexpr std::size_t kBytesMax = 1024 * 1024;
inline constexpr std::size_t kDepthMax = 32;  // maps and lists inside one another

struct Mark {
  int line = 0;    // from 1
  int column = 0;  // from 1, in bytes
};

struct Node {
  enum class Type : std::uint8_t {
    kNull,    // `~`, `null`, or nothing at all
    kScalar,  // everything else that is one value; `quoted` tells text from what may be a number
    kList,
    kMap,
  };
  Type type = Type::kNull;
  Mark mark = {};
  std::string text = {};                            // kScalar
  bool quoted = false;                              // kScalar: in quotes, or a block; so it is text
  std::vector<Node> items = {};                     // kList
  std::vector<std::pair<Node, Node>> entries = {};  // kMap: scalar key and value, in file order
};

struct YamlError {
  Mark mark;
  std::string key;  // the innermost key known, "" if none
  std::string text;
};

// What a scalar without quotes is. Odd is what YAML's versions read in two ways ("0755", "+1", ".nan", "True"): it is
// to be written plainly, or in quotes.
enum class Plain : std::uint8_t { kText, kBool, kInteger, kFloat, kOdd };
Plain classify(std::string_view text);

// Reads the whole text. An empty one is a kNull node. Only the first error is told, since what
// follows a broken line means nothing; duplicate keys are the exception and come as one error too.
std::expected<Node, YamlError> read_yaml(std::string_view text);

}  // namespace sluice::yaml

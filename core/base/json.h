// json.h - JSON values: read within bounds, built, and written.
//
// The one home of the JSON library (json.cc); this header does not include it. A document from
// outside is read within Limits, so that no answer or sidecar can exhaust the stack or the memory
// (Y1). Nothing here throws on any input; no write fails: bytes that are no UTF-8 become U+FFFD.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/error.h"

namespace sluice {

// One JSON value: null, bool, integer, real, text, array or object. Objects keep their order.
class Json {
 public:
  enum class Type : std::uint8_t { kNull, kBool, kInteger, kReal, kText, kArray, kObject };
  struct Member;

  Json() = default;  // null
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  Json(double value) : value_(value) {}
  template <std::integral T>
  requires(!std::same_as<T, bool> && !std::same_as<T, char>) Json(T value) : value_(number(value)) {}
  Json(std::string text) : value_(std::move(text)) {}
  Json(std::string_view text) : value_(std::string(text)) {}
  Json(char const* text) : value_(std::string(text)) {}
  template <class T>
  Json(std::optional<T> const& value) : Json(value ? Json(*value) : Json()) {}  // nothing is null
  template <class T>
  Json(T const*) = delete;  // a pointer would become a bool

  static Json array();
  static Json array(std::vector<Json> elements);
  static Json object();
  static Json object(std::vector<Member> members);  // Json::object({{"page", 1}, {"name", "a"}}); names are unique

  Type type() const;
  bool is_null() const { return type() == Type::kNull; }
  bool is_array() const { return type() == Type::kArray; }
  bool is_object() const { return type() == Type::kObject; }
  bool is_scalar() const;  // bool, integer, real or text: what metadata may hold (R42)

  // The value, if it is of that type. An integral real counts as an integer ("5242880.0"), and an
  // integer as a real.
  std::optional<bool> as_bool() const;
  std::optional<std::int64_t> as_int() const;
  std::optional<std::uint64_t> as_uint() const;
  std::optional<double> as_real() const;
  std::string const* as_text() const;          // null if it is no text
  std::vector<Json> const& elements() const;   // empty if it is no array
  std::vector<Member> const& members() const;  // empty if it is no object

  // The member of that name; null if there is none, if it is JSON's null, or if this is no object.
  Json const* find(std::string_view key) const;

  // Typed reads of one member: nothing when find() has none.
  // Fail  kProtocol: the member is there with another type, or out of the type's range.
  Result<std::optional<std::string>> text(std::string_view key) const;
  Result<std::optional<std::int64_t>> integer(std::string_view key) const;
  Result<std::optional<std::uint64_t>> size(std::string_view key) const;
  Result<std::optional<bool>> boolean(std::string_view key) const;
  Result<Json const*> array_at(std::string_view key) const;   // null when absent
  Result<Json const*> object_at(std::string_view key) const;  // null when absent

  // Sets a member, in place if the name is there. Requires an object, or null, which becomes one.
  Json& set(std::string_view key, Json value);
  // Adds an element. Requires an array, or null, which becomes one.
  Json& push(Json value);

  // Compact, or with line breaks when `indent` > 0. A real that is not finite is written as null.
  std::string dump(int indent = 0) const;

  friend bool operator==(Json const&, Json const&);

 private:
  using Elements = std::vector<Json>;
  using Members = std::vector<Member>;
  using Value = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, Elements, Members>;

  // One integer has one form: unsigned is for what does not fit a signed one.
  template <std::integral T>
  static Value number(T value) {
    if (std::in_range<std::int64_t>(value)) return static_cast<std::int64_t>(value);
    return static_cast<std::uint64_t>(value);
  }
  void write(std::string& out, int indent, int depth) const;
  void write_elements(std::string& out, int indent, int depth) const;
  void write_members(std::string& out, int indent, int depth) const;

  Value value_;
};

struct Json::Member {
  std::string name;
  Json value;
  friend bool operator==(Member const&, Member const&) = default;
};

struct JsonLimits {
  std::size_t bytes_max = 8u << 20;    // T5
  std::size_t depth_max = 64;          // Y1
  std::size_t values_max = 250'000;    // bounds the memory: a value takes some 40 bytes, its text two
  bool refuse_duplicate_keys = false;  // else the last one counts; set it for what people write (Y1)
};

// Reads one document: UTF-8, nothing after it but white space.
// Fails  kProtocol: not JSON, or beyond `limits`; the text says where.
Result<Json> parse_json(std::string_view text, JsonLimits const& limits = {});

// The text as a JSON text with its quotes.
std::string json_quoted(std::string_view text);

}  // namespace sluice

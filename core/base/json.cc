#include "core/base/json.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>
#include <unordered_set>

#include "core/base/text.h"

namespace sluice {
namespace {

constexpr double kTwo53 = 9007199254740992.0;  // beyond it a double no longer tells integers apart

Error misread(std::string_view key, std::string_view wanted) {
  return Error{Fault::kProtocol, "`" + std::string(key) + "` is not " + std::string(wanted)};
}

// Up to here comparing all pairs is cheaper than a set, which allocates for each name.
constexpr std::size_t kFewMembers = 16;

bool any_repeated(std::span<Json::Member const> members) {
  for (; members.size() > 1; members = members.subspan(1))
    for (auto const& other : members.subspan(1))
      if (other.name == members.front().name) return true;
  return false;
}

// Builds the value from the library's events, so that a bound stops the parse at once.
class Builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Builder(JsonLimits const& limits) : limits_(limits) {}

  bool null() override { return add(Json()); }
  bool boolean(bool value) override { return add(Json(value)); }
  bool number_integer(number_integer_t value) override { return add(Json(value)); }
  bool number_unsigned(number_unsigned_t value) override { return add(Json(value)); }
  bool number_float(number_float_t value, string_t const&) override { return add(Json(value)); }
  bool string(string_t& value) override { return add(Json(std::move(value))); }
  bool binary(binary_t&) override { return refuse("holds binary data"); }
  bool start_object(std::size_t) override { return open(true); }
  bool start_array(std::size_t) override { return open(false); }

  bool key(string_t& name) override {
    open_.back().key = std::move(name);
    return true;
  }
  bool end_object() override {
    auto members = std::move(open_.back().members);
    open_.pop_back();
    if (!settle_repeated_keys(members)) return false;
    place(Json::object(std::move(members)));
    return true;
  }
  bool end_array() override {
    auto elements = std::move(open_.back().elements);
    open_.pop_back();
    place(Json::array(std::move(elements)));
    return true;
  }

  // The library's own message is left out: it quotes what it read, which may hold a signature (P3).
  bool parse_error(std::size_t position, std::string const&, nlohmann::detail::exception const&) override {
    return refuse("is broken at byte " + std::to_string(position));
  }

  Json take_root() { return std::move(root_); }
  std::string const& complaint() const { return complaint_; }

 private:
  struct Open {
    bool is_object;
    std::vector<Json> elements;
    std::vector<Json::Member> members;
    std::string key;
  };

  bool refuse(std::string complaint) {
    if (complaint_.empty()) complaint_ = std::move(complaint);
    return false;
  }

  bool refuse_values() { return refuse("holds more than " + std::to_string(limits_.values_max) + " values"); }

  bool add(Json value) {
    if (++values_ > limits_.values_max) return refuse_values();
    place(std::move(value));
    return true;
  }

  void place(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (open_.back().is_object) {
      open_.back().members.push_back({std::move(open_.back().key), std::move(value)});
    } else {
      open_.back().elements.push_back(std::move(value));
    }
  }

  bool open(bool is_object) {
    if (++values_ > limits_.values_max) return refuse_values();
    if (open_.size() >= limits_.depth_max)
      return refuse("is nested deeper than " + std::to_string(limits_.depth_max) + " levels");
    open_.push_back({is_object, {}, {}, {}});
    if (is_object) open_.back().members.reserve(kFewMembers / 2);
    return true;
  }

  // Of members with one name the last counts, as nearly every reader has it.
  bool settle_repeated_keys(std::vector<Json::Member>& members) {
    if (members.size() <= kFewMembers && !any_repeated(members)) return true;
    std::unordered_set<std::string_view> seen;
    std::vector<bool> repeated(members.size(), false);
    for (std::size_t i = members.size(); i-- > 0;) repeated[i] = !seen.insert(members[i].name).second;
    if (seen.size() == members.size()) return true;
    if (limits_.refuse_duplicate_keys) {
      auto const first = static_cast<std::size_t>(std::ranges::find(repeated, true) - repeated.begin());
      return refuse("names `" + printable(members[first].name) + "` twice in one object");
    }
    std::vector<Json::Member> kept;
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (!repeated[i]) kept.push_back(std::move(members[i]));
    }
    members = std::move(kept);
    return true;
  }

  JsonLimits limits_;
  std::vector<Open> open_;  // the containers around the place being read, outermost first
  std::size_t values_ = 0;
  Json root_;
  std::string complaint_;
};

std::string written(double value) {
  if (!std::isfinite(value)) return "null";
  std::array<char, 32> buffer{};
  auto const end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  std::string text(buffer.data(), end);
  // "3" would come back as an integer; metadata tells the two apart (R42).
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

void break_line(std::string& out, int indent, int depth) {
  if (indent == 0) return;
  out += '\n';
  out.append(static_cast<std::size_t>(indent) * static_cast<std::size_t>(depth), ' ');
}

}  // namespace

Json Json::array() { return array(std::vector<Json>()); }
Json Json::object() { return object(std::vector<Member>()); }

Json Json::array(std::vector<Json> elements) {
  Json value;
  value.value_ = std::move(elements);
  return value;
}

Json Json::object(std::vector<Member> members) {
  Json value;
  value.value_ = std::move(members);
  return value;
}

Json::Type Json::type() const {
  static constexpr std::array<Type, 8> kByAlternative = {Type::kNull, Type::kBool, Type::kInteger, Type::kInteger,
                                                         Type::kReal, Type::kText, Type::kArray,   Type::kObject};
  return kByAlternative[value_.index()];
}

bool Json::is_scalar() const {
  auto const kind = type();
  return kind != Type::kNull && kind != Type::kArray && kind != Type::kObject;
}

std::optional<bool> Json::as_bool() const {
  auto const* value = std::get_if<bool>(&value_);
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::optional<std::int64_t> Json::as_int() const {
  if (auto const* value = std::get_if<std::int64_t>(&value_)) return *value;
  if (auto const* real = std::get_if<double>(&value_)) {
    if (std::abs(*real) <= kTwo53 && std::trunc(*real) == *real) return static_cast<std::int64_t>(*real);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> Json::as_uint() const {
  if (auto const* value = std::get_if<std::uint64_t>(&value_)) return *value;
  auto const value = as_int();
  if (!value || *value < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

std::optional<double> Json::as_real() const {
  if (auto const* value = std::get_if<double>(&value_)) return *value;
  if (auto const* value = std::get_if<std::int64_t>(&value_)) return static_cast<double>(*value);
  if (auto const* value = std::get_if<std::uint64_t>(&value_)) return static_cast<double>(*value);
  return std::nullopt;
}

std::string const* Json::as_text() const { return std::get_if<std::string>(&value_); }

std::vector<Json> const& Json::elements() const {
  static std::vector<Json> const kNone;
  auto const* elements = std::get_if<Elements>(&value_);
  return elements != nullptr ? *elements : kNone;
}

std::vector<Json::Member> const& Json::members() const {
  static std::vector<Member> const kNone;
  auto const* members = std::get_if<Members>(&value_);
  return members != nullptr ? *members : kNone;
}

Json const* Json::find(std::string_view key) const {
  auto const& all = members();
  auto const found = std::ranges::find(all, key, &Member::name);
  return found == all.end() || found->value.is_null() ? nullptr : &found->value;
}

Result<std::optional<std::string>> Json::text(std::string_view key) const {
  auto const* member = find(key);
  if (member == nullptr) return std::nullopt;
  if (auto const* value = member->as_text()) return *value;
  return std::unexpected(misread(key, "a text"));
}

Result<std::optional<std::int64_t>> Json::integer(std::string_view key) const {
  auto const* member = find(key);
  if (member == nullptr) return std::nullopt;
  if (auto const value = member->as_int()) return value;
  return std::unexpected(misread(key, "an integer"));
}

Result<std::optional<std::uint64_t>> Json::size(std::string_view key) const {
  auto const* member = find(key);
  if (member == nullptr) return std::nullopt;
  if (auto const value = member->as_uint()) return value;
  return std::unexpected(misread(key, "an integer from 0"));
}

Result<std::optional<bool>> Json::boolean(std::string_view key) const {
  auto const* member = find(key);
  if (member == nullptr) return std::nullopt;
  if (auto const value = member->as_bool()) return value;
  return std::unexpected(misread(key, "true or false"));
}

Result<Json const*> Json::array_at(std::string_view key) const {
  auto const* member = find(key);
  if (member != nullptr && !member->is_array()) return std::unexpected(misread(key, "an array"));
  return member;
}

Result<Json const*> Json::object_at(std::string_view key) const {
  auto const* member = find(key);
  if (member != nullptr && !member->is_object()) return std::unexpected(misread(key, "an object"));
  return member;
}

Json& Json::set(std::string_view key, Json value) {
  if (is_null()) value_ = Members();
  auto* members = std::get_if<Members>(&value_);
  assert(members != nullptr);
  auto const found = std::ranges::find(*members, key, &Member::name);
  if (found != members->end()) {
    found->value = std::move(value);
  } else {
    members->push_back({std::string(key), std::move(value)});
  }
  return *this;
}

Json& Json::push(Json value) {
  if (is_null()) value_ = Elements();
  auto* elements = std::get_if<Elements>(&value_);
  assert(elements != nullptr);
  elements->push_back(std::move(value));
  return *this;
}

bool operator==(Json const& a, Json const& b) { return a.value_ == b.value_; }

std::string Json::dump(int indent) const {
  std::string out;
  write(out, indent, 0);
  return out;
}

void Json::write(std::string& out, int indent, int depth) const {
  switch (type()) {
    case Type::kNull: out += "null"; return;
    case Type::kBool: out += std::get<bool>(value_) ? "true" : "false"; return;
    case Type::kInteger:
      out += std::holds_alternative<std::uint64_t>(value_) ? std::to_string(std::get<std::uint64_t>(value_))
                                                           : std::to_string(std::get<std::int64_t>(value_));
      return;
    case Type::kReal: out += written(std::get<double>(value_)); return;
    case Type::kText: out += json_quoted(std::get<std::string>(value_)); return;
    case Type::kArray: write_elements(out, indent, depth); return;
    case Type::kObject: write_members(out, indent, depth); return;
  }
}

void Json::write_elements(std::string& out, int indent, int depth) const {
  auto const& all = elements();
  out += '[';
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i > 0) out += ',';
    break_line(out, indent, depth + 1);
    all[i].write(out, indent, depth + 1);
  }
  if (!all.empty()) break_line(out, indent, depth);
  out += ']';
}

void Json::write_members(std::string& out, int indent, int depth) const {
  auto const& all = members();
  out += '{';
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i > 0) out += ',';
    break_line(out, indent, depth + 1);
    out += json_quoted(all[i].name) + (indent > 0 ? ": " : ":");
    all[i].value.write(out, indent, depth + 1);
  }
  if (!all.empty()) break_line(out, indent, depth);
  out += '}';
}

Result<Json> parse_json(std::string_view text, JsonLimits const& limits) {
  auto const refused = [](std::string const& why) { return fail(Fault::kProtocol, "the JSON document " + why); };
  if (text.size() > limits.bytes_max) return refused("is longer than " + std::to_string(limits.bytes_max) + " bytes");
  // The library takes a NUL for the end of its input and would not see what follows.
  if (auto const nul = text.find('\0'); nul != std::string_view::npos) {
    return refused("is broken at byte " + std::to_string(nul + 1));
  }
  Builder builder(limits);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) return refused(builder.complaint());
  return builder.take_root();
}

std::string json_quoted(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  out.reserve(text.size() + 2);
  while (!text.empty()) {
    auto const length = utf8_length(text);
    if (length == 0) {
      out += "\xEF\xBF\xBD";  // U+FFFD
      text.remove_prefix(1);
      continue;
    }
    auto const c = static_cast<unsigned char>(text.front());
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text.front();
    } else if (c == '\n') {
      out += "\\n";
    } else if (c < 0x20) {
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out + '"';
}

}  // namespace sluice

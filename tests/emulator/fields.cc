#include <nlohmann/json.hpp>

#include "api.h"

namespace sluice::emulator {

using nlohmann::json;

namespace {

[[noreturn]] void invalid(std::string const& name, std::string const& why) {
  throw Refusal{400, "parameter_invalid", "The " + name + " parameter is invalid: " + why + "."};
}

bool scalar(json const& value) { return value.is_string() || value.is_number() || value.is_boolean(); }

}  // namespace

Fields::Fields(json const& object) : object_(object) {
  if (!object.is_object()) throw Refusal{400, "parameter_invalid", "The body must be a JSON object."};
}

json const* Fields::get(std::string const& name) {
  known_.insert(name);
  auto const at = object_.find(name);
  return at == object_.end() || at->is_null() ? nullptr : &*at;
}

json const& Fields::need(std::string const& name) {
  auto const* const value = get(name);
  if (value == nullptr) throw Refusal{400, "parameter_not_provided", "The " + name + " parameter is required."};
  return *value;
}

std::string Fields::text(std::string const& name) {
  auto const& value = need(name);
  if (!value.is_string()) invalid(name, "not a text");
  return value.get<std::string>();
}

std::optional<std::string> Fields::optional_text(std::string const& name) {
  auto const* const value = get(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) invalid(name, "not a text");
  return value->get<std::string>();
}

std::uint64_t Fields::number(std::string const& name, std::uint64_t least, std::uint64_t most) {
  auto const& value = need(name);
  if (!value.is_number_unsigned()) invalid(name, "not a whole number");
  auto const number = value.get<std::uint64_t>();
  if (number < least || number > most) invalid(name, "out of range");
  return number;
}

bool Fields::flag(std::string const& name) {
  auto const* const value = get(name);
  if (value == nullptr) return false;
  if (!value->is_boolean()) invalid(name, "not a boolean");
  return value->get<bool>();
}

std::vector<std::string> Fields::texts(std::string const& name) {
  auto const& value = need(name);
  if (!value.is_array() || value.empty()) invalid(name, "not a filled array");
  std::vector<std::string> out;
  for (auto const& entry : value) {
    if (!entry.is_string()) invalid(name, "not an array of texts");
    out.push_back(entry.get<std::string>());
  }
  return out;
}

std::optional<std::string> Fields::scalar_map(std::string const& name, bool nulls) {
  auto const* const value = get(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_object()) invalid(name, "not an object");
  for (auto const& [key, entry] : value->items()) {
    if (!scalar(entry) && !(nulls && entry.is_null())) invalid(name, "'" + key + "' is not a scalar");
  }
  return value->dump();
}

json const& Fields::array(std::string const& name, std::size_t least, std::size_t most) {
  auto const& value = need(name);
  if (!value.is_array()) invalid(name, "not an array");
  if (value.size() < least || value.size() > most) invalid(name, "wrong number of entries");
  return value;
}

void Fields::finish() const {
  for (auto const& [name, value] : object_.items()) {
    if (!known_.contains(name)) throw Refusal{400, "parameter_unknown", "The parameter '" + name + "' is not known."};
  }
}

}  // namespace sluice::emulator

#include "daemon/cli/json_fields.h"

#include "daemon/cli/look.h"

namespace sluice::cli {
namespace {

Json const& nothing() {
  static Json const kNothing;
  return kNothing;
}

}  // namespace

std::string text_at(Json const& json, std::string_view key) {
  auto const* const found = json.find(key);
  auto const* const text = found == nullptr ? nullptr : found->as_text();
  return text == nullptr ? std::string() : safe(*text);
}

std::uint64_t count_at(Json const& json, std::string_view key) {
  auto const* const found = json.find(key);
  return found == nullptr ? 0 : found->as_uint().value_or(0);
}

bool flag_at(Json const& json, std::string_view key, bool otherwise) {
  auto const* const found = json.find(key);
  return found == nullptr ? otherwise : found->as_bool().value_or(otherwise);
}

Json const& object_at(Json const& json, std::string_view key) {
  auto const* const found = json.find(key);
  return found != nullptr && found->is_object() ? *found : nothing();
}

std::vector<Json> const& list_at(Json const& json, std::string_view key) {
  auto const* const found = json.find(key);
  return (found == nullptr ? nothing() : *found).elements();
}

}  // namespace sluice::cli

#include "core/platform/reply_reader.h"

#include <algorithm>
#include <limits>

#include "core/base/text.h"

namespace sluice::platform {
namespace {

std::unexpected<Error> missing(std::string_view key) {
  return fail(Fault::kProtocol, "the answer has no `" + std::string(key) + "`");
}

std::unexpected<Error> out_of_range(std::string_view key) {
  return fail(Fault::kProtocol, "`" + std::string(key) + "` is out of range");
}

}  // namespace

Result<Json> read_object(ports::Reply const& reply) {
  auto parsed = parse_json(reply.body);
  if (parsed && parsed->is_object()) return parsed;
  // A page in HTML with status 200 is what a captive portal or a wrong base URL answers (B7).
  auto text = "HTTP " + std::to_string(reply.status) + " without the JSON object that was due";
  if (auto const type = reply.header("content-type")) text += ", of type " + printable(cut_to(*type, 80));
  if (!parsed) text += ": " + parsed.error().text;
  return fail(Fault::kProtocol, std::move(text));
}

Result<std::string> need_text(Json const& object, std::string_view key) {
  SLUICE_TRY(text, object.text(key));
  if (!text || text->empty()) return missing(key);
  return *std::move(text);
}

Result<std::uint64_t> need_size(Json const& object, std::string_view key, std::uint64_t least, std::uint64_t most) {
  SLUICE_TRY(size, object.size(key));
  if (!size) return missing(key);
  if (*size < least || *size > most) return out_of_range(key);
  return *size;
}

Result<WallTime> need_time(Json const& object, std::string_view key) {
  SLUICE_TRY(text, need_text(object, key));
  auto const at = parse_rfc3339(text);
  if (!at) return fail(Fault::kProtocol, "`" + std::string(key) + "` is not a time");
  return *at;
}

Result<std::string> need_id(Json const& object, std::string_view key) {
  SLUICE_TRY(id, need_text(object, key));
  bool const control =
      std::ranges::any_of(id, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  if (control || id.size() > 256 || id == "." || id == "..") return out_of_range(key);
  return id;
}

std::optional<Millis> seconds_if_any(Json const& object, std::string_view key) {
  constexpr double kMost = 366.0 * 24 * 3'600;
  auto const* member = object.find(key);
  auto const seconds = member == nullptr ? std::nullopt : member->as_real();
  if (!seconds || !(*seconds >= 0 && *seconds <= kMost)) return std::nullopt;
  return Millis(static_cast<std::int64_t>(*seconds * 1'000));
}

Result<std::string> text_or_empty(Json const& object, std::string_view key) {
  SLUICE_TRY(text, object.text(key));
  return text.value_or(std::string());
}

Result<std::optional<WallTime>> time_if_any(Json const& object, std::string_view key) {
  SLUICE_TRY(text, object.text(key));
  return text ? parse_rfc3339(*text) : std::nullopt;
}

Result<std::string> client_op_of(Json const& object, std::string_view metadata_key) {
  SLUICE_TRY(metadata, object.object_at(metadata_key));
  // The values are the users' and of any scalar type; a tag that is no text is not ours.
  auto const* tag = metadata != nullptr ? metadata->find("client_op") : nullptr;
  auto const* text = tag != nullptr ? tag->as_text() : nullptr;
  return text != nullptr ? *text : std::string();
}

Result<Page> read_page_info(Json const& root) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<int>::max());
  SLUICE_TRY(info, root.object_at("page_info"));
  if (info == nullptr) return missing("page_info");
  SLUICE_TRY(page, need_size(*info, "page", 0, kMost));
  SLUICE_TRY(total, need_size(*info, "total_page", 0, kMost));  // 0 for a list without rows
  auto const results = info->size("total_results");  // a hint for people and checks: no answer is refused for it
  return Page{.page = static_cast<int>(page),
              .total_page = static_cast<int>(total),
              .total_results = results ? *results : std::nullopt};
}

std::string without_queries(std::string_view message) {
  std::string out;
  while (true) {
    auto const scheme = message.find("://");
    if (scheme == std::string_view::npos) return out + std::string(message);
    auto const begin = message.substr(0, scheme).find_last_of(" \t\r\n\"'<>()[]`");
    auto const url_begin = begin == std::string_view::npos ? 0 : begin + 1;
    auto const url_end = std::min(message.find_first_of(" \t\r\n\"'<>`", scheme), message.size());
    out += message.substr(0, url_begin);
    out += without_query(message.substr(url_begin, url_end - url_begin));
    message.remove_prefix(url_end);
  }
}

}  // namespace sluice::platform

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "api.h"

namespace sluice::emulator {

using nlohmann::json;

namespace {

constexpr std::uint64_t kPageLimitMax = 50;

std::uint64_t whole_number(std::string const& name, std::string const& text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) {
    throw Refusal{400, "parameter_invalid", "The " + name + " parameter is invalid."};
  }
  return value;
}

std::string extension_of(std::string const& filename) {
  auto const dot = filename.rfind('.');
  return dot == std::string::npos ? std::string{} : lower(std::string_view(filename).substr(dot + 1));
}

struct Kind {
  std::string_view extension;
  std::string_view kind;
  std::string_view mime;
};

constexpr std::array kKinds{
    Kind{"mp4", "video", "video/mp4"},          Kind{"mov", "video", "video/quicktime"},
    Kind{"mkv", "video", "video/x-matroska"},   Kind{"webm", "video", "video/webm"},
    Kind{"avi", "video", "video/x-msvideo"},    Kind{"mp3", "audio", "audio/mpeg"},
    Kind{"wav", "audio", "audio/wav"},          Kind{"flac", "audio", "audio/flac"},
    Kind{"m4a", "audio", "audio/mp4"},          Kind{"aac", "audio", "audio/aac"},
    Kind{"ogg", "audio", "audio/ogg"},          Kind{"jpg", "image", "image/jpeg"},
    Kind{"jpeg", "image", "image/jpeg"},        Kind{"png", "image", "image/png"},
    Kind{"webp", "image", "image/webp"},        Kind{"gif", "image", "image/gif"},
    Kind{"pdf", "document", "application/pdf"}, Kind{"txt", "document", "text/plain"},
};

}  // namespace

void refuse_missing(std::string const& what) {
  throw Refusal{404, "resource_not_exist", "The " + what + " does not exist."};
}

Reply json_reply(int status, json const& body) {
  return {status, body.dump(-1, ' ', false, json::error_handler_t::replace), "application/json", {}};
}

Reply error_reply(int status, std::string const& code, std::string const& message) {
  return json_reply(status, {{"code", code}, {"message", message}});
}

Reply injected_error(int status, std::string const& code, std::string const& message) {
  if (status < 300) return {status, {}, {}, {}};
  auto const usual = status == 429   ? "too_many_requests"
                     : status == 401 ? "api_key_invalid"
                     : status == 404 ? "resource_not_exist"
                                     : "generic_error";
  return error_reply(status, code.empty() ? usual : code, message.empty() ? "Injected by a rule." : message);
}

Reply empty_reply(Context const& context) { return {context.options.empty_status, {}, {}, {}}; }

Params::Params(Pairs const& query) : query_(query) {
  if (auto const text = one("page")) page_ = whole_number("page", *text, 1, 1'000'000'000);
  if (auto const text = one("page_limit")) limit_ = whole_number("page_limit", *text, 1, kPageLimitMax);
}

std::optional<std::string> Params::one(std::string const& name) {
  known_.insert(name);
  auto const at = std::ranges::find(query_, name, &Pairs::value_type::first);
  if (at == query_.end()) return std::nullopt;
  return at->second;
}

std::vector<std::string> Params::many(std::string const& name) {
  known_.insert(name);
  std::vector<std::string> values;
  for (auto const& [key, value] : query_) {
    if (key != name) continue;
    for (auto& part : split(value, ',')) {
      if (!part.empty()) values.push_back(std::move(part));
    }
  }
  return values;
}

std::optional<std::string> Params::one_of(std::string const& name, std::vector<std::string> const& words) {
  auto const value = one(name);
  if (value && std::ranges::find(words, *value) == words.end()) {
    throw Refusal{400, "parameter_invalid", "The " + name + " parameter is invalid."};
  }
  return value;
}

std::optional<std::int64_t> Params::time_ms(std::string const& name) {
  auto const text = one(name);
  if (!text) return std::nullopt;
  auto const ms = parse_rfc3339_ms(*text);
  if (!ms) throw Refusal{400, "parameter_invalid", "The " + name + " parameter is not an RFC 3339 time."};
  return ms;
}

Params::Range Params::range(std::string const& name) {
  auto const read = [&](std::string const& key) -> std::optional<double> {
    auto const text = one(key);
    if (!text) return std::nullopt;
    double value = 0;
    auto const [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error != std::errc{} || end != text->data() + text->size()) {
      throw Refusal{400, "parameter_invalid", "The " + key + " parameter is not a number."};
    }
    return value;
  };
  if (auto const exact = read(name)) return {exact, exact};
  return {read(name + "[gte]"), read(name + "[lte]")};
}

void Params::finish() const {
  for (auto const& [name, value] : query_) {
    if (!known_.contains(name)) throw Refusal{400, "parameter_unknown", "The parameter '" + name + "' is not known."};
  }
}

json page_info(Params const& params, std::size_t total) {
  return {{"limit_per_page", params.limit()},
          {"page", params.page()},
          {"total_page", (total + params.limit() - 1) / params.limit()},
          {"total_results", total}};
}

Reply page_reply(Params const& params, std::size_t total, std::function<json(std::size_t)> const& row,
                 char const* rows_name) {
  auto rows = json::array();
  auto const begin = std::min<std::uint64_t>((params.page() - 1) * params.limit(), total);
  auto const end = std::min<std::uint64_t>(begin + params.limit(), total);
  for (auto i = begin; i < end; ++i) rows.push_back(row(i));
  return json_reply(200, {{rows_name, std::move(rows)}, {"page_info", page_info(params, total)}});
}

bool listed(Context const& context, Call const& call, std::int64_t created_ms) {
  return call.now_ms - created_ms >= context.options.list_lag_ms;
}

void check_metadata_allowed(Context const& context, bool given) {
  if (given && !context.options.metadata) {
    throw Refusal{400, "parameter_unknown", "The parameter 'user_metadata' is not known."};
  }
}

std::string merged_metadata(std::string const& old, std::string const& patch, bool replace) {
  auto result = replace || old.empty() ? json::object() : json::parse(old);
  auto const changes = json::parse(patch);
  for (auto const& [key, value] : changes.items()) {
    if (value.is_null()) {
      if (!replace) result.erase(key);
    } else if (!(value.is_string() && value.get_ref<std::string const&>().empty())) {
      result[key] = value;
    }
  }
  return result.empty() ? std::string{} : result.dump();
}

std::string kind_of(std::string const& filename, std::string const& content_type) {
  for (std::string const kind : {"video", "audio", "image"}) {
    if (content_type.starts_with(kind + '/')) return kind;
  }
  auto const extension = extension_of(filename);
  auto const at = std::ranges::find(kKinds, extension, &Kind::extension);
  return at == kKinds.end() ? "video" : std::string(at->kind);
}

std::string mime_of(std::string const& filename, std::string const& content_type, std::string const& kind) {
  if (!content_type.empty() && content_type != "application/octet-stream") return content_type;
  auto const extension = extension_of(filename);
  auto const at = std::ranges::find(kKinds, extension, &Kind::extension);
  if (at != kKinds.end()) return std::string(at->mime);
  return kind == "image" ? "image/jpeg" : kind == "audio" ? "audio/mpeg" : "video/mp4";
}

void check_filename(std::string const& filename) {
  // Characters, not bytes: continuation bytes of UTF-8 are not counted.
  auto const characters =
      std::ranges::count_if(filename, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
  if (characters < 1 || characters > 255) {
    throw Refusal{400, "parameter_invalid", "The filename parameter must have 1 to 255 characters."};
  }
}

}  // namespace sluice::emulator

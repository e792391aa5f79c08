#include "core/source/manifest/fields.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/base/text.h"

namespace sluice::source::manifest {
namespace {

constexpr std::int64_t kPriorityMax = 100;
constexpr std::size_t kMirrorsMax = 16;

// clang-format off
constexpr std::pair<std::string_view, Field> kNames[] = {
    {"url", Field::kUrl},               {"uri", Field::kUrl},              {"link", Field::kUrl},
    {"urls", Field::kUrls},             {"mirrors", Field::kUrls},
    {"name", Field::kName},             {"filename", Field::kName},        {"destination", Field::kName},
    {"key", Field::kKey},
    {"size", Field::kSize},             {"bytes", Field::kSize},
    {"md5", Field::kMd5},               {"sha256", Field::kSha256},
    {"kind", Field::kKind},             {"type", Field::kKind},
    {"index", Field::kIndex},           {"collection", Field::kCollection}, {"entity", Field::kEntity},
    {"metadata", Field::kMetadata},     {"priority", Field::kPriority},
    {"not_before", Field::kNotBefore},  {"not_after", Field::kNotAfter},
    {"mode", Field::kMode},             {"fetch", Field::kMode},
    {"headers", Field::kRefused},       {"header", Field::kRefused},       {"cookie", Field::kRefused},
    {"cookies", Field::kRefused},       {"on_success", Field::kRefused},
    // R43; `filename` and `size` are fields of ours above. `client_op` is the operation tag (R48).
    {"duration", Field::kReserved},     {"fps", Field::kReserved},         {"height", Field::kReserved},
    {"width", Field::kReserved},        {"model_names", Field::kReserved}, {"video_title", Field::kReserved},
    {"client_op", Field::kReserved},
};
// clang-format on

bool is_reserved_in_metadata(std::string_view name) {
  return field_of(name) == Field::kReserved || equal_ignoring_case(name, "filename") ||
         equal_ignoring_case(name, "size");
}

template <class T>
std::optional<T> number_in(std::string_view text) {
  T value{};
  auto const* const end = text.data() + text.size();
  auto const [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

// Base 64 with padding, in hex; nothing if it is none of `bytes` bytes.
std::optional<std::string> hex_of_base64(std::string_view text, std::size_t bytes) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() != (bytes + 2) / 3 * 4) return std::nullopt;
  while (text.ends_with('=')) text.remove_suffix(1);
  std::vector<std::byte> out;
  std::uint32_t bits = 0;
  int count = 0;
  for (char const c : text) {
    auto const digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<std::byte>(bits >> count & 0xFF));
  }
  if (out.size() != bytes) return std::nullopt;
  return to_hex(out);
}

Reason set_digest(std::string& digest, std::string_view text, std::size_t bytes) {
  if (text.size() == 2 * bytes && is_hex(text)) {
    digest = to_lower_ascii(text);
  } else if (auto const hex = hex_of_base64(text, bytes)) {
    digest = *hex;
  } else {
    return "is no checksum: " + std::to_string(2 * bytes) + " hex digits, or base 64, are meant";
  }
  return std::nullopt;
}

Reason set_time(std::optional<WallTime>& at, std::string_view text) {
  if (auto const parsed = parse_rfc3339(text))
    at = *parsed;
  else if (auto const seconds = number_in<std::uint32_t>(text))
    at = from_unix_ms(std::int64_t{*seconds} * 1000);
  else
    return "is no time, such as 2026-11-22T03:04:05Z or 1795316645";
  return std::nullopt;
}

// "video", or the "video/mp4" of a MIME type.
Reason set_kind(std::string& kind, std::string_view text) {
  auto const word = to_lower_ascii(text.substr(0, text.find('/')));
  if (word != "video" && word != "audio" && word != "image") return "is none of video, audio and image";
  kind = word;
  return std::nullopt;
}

void add_url(Entry& entry, std::string_view text) {
  if (entry.url.empty())
    entry.url = text;
  else if (entry.mirrors.size() < kMirrorsMax)
    entry.mirrors.emplace_back(text);
}

Reason set_metadata(Entry& entry, std::string_view name, Json value) {
  if (value.is_null()) return std::nullopt;
  if (!value.is_scalar()) value = Json(value.dump());  // the platform takes no lists and objects (R42)
  entry.metadata.set(name, std::move(value));
  return std::nullopt;
}

Reason set_explicit_metadata(Entry& entry, Json const& value) {
  if (!value.is_object()) return "is no object of names and values";
  for (auto const& [name, each] : value.members()) {
    if (is_reserved_in_metadata(name)) return "names `" + printable(name) + "`, which the platform sets itself";
    set_metadata(entry, name, each);
  }
  return std::nullopt;
}

Reason set_known(Entry& entry, Field field, std::string_view text) {
  switch (field) {
    case Field::kUrl:
    case Field::kUrls: return add_url(entry, text), std::nullopt;
    case Field::kName: return entry.name = text, std::nullopt;
    case Field::kKey: return entry.key = text, std::nullopt;
    case Field::kIndex: return entry.index = text, std::nullopt;
    case Field::kCollection: return entry.collection = text, std::nullopt;
    case Field::kEntity: return entry.entity = text, std::nullopt;
    case Field::kMd5: return set_digest(entry.md5, text, 16);
    case Field::kSha256: return set_digest(entry.sha256, text, 32);
    case Field::kKind: return set_kind(entry.kind, text);
    case Field::kNotBefore: return set_time(entry.not_before, text);
    case Field::kNotAfter: return set_time(entry.not_after, text);
    case Field::kSize:
      entry.size = number_in<std::uint64_t>(text);
      return entry.size ? Reason() : "is no number of bytes";
    case Field::kPriority:
      entry.priority = number_in<std::int64_t>(text);
      if (entry.priority && *entry.priority >= 0 && *entry.priority <= kPriorityMax) return std::nullopt;
      return "is no whole number from 0 to 100";
    case Field::kMode:
      if (equal_ignoring_case(text, "platform")) return std::nullopt;
      return "is not supported yet; only platform is";
    case Field::kMetadata: return "is no object of names and values";
    case Field::kRefused: return "is not taken from a manifest; remove it";
    case Field::kReserved:
    case Field::kOther: break;
  }
  std::unreachable();
}

Reason about(std::string_view name, Reason reason) {
  if (reason) reason->insert(0, "`" + printable(cut_to(name, 64)) + "` ");
  return reason;
}

}  // namespace

Field field_of(std::string_view name) {
  static constexpr std::size_t kLongest = 16;
  auto const word = trimmed(name);
  if (word.size() > kLongest) return Field::kOther;
  char plain[kLongest];
  std::ranges::transform(word, plain, [](char c) {
    if (c == '-' || c == ' ') return '_';
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  std::string_view const sought(plain, word.size());
  auto const* const found = std::ranges::find(kNames, sought, &std::pair<std::string_view, Field>::first);
  return found == std::end(kNames) ? Field::kOther : found->second;
}

Reason set_text(Entry& entry, Field field, std::string_view name, std::string_view text) {
  text = trimmed(text);
  if (text.empty() || field == Field::kReserved) return std::nullopt;
  if (field == Field::kOther) return about(name, set_metadata(entry, name, Json(text)));
  if (field != Field::kMetadata) return about(name, set_known(entry, field, text));
  auto const object = parse_json(text, {.bytes_max = kLineBytesMax, .depth_max = 8, .values_max = 1000});
  if (!object) return about(name, "is no JSON: it " + object.error().text);
  return about(name, set_explicit_metadata(entry, *object));
}

Reason set_json(Entry& entry, std::string_view name, Json const& value) {
  auto const field = field_of(name);
  if (value.is_null() || field == Field::kReserved) return std::nullopt;
  if (field == Field::kOther) return about(name, set_metadata(entry, name, value));
  if (field == Field::kMetadata) return about(name, set_explicit_metadata(entry, value));
  if (field == Field::kUrls && value.is_array()) {
    for (auto const& each : value.elements()) {
      if (each.as_text() == nullptr) return about(name, "holds what is no text");
      add_url(entry, *each.as_text());
    }
    return std::nullopt;
  }
  if (auto const* text = value.as_text()) return set_text(entry, field, name, *text);
  if (value.type() == Json::Type::kInteger) return set_text(entry, field, name, value.dump());
  return field == Field::kRefused ? about(name, set_known(entry, field, ""))
                                  : about(name, "is no text or whole number");
}

}  // namespace sluice::source::manifest

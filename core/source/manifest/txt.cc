#include "core/source/manifest/txt.h"

#include <algorithm>
#include <array>

#include "core/base/text.h"
#include "core/source/manifest/fields.h"

namespace sluice::source::manifest {
namespace {

constexpr std::string_view kMediaPlaylist = "#EXT-X-";

bool is_comment(std::string_view text) {
  return text.starts_with('#') || text.starts_with(';') || text.starts_with(']');
}

// "sha-256=DIGITS", as aria2 writes it.
Reason set_checksum(Entry& entry, std::string_view text) {
  auto const middle = text.find('=');
  auto const type = text.substr(0, middle);
  auto const digits = middle == std::string_view::npos ? std::string_view() : text.substr(middle + 1);
  if (equal_ignoring_case(type, "md5")) return set_text(entry, Field::kMd5, "checksum", digits);
  if (equal_ignoring_case(type, "sha-256")) return set_text(entry, Field::kSha256, "checksum", digits);
  return "`checksum` is neither md5=... nor sha-256=...";
}

// Options without which the bytes could not be had as the list means it.
bool needs_credentials(std::string_view option) {
  static constexpr std::array<std::string_view, 6> kSome = {"header",   "http-user",    "http-passwd",
                                                            "ftp-user", "load-cookies", "user-agent"};
  return std::ranges::find(kSome, option) != kSome.end();
}

Reason set_option(Entry& entry, std::string_view option) {
  auto const middle = option.find('=');
  if (middle == std::string_view::npos) return "is no option of the form name=value";
  auto const name = trimmed(option.substr(0, middle));
  auto const value = trimmed(option.substr(middle + 1));
  if (name == "out") return set_text(entry, Field::kName, "out", value);
  if (name == "checksum") return set_checksum(entry, value);
  if (needs_credentials(name)) return "`" + std::string(name) + "` is not taken from a manifest; remove it";
  return std::nullopt;
}

}  // namespace

std::optional<Place> Txt::held() const { return entry_ ? std::optional(entry_->place) : std::nullopt; }

void Txt::finish(Found& found) {
  if (entry_) found.entries.push_back(*std::move(entry_));
  entry_.reset();
  refused_ = false;
}

void Txt::take_option(Line const& line, Found& found) {
  if (refused_) return;
  if (!entry_) return found.fail(line.place, 1, "is indented like an option, and no URL stands before it");
  auto reason = set_option(*entry_, trimmed(line.text));
  if (!reason) return;
  found.fail(line.place, 1, *std::move(reason));
  entry_.reset();
  refused_ = true;
}

void Txt::take(Line const& line, Found& found) {
  auto const text = trimmed(line.text);
  if (text.starts_with(kMediaPlaylist)) {
    found.refused =
        "is a media playlist (HLS), which lists the pieces of one video and not videos; name the video itself";
    return;
  }
  auto const first = line.text.empty() ? '\0' : line.text.front();
  auto const is_url = text.find("://") < text.find('=');
  if ((first == ' ' || first == '\t') && !text.empty() && !is_url && !is_comment(text)) return take_option(line, found);
  if (is_comment(text)) return;
  finish(found);
  if (text.empty()) return;
  entry_ = Entry{.place = line.place};
  for (std::size_t begin = 0; begin <= text.size();) {
    auto const end = std::min(text.find('\t', begin), text.size());
    set_text(*entry_, Field::kUrls, "url", text.substr(begin, end - begin));
    begin = end + 1;
  }
}

}  // namespace sluice::source::manifest

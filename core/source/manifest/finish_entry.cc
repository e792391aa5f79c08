#include "core/source/manifest/finish_entry.h"

#include <utility>

#include "core/base/text.h"
#include "core/base/url_text.h"
#include "core/source/entry_key.h"
#include "core/source/url_name.h"

namespace sluice::source::manifest {
namespace {

constexpr std::size_t kKeyBytesMax = 512;

std::string hash_of(Entry const& entry) {
  if (!entry.sha256.empty()) return "sha256:" + entry.sha256;
  return entry.md5.empty() ? "" : "md5:" + entry.md5;
}

}  // namespace

Reason finish_entry(Entry& entry) {
  auto url = parse_url(entry.url);
  if (!url) return std::move(url).error().text;
  for (auto& mirror : entry.mirrors) {
    auto parsed = parse_url(mirror);
    if (!parsed) return "has a bad mirror: " + std::move(parsed).error().text;
    mirror = parsed->whole.reveal_for_journal();
  }
  if (entry.key.size() > kKeyBytesMax) return "has a `key` of more than 512 bytes";
  auto const hash = hash_of(entry);
  entry.item_key = entry_key(*url, {.key = entry.key, .name = entry.name, .size_bytes = entry.size, .hash = hash});
  entry.name = entry.name.empty() ? name_from_url(url->shown) : safe_name(basename_of(entry.name));
  entry.url = url->whole.reveal_for_journal();
  entry.shown = std::move(url->shown);
  return std::nullopt;
}

}  // namespace sluice::source::manifest

#include "core/stage/entry_row.h"

#include <algorithm>
#include <charconv>
#include <span>
#include <utility>

#include "core/base/text.h"

namespace sluice::stage {

using journal::EntryRow;
using source::manifest::Entry;

namespace {

constexpr std::string_view kHashed = "u:";
constexpr std::string_view kGiven = "k:";
constexpr std::size_t kHashBytes = 16;

void set_text(Json& options, char const* name, std::string const& value) {
  if (!value.empty()) options.set(name, value);
}

void get_text(Json const& options, char const* name, std::string& value) {
  if (auto const* found = options.find(name); found != nullptr && found->as_text() != nullptr)
    value = *found->as_text();
}

std::string options_of(Entry const& entry) {
  Json options;
  for (auto const& mirror : entry.mirrors) {
    auto mirrors = options.find("mirrors") ? *options.find("mirrors") : Json::array();
    options.set("mirrors", std::move(mirrors.push(mirror)));
  }
  if (entry.size) options.set("size", *entry.size);
  set_text(options, "md5", entry.md5);
  set_text(options, "sha256", entry.sha256);
  set_text(options, "kind", entry.kind);
  set_text(options, "index", entry.index);
  set_text(options, "collection", entry.collection);
  set_text(options, "entity", entry.entity);
  if (!entry.metadata.is_null()) options.set("metadata", entry.metadata);
  if (entry.not_after) options.set("not_after_ms", to_unix_ms(*entry.not_after));
  return options.is_null() ? std::string() : options.dump();
}

}  // namespace

std::string packed_key(std::string_view item_key) {
  if (!item_key.starts_with(kHashed) || item_key.size() != kHashed.size() + 2 * kHashBytes)
    return std::string(item_key);
  std::string bytes;
  for (std::size_t at = kHashed.size(); at < item_key.size(); at += 2) {
    unsigned value = 0;
    std::from_chars(item_key.data() + at, item_key.data() + at + 2, value, 16);
    bytes += static_cast<char>(value);
  }
  return bytes.starts_with(kGiven) ? std::string(item_key) : bytes;  // or it would be read as a key that was given
}

std::string unpacked_key(std::string_view column) {
  if (column.size() != kHashBytes || column.starts_with(kGiven)) return std::string(column);
  return std::string(kHashed) + to_hex(std::as_bytes(std::span(column)));
}

EntryRow to_row(Entry const& entry, std::int64_t priority) {
  EntryRow row;
  row.line = entry.place.line;
  row.item_key = packed_key(entry.item_key);
  row.url = SecretUrl(entry.url);
  row.name = entry.name;
  row.options = options_of(entry);
  row.priority = entry.priority.value_or(priority);
  row.not_before_ms = entry.not_before ? std::max<std::int64_t>(0, to_unix_ms(*entry.not_before)) : 0;
  return row;
}

Entry to_entry(EntryRow const& row) {
  Entry entry{.place = {.line = row.line}};
  entry.url = row.url.reveal_for_journal();
  entry.shown = shown(row.url);
  entry.name = row.name;
  entry.item_key = unpacked_key(row.item_key);
  entry.priority = row.priority;
  if (row.not_before_ms > 0) entry.not_before = from_unix_ms(row.not_before_ms);
  if (row.options.empty()) return entry;
  auto const options = parse_json(row.options);
  if (!options) return entry;  // only what to_row() wrote is in there
  if (auto const* mirrors = options->find("mirrors")) {
    for (auto const& mirror : mirrors->elements())
      if (mirror.as_text() != nullptr) entry.mirrors.push_back(*mirror.as_text());
  }
  if (auto const* size = options->find("size")) entry.size = size->as_uint();
  get_text(*options, "md5", entry.md5);
  get_text(*options, "sha256", entry.sha256);
  get_text(*options, "kind", entry.kind);
  get_text(*options, "index", entry.index);
  get_text(*options, "collection", entry.collection);
  get_text(*options, "entity", entry.entity);
  if (auto const* metadata = options->find("metadata")) entry.metadata = *metadata;
  if (auto const* after = options->find("not_after_ms"); after != nullptr && after->as_int())
    entry.not_after = from_unix_ms(*after->as_int());
  return entry;
}

}  // namespace sluice::stage

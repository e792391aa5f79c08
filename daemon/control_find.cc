#include "daemon/control_find.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/text.h"
#include "core/base/url_text.h"
#include "core/source/entry_key.h"
#include "daemon/control_reply.h"

namespace sluice::daemon {
namespace {

using journal::ItemRow;
using Found = std::expected<ItemRow, ControlReply>;

constexpr std::size_t kUlidLength = 26;
constexpr int kShown = 5;
constexpr int kPathsMax = 100;

// In upper case, if it may begin a ULID (Crockford's base 32: no I, L, O, U).
std::optional<std::string> as_ulid_prefix(std::string const& word) {
  if (word.empty() || word.size() > kUlidLength) return std::nullopt;
  std::string upper;
  for (char c : word) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    bool const digit = c >= '0' && c <= '9';
    bool const letter = c >= 'A' && c <= 'Z' && c != 'I' && c != 'L' && c != 'O' && c != 'U';
    if (!digit && !letter) return std::nullopt;
    upper.push_back(c);
  }
  return upper;
}

std::string naming(std::vector<ItemRow> const& rows) {
  std::string text;
  for (auto const& row : rows) text += (text.empty() ? "" : ", ") + row.ulid + " " + printable(row.path);
  return text;
}

std::optional<Found> by_prefix(journal::Journal const& journal, std::string const& word) {
  auto const prefix = as_ulid_prefix(word);
  if (!prefix) return std::nullopt;
  auto rows = journal.items_by_prefix(*prefix, kShown);
  if (rows.empty()) return std::nullopt;
  if (rows.size() == 1) return std::move(rows.front());
  return std::unexpected(error_reply(409, "ambiguous_id", printable(word) + " begins several ids: " + naming(rows),
                                     "give more characters of it"));
}

std::optional<Found> by_path(journal::Journal const& journal, std::string const& word) {
  auto rows = journal.items_by_path(word, kPathsMax);
  if (rows.empty()) return std::nullopt;
  std::ranges::sort(rows, std::ranges::greater(), &ItemRow::id);
  bool const one_file = std::ranges::all_of(
      rows, [&](ItemRow const& row) { return row.root == rows.front().root && row.path == rows.front().path; });
  if (one_file) return std::move(rows.front());
  if (rows.size() > kShown) rows.resize(kShown);
  return std::unexpected(error_reply(409, "ambiguous_id", printable(word) + " is in several sources: " + naming(rows),
                                     "give the whole path or the id"));
}

std::optional<Found> by_url(journal::Journal const& journal, std::string const& word) {
  auto const url = parse_url(word);
  if (!url) return std::unexpected(error_reply(400, "bad_url", without_query(word) + ": " + url.error().text));
  if (auto row = journal.item_by_key(source::entry_key(*url, {}))) return *std::move(row);
  auto rows = journal.items_by_url(url->shown, kShown);
  if (rows.empty()) return std::nullopt;
  if (rows.size() == 1) return std::move(rows.front());
  return std::unexpected(error_reply(409, "ambiguous_id", url->shown + " is several items: " + naming(rows),
                                     "give the id, or the URL with its whole query"));
}

}  // namespace

Found find_item(journal::Journal const& journal, std::string const& word) {
  if (looks_like_url(word)) {
    if (auto found = by_url(journal, word)) return std::move(*found);
    return std::unexpected(error_reply(404, "no_such_item", "no item has this URL: " + without_query(word)));
  }
  if (auto found = by_prefix(journal, word)) return std::move(*found);
  if (auto found = by_path(journal, word)) return std::move(*found);
  return std::unexpected(error_reply(404, "no_such_item", "no item has this id or path: " + printable(word)));
}

}  // namespace sluice::daemon

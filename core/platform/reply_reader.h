// reply_reader.h - what the replies*.cc files share: the checked fields of an answer.
//
// Every failure is kProtocol and names the field, never its value: a value may be a signed URL.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/platform/replies.h"

namespace sluice::platform {

// The answer's body, which must be one JSON object.
Result<Json> read_object(ports::Reply const& reply);

// Fields that must be there (x-critical, R6).
Result<std::string> need_text(Json const& object, std::string_view key);
Result<std::uint64_t> need_size(Json const& object, std::string_view key, std::uint64_t least, std::uint64_t most);
Result<WallTime> need_time(Json const& object, std::string_view key);
// An id becomes part of paths: 1 to 256 bytes without control characters, and no "." or "..".
Result<std::string> need_id(Json const& object, std::string_view key);

// Fields that may be absent.
Result<std::string> text_or_empty(Json const& object, std::string_view key);
// A time that cannot be read counts as absent: only some of them are declared as times.
Result<std::optional<WallTime>> time_if_any(Json const& object, std::string_view key);
// A number of seconds; what is none, negative or longer than a year counts as absent.
std::optional<Millis> seconds_if_any(Json const& object, std::string_view key);
// metadata.client_op, our operation tag (R48); "" if none.
Result<std::string> client_op_of(Json const& object, std::string_view metadata_key);

Result<Page> read_page_info(Json const& root);

// A list's rows under `data`, each read by `read_row(Json const&) -> Result<Row>`. A list without `data`
// is kProtocol, not an empty one: "nothing found" must be said, since a create may follow from it.
template <class Row, class Read>
Result<std::pair<std::vector<Row>, Page>> read_rows(ports::Reply const& reply, Read read_row) {
  SLUICE_TRY(root, read_object(reply));
  SLUICE_TRY(data, root.array_at("data"));
  if (data == nullptr) return fail(Fault::kProtocol, "the answer has no `data`");
  std::pair<std::vector<Row>, Page> page;
  for (auto const& element : data->elements()) {
    if (!element.is_object()) return fail(Fault::kProtocol, "a row of `data` is no object");
    SLUICE_TRY(row, read_row(element));
    page.first.push_back(std::move(row));
  }
  SLUICE_TRY(info, read_page_info(root));
  page.second = info;
  return page;
}

// The text without the query of any URL in it: a message may quote one, ours or a user's, whose query is a secret (P3).
std::string without_queries(std::string_view message);

}  // namespace sluice::platform

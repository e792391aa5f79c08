// fields.h - the words of a line, whatever its format, as fields of an Entry.
//
// The names are those of M1; spelling is forgiven (`Not-Before` is `not_before`). What no field is meant by becomes
// metadata. Headers are refused (M28), and so is what asks for a thing that this release does not do: a line is never
// taken in part.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/json.h"
#include "core/source/manifest/entry.h"

namespace sluice::source::manifest {

enum class Field : std::uint8_t {
  kUrl,
  kUrls,
  kName,
  kKey,
  kSize,
  kMd5,
  kSha256,
  kKind,
  kIndex,
  kCollection,
  kEntity,
  kMetadata,
  kPriority,
  kNotBefore,
  kNotAfter,
  kMode,
  kRefused,   // headers, cookies, what follows a success
  kReserved,  // the platform sets it itself (R43): a feed that tells it is read without it
  kOther,     // becomes metadata
};
Field field_of(std::string_view name);

// Nothing: taken. Else why not, for people; the text does not repeat the value.
using Reason = std::optional<std::string>;

// A field written as text, as in CSV; "" is as if it was not there.
Reason set_text(Entry& entry, Field field, std::string_view name, std::string_view text);
// One written as JSON; null is as if it was not there.
Reason set_json(Entry& entry, std::string_view name, Json const& value);

}  // namespace sluice::source::manifest

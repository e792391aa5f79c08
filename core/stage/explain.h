// explain.h - why a file is taken, held back or left out: each rule in its order, with its evidence.
//
// For `sluice explain PATH`, and for files that are no items as well: left out by name, a link, on a folder that is
// away. It asks the very functions that decide (source/scope.h, source/settle.h, admit.h), and changes nothing. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/url_text.h"
#include "core/journal/journal.h"
#include "core/source/scout.h"
#include "core/stage/policy.h"

namespace sluice::stage {

struct Finding {
  enum class Says : std::uint8_t {
    kTaken,  // this rule holds nothing back
    kWaits,  // for now
    kLeftOut,
    kUnknown,  // it cannot be known, and holds nothing back
  };
  std::string rule;  // "url", "end"; "name", "file", "marker", "quiet", "writer", "checksum", "sidecar", "match",
                     // "kind", "pipeline"
  Says says = Says::kTaken;
  std::string text;  // the evidence, for people
};
std::string_view name_of(Finding::Says says);  // "taken", "waits", "left_out", "unknown"

struct Explanation {
  std::string source = {};
  std::vector<Finding> findings = {};         // in the order in which they are asked; all of them
  std::optional<journal::ItemRow> item = {};  // the latest of this file
  // The first rule that holds it back; null if none does.
  Finding const* held_by() const;
};

// `path` is beneath the source's root; `look` is what the file system said of it just now.
Explanation explain(Policy const& policy, SourcePolicy const& source, std::string const& path,
                    Result<source::Look> const& look, std::optional<journal::ItemRow> item, WallTime now);

// Of a URL, which nobody here looks behind. `item`: the one that it is, if it is one.
Explanation explain(Policy const& policy, SourcePolicy const& source, UrlText const& url,
                    std::optional<journal::ItemRow> item, WallTime now);

}  // namespace sluice::stage

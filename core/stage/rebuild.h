// rebuild.h - a file of a source and what the platform has of it -> rows of a new journal.
//
// For `sluice journal rebuild` (docs/JOURNAL.md). The rows are such that the daemon's ordinary stages do the rest
// (adopt.h). Nothing is sent from here.
//
// What only the lost journal knew is gone: chunks of unfinished uploads, how often things were tried, who
// added what by hand with wishes of its own. An item is taken by its source's pipelines as they are now.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/source/kind.h"
#include "core/source/sidecar.h"
#include "core/source/sweep.h"
#include "core/stage/match_files.h"
#include "core/stage/stage.h"

namespace sluice::stage {

// The reason of an item of which the platform may have an asset already: a person decides.
inline constexpr std::string_view kRebuildAmbiguous = "rebuild_ambiguous";

struct SourceFile {
  SourcePolicy const* source = nullptr;
  std::string path = {};  // beneath the source's root
  ports::FilePrint print = {};
  std::optional<source::Media> media = {};
  source::Sidecar sidecar = {};      // what lies beside it says, and
  std::int64_t sidecars_print = 0;   // as of then
  std::string sidecar_trouble = {};  // why what it says is not known, or not all of it; "" if it is
  SoughtFile sought = {};
  std::int64_t ends_hash = 0;
  std::string content_key = {};      // of its asset, as a receipt has it; "" if none does
  bool is_known_by_content = false;  // by which it was told from others
};

// What a sweep found, as it is looked for among the assets, its times by our clock; nothing if no pipeline takes
// it, since the daemon would not upload it either. Opens the file only where its name does not say what it is.
// One whose sidecar cannot be read, or names a pipeline that is none, may be on the platform all the same: it is sought
// as its source's pipelines would have sent it, and where none takes it without its sidecar by its tag and its name,
// the asset alone.
std::optional<SourceFile> sought_file(ports::Files& files, Policy const& policy, SourcePolicy const& source,
                                      source::Candidate const& candidate, WallTime now);

// For a file that is to be adopted: reads its two ends, by which a copy of it, or the file itself under another name,
// is found one day and not sent (D39). One that cannot be read now goes without.
void note_ends(ports::Files& files, SourceFile& file);

// Inserts the item of a file that the platform has, with its steps, as adopt.h has them.
// Requires: in a transaction.
void adopt(Context& ctx, SourceFile const& file, platform::Asset const& asset);

// Inserts the item of a file of which the platform may have one of several assets: failed, so that nothing
// complete is sent again without a person's `sluice retry`. Requires: in a transaction.
void leave_to_a_person(Context& ctx, SourceFile const& file, std::span<platform::Asset const* const> fitting);

}  // namespace sluice::stage

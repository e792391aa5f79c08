// admit.h - stage ADMIT: a file that was seen -> stable, with its kind, its pipeline and its plan; or refused.
//
//   takes    items in `seen` whose due_at has come
//   writes   item: `stable`, kind, pipeline, plan, sidecar, method; its steps in `waiting`; or `skipped`, `failed`;
//            or the next look's due_at
//   remote   nothing; the scout opens the file and looks at it
//   unknown  -
//   then     OPEN_SESSION or SEND_DIRECT takes the rows left in `stable`
//
// One that the platform has by what a rebuild kept becomes `sent` at once (adopt.h): nothing of it is sent again.
// A file is refused here, before its first byte, by the strictest limit of its whole pipeline (R66). One whose sidecar
// cannot be read waits for somebody to mend it: nothing of it goes up by half of what was meant (D48).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/source/kind.h"
#include "core/stage/plan.h"
#include "core/stage/stage.h"

namespace sluice::stage {

inline constexpr char kUnreadable[] = "unreadable";  // the reason of an item in `failed`

void choose_admit(Context& ctx);

// What must be known of a file of this source before it can be admitted.
source::Scout::Wanted wanted_of(SourcePolicy const& source, std::string const& path);

// What a finished file becomes: fills in the item's kind, content type, pipeline, plan and method. `at` is
// when it is admitted, for {date}. Pure.
// Fails  kRejected with the code of its end: "empty_file", "too_large", "no_metadata", "bad_template" (failed),
//        "no_pipeline" or "no_match" (skipped); of a URL also "unknown_kind". kBadSidecar: its sidecar names a pipeline
//        that is none.
Result<Plan> plan_item(Policy const& policy, journal::ItemRow& item, SourcePolicy const& source,
                       std::optional<source::Media> const& media, WallTime at);

// Whether the item's path fits the source's `match`, if it has one; and the error of one that does not. Pure.
inline constexpr char kNoMatch[] = "no_match";
inline constexpr char kNoPipeline[] = "no_pipeline";
bool is_matched(SourcePolicy const& source, journal::ItemRow const& item);
Error does_not_match(SourcePolicy const& source);

// Whether an item of known kind is taken by this source: its path fits, and a pipeline takes its kind, be it the
// source's, its sidecar's or one that a person named. Pure.
bool would_take(Policy const& policy, journal::ItemRow const& item, SourcePolicy const& source);

// The rows of a plan's steps, all in `waiting`. Pure.
std::vector<journal::StepRow> steps_for(journal::ItemRow const& item, Plan const& plan);

// The pipeline that a person named with the item, else what its sidecar wants, else the first of the source's that
// takes it. Requires  the item has its kind. Pure.
// Fails  kRejected: "no_pipeline"; kBadSidecar: its sidecar names a pipeline that is none.
Result<PipelinePolicy> choose_pipeline(Policy const& policy, journal::ItemRow const& item, SourcePolicy const& source);

// The first of the source's pipelines whose kinds fit; null if none takes the kind.
PipelinePolicy const* pipeline_for(Policy const& policy, SourcePolicy const& source, std::string const& kind);

// Which limit a file breaks, in words that name the step; nothing if it may go. What the platform fetches itself has
// limits of its own; a size of 0 is not known, and breaks none. Pure.
std::optional<std::string> broken_limit(Policy const& policy, Plan const& plan, std::string const& kind,
                                        std::uint64_t size_bytes, bool by_url = false);

// "direct" or "multipart": by size, and by what the platform takes in one request. Pure.
std::string method_for(Policy const& policy, std::string const& kind, std::uint64_t size_bytes);

}  // namespace sluice::stage

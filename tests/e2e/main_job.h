// main_job.h - the small job that the fault tests run again and again: every kind of call is in it once.
//
// One video of three chunks into an index, one audio file in one request into the same index, one picture
// into an entity of a new collection. Times are as short as the programs allow.
#pragma once

#include "site.h"

namespace sluice::e2e {

inline constexpr std::uint64_t kMainJobFiles = 3;
inline constexpr std::uint64_t kMainJobChunkBytes = 256U << 10U;
inline constexpr std::uint64_t kMainJobBytes = 700'000 + 60'000 + 50'000;

Settings main_job_settings();
std::vector<std::string> main_job_emulator();  // its flags
void drop_main_job(Site& site, std::uint64_t seed);
// Whether the daemon has died, or all of the job is done. It may die while it is asked.
bool has_ended_or_done_main_job(Site& site);
// Each content is one asset with the right bytes; one index with both recordings, one entity with the
// picture; nothing is there twice.
testing::AssertionResult main_job_is_whole(Site const& site);

}  // namespace sluice::e2e

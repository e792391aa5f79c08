// parts.h - the readers of the file's parts, and the draft that they fill. Inside config/ only.
//
// Reading checks each value by itself; check.cc then compares the parts with one another. Both report
// and go on, so the draft may be wrong until the report turns out empty.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/read.h"
#include "config/report.h"

namespace sluice::config {

struct Draft {
  Config config;
  std::vector<Origin> pipeline_origins;  // of config.pipelines, one each
  std::vector<Origin> source_origins;    // of config.sources, one each
  Origin root;                           // the main file
};

Platform read_platform(At const& at, LoadOptions const& options);
void read_pipelines(At const& at, Draft& draft);
void read_sources(At const& at, Draft& draft);
Transfer read_transfer(At const& at);
std::vector<BandwidthRule> read_bandwidth(At const& at);
Retry read_retry(At const& at);
RateLimits read_rate_limits(At const& at);
Poll read_poll(At const& at);
std::uint64_t read_spool(At const& at);  // its bound, in bytes
ByHand read_by_hand(At const& at);
std::vector<HookStep> read_hooks(At const& at);
Log read_log(At const& at);
std::string read_control_socket(At const& at);

// Where a secret is to be found; `forms` says what may be written, and is the complaint where something else is.
std::optional<KeySource> read_key_source(At const& at, char const* forms);
// What is wrong with a URL that has no query and holds no password; "" if nothing. https, or http to a loopback host.
std::string complaint_of_url(std::string_view url);

// What no single value shows: names that are there twice, references to nowhere, steps that do not
// fit their kinds, bounds between two keys. Fills in the default pipeline and the sources' pipelines.
void check(Draft& draft, LoadOptions const& options, Report& report);

// How the folders of sources, what is moved out of them, and state_dir lie to one another: no file may be taken twice,
// come back, or be the daemon's own.
void check_folders(Draft const& draft, LoadOptions const& options, Report& report);

// The groups of each source's `match` against {match.NAME} in the templates that its items meet. Needs the sources'
// pipelines filled in.
void check_match(Draft const& draft, Report& report);

}  // namespace sluice::config

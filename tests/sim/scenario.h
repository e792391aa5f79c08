// scenario.h - what is dropped into the folder, what happens to it, and what must have become of it.
//
// A scenario is a plain value: no clock and no platform in it. Times count from the beginning of the run.
// Names of pipelines, indexes and collections are the product page's examples.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/stage/policy.h"
#include "tests/sim/sim_files.h"
#include "tests/sim/sim_platform.h"

namespace sluice::sim {

struct Drop {
  std::string path = {};
  std::uint64_t size_bytes = 0;
  Millis at{0};
  std::string copy_of = {};  // the path of another drop that has the same bytes; "" for bytes of its own
};

// What another program does to a file that is there already.
struct Change {
  // kMode: its mode, no byte. kOpen: a program has it open for writing, and writes nothing.
  // kText: a text is written there, in place of whatever there is. kMoreText: behind the text that is there.
  enum class What : std::uint8_t {
    kOverwrite,
    kReplace,
    kAppend,
    kRemove,
    kMode,
    kOpen,
    kText,
    kMoreText
  } what = What::kOverwrite;
  std::string path = {};
  std::uint64_t bytes = 0;  // the new size; of an append, what is added
  Millis at{0};
  Millis lasts{0};  // of kOpen
  std::string text = {};
};

// What a person asks for.
struct Order {
  enum class What : std::uint8_t { kCancel, kRetry, kAdd } what = What::kCancel;
  std::string path = {};  // or a URL, or "k:" and the key that a manifest's line has
  Millis at{0};
};
std::string_view name_of(Order::What what);

// What is behind a URL of somebody else's host, from a time on.
struct Medium {
  std::string url = {};  // without its query
  std::uint64_t size_bytes = 0;
  Millis at{0};
  std::string moved_to = {};  // instead of content: the URL where it is
};

// A folder, of a source or of targets, that is not there for a while. Spans of one folder do not overlap.
struct Away {
  enum class What : std::uint8_t { kMissing, kUnmounted } what = What::kMissing;  // kUnmounted: an empty mount point
  std::string folder = {};
  Millis from{0};
  Millis until = Millis::max();  // max: it never comes back
};
inline bool comes_back(Away const& away) { return away.until != Millis::max(); }

// The configuration that the first life had, where the daemon was given another one: until when.
struct Former {
  stage::Policy policy = {};
  WallTime until{};
};

// What must have become of one file in the end.
struct Expected {
  std::string path = {};       // or a URL
  std::string key = {};        // ... and the key that its manifest's line has, if it has one
  std::string state = "done";  // the journal's word, or "unknown"; "done|failed" where time decides
  std::string reason = {};     // for ends that are not `done`; "" for any; or several, as states
  std::string index = {};
  std::string collection = {};
  std::string entity = {};
  std::string file_at = {};   // where its file must be, absolute; "-": nowhere; "": nobody looks; or several, as states
  std::string metadata = {};  // JSON: what the asset and its indexed asset must have in the end, null for a key that
                              // neither may have; "" for any
  std::string note_at = {};   // where its receipt or error note must be, absolute; "": there is none; "one|": if any
};

// Of "one|or|another".
bool is_among(std::string const& word, std::string const& words);

struct Scenario {
  std::string name = {};
  stage::Policy policy = {};
  std::optional<stage::Policy> next_policy = {};  // what the second life is given; no run is over before it has begun
  Millis restart_at{0};                           // and it begins then, unless the first has died before
  std::optional<Former> former = {};              // once it has begun
  PlatformTraits traits = {};
  std::vector<Drop> drops = {};
  std::vector<Change> changes = {};
  std::vector<Change> changes_while_dead = {};  // between the first death and the life after it
  std::vector<Order> orders = {};
  std::vector<Medium> media = {};
  std::vector<Away> away = {};
  double hints = 0;            // how probable it is that a change's event reaches the daemon; 0: there are no events
  bool retries = false;        // at the end a person retries what failed
  bool follows_files = false;  // nobody can say before where each file comes to be: see judge_files()
  std::vector<Expected> expected = {};
  std::uint64_t requests_max = 2'000;
  std::uint64_t turns_max = 60'000;
  Millis virtual_max{6 * 3'600'000};

  // The first of the source that the run began with: where files are dropped.
  stage::SourcePolicy const& first_source() const { return (former ? former->policy : policy).sources.front(); }
};

// The policy that all scenarios begin with: a folder with two pipelines, "footage" and "cast".
stage::Policy usual_policy();
// A program that is told of every end, and a URL that is told of those that the product names by default.
void add_listeners(stage::Policy& policy);
inline constexpr char kSpoolFolder[] = "/var/spool";
// Two sources of manifests: *.jsonl, whose URLs the platform fetches, and *.txt, whose URLs are downloaded.
void add_manifests(stage::Policy& policy);
inline constexpr char kLists[] = "/srv/lists/";
// One of a manifest, with its end. `not_before`: since the beginning; 0 for at once.
std::string line_of(std::string const& key, std::string const& url, Millis not_before = {});
AfterEnd moved_to(char const* target);  // a template
// What must become of a file that the pipeline "footage" takes, or "cast" for that entity.
Expected filmed(std::string path);
Expected cast(std::string path, std::string entity);
// Its file must be there, and beside it what has that end.
Expected put_at(Expected expected, std::string file, std::string const& note);

// A multipart video, two photos of one person, a small sound; an index and an entity by name.
Scenario main_job();
// The same on a platform that takes no user_metadata and hides its list by asset (R68).
Scenario main_job_on_an_old_platform();
// So many photos of one person make one entity.
Scenario photos(int count);
// Each of one photo: their entities are made together.
Scenario people(int count);
// Small files only, two of one name, of which the platform cannot be told apart by name or size.
Scenario direct_uploads();
Scenario direct_uploads_on_an_old_platform();
// A session that ends in the middle, URLs that end before they are used, a chunk that the platform fails.
Scenario short_lives(std::uint64_t chunks);
// Files that grow, are written over, replaced and removed under upload.
Scenario changing_files();
// Files that change while the daemon is dead: the mode of one, the content of one, one that goes, beside others.
Scenario changed_while_dead();
// Files of the same bytes, where duplicates are skipped.
Scenario copies();
// An asset that the platform cannot process, beside good ones.
Scenario failing_asset();
// Uploads that a person cancels at various stages, and takes up again.
Scenario cancelled_items();
// Assets deleted under us: before they are ready, when they are, when they are indexed; one of them twice.
Scenario vanishing_assets();
Scenario vanishing_assets_on_an_old_platform();
// Indexed assets, an index, a collection and an entity deleted under us.
Scenario vanishing_places();
// Indexing pauses for four days, and assets that are in no entity live for three (R41).
Scenario forgotten_after_72_hours();
// An asset that is deleted each time it is made, beside a good one.
Scenario asset_that_never_stays();
// URLs that a person adds, some of them twice, beside a file; the platform cannot reach one at first.
Scenario urls();
Scenario urls_on_an_old_platform();
// URLs that a person adds and Sluice downloads: one that has moved, one whose content changes meanwhile, a small one;
// the spool has no room for all of them at once.
Scenario downloads();
// A manifest that grows, once by half a line, with a line that is wrong, one that repeats another and one whose URL is
// corrected later; and one whose URLs are downloaded.
Scenario manifests();
// A program and a URL that are told of the ends of files that are done, failed and skipped.
Scenario ends_told();
// An empty file, a too large one and one that no pipeline takes, beside a good one.
Scenario refused_files();

// Files that are moved when they were sent, or deleted, or moved to another device when they failed; with receipts and
// notes. One changes after its end, one while it is on its way.
Scenario files_put_away();
Scenario files_deleted();
// The same while the folders of the source, of the targets and of the receipts are away for spans of time, with hooks
// that wait for it; and for files that are deleted with the sidecars that describe them.
Scenario away_folders();
Scenario away_notes();
// Two lives under different configurations: source and hook have other names; both are no more; another index, a
// pipeline less and a smaller spool.
Scenario renamed();
Scenario removed();
Scenario other_plans();

// Sidecars that come before their files, change before and after the upload, are broken for a while, and go.
Scenario sidecars();

}  // namespace sluice::sim

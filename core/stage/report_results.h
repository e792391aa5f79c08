// report_results.h - stage REPORT_RESULTS: entries whose items have ended -> lines in MANIFEST.results.jsonl.
//
//   takes    entries that are refused, or taken and their item is at its end; notes about lines
//   writes   entry: `ended`, with the outcome; manifest: the length of its results; manifest_note: reported
//   remote   nothing
//   unknown  what was written and not committed is cut off before the next line is written
//   then     -
//
// One line for each entry that ended, and for each line that could not be read or repeats another one. The file lies
// beside its manifest, or in state_dir/results where that folder cannot be written. An item that a person retries is
// reported again at its next end: the last line of a key counts. Memory: what is being written, a line each.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/results.h"
#include "core/stage/stage.h"

namespace sluice::stage {

// Whether a file by that name is one of results, and no manifest.
bool is_results_name(std::string_view name);
// "feed.jsonl.gz" -> "feed.jsonl.gz.results.jsonl"; from the second on, since the name is taken: "....results-2.jsonl".
std::string results_name(std::string_view manifest_name, int number);

class ResultsReport {
 public:
  static constexpr int kLinesAtOnce = 500;
  static constexpr std::int64_t kNotesKept = 1'000;  // of each manifest, for `sluice explain`
  static constexpr Millis kRetryEvery{30'000};

  // Without a way out nothing is reported, and entries rest as they are.
  ResultsReport(ports::Results* results, std::string fallback_folder)
      : results_(results), fallback_folder_(std::move(fallback_folder)) {}

  void run(Context& ctx);
  void start_over();  // a turn failed

  // Why the results of a manifest cannot be written now; nothing if they can.
  std::optional<std::string> why_stuck(journal::RowId manifest) const;
  std::optional<WallTime> next_retry() const;

 private:
  struct Writing {  // one question to a lane: make the file, or append
    std::string lane;
    std::string question;
    bool making = false;
    std::vector<journal::EntryRow> entries = {};  // as they will be
    std::vector<journal::EntryState> were = {};
    std::vector<std::optional<WallTime>> ends = {};  // of their items, as told
    std::vector<journal::NoteRow> notes = {};
  };
  struct Stuck {
    std::string why;
    WallTime retry_at;
  };
  void start_making(Context& ctx, journal::ManifestRow const& row);
  void start_append(Context& ctx, journal::ManifestRow const& row);
  bool settle(Context& ctx, journal::RowId id, Writing& writing);
  void settle_append(Context& ctx, journal::ManifestRow row, Writing& writing, std::uint64_t bytes);
  void failed(Context& ctx, journal::ManifestRow row, Error const& error);

  ports::Results* results_;
  std::string fallback_folder_;
  std::map<journal::RowId, Writing> writing_ = {};
  std::map<journal::RowId, Stuck> stuck_ = {};
  std::uint64_t next_question_ = 1;
};

}  // namespace sluice::stage

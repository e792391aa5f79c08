// engine.h - the turn with its production ports, and the loop's pace: shared by sluiced and `sluice ingest`.
//
// Owns the wire, the files, the journal and the turn, built in that order. One thread: the caller's. The
// caller loops: sleep(), then step(); everything that the core decides happens inside step().
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/journal/journal.h"
#include "core/stage/policy.h"
#include "core/stage/turn.h"
#include "core/stage/why.h"
#include "daemon/acts_linux.h"
#include "daemon/clock_linux.h"
#include "daemon/file_workers.h"
#include "daemon/files_linux.h"
#include "daemon/journal_mark.h"
#include "daemon/journal_place.h"
#include "daemon/journal_seal.h"
#include "daemon/journal_watch.h"
#include "daemon/lanes_linux.h"
#include "daemon/network_events.h"
#include "daemon/operations.h"
#include "daemon/programs_linux.h"
#include "daemon/random_linux.h"
#include "daemon/results_linux.h"
#include "daemon/spool_linux.h"
#include "daemon/wire_curl.h"

namespace sluice::daemon {

// What a person must know of a new journal, in the log and in the status.
inline constexpr char kAllIsNew[] = "every file in the sources counts as new and is uploaded";
inline constexpr char kIfThereWasOne[] =
    "stop sluiced now (is its disk not mounted? was state_dir changed?) and bring that one back, or run: sluice "
    "journal "
    "rebuild";

class Engine {
 public:
  // Opens the journal and holds it against its mark. `policy` must outlive the engine. What a dead process left is
  // recovered in the first step, and where there is no space for that, full_since() says so.
  // Throws  journal::JournalError.
  Engine(stage::Policy const& policy, std::string const& base_url, ApiKey key, WireRoute route,
         std::filesystem::path const& journal_file, ports::Log& log);

  // Sleeps until a socket, one of `fds`, the next due row, or `at_most` from now, whichever is first.
  void sleep(std::span<ExtraFd> fds, Millis at_most);

  // Runs a turn if there is something for one to do: outcomes, due rows, `orders`, a change by the last
  // one; at most once every max(10 ms, twice the last commit's time), and without
  // the 10 ms where most calls have landed. Orders are never put off.
  // Returns  whether a turn ran and changed something.
  // Throws   journal::JournalError of kinds other than kFull; after kFull full_since() says so, nothing
  //          of the turn happened, and the next turn is tried after 5 s.
  bool step(std::function<void(stage::Context&)> const& orders = {});

  // Nothing failed and no step follows: closes the journal, checks it for some seconds at the most, and seals it, so
  // that the next start need not check it whole (journal_seal.h). Throws  journal::JournalError: it was damaged while
  // it was open.
  void end_in_peace();

  // Since when there is this journal, where it was made new: for a day, or until the first item is done.
  std::optional<WallTime> new_since() const;

  // Looks whether the journal's files still lie where they were opened (journal_watch.h). The mark, which can be made
  // again, is.
  // Returns  the file that is gone or another; nothing while all is well.
  std::optional<std::filesystem::path> look_at_journal();
  // The journal has lost its place, and everything has landed: saves what is open in a file beside that place, once.
  // Returns false where the disk is full: then nothing is lost while this process lives. It may be tried again.
  bool save_journal();
  // Throws  journal::JournalError always: what happened, where the copy is, or why there is none, and how to go on.
  // Requires  save_journal() was tried.
  [[noreturn]] void refuse_without(std::filesystem::path const& gone) const;

  // Calls sent from now on carry this key; if the last one was refused, one leaves at once to try it.
  void replace_key(ApiKey key);

  // How fast uploads may be from now on (transfer.bandwidth). Returns false if that is what it was.
  bool set_bandwidth(std::vector<BandwidthRule> rules);

  void hint() { hinted_ = true; }  // the discovery was told something: a turn has work

  stage::Turn& turn() { return turn_; }
  stage::Turn const& turn() const { return turn_; }
  journal::Journal const& journal() const { return journal_; }
  WireCurl const& wire() const { return wire_; }
  // Whether answers of the file system came in the last sleep.
  bool answers_came() const { return answers_came_; }
  ClockLinux& clock() const { return clock_; }
  std::optional<WallTime> full_since() const { return full_since_; }

  stage::Surroundings surroundings() const;
  // What memory knows of the uploads in the air.
  std::map<journal::RowId, UploadProgress> uploads() const;

 private:
  bool has_work();
  BootTime turn_at() const;
  void note_progress();
  void note_network();
  void note_clock();
  void note_probes();
  void keep_bandwidth();
  bool begin();
  bool try_when_not_full(std::function<void()> const& work);

  ClockLinux mutable clock_;
  RandomLinux random_;
  struct Disks {
    WatchedRoots watched;
    FilesLinux files{&watched};
    ActsLinux acts{&watched};
    ResultsLinux results;
    SpoolLinux spool;
    ProgramsLinux programs;
  };
  std::shared_ptr<Disks> disks_ = std::make_shared<Disks>();
  LanesLinux lanes_{disks_};
  FileWorkers workers_;
  NetworkEvents network_;
  WireCurl wire_;
  ports::Log& log_;
  JournalPlace place_;
  JournalMark mark_;
  JournalSeal seal_;
  journal::Journal journal_;
  JournalWatch watch_;  // after the journal: of what it opened
  stage::Policy const& policy_;
  stage::Turn turn_;
  std::vector<BandwidthRule> bandwidth_;
  BootTime next_rate_look_{};
  BootTime turn_ended_{};
  bool begun_ = false;
  std::filesystem::path saved_;  // the copy of a journal that has lost its place; or
  std::string unsaved_;          // why there is none
  bool changed_ = true;          // the last turn did something: the next may find more
  bool hinted_ = false;
  bool answers_came_ = false;
  bool mark_failed_ = false;  // said once
  bool network_changed_ = false;
  BootTime network_told_{};  // when the traffic was last told of a change
  Millis host_ahead_{0};     // by what the host's clock was known to be set
  std::size_t lost_ = 0;     // hosts out of reach after the last turn
  std::optional<WallTime> next_due_;
  std::optional<WallTime> full_since_;
  BootTime retry_full_at_{};
};

}  // namespace sluice::daemon

#include "daemon/rebuild.h"

#include <algorithm>
#include <optional>
#include <span>
#include <unordered_set>
#include <utility>

#include "core/base/text.h"
#include "core/stage/check_sum.h"
#include "core/stage/rebuild.h"
#include "daemon/acts_linux.h"
#include "daemon/engine.h"
#include "daemon/file_workers.h"
#include "daemon/journal_place.h"

#include "daemon/log_spdlog.h"
#include "daemon/platform_lists.h"
#include "daemon/policy.h"
#include "daemon/state_lock.h"

namespace sluice::daemon {
namespace {

constexpr std::size_t kEntriesPerSlice = 2'000;
constexpr std::size_t kFilesPerCommit = 1'000;
constexpr std::size_t kNamedMax = 100;

using stage::FileMatch;
using stage::SourceFile;

std::unexpected<Stop> stop(int code, std::string text, std::string remedy) {
  return std::unexpected(Stop{code, std::move(text), std::move(remedy)});
}

// Which journal is meant, and what it was made from.
struct Setting {
  config::Config config;
  stage::Policy policy;
  std::string state_dir;
  bool by_hand;  // of `sluice ingest`
};

OrStop<Setting> setting_of(JournalOptions const& options) {
  auto const by_hand = !options.paths.empty() || !options.state_dir.empty();
  SLUICE_TRY(config, offline_configuration(options.config_file, by_hand));
  auto policy = by_hand ? ingest_policy(config) : policy_from(config, host_name());
  auto state_dir = by_hand ? ingest_state_dir(options.state_dir) : config.state_dir;
  return Setting{std::move(config), std::move(policy), std::move(state_dir), by_hand};
}

OrStop<StateLock> lock_of(Setting const& setting) { return offline_lock(setting.state_dir, setting.by_hand); }

class Rebuild {
 public:
  Rebuild(JournalOptions const& options, Setting const& setting, ApiKey key, WireRoute route,
          std::function<void(std::string const&)> told)
      : options_(options),
        setting_(setting),
        told_(std::move(told)),
        wire_(setting.config.platform.base_url, std::move(key), "sluice/" SLUICE_VERSION, std::move(route)),
        lists_(wire_, random_, setting.policy, told_),
        place_(setting.state_dir + "/journal.db"),
        begun_(clock_.boot()) {}

  OrStop<RebuildReport> operator()() {
    report_.journal = place_.file().string();
    if (auto const missing = find_files()) return std::unexpected(*missing);
    wait_for_list_lag();
    auto assets = lists_.assets();
    if (!assets) return platform_trouble(assets.error());
    auto const unfinished = lists_.incomplete_uploads();
    if (!unfinished) return platform_trouble(unfinished.error());
    assets_ = std::move(*assets);
    told_(std::to_string(files_.size()) + " files, " + std::to_string(assets_.size()) + " assets");
    match(*unfinished);
    if (!options_.dry_run) write();
    return std::move(report_);
  }

 private:
  std::unexpected<Stop> platform_trouble(Error const& error) const {
    auto const code =
        error.fault == Fault::kKeyRefused ? kNoKey
        : error.fault == Fault::kOffline || error.fault == Fault::kTransient || error.fault == Fault::kThrottled
            ? kUnreachable
            : kInternal;
    return stop(code, "the platform's lists cannot be read: " + error.text,
                "mend that, then run sluice journal rebuild again; nothing was changed");
  }

  std::optional<Stop> find_files() {
    if (!options_.paths.empty()) return find_given();
    for (auto const& source : setting_.policy.sources) {
      auto const before = files_.size();
      if (auto const missing = sweep(source)) return missing;
      told_("source " + printable(source.name) + ": " + std::to_string(files_.size() - before) + " files");
      if (files_.size() == before) report_.empty_sources.push_back(source.name);
    }
    return std::nullopt;
  }

  void take(stage::SourcePolicy const& source, source::Candidate const& candidate) {
    auto file = stage::sought_file(os_files_, setting_.policy, source, candidate, clock_.wall());
    // Of two sources of one folder the first has it, as in the daemon.
    if (!file || !known_.insert(file->sought.identity).second) return;
    if (!file->sidecar_trouble.empty() && ++report_.unread_sidecars <= kNamedMax)
      report_.unread.push_back({source.root + "/" + file->path, file->sidecar_trouble});
    files_.push_back(std::move(*file));
  }

  // A folder that cannot be read hides files: a journal without them would send them again one day.
  std::optional<Stop> sweep(stage::SourcePolicy const& source) {
    source::Sweep sweep(os_files_, stage::scope_of(source));
    sweep.all();
    while (!sweep.finished()) {
      auto const slice = sweep.step(kEntriesPerSlice);
      auto missing = slice.source_gone;
      for (auto const& problem : slice.problems)
        if (problem.code == source::Problem::Code::kUnreadableDirectory)
          missing = "source " + printable(source.name) + ": " + problem.text;
      if (missing)
        return Stop{kNoSource, *missing + ": what lies there must be seen, else it would be uploaded again one day",
                    "mount it, make it readable, or take it out of the configuration; then run it again"};
      for (auto const& candidate : slice.candidates) take(source, candidate);
    }
    return std::nullopt;
  }

  std::optional<Stop> find_given() {
    auto const paths = files_at(options_.paths);
    if (!paths) return paths.error();
    auto const& source = setting_.policy.sources.front();
    for (auto const& path : *paths) {
      auto const print = os_files_.stat(source.root, path.substr(1));
      if (!print) return Stop{kNoSource, print.error().text, "check the path and its permissions"};
      take(source, {.path = path.substr(1), .print = *print});
    }
    return std::nullopt;
  }

  // What the dead daemon sent last may still come about, and be listed, for so long (U16). No daemon runs
  // since the lock was taken.
  void wait_for_list_lag() {
    auto const until = begun_ + setting_.policy.limits.list_lag;
    if (clock_.boot() < until) told_("waiting " + to_words(until - clock_.boot()) + " for the platform's lists");
    while (clock_.boot() < until) wire_.wait({}, until - clock_.boot());
  }

  void match(std::span<platform::IncompleteUpload const> unfinished) {
    std::vector<stage::SoughtFile> sought;
    for (auto const& file : files_) {
      sought.push_back(file.sought);
      sought.back().not_before += lists_.clock_offset();
    }
    matching_ = stage::match_files(sought, assets_, unfinished);
    report_.files = files_.size();
    report_.strangers = matching_.strangers;
    report_.unfinished_uploads = matching_.unfinished;
    for (std::size_t i = 0; i < files_.size(); ++i) {
      auto const& match = matching_.files[i];
      if (match.fate == FileMatch::Fate::kUpload) ++report_.to_upload;
      if (match.fate == FileMatch::Fate::kAdopt) {
        ++report_.adopted;
        stage::note_ends(os_files_, files_[i]);
      }
      if (match.fate != FileMatch::Fate::kAmbiguous || ++report_.ambiguous > kNamedMax) continue;
      auto& doubt = report_.doubts.emplace_back();
      doubt.path = files_[i].source->root + "/" + files_[i].path;
      for (auto const asset : match.assets) doubt.asset_ids.push_back(assets_[asset].id);
    }
  }

  void insert(stage::Context& ctx, std::size_t i) const {
    auto const& match = matching_.files[i];
    switch (match.fate) {
      case FileMatch::Fate::kUpload: return;
      case FileMatch::Fate::kAdopt: return stage::adopt(ctx, files_[i], assets_[match.assets.front()]);
      case FileMatch::Fate::kAmbiguous: {
        std::vector<platform::Asset const*> fitting;
        for (auto const asset : match.assets) fitting.push_back(&assets_[asset]);
        return stage::leave_to_a_person(ctx, files_[i], fitting);
      }
    }
  }

  void write() {
    auto const workshop = place_.clean_workshop();
    std::string id;
    journal::RowId last_event = 0;
    {
      journal::Journal made(workshop);
      id = JournalMark::ensure_id(made, clock_.wall(), random_);
      fill(made);
      made.checkpoint();
      last_event = made.last_event();
    }
    JournalMark mark(place_.file());
    report_.set_aside = place_.exchange(mark, id, last_event, clock_.wall());
  }

  void fill(journal::Journal& made) {
    LogSpdlog log(ports::Level::kError);
    budget::Traffic traffic;
    ports::AtOnce lanes;
    source::Scout scout(lanes, os_files_);
    stage::OpenSources sources(scout);
    stage::Digests digests;
    stage::PollRound poll_round;
    ActsLinux acts;
    FileWorkers reader(FileWorkers::kMemoryMin);  // nothing is read: its threads never start
    stage::Context ctx{.journal = made,
                       .scout = scout,
                       .reader = reader,
                       .acts = acts,
                       .random = random_,
                       .log = log,
                       .policy = setting_.policy,
                       .traffic = traffic,
                       .sources = sources,
                       .digests = digests,
                       .poll_round = poll_round,
                       .now = clock_.wall()};
    for (std::size_t first = 0; first < files_.size(); first += kFilesPerCommit) {
      made.begin();
      for (auto i = first; i < std::min(files_.size(), first + kFilesPerCommit); ++i) insert(ctx, i);
      made.commit();
    }
  }

  JournalOptions const& options_;
  Setting const& setting_;
  std::function<void(std::string const&)> told_;
  ClockLinux clock_;
  RandomLinux random_;
  FilesLinux os_files_;
  WireCurl wire_;
  PlatformLists lists_;
  JournalPlace place_;
  BootTime begun_;
  std::vector<SourceFile> files_;
  std::unordered_set<std::string> known_;  // identities of files_
  std::vector<platform::Asset> assets_;
  stage::Matching matching_;
  RebuildReport report_;
};

}  // namespace

OrStop<RebuildReport> rebuild_journal(JournalOptions const& options, std::function<void(std::string const&)> told) {
  SLUICE_TRY(setting, setting_of(options));
  if (setting.by_hand && options.paths.empty())
    return stop(kUsage, "the journal of `sluice ingest` is rebuilt for files: name them",
                "sluice journal rebuild --state-dir " + setting.state_dir + " PATH...");
  SLUICE_TRY(key, offline_key(setting.config));
  SLUICE_TRY(route, offline_route(setting.config));
  SLUICE_TRY(lock, lock_of(setting));
  try {
    return Rebuild(options, setting, std::move(key), std::move(route), std::move(told))();
  } catch (journal::JournalError const& error) {
    return stop(kJournal, error.what(), "mend that, then run sluice journal rebuild again");
  }
}

OrStop<CheckReport> check_journal_file(JournalOptions const& options) {
  SLUICE_TRY(setting, setting_of(options));
  SLUICE_TRY(lock, lock_of(setting));
  CheckReport report{.journal = setting.state_dir + "/journal.db", .problems = {}};
  try {
    JournalMark const mark(report.journal);
    mark.check_before_open();
    auto const checked = journal::check_journal(report.journal);
    report.problems = checked.problems;
    if (report.problems.empty()) mark.check_against(checked.id, checked.last_event);
  } catch (journal::JournalError const& error) {
    report.problems.emplace_back(error.what());
  }
  return report;
}

}  // namespace sluice::daemon

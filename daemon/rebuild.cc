#include "daemon/rebuild.h"

#include <algorithm>
#include <optional>
#include <span>
#include <unordered_set>
#include <utility>

#include "core/base/text.h"
#include "core/stage/adopt.h"
#include "core/stage/check_sum.h"
#include "core/stage/outbox.h"
#include "core/stage/rebuild.h"
#include "core/upload/file_digest.h"
#include "daemon/acts_linux.h"
#include "daemon/engine.h"
#include "daemon/file_workers.h"
#include "daemon/journal_place.h"

#include "daemon/log_spdlog.h"
#include "daemon/platform_lists.h"
#include "daemon/policy.h"
#include "daemon/receipts_there.h"
#include "daemon/state_lock.h"

namespace sluice::daemon {
namespace {

constexpr std::size_t kEntriesPerSlice = 2'000;
constexpr std::size_t kRowsPerCommit = 1'000;
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

struct Condition {
  std::vector<std::string> problems = {};  // or that there is none
  bool is_newer = false;                   // the one problem is that another version wrote it
};

// Of the journal that is there. Requires  its lock is held.
Condition condition_of(std::string const& file) {
  try {
    JournalMark const mark(file);
    mark.check_before_open();
    auto const checked = journal::check_journal(file);
    if (checked.problems.empty()) mark.check_against(checked.id, checked.last_event);
    return {.problems = checked.problems};
  } catch (journal::JournalError const& error) {
    return {.problems = {error.what()}, .is_newer = error.kind() == journal::JournalError::Kind::kNewer};
  }
}

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
    report_.next = next_command();
    auto const found = condition_of(report_.journal);
    if (found.is_newer && !options_.force) return is_newer(found.problems.front());
    report_.was_sound = found.problems.empty();
    if (report_.was_sound && !options_.dry_run && !options_.force) return is_sound();
    if (auto const missing = find_files()) return std::unexpected(*missing);
    wait_for_last_calls();
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
  std::unexpected<Stop> is_sound() const {
    return stop(kUsage,
                report_.journal +
                    ": there is nothing wrong with it, and a new one would know less: not how far unfinished uploads "
                    "are, nor what was cancelled, tried or wished for by hand, nor the stories",
                report_.next + ", or sluice journal rebuild --force");
  }

  static std::unexpected<Stop> is_newer(std::string const& problem) {
    return stop(kJournal, problem,
                "that version goes on with it, and a new journal would know less; to have one all the same: sluice "
                "journal rebuild --force");
  }

  std::string next_command() const {
    if (!setting_.by_hand) return "systemctl start sluiced";
    auto words = std::string("sluice ingest");
    if (!options_.config_file.empty()) words += " --config " + options_.config_file;
    if (!options_.state_dir.empty()) words += " --state-dir " + options_.state_dir;
    return words + " PATH...";
  }

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
      report_.has_manifests = report_.has_manifests || !source.manifest.empty();
      if (!source.swept) continue;  // a manifest's: what lies in its folder is not its own
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

  // What the dead daemon sent last may still come about for so long, and be listed so much later (docs/adr/0004). No
  // daemon runs since the lock was taken.
  void wait_for_last_calls() {
    auto const pause = setting_.policy.limits.late_effect + setting_.policy.limits.list_lag;
    auto const until = begun_ + pause;
    if (clock_.boot() < until)
      told_("the platform's lists are read " + to_words(pause) + " after the start: what was sent last shows by then");
    while (clock_.boot() < until) wire_.wait({}, until - clock_.boot());
  }

  void match(std::span<platform::IncompleteUpload const> unfinished) {
    std::vector<stage::SoughtFile> sought;
    for (auto const& file : files_) {
      sought.push_back(file.sought);
      sought.back().not_before += lists_.clock_offset();
    }
    matching_ = stage::match_files(sought, assets_, unfinished);
    use_receipts();
    claim_adopted();
    report_.files = files_.size();
    report_.strangers = matching_.strangers;
    report_.kept = matching_.unclaimed.size();
    report_.assets_of_files = matching_.of_files;
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

  // A receipt says what its asset holds: of a file that is to be adopted, or may be one of several assets'.
  void use_receipts() {
    auto const there = receipts_there(os_files_, setting_.policy.sources);
    std::unordered_set<std::string_view> listed;
    for (auto const& asset : assets_) listed.insert(asset.id);
    report_.receipts = there.read;
    report_.unreadable = there.unreadable;
    report_.unreadable_receipts = there.problems;
    for (auto const& [id, receipt] : there.of_asset) report_.of_unknown += listed.contains(id) ? 0 : 1;
    if (there.is_cut_off)
      told_("there are more than " + std::to_string(kReceiptsMax) + " receipts: the rest is not read");
    if (there.of_asset.empty()) return;
    std::unordered_set<std::size_t> taken;
    for (auto const& match : matching_.files)
      if (match.fate == FileMatch::Fate::kAdopt) taken.insert(match.assets.front());
    for (std::size_t i = 0; i < files_.size(); ++i) {
      auto& match = matching_.files[i];
      if (match.fate == FileMatch::Fate::kAmbiguous) decide(files_[i], match, there, taken);
      if (match.fate != FileMatch::Fate::kAdopt) continue;
      auto const receipt = there.of_asset.find(assets_[match.assets.front()].id);
      if (receipt != there.of_asset.end() && receipt->second.size_bytes == files_[i].sought.size_bytes)
        files_[i].content_key = receipt->second.content_key;
    }
  }

  // One asset is not given to two files: a copy of one is left to a person.
  void decide(SourceFile& file, FileMatch& match, ReceiptsThere const& there, std::unordered_set<std::size_t>& taken) {
    std::string own;  // read only where a receipt is there to be compared with
    for (auto const asset : match.assets) {
      auto const receipt = there.of_asset.find(assets_[asset].id);
      if (receipt == there.of_asset.end() || receipt->second.content_key.empty() || taken.contains(asset)) continue;
      if (receipt->second.size_bytes != file.sought.size_bytes) continue;
      if (own.empty()) own = content_key_of(file);
      if (own.empty()) return;
      if (own != receipt->second.content_key) continue;
      taken.insert(asset);
      match = {.fate = FileMatch::Fate::kAdopt, .assets = {asset}};
      file.is_known_by_content = true;
      ++report_.decided;
      return;
    }
  }

  // What a file has by its receipt waits for no other.
  void claim_adopted() {
    std::unordered_set<std::size_t> adopted;
    for (auto const& match : matching_.files)
      if (match.fate == FileMatch::Fate::kAdopt) adopted.insert(match.assets.front());
    std::erase_if(matching_.unclaimed, [&](std::size_t asset) { return adopted.contains(asset); });
  }

  // "" where it cannot be read as it was swept.
  std::string content_key_of(SourceFile const& file) {
    told_("reading " + file.source->root + "/" + file.path + " to compare it with a receipt");
    auto const opened = os_files_.open(file.source->root, file.path);
    if (!opened) return {};
    return upload::content_key_of(*opened, file.print).value_or("");
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

  static void in_commits(journal::Journal& made, std::size_t rows, std::function<void(std::size_t)> const& insert_one) {
    for (std::size_t first = 0; first < rows; first += kRowsPerCommit) {
      made.begin();
      for (auto i = first; i < std::min(rows, first + kRowsPerCommit); ++i) insert_one(i);
      made.commit();
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
    traffic.note_clock_offset(lists_.clock_offset());
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
    made.begin();
    made.set_meta(stage::kEventsFrom, std::to_string(to_unix_ms(clock_.wall()) / 1'000));
    made.commit();
    in_commits(made, files_.size(), [&](std::size_t i) { insert(ctx, i); });
    in_commits(made, matching_.unclaimed.size(),
               [&](std::size_t i) { made.insert(stage::unclaimed_row(assets_[matching_.unclaimed[i]])); });
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
  auto const file = setting.state_dir + "/journal.db";
  return CheckReport{.journal = file, .problems = condition_of(file).problems};
}

}  // namespace sluice::daemon

#include "daemon/ingest.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <system_error>
#include <utility>

#include "core/base/text.h"
#include "core/base/url_text.h"
#include "core/stage/orders.h"
#include "core/stage/preview.h"
#include "core/stage/take_url.h"
#include "daemon/desk.h"
#include "daemon/engine.h"
#include "daemon/log_spdlog.h"
#include "daemon/offline_setup.h"
#include "daemon/signals_linux.h"
#include "daemon/state_lock.h"
#include "daemon/views.h"

namespace sluice::daemon {
namespace {

namespace fs = std::filesystem;

constexpr Millis kShowPause{200};
constexpr Millis kOfflineMax{60'000};  // then a person at a terminal is told instead of kept waiting
constexpr Millis kDrain{5'000};
constexpr std::size_t kShownMax = 64;
constexpr std::size_t kAddBatch = 500;  // files taken up in one turn

// What the platform fetches by itself does not go through here.
std::uint64_t bytes_to_send(journal::ItemRow const& item) { return item.method == "url" ? 0 : item.print.size_bytes; }

std::string shown_path(journal::ItemRow const& item) { return is_of_url(item) ? item.path : "/" + item.path; }

class Run {
 public:
  Run(IngestOptions const& options, stage::Policy const& policy, Engine& engine, Progress& progress)
      : options_(options),
        policy_(policy),
        engine_(engine),
        progress_(progress),
        wishes_{options.pipeline, options.index, options.collection, options.entity} {}

  int operator()(std::vector<std::string> const& files, std::vector<UrlText> const& urls) {
    snapshot_.items_total = files.size() + urls.size();
    if (auto const refused = take_up(files)) return *refused;
    if (auto const refused = take_up(urls)) return *refused;
    if (options_.dry_run) return kFine;
    while (!pending_.empty()) {
      turn();
      if (auto const code = trouble()) return *code;
      if (stopped()) return kSomeFailed;
    }
    show();
    return failed_ ? kSomeFailed : kFine;
  }

 private:
  void turn() {
    std::array<ExtraFd, 1> fds = {{{.fd = signals_.fd()}}};
    engine_.sleep(fds, kShowPause);
    engine_.step();
    auto const boot = engine_.clock().boot();
    if (boot < next_show_) return;
    next_show_ = boot + kShowPause;
    note_ends();
    show();
  }

  // Every file gets its item, or the one that an earlier run made; a failed one is tried again.
  std::optional<int> take_up(std::vector<std::string> const& files) {
    std::optional<int> refused;
    for (std::size_t begin = 0; begin < files.size();) {
      auto const end = std::min(files.size(), begin + kAddBatch);
      std::map<std::string, Result<ports::FilePrint>> found;
      while (found.size() < end - begin && !refused) {
        engine_.step([&](stage::Context& ctx) {
          for (auto i = begin; i < end; ++i) find(ctx, files[i], found);
          if (found.size() < end - begin) return;
          for (auto i = begin; i < end && !refused; ++i) refused = take_one(ctx, files[i], found.at(files[i]));
        });
        if (!refused) refused = trouble();
        if (!refused && found.size() < end - begin) turn();
      }
      if (refused) return refused;
      begin = end;
    }
    return std::nullopt;
  }

  void find(stage::Context& ctx, std::string const& file,
            std::map<std::string, Result<ports::FilePrint>>& found) const {
    if (found.contains(file)) return;
    if (auto print = ctx.scout.stat(policy_.sources.front().root, file.substr(1), 0)) found.emplace(file, *print);
  }

  Result<stage::Added> take_up(stage::Context& ctx, std::string const& file, Result<ports::FilePrint> const& print) {
    if (!print) return std::unexpected(print.error());
    return stage::add_item(ctx, policy_.sources.front(), {file.substr(1), *print}, wishes_, options_.dry_run);
  }

  std::optional<int> take_one(stage::Context& ctx, std::string const& file, Result<ports::FilePrint> const& print) {
    return note_taken(ctx, printable(file), take_up(ctx, file, print));
  }

  std::optional<int> take_up(std::vector<UrlText> const& urls) {
    std::optional<int> refused;
    for (std::size_t begin = 0; begin < urls.size() && !refused; begin += kAddBatch)
      engine_.step([&](stage::Context& ctx) {
        for (auto i = begin; i < std::min(urls.size(), begin + kAddBatch) && !refused; ++i)
          refused = note_taken(ctx, urls[i].shown,
                               stage::add_url(ctx, policy_.sources.front(), {.url = urls[i], .name = options_.name},
                                              wishes_, options_.dry_run));
      });
    return refused ? refused : trouble();
  }

  // What is told of it, and of a refusal the exit code.
  std::optional<int> note_taken(stage::Context& ctx, std::string const& shown, Result<stage::Added> const& added) {
    if (!added) {
      progress_.stopped(shown + ": " + added.error().text, "see `sluice ingest --help`");
      return added.error().fault == Fault::kRejected ? kUsage : kNoSource;
    }
    if (options_.dry_run) {
      progress_.note(shown);
      for (auto const& line : stage::preview(*added, policy_, policy_.sources.front(), ctx.now))
        progress_.note("  would: " + line);
      return std::nullopt;
    }
    auto const& item = added->item;
    if (added->was_known && (item.state == journal::ItemState::kFailed || item.state == journal::ItemState::kCancelled))
      if (auto const again = stage::retry_order(ctx, item.id); !again)
        progress_.note(shown + ": " + again.error().text);
    pending_.emplace(item.id, added->was_known && item.state == journal::ItemState::kDone);
    return std::nullopt;
  }

  void note_ends() {
    std::erase_if(pending_, [&](auto const& entry) {
      auto const item = engine_.journal().item(entry.first);
      if (!is_end(item->state)) return false;
      auto const around = engine_.surroundings();
      ViewContext const view{engine_.journal(), around, no_uploads_, engine_.clock().wall()};
      auto const why = stage::why(*item, engine_.journal().steps_of(item->id), std::nullopt, around, view.now);
      progress_.ended({.path = shown_path(*item),
                       .stage = std::string(word(item->state)),
                       .text = why ? why->text : "",
                       .remedy = item->state == journal::ItemState::kFailed
                                     ? "mend the cause, then run the same command again"
                                     : "",
                       .from_before = entry.second,
                       .json = item_json(view, *item).dump()});
      failed_ = failed_ || item->state == journal::ItemState::kFailed || item->state == journal::ItemState::kCancelled;
      ended_bytes_ += item->print.size_bytes;
      ++snapshot_.items_ended;
      return true;
    });
  }

  void show() {
    auto const uploads = engine_.uploads();
    auto const around = engine_.surroundings();
    snapshot_.active.clear();
    snapshot_.bytes_total = snapshot_.bytes_acked = ended_bytes_;
    snapshot_.bytes_in_air = 0;
    for (auto const& [id, before] : pending_) {
      auto const item = *engine_.journal().item(id);
      snapshot_.bytes_total += bytes_to_send(item);
      snapshot_.bytes_acked += item.bytes_acked;
      auto const upload = uploads.find(id);
      auto const in_air = upload == uploads.end() ? 0 : upload->second.bytes_in_air;
      snapshot_.bytes_in_air += in_air;
      if (snapshot_.active.size() < kShownMax && !is_end(item.state))
        snapshot_.active.push_back(shown(item, in_air, around));
    }
    progress_.show(snapshot_);
  }

  IngestItem shown(journal::ItemRow const& item, std::uint64_t in_air, stage::Surroundings const& around) const {
    auto const steps = engine_.journal().steps_of(item.id);
    auto const indexing = std::ranges::any_of(steps, [](auto const& step) {
      return step.kind == journal::StepKind::kIndex && step.state != journal::StepState::kReady &&
             step.state != journal::StepState::kFailed;
    });
    auto const why = stage::why(item, steps, engine_.journal().open_session(item.id), around, engine_.clock().wall());
    return {.id = item.ulid,
            .path = shown_path(item),
            .name = std::string(file_name(item)),
            .size_bytes = bytes_to_send(item),
            .bytes_acked = item.bytes_acked,
            .bytes_in_air = in_air,
            .stage = std::string(word(stage_of(item.state, indexing))),
            .why = why && why->code != "working" ? why->text : ""};
  }

  // What ends a run early: a person is there to mend it, and the journal keeps all that was done.
  std::optional<int> trouble() {
    auto const& traffic = engine_.turn().traffic();
    if (traffic.key_refused_since()) {
      progress_.stopped("the platform refuses the API key",
                        "get a valid key, then run the same command again: it goes on where it stood");
      return kNoKey;
    }
    auto const now = engine_.clock().wall();
    if (auto const since = traffic.offline_since(); since && now - *since > kOfflineMax) {
      progress_.stopped("the platform cannot be reached since " + to_words(now - *since),
                        "check the network, then run the same command again: it goes on where it stood");
      return kUnreachable;
    }
    if (engine_.full_since()) {
      progress_.stopped("the state directory is full", "free some space, then run the same command again");
      return kJournal;
    }
    return std::nullopt;
  }

  bool asked_to_stop() {
    auto const asked = signals_.collect();
    if (std::ranges::find(asked, Asked::kWriter) != asked.end()) engine_.hint();
    return std::ranges::any_of(asked, [](Asked what) { return what != Asked::kWriter; });
  }

  // After SIGINT or SIGTERM what is in the air gets a moment to land.
  bool stopped() {
    if (!asked_to_stop()) return false;
    engine_.turn().drain();
    auto const until = engine_.clock().boot() + kDrain;
    while (!engine_.turn().traffic().idle() && engine_.clock().boot() < until && !asked_to_stop()) turn();
    progress_.stopped("stopped by a signal", "run the same command again: it goes on where it stood");
    return true;
  }

  IngestOptions const& options_;
  stage::Policy const& policy_;
  Engine& engine_;
  Progress& progress_;
  stage::Wishes wishes_;
  SignalsLinux signals_;
  std::map<journal::RowId, bool> pending_;  // not yet told of; whether an earlier run had finished it
  IngestSnapshot snapshot_;
  std::map<journal::RowId, UploadProgress> no_uploads_;
  std::uint64_t ended_bytes_ = 0;
  bool failed_ = false;
  BootTime next_show_{};
};

OrStop<int> ingest(IngestOptions const& options, Progress& progress) {
  auto config = offline_configuration(options.config_file, true);
  if (!config) return std::unexpected(config.error());
  std::vector<std::string> paths;
  std::vector<UrlText> urls;
  for (auto const& word : options.paths) {
    if (!looks_like_url(word)) {
      paths.push_back(word);
    } else if (auto url = parse_url(word)) {
      urls.push_back(*std::move(url));
    } else {
      return std::unexpected(Stop{kUsage, without_query(word) + ": " + url.error().text, "give the file's https URL"});
    }
  }
  auto files = files_at(paths);
  if (!files) return std::unexpected(files.error());
  auto key = offline_key(*config);
  if (!key) return std::unexpected(key.error());
  auto route = offline_route(*config);
  if (!route) return std::unexpected(route.error());
  auto const directory = ingest_state_dir(options.state_dir);
  std::error_code error;
  fs::create_directories(fs::path(directory).parent_path(), error);
  auto const lock = StateLock::take(directory);
  if (!lock)
    return std::unexpected(
        Stop{kJournal, lock.error().text, "wait for the other run, or give this one its own --state-dir"});
  auto policy = ingest_policy(*config);
  policy.spool_folder = directory + "/spool";
  LogSpdlog log(ports::Level::kError);  // the bars are the news; the journal keeps the story
  Engine engine(policy, config->platform.base_url, std::move(*key), std::move(*route), directory + "/journal.db", log);
  return Run(options, policy, engine, progress)(*files, urls);
}

}  // namespace

int run_ingest(IngestOptions const& options, Progress& progress) {
  try {
    auto const code = ingest(options, progress);
    if (code) return *code;
    progress.stopped(code.error().text, code.error().remedy);
    return code.error().code;
  } catch (journal::JournalError const& error) {
    progress.stopped(error.what(), "see the text; nothing that was acknowledged is lost");
    return kJournal;
  }
}

}  // namespace sluice::daemon

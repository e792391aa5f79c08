// manifests_fixture.h - manifests by whole turns on a real journal, with their files and results in memory.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "core/stage/turn.h"
#include "tests/unit/source/manifest/memory_file.h"
#include "tests/unit/stage/played_acts.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {

struct Death {};

class DeadlyMoments final : public ports::Witness {
 public:
  void reached(ports::Moment moment) override {
    if (moment != ports::Moment::kBeforeCommit && moment != ports::Moment::kAfterCommit) return;
    if (moment == ports::Moment::kBeforeCommit && ++commits >= fails_from && commits < fails_from + fails)
      throw Death();
    if (++count == dies_at) throw Death();
  }
  int commits = 0;
  int fails_from = 0, fails = 0;  // commits that fail, one after the other
  int count = 0;
  int dies_at = 0;
};

class SetClock final : public ports::Clock {
 public:
  WallTime wall() override { return now; }
  BootTime boot() override { return BootTime(now.time_since_epoch()); }
  WallTime now = kNoon;
};

class SilentWire final : public ports::Wire {
 public:
  void send(ports::Call) override {}
  std::vector<ports::Outcome> collect() override { return {}; }
  void cancel(std::uint64_t) override {}
  std::uint64_t progress_bytes(std::uint64_t) const override { return 0; }
  std::optional<ports::Quiet> quiet(std::uint64_t) const override { return std::nullopt; }
};

class MemoryResults final : public ports::Results {
 public:
  struct File {
    std::uint64_t inode;
    std::string text;
  };
  Result<ports::ResultsFile> make(std::string const& path, bool with_folder) override {
    with_folders[path] = with_folder;
    if (is_read_only && path.starts_with("/feeds/")) return fail(Fault::kLocal, path + ": is read-only");
    auto const [at, is_new] = files.try_emplace(path, File{++inodes, ""});
    if (!at->second.text.empty()) return fail(Fault::kLocal, path + ": is there", "taken");
    return ports::ResultsFile{.path = path, .inode = at->second.inode};
  }
  Result<std::uint64_t> append(ports::ResultsFile const& file, std::string_view text) override {
    auto const at = files.find(file.path);
    if (at == files.end() || at->second.inode != file.inode) return fail(Fault::kGone, "is another");
    at->second.text.resize(std::min<std::size_t>(at->second.text.size(), file.bytes));
    at->second.text += text;
    return at->second.text.size();
  }
  std::map<std::string, File> files;
  std::map<std::string, bool> with_folders;  // whether its folder was to be made too
  std::uint64_t inodes = 0;
  bool is_read_only = false;
};

class ManifestsTest : public testing::Test {
 protected:
  ManifestsTest() {
    lanes.at_once = true;
    SourcePolicy source{.name = "partner", .root = "/feeds", .pipelines = {"all"}};
    source.manifest = "*.csv";
    source.swept = false;
    policy.sources = {source};
    policy.pipelines = {{.name = "all", .kinds = {"video"}, .filename = *parse_template("{name}")}};
    policy.manifest_lines_per_turn = 1;
    policy.results_folder = "/state/results";
    open();
  }

  void open() {
    turn.reset();
    journal.reset();
    journal = std::make_unique<journal::Journal>(scratch.file());
    turn = std::make_unique<Turn>(*journal,
                                  Ports{.clock = clock,
                                        .wire = wire,
                                        .files = files,
                                        .lanes = lanes,
                                        .acts = acts,
                                        .reader = reader,
                                        .random = dice,
                                        .log = log,
                                        .witness = &moments,
                                        .results = &results},
                                  policy);
  }
  // Until nothing is left to be done, with the time that a last line may want.
  void run() {
    for (int round = 0; round < 4; ++round) {
      for (int turns = 0; turns < 100; ++turns) turn->run();
      clock.now += Millis(6'000);
    }
  }
  // Runs, dies at the n-th moment and begins again. Returns  whether it came to that.
  bool run_and_die_at(int n) {
    moments.count = 0;
    moments.dies_at = n;
    try {
      run();
    } catch (Death const&) {
      moments.dies_at = 0;
      open();
      run();
      return true;
    }
    moments.dies_at = 0;
    return false;
  }
  journal::ManifestRow manifest(std::string const& name = "a.csv") { return journal->manifest("/feeds", name).value(); }
  // How often each line stands in the results.
  std::multiset<std::int64_t> reported(std::string const& path = "/feeds/a.csv.results.jsonl") {
    std::multiset<std::int64_t> lines;
    std::string_view text = results.files[path].text;
    while (!text.empty()) {
      auto const end = text.find('\n');
      auto const line = parse_json(text.substr(0, end));
      if (!line || end == std::string_view::npos) {
        ADD_FAILURE() << "torn: " << text.substr(0, 200);
        break;
      }
      lines.insert(line->find("line")->as_int().value());
      text.remove_prefix(end + 1);
    }
    return lines;
  }

  journal::Scratch scratch;
  Policy policy;
  SetClock clock;
  SilentWire wire;
  source::manifest::MemoryFiles files;
  source::HandLanes lanes;
  sim::InstantReader reader;
  MiddleDice dice;
  KeptLog log;
  PlayedActs acts;
  MemoryResults results;
  DeadlyMoments moments;
  std::unique_ptr<journal::Journal> journal;
  std::unique_ptr<Turn> turn;
};

// Names that say no kind: each line ends at once, and nothing is sent.
inline std::string rows(int from, int to) {
  std::string text;
  for (int n = from; n < to; ++n) text += "https://h.example/" + std::to_string(n) + "\n";
  return text;
}

// ... and ones that do: items, which wait for a platform that never answers.
inline std::string clips(int from, int to) {
  std::string text;
  for (int n = from; n < to; ++n) text += "https://h.example/" + std::to_string(n) + ".mp4\n";
  return text;
}

}  // namespace sluice::stage

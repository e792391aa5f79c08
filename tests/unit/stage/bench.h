// bench.h - one stage on a bench: a journal on disk, a clock that is set, a folder that is told what to say.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>

#include "core/stage/check_sum.h"
#include "core/stage/stage.h"
#include "tests/journal/samples.h"
#include "tests/sim/instant_reader.h"
#include "tests/unit/stage/played_acts.h"

namespace sluice::stage {

// Only metadata: the stages on this bench read no bytes.
class ToldFiles final : public ports::Files {
 public:
  std::map<std::string, ports::FilePrint> there = {};

  Result<ports::FilePrint> stat(std::string const&, std::string const& relative) override {
    if (relative.empty()) return ports::FilePrint{.device = UINT64_MAX - 1};  // as full_item() has it
    auto const found = there.find(relative);
    if (found == there.end()) return fail(Fault::kGone, relative + ": no such file");
    return found->second;
  }
  Result<std::shared_ptr<ports::OpenFile>> open(std::string const&, std::string const&) override { std::abort(); }
  Result<std::unique_ptr<ports::Listing>> list(std::string const&, std::string const&) override {
    return std::make_unique<ports::WholeListing>(std::vector<ports::DirEntry>());
  }
  Result<std::string> sniff(ports::OpenFile const&) override { std::abort(); }
};

class NoDice final : public ports::Random {
 public:
  std::uint64_t bits() override { return 0; }
};

class RememberedLog final : public ports::Log {
 public:
  std::string text = {};
  void write(ports::Level, std::string_view line) override { text.append(line).append("\n"); }
};

class Bench {
 public:
  Bench() { journal.begin(); }

  Context context() {
    return {journal, scout, reader, acts, random, log, policy, traffic, sources, digests, poll_round, now};
  }

  // As the turn does it: settles one call, with the platform's answer or with how it failed.
  void land(void (*settle)(Context&, Landing const&), budget::Flight const& flight, Result<ports::Reply> reply) {
    auto ctx = context();
    settle(ctx, {.flight = flight, .reply = std::move(reply), .bytes_sent = 0});
  }
  static Result<ports::Reply> says(std::string body) {
    return ports::Reply{.status = 200, .headers = {}, .body = std::move(body)};
  }
  static Result<ports::Reply> gone() { return fail(Fault::kGone, "HTTP 404 resource_not_exist", "resource_not_exist"); }

  journal::Scratch scratch = {};
  journal::Journal journal{scratch.file()};
  ToldFiles files = {};
  sim::InstantReader reader = {};
  PlayedActs acts = {};
  NoDice random = {};
  RememberedLog log = {};
  Policy policy = {};
  budget::Traffic traffic = budget::Traffic();
  ports::AtOnce lanes = {};
  source::Scout scout{lanes, files};
  OpenSources sources{scout};
  Digests digests = {};
  PollRound poll_round = {};
  WallTime now = journal::at(journal::kNoon);
};

}  // namespace sluice::stage

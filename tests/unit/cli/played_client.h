// played_client.h - a daemon of prepared answers, and a stand whose clock moves when somebody sleeps.
#pragma once

#include <gmock/gmock.h>

#include <deque>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "daemon/cli/exit_codes.h"
#include "daemon/cli/verbs.h"

namespace sluice::cli {

// Gives the answers prepared for a target in their order, the last one again and again.
class PlayedClient : public Client {
 public:
  Result<Answer> ask(Question const& question) override {
    asked.push_back(question);
    auto const found = answers_.find(question.target);
    if (found == answers_.end())
      return Answer{404, R"({"error":{"code":"no_such_item","text":"no item","remedy":"sluice ls"}})"};
    auto const answer = found->second.front();
    if (found->second.size() > 1) found->second.pop_front();
    return answer;
  }
  void prepare(std::string const& target, Result<Answer> answer) { answers_[target].push_back(std::move(answer)); }
  void prepare(std::string const& target, std::string const& json) { prepare(target, Answer{200, json}); }

  std::vector<Question> asked;

 private:
  std::map<std::string, std::deque<Result<Answer>>> answers_;
};

inline Result<Answer> nobody_answers() {
  return fail(Fault::kOffline, "control socket /s: Connection refused", "nobody_listens");
}

class VerbTest : public testing::Test {
 protected:
  Arguments line(std::string const& verb, std::vector<std::string> words = {}, bool json = false) {
    Arguments arguments;
    arguments.verb = verb;
    arguments.words = std::move(words);
    arguments.json = json;
    return arguments;
  }
  Json printed() {
    auto json = parse_json(out_.str());
    EXPECT_TRUE(json) << out_.str();
    if (!json) return {};
    return std::move(*json);
  }

  PlayedClient client_;
  std::ostringstream out_;
  std::ostringstream err_;
  Millis elapsed_{0};
  Stand stand_{.client = client_,
               .out = out_,
               .err = err_,
               .look = {.color = false, .width = 120},
               .err_look = {},
               .now = [] { return *parse_rfc3339("2026-11-22T03:00:00Z"); },
               .elapsed = [this] { return elapsed_; },
               .sleep = [this](Millis span) { elapsed_ += span; },
               .folder = "/home/ada"};
};

}  // namespace sluice::cli

// wait.cc - the verb `wait`: polls until everything asked for is at an end.

#include <algorithm>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "daemon/cli/exit_codes.h"
#include "daemon/cli/json_fields.h"
#include "daemon/cli/verbs.h"

namespace sluice::cli {
namespace {

constexpr Millis kPoll{500};
constexpr Millis kPatience{60'000};  // with a daemon that does not answer

bool at_end(std::string const& stage) {
  return stage == "done" || stage == "failed" || stage == "cancelled" || stage == "skipped";
}

// What waiting has seen so far.
class Watch {
 public:
  Watch(Arguments const& arguments, Stand& stand)
      : arguments_(arguments), stand_(stand), began_(stand.elapsed()), answered_(began_) {}

  int until_the_end() {
    for (;;) {
      auto const ended = arguments_.words.empty() ? poll_all() : poll_named();
      if (ended) return finish(*ended);
      if (arguments_.timeout && stand_.elapsed() - began_ >= *arguments_.timeout) return time_is_up();
      stand_.sleep(kPoll);
    }
  }

 private:
  struct Named {
    std::string target;
    std::string stage = {};
    std::string shown = {};  // the line that was printed last
    Json item = {};
  };

  // An answer, or nothing while the daemon is away for less than kPatience; a trouble ends the wait.
  std::optional<Json> ask(std::string const& target) {
    auto answer = ask_json(stand_, {.target = target});
    if (answer) {
      answered_ = stand_.elapsed();
      ever_answered_ = true;
      return std::move(*answer);
    }
    auto& trouble = answer.error();
    bool const away = trouble.exit_code == kNoDaemon || trouble.code == "stopping";
    if (away && ever_answered_ && stand_.elapsed() - answered_ < kPatience) return std::nullopt;
    trouble_ = std::move(trouble);
    return std::nullopt;
  }

  // Returns the exit code when everything is at an end, or nothing can come of it.
  std::optional<int> poll_named() {
    if (named_.empty())
      for (auto const& word : arguments_.words) named_.push_back({.target = item_target(word, stand_)});
    bool all = true;
    bool failed = false;
    for (auto& each : named_) {
      if (!at_end(each.stage)) look_at(each);
      if (trouble_) return trouble_->exit_code;
      all = all && at_end(each.stage);
      failed = failed || each.stage == "failed";
    }
    if (!all) return std::nullopt;
    return failed ? kSomeFailed : kFine;
  }

  void look_at(Named& each) {
    auto item = ask(each.target);
    if (!item) return;
    each.stage = text_at(*item, "stage");
    if (auto const id = text_at(*item, "id"); !id.empty())
      each.target = "/v1/items/" + id;  // a path may come to mean another
    auto line = painted(each.stage, tone_of_stage(each.stage), stand_.look) + "  " + text_at(*item, "name");
    auto const& why = object_at(*item, "why");
    if (auto const text = text_at(why, "text");
        !text.empty() && text_at(why, "code") != "working" && text_at(why, "code") != "settling")
      line += ": " + text;
    each.item = std::move(*item);
    if (!arguments_.json && line != each.shown) stand_.out << line << "\n" << std::flush;
    each.shown = std::move(line);
  }

  std::optional<int> poll_all() {
    auto status = ask("/v1/status");
    if (trouble_) return trouble_->exit_code;
    if (!status) return std::nullopt;
    auto const& totals = object_at(*status, "totals");
    auto const left = count_at(totals, "active") + count_at(totals, "waiting");
    std::uint64_t settling = 0;
    for (auto const& source : list_at(*status, "sources")) settling += count_at(source, "settling");
    auto const failed = count_at(totals, "failed");
    auto line = std::to_string(count_at(totals, "done")) + " done, " + std::to_string(left) + " to go, " +
                std::to_string(failed) + " failed";
    if (!arguments_.json && line != shown_) stand_.out << line << "\n" << std::flush;
    shown_ = std::move(line);
    status_ = std::move(*status);
    if (left + settling > 0) return std::nullopt;
    return failed > 0 ? kSomeFailed : kFine;
  }

  int finish(int exit_code) {
    if (trouble_) return end_with(*trouble_, arguments_.json, stand_);
    print_json();
    if (exit_code == kSomeFailed)
      stand_.err << render_trouble("some items failed", "sluice ls --stage failed", stand_.err_look);
    return exit_code;
  }

  int time_is_up() {
    print_json();
    stand_.err << render_trouble("the time is up, and not everything is at its end", "sluice status", stand_.err_look);
    return kTimedOut;
  }

  void print_json() {
    if (!arguments_.json) return;
    if (named_.empty()) {
      stand_.out << Json::object({{"totals", object_at(status_, "totals")}}).dump(2) << "\n";
      return;
    }
    auto items = Json::array();
    for (auto& each : named_) items.push(std::move(each.item));
    stand_.out << Json::object({{"items", std::move(items)}}).dump(2) << "\n";
  }

  Arguments const& arguments_;
  Stand& stand_;
  Millis began_;
  Millis answered_;
  bool ever_answered_ = false;
  std::vector<Named> named_;
  std::optional<Trouble> trouble_;
  std::string shown_;
  Json status_;
};

}  // namespace

int run_wait(Arguments const& arguments, Stand& stand) { return Watch(arguments, stand).until_the_end(); }

}  // namespace sluice::cli

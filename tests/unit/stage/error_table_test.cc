// docs/ERRORS.md is what the program does: its tables are read here, row by row.
#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/text.h"
#include "core/platform/faults.h"
#include "core/platform/faults_codes.h"
#include "core/stage/effort.h"
#include "core/stage/why.h"

namespace sluice::stage {
namespace {

using platform::CallKind;
using Row = std::vector<std::string>;

constexpr WallTime kNow{Millis(1'795'262'400'000)};

constexpr Fault kFaults[] = {Fault::kOffline,    Fault::kTransient,  Fault::kOutcomeUnknown, Fault::kThrottled,
                             Fault::kUrlExpired, Fault::kKeyRefused, Fault::kGone,           Fault::kSourceChanged,
                             Fault::kSourceIo,   Fault::kCorrupt,    Fault::kRejected,       Fault::kProtocol,
                             Fault::kLocal};

// The rows of the table that begins with this heading, without their back quotes.
std::vector<Row> table_under(std::string const& heading) {
  std::ifstream in(std::string(SLUICE_SOURCE_DIR) + "/docs/ERRORS.md");
  std::vector<Row> rows;
  std::string line;
  while (std::getline(in, line) && line != "## " + heading) {
  }
  while (std::getline(in, line) && !line.starts_with("## ")) {
    if (!line.starts_with("| ") || line.starts_with("| ---")) continue;
    Row row;
    for (auto rest = std::string_view(line).substr(1); !rest.empty();) {
      auto const bar = rest.find('|');
      std::string cell(trimmed(rest.substr(0, bar)));
      std::erase(cell, '`');
      row.push_back(cell);
      rest.remove_prefix(bar + 1);
    }
    rows.push_back(row);
  }
  if (!rows.empty()) rows.erase(rows.begin());  // its head
  return rows;
}

CallKind kind_of(std::string const& word) {
  static std::map<std::string, CallKind> const kKinds = {
      {"read", CallKind::kRead}, {"create", CallKind::kCreate}, {"put", CallKind::kStorage}};
  return kKinds.at(word);
}

ports::Outcome outcome_of(CallKind kind, std::string const& words) {
  using Phase = ports::WireFailure::Phase;
  if (words == "no byte left") return {1, std::unexpected(ports::WireFailure{Phase::kBeforeSend, "dns"}), {}, 0};
  if (words == "cut") return {1, std::unexpected(ports::WireFailure{Phase::kAfterSend, "reset"}), {}, 0};
  if (words == "web page") return {1, ports::Reply{200, {{"content-type", "text/html"}}, "<html>"}, {}, 0};
  auto const space = words.find(' ');
  ports::Reply reply{.status = std::stoi(words), .headers = {}, .body = {}};
  if (space != std::string::npos) {
    auto const code = words.substr(space + 1);
    reply.body =
        kind == CallKind::kStorage ? "<Error><Code>" + code + "</Code></Error>" : R"({"code":")" + code + "\"}";
  }
  return {1, reply, {}, 0};
}

TEST(ErrorTable, SaysOfEveryOutcomeWhichClassItIs) {
  auto const rows = table_under("Outcomes");
  ASSERT_GE(rows.size(), 60u);
  for (auto const& row : rows) {
    auto const kind = kind_of(row.at(0));
    auto const sorted = platform::sort_outcome(kind, outcome_of(kind, row.at(1)), kNow);
    ASSERT_FALSE(sorted) << row.at(0) << " " << row.at(1);
    EXPECT_EQ(name_of(sorted.error().fault), row.at(2)) << row.at(0) << " " << row.at(1);
    auto const by_another = row.at(3).find("not_the_platform") != std::string::npos;
    EXPECT_EQ(sorted.error().code == "not_the_platform", by_another) << row.at(0) << " " << row.at(1);
  }
}

TEST(ErrorTable, HasARowForEveryClassAndSaysWhoPays) {
  std::map<std::string, Row> by_class;
  for (auto const& row : table_under("The classes")) by_class[row.at(0)] = row;
  EXPECT_EQ(by_class.size(), std::size(kFaults));
  for (auto const fault : kFaults) {
    auto const name = std::string(name_of(fault));
    ASSERT_TRUE(by_class.contains(name)) << name;
    auto const& row = by_class.at(name);
    Error const alone{.fault = fault, .text = "x"};
    EXPECT_EQ(is_charged(alone) ? "the row" : "nobody", row.at(2)) << name;
    EXPECT_NE(meaning_of(row.at(1)), row.at(1)) << "`why` has words for it";
    Error shared{.fault = fault, .text = "x", .spread = Spread::kSeveral};
    EXPECT_FALSE(is_charged(shared)) << name;
  }
}

// What the words of the wait mean in figures.
TEST(ErrorTable, SaysHowLongEachClassWaits) {
  Policy const policy;
  for (auto const& row : table_under("The classes")) {
    auto const fault = *std::ranges::find(kFaults, row.at(0), [](Fault each) { return std::string(name_of(each)); });
    auto const lost = after_failure({}, {.fault = fault, .text = "x", .spread = Spread::kAll}, policy, kNow, 0.9);
    EXPECT_EQ(lost.due_at, kNow) << row.at(0) << ": all go on as soon as a probe gets through";
    EXPECT_EQ(lost.tries, 0u);
    if (fault == Fault::kKeyRefused) continue;
    Error const asked{.fault = fault, .text = "x", .retry_after = std::chrono::hours(3)};
    EXPECT_GE(after_failure({}, asked, policy, kNow, 0.1).due_at, kNow + std::chrono::hours(3)) << row.at(0);
  }
}

// Whatever comes has a class, and a class that its kind of call may have.
TEST(ErrorTable, LeavesNoStatusAndNoCodeWithoutAClass) {
  std::vector<std::string> codes = {"", "nobody_knows_this"};
  for (auto const& row : platform::api_codes()) codes.emplace_back(row.code);
  for (auto const& row : platform::storage_codes()) codes.emplace_back(row.code);
  std::map<CallKind, std::set<Fault>> const possible = {
      {CallKind::kRead,
       {Fault::kTransient, Fault::kThrottled, Fault::kKeyRefused, Fault::kGone, Fault::kRejected, Fault::kProtocol,
        Fault::kOffline}},
      {CallKind::kCreate,
       {Fault::kTransient, Fault::kOutcomeUnknown, Fault::kThrottled, Fault::kKeyRefused, Fault::kGone,
        Fault::kRejected, Fault::kProtocol}},
      {CallKind::kStorage,
       {Fault::kTransient, Fault::kThrottled, Fault::kUrlExpired, Fault::kGone, Fault::kRejected, Fault::kProtocol}}};
  for (auto const& [kind, faults] : possible) {
    for (int status = 100; status < 700; ++status) {
      for (auto const& code : codes) {
        auto const words = std::to_string(status) + (code.empty() ? "" : " " + code);
        auto const sorted = platform::sort_outcome(kind, outcome_of(kind, words), kNow);
        ASSERT_EQ(sorted.has_value(), status / 100 == 2) << words;
        ASSERT_TRUE(sorted || faults.contains(sorted.error().fault)) << words;
      }
    }
  }
}

}  // namespace
}  // namespace sluice::stage

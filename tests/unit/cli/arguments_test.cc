// The command line as it is read.
#include "daemon/cli/arguments.h"

#include <gmock/gmock.h>

#include "daemon/cli/exit_codes.h"

namespace sluice::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Arguments read(std::vector<std::string> const& words) {
  auto made = read_arguments(words);
  EXPECT_TRUE(made) << made.error().trouble;
  if (!made) return {};
  return std::move(*made);
}

ParseEnd refused(std::vector<std::string> const& words) {
  auto made = read_arguments(words);
  EXPECT_FALSE(made);
  if (made) return {};
  return std::move(made).error();
}

TEST(Arguments, TakesJsonAndTheSocketBeforeAndAfterTheVerb) {
  for (auto const& words : {std::vector<std::string>{"--json", "--socket", "/s", "status"},
                            std::vector<std::string>{"status", "--json", "--socket", "/s"}}) {
    auto const made = read(words);
    EXPECT_EQ(made.verb, "status");
    EXPECT_TRUE(made.json);
    EXPECT_EQ(made.socket, "/s");
  }
}

TEST(Arguments, ReadsWhatEachVerbTakes) {
  auto const ls = read({"ls", "--stage", "failed", "--source", "drop", "--limit", "0"});
  EXPECT_EQ(ls.stage, "failed");
  EXPECT_EQ(ls.source, "drop");
  EXPECT_EQ(ls.limit, 0);
  EXPECT_THAT(read({"cancel", "a", "b"}).words, ElementsAre("a", "b"));
  EXPECT_EQ(read({"rescan", "drop"}).source, "drop");
  EXPECT_EQ(read({"rescan"}).source, "");
  EXPECT_EQ(read({"wait", "--all", "--timeout", "10m"}).timeout, std::chrono::minutes(10));
  EXPECT_TRUE(read({"retry", "--failed"}).failed);
  auto const add = read({"add", "a.mp4", "--collection", "Cast", "--entity", "Ada", "--dry-run"});
  EXPECT_EQ(add.collection, "Cast");
  EXPECT_EQ(add.entity, "Ada");
  EXPECT_TRUE(add.dry_run);
  EXPECT_EQ(read({"ingest", "/x", "--state-dir", "/s"}).state_dir, "/s");
  EXPECT_THAT(read({"add", "--", "-odd name.mp4"}).words, ElementsAre("-odd name.mp4"));
}

TEST(Arguments, ReadsWhatJournalIsToDo) {
  auto const check = read({"journal", "check", "--config", "/c", "--json"});
  EXPECT_EQ(check.verb, "journal");
  EXPECT_EQ(check.action, "check");
  EXPECT_EQ(check.config, "/c");
  EXPECT_TRUE(check.json);
  EXPECT_FALSE(is_for_later(check.verb, check.action));
  auto const rebuild = read({"journal", "rebuild", "--dry-run", "--state-dir", "/s", "/films"});
  EXPECT_EQ(rebuild.action, "rebuild");
  EXPECT_TRUE(rebuild.dry_run);
  EXPECT_EQ(rebuild.state_dir, "/s");
  EXPECT_THAT(rebuild.words, ElementsAre("/films"));
  EXPECT_EQ(refused({"journal"}).exit_code, kUsage);
}

TEST(Arguments, RefusesWhatMakesNoSense) {
  for (auto const& words : std::vector<std::vector<std::string>>{{},
                                                                 {"stauts"},
                                                                 {"show"},
                                                                 {"show", "a", "b"},
                                                                 {"add"},
                                                                 {"retry"},
                                                                 {"rescan", "a", "b"},
                                                                 {"retry", "a", "--failed"},
                                                                 {"wait", "a", "--all"},
                                                                 {"ls", "--limit", "-1"},
                                                                 {"ls", "--limit", "x"},
                                                                 {"status", "--nonsense"},
                                                                 {"add", "a", "--entity", "x"},
                                                                 {"add", "a", "--pipeline", "x", "--index", "y"},
                                                                 {"wait", "--timeout", "5q"}}) {
    auto const end = refused(words);
    EXPECT_EQ(end.exit_code, kUsage);
    EXPECT_FALSE(end.trouble.empty());
    EXPECT_FALSE(end.next.empty());
  }
  EXPECT_THAT(refused({"stauts"}).trouble, HasSubstr("did you mean status?"));
}

TEST(Arguments, TakesUrlsBesidePaths) {
  for (auto const* verb : {"add", "ingest"}) {
    EXPECT_THAT(read({verb, "https://host/v.mp4?sig=s", "a.mp4"}).words,
                ElementsAre("https://host/v.mp4?sig=s", "a.mp4"));
    EXPECT_EQ(read({verb, "https://host/get?id=7", "--name", "v.mp4"}).name, "v.mp4");
  }
}

TEST(Arguments, RefusesBadUrlsWithoutRepeatingTheirSecrets) {
  for (auto const* verb : {"add", "ingest"})
    for (auto const* url :
         {"gopher://host/v.mp4?sig=CANARY", "ftp://host/v.mp4?sig=CANARY", "https://u@host/?sig=CANARY"}) {
      auto const end = refused({verb, url});
      EXPECT_EQ(end.exit_code, kUsage);
      EXPECT_THAT(end.trouble, HasSubstr("URL"));
      EXPECT_THAT(end.trouble, testing::Not(HasSubstr("CANARY")));
    }
  EXPECT_EQ(refused({"add", "a.mp4", "--name", "b.mp4"}).exit_code, kUsage);
  EXPECT_EQ(refused({"add", "https://h/a", "https://h/b", "--name", "b.mp4"}).exit_code, kUsage);
}

TEST(Arguments, KnowsTheVerbsThatComeLater) {
  for (auto const* verb : {"top", "events", "pause", "resume", "doctor", "config", "completion"}) {
    EXPECT_TRUE(is_for_later(read({verb, "with", "--any", "words"}).verb)) << verb;
  }
  for (auto const* action : {"backup", "prune", "export"}) {
    auto const made = read({"journal", action, "file"});
    EXPECT_TRUE(is_for_later(made.verb, made.action)) << action;
  }
  EXPECT_FALSE(is_for_later("status"));
}

TEST(Arguments, GivesHelpWithTheExitCodes) {
  auto const help = refused({"--help"});
  EXPECT_EQ(help.exit_code, kFine);
  EXPECT_TRUE(help.trouble.empty());
  EXPECT_THAT(help.out, HasSubstr("78 invalid configuration"));
  EXPECT_THAT(refused({"ls", "--help"}).out, HasSubstr("--stage"));
  EXPECT_THAT(refused({"--version"}).out, HasSubstr("sluice " SLUICE_VERSION));
}

TEST(Arguments, ReadsDurations) {
  EXPECT_EQ(read_duration("90"), std::chrono::seconds(90));
  EXPECT_EQ(read_duration("500ms"), Millis(500));
  EXPECT_EQ(read_duration("2d"), std::chrono::hours(48));
  for (auto const* text : {"", "s", "-1s", "1 s", "1.5h", "99999999999999999999"})
    EXPECT_FALSE(read_duration(text)) << text;
}

}  // namespace
}  // namespace sluice::cli

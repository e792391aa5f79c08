// The oracle of manifests on trial: of a run that ended well one thing is changed before it is judged, and the sentence
// that is about it must be said.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/base/text.h"
#include "core/source/entry_key.h"
#include "core/stage/entry_row.h"
#include "tests/sim/trial.h"

namespace sluice::sim {
namespace {

using journal::Journal;

constexpr char kFeed[] = "/srv/lists/feed.jsonl", kResults[] = "/srv/lists/feed.jsonl.results.jsonl";

std::string told(SimFiles const& files) { return files.text_at(kResults); }

// Its results, changed, with the journal none the wiser but for their length.
template <class Change>
void change_results(Journal& journal, SimFiles& files, Change const& change) {
  auto text = told(files);
  change(text);
  auto row = *journal.manifest("/srv/lists", "feed.jsonl");
  row.results_bytes = text.size();
  journal.update(row, row.state, kBeginning);
  files.write(kResults, std::move(text));
}

template <class Change>
void change_row(Journal& journal, Change const& change) {
  auto row = *journal.manifest("/srv/lists", "feed.jsonl");
  change(row);
  journal.update(row, row.state, kBeginning);
}

journal::EntryRow entry_of(Journal& journal, char const* key) {
  return *journal.entry_of_key(stage::packed_key(std::string("k:") + key));
}

void exchange(std::string& text, std::string const& what, std::string const& other) {
  text.replace(text.find(what), what.size(), other);
}

struct Sabotage {
  char const* name;
  char const* said;  // how the oracle's sentence begins
  void (*work)(Journal&, SimFiles&);
};

class AManifest : public testing::TestWithParam<Sabotage> {};

TEST_P(AManifest, IsJudged) {
  auto const broken_by = [&](bool sabotaged) {
    RunOptions options{.seed = seed_or(5)};
    options.before_judgement = [&](Journal& journal, SimFiles& files) {
      if (!sabotaged) return;
      journal.begin();
      GetParam().work(journal, files);
      journal.commit();
    };
    return World(scenario_named("manifests"), std::move(options)).run();
  };
  EXPECT_EQ(broken_by(false), std::vector<std::string>());
  auto const broken = broken_by(true);
  EXPECT_TRUE(std::ranges::any_of(broken, [](auto const& sentence) { return sentence.starts_with(GetParam().said); }))
      << (broken.empty() ? "nothing was said" : broken.front());
}

constexpr Sabotage kOfLines[] = {
    {"line_without_an_entry", "lost: line 7 of feed.jsonl is no entry",
     [](Journal&, SimFiles& files) { files.write_more(kFeed, line_of("late", "https://media.sim/late.mp4")); }},
    {"wrong_line_untold", "lost: line 7 of feed.jsonl is wrong",
     [](Journal&, SimFiles& files) { files.write_more(kFeed, "{}\n"); }},
    {"repetition_untold", "lost: line 4 of films.txt repeats another",
     [](Journal&, SimFiles& files) { files.write_more("/srv/lists/films.txt", "\nhttps://films.sim/reel.mp4\n"); }},
    {"manifest_unknown", "lost: nobody knows the manifest more.jsonl",
     [](Journal&, SimFiles& files) { files.write("/srv/lists/more.jsonl", "{}\n"); }},
    {"torn_line", "torn: ",
     [](Journal& journal, SimFiles& files) {
       change_results(journal, files, [](std::string& text) { text.resize(text.size() - 5); });
     }},
    {"zeros", "torn: ",
     [](Journal& journal, SimFiles& files) {
       change_results(journal, files, [](std::string& text) { text += std::string(4, '\0') + "\n"; });
     }},
    {"line_behind_the_end", "feed.jsonl: its results are longer",
     [](Journal&, SimFiles& files) { files.write(kResults, told(files) + told(files).substr(0, 9)); }},
    {"line_told_twice", "told twice: ",
     [](Journal& journal, SimFiles& files) {
       change_results(journal, files, [](std::string& text) { text += text.substr(0, text.find('\n') + 1); });
     }},
    {"line_of_another", "foreign: ",
     [](Journal& journal, SimFiles& files) {
       auto const other = files.text_at("/srv/lists/films.txt.results.jsonl");
       change_results(journal, files, [&](std::string& text) { text += other; });
     }},
};

constexpr Sabotage kOfAnswers[] = {
    {"no_answer", "no answer for feed.jsonl: b",
     [](Journal& journal, SimFiles& files) {
       change_results(journal, files, [](std::string& text) {
         auto const begin = text.rfind('\n', text.find(R"("key":"b")")) + 1;
         text.erase(begin, text.find('\n', begin) + 1 - begin);
       });
     }},
    {"failed_though_done", "wrongly told: feed.jsonl: a is told as failed, and ended as ok",
     [](Journal& journal, SimFiles& files) {
       change_results(journal, files, [](std::string& text) {
         exchange(text, R"("result":"ok","key":"a")", R"("result":"failed","key":"a")");
       });
     }},
    {"another_asset", "wrongly told: feed.jsonl: a is told with another asset",
     [](Journal& journal, SimFiles& files) {
       change_results(journal, files, [](std::string& text) {
         text.replace(text.find("asset_id\":\"", text.find(R"("key":"a")")) + 11, 3, "xyz");
       });
     }},
    {"outcome", "wrongly kept: feed.jsonl: a stands as failed",
     [](Journal& journal, SimFiles&) {
       auto entry = entry_of(journal, "a");
       entry.outcome = "failed";
       journal.update(entry, entry.state);
     }},
    {"key_released", "wrongly kept: feed.jsonl: a is another item",
     [](Journal& journal, SimFiles&) { journal.release_key(entry_of(journal, "a").item_id); }},
    {"entry_waits", "waits for ever: feed.jsonl: a",
     [](Journal& journal, SimFiles&) {
       auto entry = entry_of(journal, "a");
       entry.state = journal::EntryState::kTaken;
       entry.outcome.clear();
       journal.update(entry, journal::EntryState::kEnded);
     }},
    {"entries_miscounted", "miscounted: feed.jsonl has 4 entries, and counts 5",
     [](Journal& journal, SimFiles&) { change_row(journal, [](auto& row) { row.entries += 1; }); }},
    {"failed_miscounted", "miscounted: feed.jsonl has 0 failed entries, and counts 1",
     [](Journal& journal, SimFiles&) { change_row(journal, [](auto& row) { row.failed += 1; }); }},
    {"waiting_miscounted", "miscounted: feed.jsonl has 0 waiting entries, and counts 1",
     [](Journal& journal, SimFiles&) { change_row(journal, [](auto& row) { row.waiting += 1; }); }},
    {"two_assets_of_one_key", "two assets of one key: k:a",
     [](Journal&, SimFiles& files) { files.write_more(kFeed, line_of("a", "https://media.sim/mended.mp4")); }},
};

std::string name_of_sabotage(testing::TestParamInfo<Sabotage> const& param) { return param.param.name; }

INSTANTIATE_TEST_SUITE_P(Lines, AManifest, testing::ValuesIn(kOfLines), name_of_sabotage);
INSTANTIATE_TEST_SUITE_P(Answers, AManifest, testing::ValuesIn(kOfAnswers), name_of_sabotage);

}  // namespace
}  // namespace sluice::sim

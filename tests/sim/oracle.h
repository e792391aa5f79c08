// oracle.h - compares the end of a run with what the product promises.
//
// Every file is done, or failed or skipped as its scenario planned. Per item there is exactly one
// completed asset, byte for byte a content that stood in the file, and one indexed asset per index; per
// name one index, one collection, one entity with all assets attached. A reservation that nobody
// knows must have been counted (R51). Nothing may be torn, lost or there twice: a second one is sound only
// where the platform had deleted the first before the second was begun. Done items are not watched, so what
// is deleted after their end does not count.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/journal/journal.h"
#include "tests/sim/scenario.h"
#include "tests/sim/sim_acts.h"
#include "tests/sim/sim_files.h"
#include "tests/sim/sim_hosts.h"
#include "tests/sim/sim_listeners.h"
#include "tests/sim/sim_platform.h"

namespace sluice::sim {

// `held_back`: for how long at most a full disk kept answers that had come out of the journal; what they say may have
//              been undone by others meanwhile.
// Returns  one sentence per broken promise.
struct Seen {  // what the world was, in the end and before
  SimFiles const& files;
  SimHosts const& hosts;
  SimPlatform const& platform;
};
std::vector<std::string> judge(Scenario const& scenario, Seen seen, journal::Journal const& journal, Millis held_back);

// The latest item of a path beneath `root`, of a URL, or of "k:" and a key.
std::optional<journal::ItemRow> item_of(journal::Journal const& journal, std::string const& root,
                                        std::string const& path_or_url);

// What became of the files themselves: each stands where its scenario wants it and nowhere else, with one note beside
// it, and nothing of ours is left lying about.
std::vector<std::string> judge_acts(Scenario const& scenario, SimFiles const& files, SimActs const& acts,
                                    journal::Journal const& journal);

// Where nobody can say before what becomes of each file, it is held against its item's end: no content is there twice,
// none that was not removed by others or deleted by its act is lost, and what was to be done after the end was done, or
// refused since the file is another one.
std::vector<std::string> judge_files(Scenario const& scenario, SimFiles const& files, SimActs const& acts,
                                     journal::Journal const& journal);
// What is wrong with a note about that item; "" if nothing is.
std::string wrong_with_note(std::string const& text, journal::ItemRow const& item);

// Nobody is left waiting: each act that is not over waits for an act of its item before it, or for a folder that is
// away in this very moment. Also asked while a run goes on, whether it may end.
std::vector<std::string> judge_waiting(SimFiles const& files, journal::Journal const& journal);

// Once all is calm each whole line of each manifest is an entry, or told as wrong or repeated; what is told last of an
// entry is how its item ended; the results hold whole lines, each once, and none of another manifest; and of one key
// there is one asset at most.
std::vector<std::string> judge_manifests(Scenario const& scenario, Seen seen, journal::Journal const& journal);

// What is left of downloads: nothing.
std::vector<std::string> judge_spool(SimSpool& spool, journal::Journal const& journal);

// Each end of an item was told to each hook that wants to hear of it, under one id of its own; nothing else was.
std::vector<std::string> judge_told(Scenario const& scenario, SimListeners& listeners, journal::Journal const& journal);

}  // namespace sluice::sim

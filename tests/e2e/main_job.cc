#include "main_job.h"

#include <exception>

namespace sluice::e2e {

Settings main_job_settings() {
  return {.direct_max = "256KiB", .retry = "{initial: 50ms, max: 200ms}", .poll = "{min: 20ms, max: 100ms}"};
}

std::vector<std::string> main_job_emulator() {
  return {"--chunk-size",   std::to_string(kMainJobChunkBytes) + "B",
          "--ready-after",  "20ms",
          "--index-after",  "20ms",
          "--entity-after", "20ms"};
}

void drop_main_job(Site& site, std::uint64_t seed) {
  site.drop_all({{"scene.mp4", 700'000}, {"Ada/portrait.jpg", 60'000}, {"interview.mp3", 50'000}}, seed);
}

bool has_ended_or_done_main_job(Site& site) {
  if (site.daemon().ended()) return true;
  try {
    return site.daemon().total("done") == kMainJobFiles;
  } catch (std::exception const&) {  // nobody answers, or half an answer came
    return false;
  }
}

testing::AssertionResult main_job_is_whole(Site const& site) {
  if (auto there = site.every_file_is_there_once(); !there) return there;
  auto const ledger = site.emulator().ledger();
  auto const entities = ledger.at("entities");
  bool const whole = ledger.at("indexes").size() == 1 && ledger.at("indexed_assets").size() == 2 &&
                     ledger.at("entity_collections").size() == 1 && entities.size() == 1 &&
                     entities[0].at("asset_ids").size() == 1;
  if (whole) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "the chain is not whole: " << ledger.dump(1);
}

}  // namespace sluice::e2e

#include "lost_journal.h"

#include <filesystem>
#include <set>

namespace sluice::e2e {

namespace fs = std::filesystem;

std::string journal_of(Site const& site) { return site.home().state() + "/journal.db"; }

void delete_journal(Site const& site) {
  for (auto const* part : {"", "-wal", "-shm"}) fs::remove(journal_of(site) + part);
}

Finished rebuild(Site const& site, std::vector<std::string> more) {
  std::vector<std::string> words = {"journal", "rebuild", "--config", site.home().config_file()};
  words.insert(words.end(), more.begin(), more.end());
  return site.sluice(words);
}

Json rebuild_report(Site const& site, std::vector<std::string> more) {
  more.emplace_back("--json");
  auto const finished = rebuild(site, more);
  EXPECT_EQ(finished.code, 0) << finished.out << finished.err;
  return finished.code == 0 ? Json::parse(finished.out) : Json();
}

Json made(Site const& site) {
  auto const ledger = site.emulator().ledger();
  auto ids = [&](char const* list, char const* key) {
    std::set<std::string> all;
    for (auto const& row : ledger.at(list)) all.insert(row.at(key).get<std::string>());
    return Json(all);
  };
  auto entities = Json::object();
  for (auto const& row : ledger.at("entities")) entities[row.at("id").get<std::string>()] = row.at("asset_ids");
  return {{"assets", ids("assets", "id")},
          {"sessions", ids("sessions", "upload_id")},
          {"indexes", ids("indexes", "id")},
          {"indexed", ids("indexed_assets", "id")},
          {"collections", ids("entity_collections", "id")},
          {"entities", entities},
          {"bytes", ledger.at("totals").at("bytes_received")}};
}

}  // namespace sluice::e2e

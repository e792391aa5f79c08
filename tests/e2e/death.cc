#include "death.h"

namespace sluice::e2e {

namespace {

// What a multipart form has around a file: boundary, fields, names.
constexpr std::uint64_t kFormBytesMax = 4096;

// The chunks that were begun and neither stored nor cut, after all these events.
std::set<std::string> open_chunks(Json const& events) {
  std::multiset<std::string> open;
  for (auto const& event : events) {
    auto const what = event.at("event").get<std::string>();
    if (what == "put_started") open.insert(chunk_of(event));
    if (what != "put_stored" && what != "put_cut") continue;
    if (auto const found = open.find(chunk_of(event)); found != open.end()) open.erase(found);
  }
  return {open.begin(), open.end()};
}

}  // namespace

std::string chunk_of(Json const& event) {
  return event.at("upload_id").get<std::string>() + " " + std::to_string(event.at("chunk_index").get<int>());
}

Death look_at_death(Site& site) {
  Death death;
  death.open = open_chunks(site.emulator().events());
  EXPECT_TRUE(until(20s, [&] { return site.emulator().ledger().at("totals").at("puts_open") == 0; }));
  death.events = site.emulator().events().size();
  auto const journal = site.journal();
  if (!journal.has_tables()) return death;  // it died before it had made its journal
  death.stored = journal.stored_chunks();
  death.in_air = journal.chunks_in_air();
  auto const direct = journal.whole_files_in_air();
  death.direct_in_air = direct.files;
  death.bytes_in_air = direct.bytes + journal.bytes_of_chunks_in_air();
  for (auto const& chunk : death.open)
    EXPECT_TRUE(death.in_air.contains(chunk)) << "chunk " << chunk << " left before its intent was in the journal";
  return death;
}

testing::AssertionResult none_sent_again(Site const& site, std::vector<Death> const& deaths) {
  auto const events = site.emulator().events();
  for (std::size_t i = 0; i < deaths.size(); ++i) {
    for (auto at = static_cast<std::size_t>(deaths[i].events); at < events.size(); ++at) {
      if (events[at].at("event") != "put_started" || !deaths[i].stored.contains(chunk_of(events[at]))) continue;
      return testing::AssertionFailure() << "chunk " << chunk_of(events[at]) << " was in the journal at death " << i + 1
                                         << " and was sent again";
    }
  }
  return testing::AssertionSuccess();
}

testing::AssertionResult sent_again_only_what_was_in_the_air(Site const& site, std::vector<Death> const& deaths,
                                                             std::uint64_t bytes, std::uint64_t direct_files) {
  auto const received = site.emulator().ledger().at("totals").at("bytes_received").get<std::uint64_t>();
  auto allowed = bytes + direct_files * kFormBytesMax;
  for (auto const& death : deaths) allowed += death.bytes_in_air + death.direct_in_air * kFormBytesMax;
  if (received <= allowed) return testing::AssertionSuccess();
  return testing::AssertionFailure() << received << " bytes arrived, " << allowed
                                     << " would be the files and what was in the air";
}

}  // namespace sluice::e2e

#include "tests/sim/tally.h"

#include <algorithm>
#include <array>
#include <istream>
#include <ostream>
#include <sstream>

namespace sluice::sim {
namespace {

constexpr char kTrouble[] = "trouble ";  // before a trouble's name among the counts
constexpr double kMsAYear = 365.25 * 86'400'000.0;

constexpr std::array kOtherTroubles = {
    "act.failed",
    "act.folder_missed",
    "disk.full",
    "disk.name_lost",
    "disk.no_descriptors",
    "disk.power_cut",
    "disk.read_failed",
    "disk.removal_lost",
    "disk.size_failed",
    "disk.sync_failed",
    "disk.truncate_failed",
    "disk.truncate_lost",
    "disk.write_failed",
    "disk.write_lost",
    "disk.write_lost_after_failed_sync",
    "disk.write_torn",
    "file.changed_while_dead",
    "file.event_lost",
    "file.grew",
    "file.half_a_line",
    "file.hung",
    "file.list_failed",
    "file.mode_changed",
    "file.open_failed",
    "file.opened_to_write",
    "file.overwritten",
    "file.read_failed",
    "file.replaced",
    "file.stat_failed",
    "file.text_grew",
    "file.text_written",
    "file.vanished",
    "file.write_failed",
    "folder.back",
    "folder.missing",
    "folder.unmounted",
    "hook.failed_after",
    "hook.failed_before",
    "hook.told_again",
    "host.redirects",
    "kill.after_commit",
    "kill.after_send",
    "kill.before_commit",
    "kill.before_sync",
    "kill.at_file",
    "kill.on_receipt",
    "person.add",
    "person.cancel",
    "person.moved_back",
    "person.retry",
    "person.retry_failed",
    "platform.asset_failed",
    "platform.chunk_failed",
    "platform.deleted",
    "platform.list_lagged",
    "platform.lookup_hidden",
    "platform.metadata_refused",
    "platform.reservation_listed",
    "platform.session_expired",
    "platform.session_forgotten",
    "platform.url_expired",
    "platform.url_unreachable",
    "process.disk_full",
    "process.drained",
    "process.exit_10",
    "process.paused",
    "process.reconfigured",
    "results.full",
    "results.lost",
    "results.torn",
};

}  // namespace

std::vector<std::string> all_trouble_names() {
  auto names = all_mishap_names();
  names.insert(names.end(), kOtherTroubles.begin(), kOtherTroubles.end());
  std::ranges::sort(names);
  return names;
}

void Tally::add(World const& world, std::vector<std::string> const& broken) {
  counts_["runs"] += 1;
  counts_["violations"] += broken.empty() ? 0 : 1;
  counts_["deaths"] += world.crashes();
  counts_["power_cuts"] += world.power_cuts();
  counts_["exits"] += world.exits();
  counts_["commits"] += world.commits();
  counts_["turns"] += world.turns();
  counts_["requests"] += world.wire().requests();
  counts_["virtual_ms"] += static_cast<std::uint64_t>(world.virtual_time().count());
  std::uint64_t troubles = 0;
  for (auto const& [name, times] : world.fired()) {
    counts_[kTrouble + name] += times;
    troubles += times;
  }
  sizes_["items"][world.scenario().drops.size()] += 1;
  sizes_["troubles"][troubles] += 1;
  sizes_["turns"][world.turns()] += 1;
  sizes_["commits"][world.commits()] += 1;
}

void Tally::add(Tally const& other) {
  for (auto const& [name, number] : other.counts_) counts_[name] += number;
  for (auto const& [size, histogram] : other.sizes_)
    for (auto const& [value, runs] : histogram) sizes_[size][value] += runs;
}

std::uint64_t Tally::count(std::string const& name) const {
  auto const found = counts_.find(name);
  return found == counts_.end() ? 0 : found->second;
}

std::size_t Tally::troubles_seen() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      all_trouble_names(), [this](std::string const& name) { return count(kTrouble + name) > 0; }));
}

void Tally::write(std::ostream& out) const {
  for (auto const& [name, number] : counts_) out << "count\t" << name << '\t' << number << '\n';
  for (auto const& [size, histogram] : sizes_)
    for (auto const& [value, runs] : histogram) out << "size\t" << size << '\t' << value << '\t' << runs << '\n';
}

Tally Tally::read(std::istream& in) {
  Tally tally;
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string kind, name, first, second;
    std::getline(fields, kind, '\t');
    std::getline(fields, name, '\t');
    std::getline(fields, first, '\t');
    std::getline(fields, second, '\t');
    if (kind == "count")
      tally.counts_[name] += std::stoull(first);
    else
      tally.sizes_[name][std::stoull(first)] += std::stoull(second);
  }
  return tally;
}

std::uint64_t Tally::quantile(std::string const& size, double part) const {
  auto const found = sizes_.find(size);
  if (found == sizes_.end()) return 0;
  auto left = part * static_cast<double>(count("runs"));
  for (auto const& [value, runs] : found->second)
    if ((left -= static_cast<double>(runs)) <= 0) return value;
  return found->second.rbegin()->first;
}

std::string Tally::report() const {
  std::ostringstream out;
  out.precision(4);
  out << count("runs") << " runs, " << static_cast<double>(count("virtual_ms")) / kMsAYear << " virtual years, "
      << count("turns") << " turns, " << count("commits") << " commits, " << count("requests") << " requests, "
      << count("deaths") << " deaths, of which " << count("power_cuts") << " power cuts, " << count("exits")
      << " exits after a journal error\n";
  for (auto const* const size : {"items", "troubles", "turns", "commits"})
    out << "a run's " << size << ": median " << quantile(size, 0.5) << ", a tenth at most " << quantile(size, 0.1)
        << ", a tenth at least " << quantile(size, 0.9) << '\n';
  auto const names = all_trouble_names();
  out << troubles_seen() << " of " << names.size() << " named troubles happened:\n";
  for (auto const& name : names) out << "  " << name << ' ' << count(kTrouble + name) << '\n';
  return out.str();
}

}  // namespace sluice::sim

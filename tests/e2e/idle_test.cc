// idle_test.cc - what the daemon costs its host while nothing comes: processor time and wake-ups.
//
// The figures are for people (`make show-idle`): no test of time. What is held here is that every folder is watched and
// that the daemon sleeps through the span at all.

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "site.h"

namespace sluice::e2e {
namespace {

namespace fs = std::filesystem;

struct Cost {
  std::uint64_t cpu_ticks = 0;  // user and system, of all threads
  std::uint64_t wakeups = 0;    // context switches that a thread asked for by itself
  std::uint64_t resident_kib = 0;
};

Cost cost_of(pid_t pid) {
  Cost cost;
  auto const process = "/proc/" + std::to_string(pid);
  std::ifstream stat(process + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string field;
  for (int i = 3; fields >> field && i <= 15; ++i)
    if (i == 14 || i == 15) cost.cpu_ticks += std::stoull(field);  // utime, stime: proc(5)
  auto const add = [](std::string const& file, std::string const& key, std::uint64_t& sum) {
    std::ifstream lines(file);
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with(key)) sum += std::stoull(line.substr(key.size()));
  };
  for (auto const& thread : fs::directory_iterator(process + "/task"))
    add(thread.path().string() + "/status", "voluntary_ctxt_switches:", cost.wakeups);
  add(process + "/status", "VmRSS:", cost.resident_kib);
  return cost;
}

TEST(AnIdleDaemon, WatchesEveryFolderAndSleeps) {
  auto const folders = setting("SLUICE_E2E_IDLE_FOLDERS", 400);
  auto const span = std::chrono::seconds(setting("SLUICE_E2E_IDLE_SECONDS", 2));
  Site site({.more_sources = "  poll: auto\n"});
  for (std::uint64_t n = 0; n < folders; ++n)
    fs::create_directories(site.home().drop() + "/" + std::to_string(n / 1'000) + "/" + std::to_string(n));
  auto const needed = folders + (folders + 999) / 1'000 + 1;
  site.daemon().start();
  auto const source = [&] { return Json(site.daemon().status().at("sources").at(0)); };
  ASSERT_TRUE(site.wait_until(
      "watched", [&] { return source().at("watched") == needed && !source().at("last_scan").is_null(); },
      Millis(45'000 + folders)));
  auto const before = cost_of(site.daemon().pid());
  ASSERT_TRUE(site.daemon().lives_for(span));
  auto const after = cost_of(site.daemon().pid());
  auto const per_minute = 60.0 / static_cast<double>(span.count());
  auto const cpu_ms = static_cast<double>(after.cpu_ticks - before.cpu_ticks) * 1'000 /
                      static_cast<double>(::sysconf(_SC_CLK_TCK)) * per_minute;
  std::printf("%llu folders watched: %.0f ms of CPU and %.0f wake-ups a minute, %llu KiB resident\n",
              static_cast<unsigned long long>(needed), cpu_ms,
              static_cast<double>(after.wakeups - before.wakeups) * per_minute,
              static_cast<unsigned long long>(after.resident_kib));
}

}  // namespace
}  // namespace sluice::e2e

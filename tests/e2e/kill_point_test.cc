// kill_point_test.cc - kill -9 at the n-th write to the journal and at the n-th send, n = 1, 2, 3, ...
//
// The job is done again for each n, until it ends without coming to an n-th call. $SLUICE_E2E_KILL_POINTS=all
// takes every n; without it only as many as a quick run has time for, evenly spread.

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "death.h"
#include "faulty.h"
#include "main_job.h"

namespace sluice::e2e {
namespace {

constexpr std::uint64_t kQuickPoints = 3;

struct Point {
  char const* name;
  char const* call;  // as the shim's rules name it
  char const* action;
};

std::ostream& operator<<(std::ostream& out, Point const& point) { return out << point.call << ' ' << point.action; }

constexpr Point kPoints[] = {
    {"BeforeAJournalWrite", "journal.write", "kill_before"},
    {"WithinAJournalWrite", "journal.write", "kill_within"},
    {"AfterAJournalSync", "journal.sync", "kill_after"},
    {"BeforeASend", "net.send", "kill_before"},
    {"AfterASend", "net.send", "kill_after"},
};

class KillPoint : public testing::TestWithParam<Point> {};

// How many calls the job makes when nothing disturbs it: about, for it polls.
std::uint64_t calls_of_an_undisturbed_job(char const* call) {
  Site site(main_job_settings(), main_job_emulator());
  Faulty faulty(site);
  faulty.arm("");
  drop_main_job(site, 1);
  site.daemon().start();
  EXPECT_TRUE(site.wait_for("done", kMainJobFiles));
  return faulty.count(call);
}

// Returns whether the daemon came to the n-th call, and died there.
bool dies_at(Point const& point, std::uint64_t n) {
  Site site(main_job_settings(), main_job_emulator());
  Faulty faulty(site);
  faulty.arm(std::string(point.call) + ":" + std::to_string(n) + ":" + point.action);
  drop_main_job(site, n);
  std::vector<Death> deaths;
  auto const early = site.daemon().start_or_end();
  EXPECT_TRUE(early == std::nullopt || early == 128 + SIGKILL) << "it ended with " << *early;
  EXPECT_TRUE(until(45s, [&] { return has_ended_or_done_main_job(site); })) << "neither dead nor done";
  auto const died = faulty.fired() > 0;
  if (!died) {
    EXPECT_TRUE(main_job_is_whole(site));
    return false;
  }
  EXPECT_EQ(site.daemon().ended(5s), 128 + SIGKILL);
  deaths.push_back(look_at_death(site));
  faulty.disarm();
  site.daemon().start();
  EXPECT_TRUE(site.wait_for("done", kMainJobFiles));
  EXPECT_TRUE(main_job_is_whole(site));
  EXPECT_TRUE(none_sent_again(site, deaths));
  EXPECT_TRUE(sent_again_only_what_was_in_the_air(site, deaths, kMainJobBytes, 2));
  return true;
}

TEST_P(KillPoint, LosesAndDoublesNothing) {
  auto const& point = GetParam();
  auto const* const wish = std::getenv("SLUICE_E2E_KILL_POINTS");
  auto const all = wish != nullptr && std::string_view(wish) == "all";
  auto const stride = all ? 1 : std::max<std::uint64_t>(1, calls_of_an_undisturbed_job(point.call) / kQuickPoints);
  std::uint64_t deaths = 0;
  std::uint64_t n = all ? 1 : 1 + stride / 2;
  for (; dies_at(point, n); n += stride) {
    ++deaths;
    ASSERT_FALSE(HasFailure()) << point << " at call " << n;
  }
  EXPECT_GT(deaths, 0u) << "it never died: the test proves nothing";
  std::printf(
      "kill points: %s %s: %llu deaths, every %llu. call until the job was done before the %llu.; lost 0, "
      "duplicates 0, journaled chunks sent again 0\n",
      point.action, point.call, static_cast<unsigned long long>(deaths), static_cast<unsigned long long>(stride),
      static_cast<unsigned long long>(n));
}

INSTANTIATE_TEST_SUITE_P(Each, KillPoint, testing::ValuesIn(kPoints),
                         [](auto const& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace sluice::e2e

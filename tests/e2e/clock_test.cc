// clock_test.cc - a host whose clock is wrong, and is set: before a life, between two, and within one.

#include <ctime>

#include "faulty.h"
#include "main_job.h"
#include "site.h"

namespace sluice::e2e {
namespace {

using std::chrono::days;
using std::chrono::seconds;

constexpr char kPauseSeconds[] = "3";

// The first create of an asset is refused, and so is every call of its kind for three seconds.
void throttle_once(Site const& site) {
  site.emulator().arm(Json::array({{{"method", "POST"},
                                    {"path", "/assets"},
                                    {"action", "throttle"},
                                    {"retry_after", kPauseSeconds},
                                    {"times", 1}}}));
}

bool has_logged(Site& site, std::string const& words) { return site.daemon().log().find(words) != std::string::npos; }

bool says_skew(Site& site, std::string const& words) {
  auto const status = site.daemon().status();
  for (auto const& reason : status.at("health").at("reasons"))
    if (reason.at("code") == "clock_skew") return reason.at("text").get<std::string>().find(words) != std::string::npos;
  return false;
}

class HostsClock : public testing::Test {
 protected:
  Site site_{main_job_settings(), main_job_emulator()};
  Faulty faulty_{site_};
};

class WrongClock : public HostsClock, public testing::WithParamInterface<seconds> {};

TEST_P(WrongClock, IsSaidAndHoldsNothingUp) {
  auto const ahead = GetParam();
  faulty_.arm("");
  faulty_.set_clock(ahead);
  drop_main_job(site_, 1);
  site_.daemon().start();
  ASSERT_TRUE(site_.wait_for("done", kMainJobFiles));
  EXPECT_TRUE(main_job_is_whole(site_));
  EXPECT_TRUE(says_skew(site_, ahead > seconds(0) ? "ahead of the platform's" : "behind the platform's"))
      << site_.daemon().status().dump(1);
}

INSTANTIATE_TEST_SUITE_P(Each, WrongClock,
                         testing::Values(seconds(days(1)), seconds(days(-1)), seconds(-std::time(nullptr) + 60)),
                         [](auto const& row) -> std::string {
                           if (row.param > seconds(0)) return "ADayAhead";
                           return row.param < seconds(days(-1)) ? "In1970" : "ADayBehind";
                         });

// The pause was written as a time of tomorrow; by the clock set right it would last a day.
TEST_F(HostsClock, SetRightBetweenTwoLivesMakesNoWaitLonger) {
  faulty_.arm("");
  faulty_.set_clock(days(1));
  throttle_once(site_);
  site_.daemon().start();
  site_.drop("ada/face.jpg", 20'000, 1);
  ASSERT_TRUE(site_.wait_until("refused", [&] {
    return site_.daemon().items().size() == 1 && site_.daemon().item("face.jpg").at("why").at("code") == "throttled";
  }));
  site_.daemon().kill_at_once();

  faulty_.set_clock(seconds(0));
  site_.daemon().start();
  EXPECT_TRUE(has_logged(site_, "the host's clock was set back by")) << site_.daemon().log();
  ASSERT_TRUE(site_.wait_for("done", 1));
  EXPECT_TRUE(site_.every_file_is_there_once());
}

TEST_F(HostsClock, SetUnderALivingDaemonChangesNoWait) {
  faulty_.arm("");
  throttle_once(site_);
  site_.daemon().start();
  site_.drop("ada/face.jpg", 20'000, 1);
  ASSERT_TRUE(site_.wait_until("refused", [&] {
    return site_.daemon().items().size() == 1 && site_.daemon().item("face.jpg").at("why").at("code") == "throttled";
  }));
  auto const time = [&] { return site_.daemon().status().at("time").get<std::string>(); };  // RFC 3339: sorts as text
  auto const before = time();
  faulty_.set_clock(days(-1));
  EXPECT_GE(time(), before) << "its own clock goes on; the step is taken at the next start";
  ASSERT_TRUE(site_.wait_for("done", 1));
  EXPECT_TRUE(site_.every_file_is_there_once());
}

// Wherever the host is: by its own hours, as `date` shows them.
TEST_F(HostsClock, OpensTheTimetableOfBandwidthAtItsHour) {
  auto settings = main_job_settings();
  settings.bandwidth = R"([{from: "08:00", to: "18:00", rate: 2MB/s}])";
  site_.configure(settings);
  auto const noon_is_in = [] {
    auto const now = std::time(nullptr);
    std::tm noon{};
    ::localtime_r(&now, &noon);
    return seconds((12 - noon.tm_hour) * 3600 - noon.tm_min * 60);
  }();
  faulty_.arm("");
  faulty_.set_clock(noon_is_in);
  site_.daemon().start();
  auto const rate = [&] { return site_.daemon().status().at("transfer").at("bandwidth_bytes_per_s"); };
  ASSERT_TRUE(site_.wait_until("capped by day", [&] { return rate() == 2'000'000; }));
  faulty_.set_clock(noon_is_in + std::chrono::hours(8));
  ASSERT_TRUE(site_.wait_until("free by night", [&] { return rate().is_null(); }));
}

}  // namespace
}  // namespace sluice::e2e

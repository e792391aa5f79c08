// The small ways out: clocks, dice, log, service manager, signals.
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <csignal>
#include <set>

#include "daemon/clock_linux.h"
#include "daemon/log_spdlog.h"
#include "daemon/notify_systemd.h"
#include "daemon/random_linux.h"
#include "daemon/signals_linux.h"
#include "tests/unit/daemon/temp_folder.h"

namespace sluice::daemon {
namespace {

using ports::Level;
using testing::MatchesRegex;

TEST(ClockLinux, TellsTheWallAndTheBootTime) {
  ClockLinux clock;
  auto const now = std::chrono::system_clock::now();
  EXPECT_LT(std::chrono::abs(clock.wall() - now), std::chrono::seconds(10));
  auto const first = clock.boot();
  EXPECT_GT(first.time_since_epoch(), Millis(0));
  EXPECT_GE(clock.boot(), first);
}

TEST(ClockLinux, KnowsItsBootAndThatNobodySetTheHostsClock) {
  ClockLinux const clock;
  EXPECT_THAT(ClockLinux::boot_id(), MatchesRegex("[0-9a-f]{32}"));
  EXPECT_LT(std::chrono::abs(clock.host_is_ahead()), std::chrono::seconds(10));
  EXPECT_LT(std::chrono::abs(clock.boot_began() - ClockLinux().boot_began()), std::chrono::seconds(10));
}

TEST(RandomLinux, DoesNotRepeatItselfBeyondItsBuffer) {
  RandomLinux dice;
  std::set<std::uint64_t> thrown;
  for (int i = 0; i < 1000; ++i) thrown.insert(dice.bits());
  EXPECT_EQ(thrown.size(), 1000u);
  EXPECT_LT(dice.unit(), 1.0);
}

std::string logged(LogFormat format, Level level, std::string_view line) {
  testing::internal::CaptureStderr();
  LogSpdlog log(Level::kInfo, format);
  log.write(level, line);
  return testing::internal::GetCapturedStderr();
}

TEST(LogSpdlog, WritesForEachReader) {
  EXPECT_EQ(logged(LogFormat::kJournal, Level::kWarning, "stall host=a"), "<4>stall host=a\n");
  EXPECT_EQ(logged(LogFormat::kJournal, Level::kError, "e"), "<3>e\n");
  EXPECT_THAT(logged(LogFormat::kText, Level::kInfo, "item id=1"), MatchesRegex("..:..:..\\.... info item id=1\n"));
  EXPECT_THAT(
      logged(LogFormat::kJson, Level::kInfo, R"(item name="a\x0a")"),
      MatchesRegex(R"re(\{"time":"....-..-..T..:..:..\....Z","level":"info","line":"item name=\\"a\\\\x0a\\""\})re"
                   "\n"));
}

TEST(LogSpdlog, NeverMakesTwoLinesOfOne) {
  EXPECT_EQ(logged(LogFormat::kJournal, Level::kInfo, "name=a\n<0>forged"), "<6>name=a\\x0a<0>forged\n");
  EXPECT_EQ(logged(LogFormat::kJournal, Level::kInfo, "name=\xff"), "<6>name=\\xff\n");
}

TEST(LogSpdlog, LeavesOutWhatIsBelowItsLevel) {
  EXPECT_EQ(logged(LogFormat::kJournal, Level::kDebug, "detail"), "");
  testing::internal::CaptureStderr();
  LogSpdlog log(Level::kInfo, LogFormat::kJournal);
  log.set_least(Level::kDebug);
  log.debug("detail");
  log.set_least(Level::kError);
  log.warning("w");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "<7>detail\n");
}

TEST(LogSpdlog, ChoosesTheJournalOnlyWhenStderrIsIt) {
  testing::internal::CaptureStderr();  // stderr is a file now
  struct stat about {};
  ::fstat(STDERR_FILENO, &about);
  ::setenv("JOURNAL_STREAM", (std::to_string(about.st_dev) + ":" + std::to_string(about.st_ino)).c_str(), 1);
  auto const at_journal = chosen_format();
  ::setenv("JOURNAL_STREAM", "1:2", 1);
  auto const elsewhere = chosen_format();
  ::unsetenv("JOURNAL_STREAM");
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(at_journal, LogFormat::kJournal);
  EXPECT_EQ(elsewhere, LogFormat::kJson);
}

TEST(NotifySystemd, TellsTheServiceManager) {
  TempFolder folder;
  UniqueFd const manager(::socket(AF_UNIX, SOCK_DGRAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  auto const path = folder.at("s");
  ASSERT_LT(path.size(), sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  ASSERT_EQ(::bind(manager.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  auto const heard = [&] {
    char bytes[2000];
    auto const got = ::recv(manager.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    return std::string(bytes, got > 0 ? static_cast<std::size_t>(got) : 0);
  };
  NotifySystemd notify;
  notify.ready();
  EXPECT_EQ(heard(), "READY=1");
  notify.status("uploading a\nSTOPPING=1");
  EXPECT_EQ(heard(), "STATUS=uploading a\\x0aSTOPPING=1");
  notify.status(std::string(499, 'x') + "\xc3\xa9\xc3\xa9");
  EXPECT_EQ(heard(), "STATUS=" + std::string(499, 'x'));
  notify.reloading();
  EXPECT_EQ(heard(), "RELOADING=1");
  notify.alive();
  EXPECT_EQ(heard(), "WATCHDOG=1");
  notify.stopping();
  EXPECT_EQ(heard(), "STOPPING=1");
  ::unsetenv("NOTIFY_SOCKET");
  notify.ready();
  EXPECT_EQ(heard(), "");
}

TEST(NotifySystemd, PingsThreeTimesWithinTheWatchdogsTime) {
  NotifySystemd notify;
  EXPECT_FALSE(notify.watchdog_interval());
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  EXPECT_EQ(notify.watchdog_interval(), Millis(10'000));
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_FALSE(notify.watchdog_interval());
  ::unsetenv("WATCHDOG_USEC");
  ::unsetenv("WATCHDOG_PID");
}

TEST(SignalsLinux, ArriveByTheDescriptor) {
  {
    SignalsLinux signals;
    EXPECT_TRUE(signals.collect().empty());
    ::raise(SIGHUP);
    pollfd waiting{.fd = signals.fd(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&waiting, 1, 0), 1);
    EXPECT_THAT(signals.collect(), testing::ElementsAre(Asked::kReload));
    ::raise(SIGTERM);
    EXPECT_THAT(signals.collect(), testing::ElementsAre(Asked::kStop));
    ::raise(SIGINT);
    EXPECT_THAT(signals.collect(), testing::ElementsAre(Asked::kStop));
  }
  sigset_t mask;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  EXPECT_EQ(sigismember(&mask, SIGTERM), 0);
}

}  // namespace
}  // namespace sluice::daemon

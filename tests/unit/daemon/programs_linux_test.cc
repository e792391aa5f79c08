#include "daemon/programs_linux.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>

#include "daemon/unique_fd.h"

namespace sluice::daemon {
namespace {

using testing::HasSubstr;

class Programs : public testing::Test {
 protected:
  Programs() { std::signal(SIGPIPE, SIG_IGN); }  // as the daemon has it

  ports::Ended run(std::string const& script, std::string input = "", Millis timeout = Millis(60'000)) {
    auto ended = programs_.run({.argv = {"/bin/sh", "-c", script, "sh", "an argument; $HOME"},
                                .environment = {"PATH=/usr/bin:/bin", "SLUICE_EVENT=done"},
                                .input = std::move(input),
                                .timeout = timeout});
    EXPECT_TRUE(ended);
    return ended ? *std::move(ended) : ports::Ended{};
  }

  // Whether a process that was killed comes to its end: it is no child of ours, and the kernel takes its time.
  static bool ends(pid_t process) {
    UniqueFd const life(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
    if (!life) return errno == ESRCH;
    pollfd end{.fd = life.get(), .events = POLLIN, .revents = 0};
    return ::poll(&end, 1, 60'000) == 1;
  }

  ProgramsLinux programs_;
};

TEST_F(Programs, AreGivenTheirInputAndTheirArgumentsAsTheyAre) {
  auto const ended = run("cat; echo \"[$1]\"; exit 3", "what it came to\n");
  EXPECT_EQ(ended.exit_code, 3);
  EXPECT_FALSE(ended.timed_out);
  EXPECT_EQ(ended.output, "what it came to\n[an argument; $HOME]\n");
}

TEST_F(Programs, AreGivenTheEnvironmentOfTheCallAndNoOther) {
  ::setenv("A_SECRET_OF_OURS", "1", 1);
  auto const output = run("env").output;
  EXPECT_THAT(output, HasSubstr("SLUICE_EVENT=done"));
  EXPECT_THAT(output, testing::Not(HasSubstr("A_SECRET_OF_OURS")));
}

TEST_F(Programs, HaveNoDescriptorOfOursAndAGroupOfTheirOwn) {
  UniqueFd const ours(::open("/dev/null", O_RDONLY));  // without O_CLOEXEC
  auto const ended =
      run("ls -1 /proc/$$/fd; [ $(cut -d' ' -f5 /proc/$$/stat) = $$ ]");  // in a pipeline the shell has its ends
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(ended.output, "0\n1\n2\n");
}

TEST_F(Programs, HaveTheSignalsOfAnyProgram) { EXPECT_EQ(run("kill -PIPE $$").exit_code, 128 + SIGPIPE); }

TEST_F(Programs, ThatReadNothingAreNoTrouble) {
  auto const ended = run("exec <&-; echo deaf", std::string(4'000'000, 'x'));
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(ended.output, "deaf\n");
}

TEST_F(Programs, TakeALargeInputAndSayMuchAndItsEndIsKept) {
  auto const ended = run("cat; echo the last words", std::string(1'000'000, 'x'));
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(ended.output.size(), ports::Ended::kOutputMax);
  EXPECT_TRUE(ended.output.ends_with("xxx\nthe last words\n") || ended.output.ends_with("xthe last words\n"));
}

TEST_F(Programs, AreKilledWithTheirChildrenWhenTheirTimeIsOver) {
  auto const ended = run("sleep 3600 & echo $!; wait", "", Millis(1'000));
  EXPECT_TRUE(ended.timed_out);
  EXPECT_EQ(ended.exit_code, 128 + SIGKILL);
  EXPECT_TRUE(ends(std::stoi(ended.output)));
}

TEST_F(Programs, AreNotWaitedForByTheirChildren) {
  auto const ended = run("sleep 3600 & echo $!", "", Millis(600'000));
  EXPECT_FALSE(ended.timed_out);
  EXPECT_EQ(ended.exit_code, 0);
  ::kill(std::stoi(ended.output), SIGKILL);
}

TEST_F(Programs, ThatCannotBeStartedSayWhy) {
  auto const ended = programs_.run({.argv = {"/no/such/program"}, .environment = {}, .input = {}});
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().fault, Fault::kLocal);
  EXPECT_THAT(ended.error().text, HasSubstr("/no/such/program cannot be started: No such file"));
}

}  // namespace
}  // namespace sluice::daemon

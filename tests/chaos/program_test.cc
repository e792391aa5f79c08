// sluice-chaos as a program: what it says, what it obeys, and when it ends.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>

#include "tests/chaos/peer.h"

namespace sluice::chaos {
namespace {

// The program with its input and output; killed at the end.
class Program {
 public:
  explicit Program(std::vector<std::string> words) {
    std::array<int, 2> in{}, out{};
    EXPECT_EQ(::pipe(in.data()) | ::pipe(out.data()), 0);
    words.insert(words.begin(), CHAOS_PROGRAM);
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(in[0], STDIN_FILENO);
      ::dup2(out[1], STDOUT_FILENO);
      for (auto const fd : {in[0], in[1], out[0], out[1]}) ::close(fd);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    in_ = Fd(in[1]);
    out_ = Fd(out[0]);
  }
  ~Program() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
  }
  Program(Program const&) = delete;
  Program& operator=(Program const&) = delete;

  // The next line of its output; "" at its end, or when none came for ten seconds.
  std::string line() {
    std::string line;
    char byte = 0;
    pollfd output{.fd = out_.get(), .events = POLLIN, .revents = 0};
    while (::poll(&output, 1, 10'000) > 0 && ::read(out_.get(), &byte, 1) == 1 && byte != '\n') line += byte;
    return line;
  }
  std::string tell(std::string const& command) {
    auto const text = command + "\n";
    EXPECT_EQ(::write(in_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    return line();
  }
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
  Fd in_;
  Fd out_;
};

std::uint16_t port_in(std::string const& line) {
  return static_cast<std::uint16_t>(std::stoi(line.substr(line.rfind(':') + 1)));
}

TEST(Program, SaysItsSeedAndItsPortsAndObeysWhatItIsTold) {
  Listener const platform;
  Program program({"--line", "store:" + std::to_string(platform.port()), "--seed", "9", "--rule",
                   "store fault corrupt there flip=32 times=1"});
  EXPECT_EQ(program.line(), "seed 9");
  auto const port = port_in(program.line());
  auto client = Peer::to(port);
  auto server = platform.accept();
  client.send("question");
  EXPECT_EQ(server.read(8), "Question");
  EXPECT_EQ(program.tell("store cut"), "ok");
  client.read_all();
  EXPECT_EQ(client.how_it_ended(), End::kReset);
  EXPECT_TRUE(program.tell("store counts").starts_with("connections=1 turns=1 "));
  EXPECT_TRUE(program.tell("store sing").starts_with("error: "));
}

TEST(Program, EndsAfterItsLife) {
  Program program({"--line", "store:1", "--life", "1"});
  EXPECT_EQ(program.wait(), 0);
}

TEST(Program, RefusesARuleThatItCannotRead) {
  EXPECT_EQ(Program({"--line", "store:1", "--rule", "store sing"}).wait(), 1);
}

TEST(Program, EndsWithItsParent) {
  std::array<int, 2> told{};
  ASSERT_EQ(::pipe(told.data()), 0);
  auto const parent = ::fork();
  if (parent == 0) {  // starts the program, hands its port on, and dies without a word to it
    auto* const program = new Program({"--line", "store:1"});
    program->line();
    auto const port = port_in(program->line());
    ::_exit(::write(told[1], &port, sizeof port) == sizeof port ? 0 : 1);
  }
  std::uint16_t port = 0;
  ASSERT_EQ(::read(told[0], &port, sizeof port), static_cast<ssize_t>(sizeof port));
  ::waitpid(parent, nullptr, 0);
  EXPECT_TRUE(until([&] {
    try {
      Peer::to(port);
      return false;
    } catch (std::runtime_error const&) {
      return true;
    }
  }));
  for (auto const fd : told) ::close(fd);
}

}  // namespace
}  // namespace sluice::chaos

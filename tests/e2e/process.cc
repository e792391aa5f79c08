#include "process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace sluice::e2e {

namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> made;
  for (auto& text : texts) made.push_back(text.data());
  made.push_back(nullptr);
  return made;
}

std::vector<std::string> environment_of(Command const& command) {
  std::map<std::string, std::string> all{{"PATH", "/usr/bin:/bin"}, {"HOME", "/nonexistent"}, {"LC_ALL", "C.UTF-8"}};
  // The daemon forbids others to trace it, and that is how the leak checker works; root may all the same.
  if (::geteuid() != 0) all["ASAN_OPTIONS"] = "detect_leaks=0";
  for (auto const& [name, value] : command.environment) all[name] = value;
  std::vector<std::string> texts;
  for (auto const& [name, value] : all) texts.push_back(name + "=" + value);
  return texts;
}

int open_for_output(std::string const& path) {
  auto const file = path.empty() ? std::string("/dev/null") : path;
  int const fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) throw std::runtime_error("cannot open " + file + ": " + std::strerror(errno));
  return fd;
}

// Between fork and exec: nothing but system calls.
[[noreturn]] void become(std::vector<char*> const& words, std::vector<char*> const& environment, int out, int err) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  int const in = ::open("/dev/null", O_RDONLY);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  ::execve(words[0], words.data(), environment.data());
  ::_exit(127);
}

}  // namespace

Process::Process(Command const& command) {
  auto words = command.words;
  auto environment = environment_of(command);
  auto const argv = pointers(words);
  auto const envp = pointers(environment);
  int const out = open_for_output(command.out_file);
  int const err = open_for_output(command.err_file.empty() ? command.out_file : command.err_file);
  pid_ = ::fork();
  if (pid_ == 0) become(argv, envp, out, err);
  ::close(out);
  ::close(err);
  if (pid_ < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
  pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));  // the header of glibc 2.36 is for C only
  if (pidfd_ < 0) throw std::runtime_error(std::string("pidfd_open: ") + std::strerror(errno));
}

Process::~Process() {
  kill_at_once();
  ::close(pidfd_);
}

void Process::send(int signal) const {
  if (!ended_) ::kill(pid_, signal);
}

void Process::kill_at_once() {
  if (ended_) return;
  send(SIGKILL);
  wait(10s);
}

std::optional<int> Process::wait(Millis patience) {
  if (ended_) return ended_;
  pollfd end{.fd = pidfd_, .events = POLLIN, .revents = 0};
  if (::poll(&end, 1, static_cast<int>(patience.count())) <= 0) return std::nullopt;
  int status = 0;
  if (::waitpid(pid_, &status, 0) != pid_) return std::nullopt;
  ended_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ended_;
}

Finished run(std::string const& folder, Command command, Millis patience) {
  static std::atomic<int> serial{0};
  auto const stem = folder + "/run-" + std::to_string(++serial);
  command.out_file = stem + ".out";
  command.err_file = stem + ".err";
  Process process(command);
  auto const code = process.wait(patience);
  process.kill_at_once();
  return {.code = code.value_or(-1), .out = read_text(command.out_file), .err = read_text(command.err_file)};
}

std::string read_text(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace sluice::e2e

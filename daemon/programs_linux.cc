#include "daemon/programs_linux.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string_view>
#include <utility>

#include "core/base/text.h"
#include "daemon/beneath_linux.h"

namespace sluice::daemon {

using ports::Ended;
using ports::Program;

namespace {

using Steady = std::chrono::steady_clock;

constexpr int kFirstOwn = 3;        // behind the three standard descriptors
constexpr int kTakesAfterEnd = 32;  // a pipe holds no more

std::unexpected<Error> not_started(Program const& program, int error) {
  return fail(Fault::kLocal, printable(program.argv.front()) + " cannot be started: " + errno_words(error),
              "not_started");
}

struct Pipe {
  UniqueFd read, write;
};

// Never one of the standard three, which the child's are made of.
UniqueFd moved_up(int fd) {
  UniqueFd const low(fd);
  return UniqueFd(::fcntl(low.get(), F_DUPFD_CLOEXEC, kFirstOwn));
}

bool open_pipe(Pipe& made) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
  made.read = moved_up(ends[0]);
  made.write = moved_up(ends[1]);
  return made.read && made.write;
}

void let_not_block(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

std::vector<char*> pointers(std::vector<std::string> const& texts) {
  std::vector<char*> all;
  for (auto const& text : texts) all.push_back(const_cast<char*>(text.c_str()));  // spawn's signature; not written to
  all.push_back(nullptr);
  return all;
}

// What the child is before its program: its descriptors, group and signals. The daemon ignores SIGPIPE and its lanes
// block all signals; a program expects neither.
class Birth {
 public:
  Birth(int in, int out) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_adddup2(&actions_, in, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, out, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, out, STDERR_FILENO);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, kFirstOwn);
    ::posix_spawn_file_actions_addchdir_np(&actions_, "/");
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    sigset_t signals;
    ::sigfillset(&signals);
    ::posix_spawnattr_setsigdefault(&attributes_, &signals);
    ::sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&attributes_, &signals);
  }
  ~Birth() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  Birth(Birth const&) = delete;
  Birth& operator=(Birth const&) = delete;

  // Returns 0, or an errno.
  int give(Program const& program, pid_t& child) const {
    return ::posix_spawn(&child, program.argv.front().c_str(), &actions_, &attributes_, pointers(program.argv).data(),
                         pointers(program.environment).data());
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

// Feeds what is left of the input; closes it once all is in, or nobody reads it any more.
void feed(UniqueFd& to, std::string_view& input) {
  auto const put = ::write(to.get(), input.data(), input.size());
  if (put > 0) input.remove_prefix(static_cast<std::size_t>(put));
  if (input.empty() || (put < 0 && errno != EAGAIN && errno != EINTR)) to = {};
}

// Takes what there is of the output, and keeps its end.
void take(UniqueFd& from, std::string& output) {
  std::array<char, 4096> bytes{};
  auto const got = ::read(from.get(), bytes.data(), bytes.size());
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) from = {};
  if (got <= 0) return;
  output.append(bytes.data(), static_cast<std::size_t>(got));
  if (output.size() > Ended::kOutputMax) output.erase(0, output.size() - Ended::kOutputMax);
}

// Returns whether it ended in time; feeds it and listens to it meanwhile.
bool accompany(int child, UniqueFd& in, UniqueFd& out, Program const& program, std::string& output) {
  auto const until = Steady::now() + program.timeout;
  std::string_view input = program.input;
  int takes_after_end = 0;
  if (input.empty()) in = {};
  while (true) {
    auto const left = std::chrono::ceil<Millis>(until - Steady::now());
    if (left <= Millis(0)) return false;
    std::array<pollfd, 3> ends = {
        {{child, POLLIN, 0}, {in ? in.get() : -1, POLLOUT, 0}, {out ? out.get() : -1, POLLIN, 0}}};
    if (::poll(ends.data(), ends.size(), static_cast<int>(left.count())) < 0) continue;  // EINTR: nothing else can be
    if (ends[1].revents != 0) feed(in, input);
    if (ends[2].revents != 0) take(out, output);
    auto const has_ended =
        ends[0].revents != 0;  // what it said before is read; a child of its own may say more for ever
    if (has_ended && (ends[2].revents == 0 || ++takes_after_end > kTakesAfterEnd)) return true;
  }
}

}  // namespace

Result<Ended> ProgramsLinux::run(Program const& program) {
  Pipe in, out;
  if (!open_pipe(in) || !open_pipe(out)) return not_started(program, errno);
  pid_t child = -1;
  if (auto const error = Birth(in.read.get(), out.write.get()).give(program, child); error != 0)
    return not_started(program, error);
  in.read = {};
  out.write = {};
  let_not_block(in.write.get());
  let_not_block(out.read.get());
  UniqueFd const life(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));  // glibc 2.36 has no wrapper for C++
  Ended ended;
  ended.timed_out = !life || !accompany(life.get(), in.write, out.read, program, ended.output);
  if (ended.timed_out) ::kill(-child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  ended.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return ended;
}

}  // namespace sluice::daemon

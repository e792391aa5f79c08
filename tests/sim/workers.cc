#include "tests/sim/workers.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <vector>

namespace sluice::sim {
namespace {

struct Worker {
  pid_t pid;
  int from;  // the end of the pipe that we read
};

[[noreturn]] void work_and_end(int to, unsigned number, std::function<Tally(unsigned)> const& work) {
  std::ostringstream text;
  work(number).write(text);
  auto const all = text.str();
  for (std::size_t at = 0; at < all.size();) {
    auto const count = ::write(to, all.data() + at, all.size() - at);
    if (count <= 0) ::_exit(1);
    at += static_cast<std::size_t>(count);
  }
  std::fflush(stdout);
  ::_exit(0);  // nothing of the parent's is to be torn down twice
}

Worker start(unsigned number, std::function<Tally(unsigned)> const& work) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) std::abort();
  std::fflush(stdout);
  auto const pid = ::fork();
  if (pid < 0) std::abort();
  if (pid == 0) {
    ::close(ends[0]);
    work_and_end(ends[1], number, work);
  }
  ::close(ends[1]);
  return {pid, ends[0]};
}

std::string read_all(int from) {
  std::string text;
  std::array<char, 65'536> piece;
  for (auto count = ::read(from, piece.data(), piece.size()); count > 0;
       count = ::read(from, piece.data(), piece.size()))
    text.append(piece.data(), static_cast<std::size_t>(count));
  ::close(from);
  return text;
}

}  // namespace

Tally share_out(unsigned workers, std::function<Tally(unsigned worker)> const& work) {
  if (workers == 1) return work(0);
  std::vector<Worker> all;
  for (unsigned i = 0; i < workers; ++i) all.push_back(start(i, work));
  Tally total;
  for (auto const& worker : all) {
    std::istringstream text(read_all(worker.from));
    total.add(Tally::read(text));
    int status = 0;
    if (::waitpid(worker.pid, &status, 0) != worker.pid || status != 0) total.bump("broken_workers");
  }
  return total;
}

}  // namespace sluice::sim

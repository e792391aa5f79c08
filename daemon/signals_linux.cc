#include "daemon/signals_linux.h"

#include <sys/signalfd.h>

#include <cstdlib>

namespace sluice::daemon {

SignalsLinux::SignalsLinux() {
  sigset_t ours;
  sigemptyset(&ours);
  for (auto const signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&ours, signal);
  // Neither can fail but for a broken argument or no descriptor left at the very start.
  if (::pthread_sigmask(SIG_BLOCK, &ours, &before_) != 0) std::abort();
  fd_.reset(::signalfd(-1, &ours, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd_) std::abort();
}

SignalsLinux::~SignalsLinux() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

std::vector<Asked> SignalsLinux::collect() {
  std::vector<Asked> asked;
  signalfd_siginfo info{};
  while (::read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    asked.push_back(info.ssi_signo == static_cast<unsigned>(SIGHUP) ? Asked::kReload : Asked::kStop);
  }
  return asked;
}

}  // namespace sluice::daemon

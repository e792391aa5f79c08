#include "daemon/signals_linux.h"

#include <sys/signalfd.h>

#include <cstdlib>

#include "daemon/files_linux.h"

namespace sluice::daemon {

namespace {

Asked asked_by(int signal) {
  if (signal == kWriterSignal) return Asked::kWriter;
  return signal == SIGHUP ? Asked::kReload : Asked::kStop;
}

}  // namespace

SignalsLinux::SignalsLinux() {
  sigset_t ours;
  sigemptyset(&ours);
  for (auto const signal : {SIGTERM, SIGINT, SIGHUP, kWriterSignal}) sigaddset(&ours, signal);
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
    asked.push_back(asked_by(static_cast<int>(info.ssi_signo)));
  }
  return asked;
}

}  // namespace sluice::daemon

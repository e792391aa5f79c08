#include "tests/chaos/poll.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>

namespace sluice::chaos {

Poll::Poll() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!epoll_ || !wake_) throw std::runtime_error("chaos: no epoll");
  want(wake_, EPOLLIN);
}

void Poll::want(Fd const& fd, std::uint32_t events) {
  if (!fd) return;
  auto const had = wanted_.find(fd.get());
  auto const before = had == wanted_.end() ? 0 : had->second;
  if (before == events) return;
  epoll_event event{.events = events, .data = {.fd = fd.get()}};
  auto const operation = before == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  ::epoll_ctl(epoll_.get(), operation, fd.get(), &event);
  if (events == 0)
    wanted_.erase(had);
  else
    wanted_[fd.get()] = events;
}

void Poll::wait(std::optional<Instant> until) {
  timespec timeout{};
  if (until) {
    auto const left = std::max(std::chrono::nanoseconds(0), *until - std::chrono::steady_clock::now()).count();
    timeout = {.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
  }
  std::array<epoll_event, 64> events{};
  ::epoll_pwait2(epoll_.get(), events.data(), events.size(), until ? &timeout : nullptr, nullptr);
  std::uint64_t count = 0;
  [[maybe_unused]] auto const read = ::read(wake_.get(), &count, sizeof count);
}

void Poll::wake() {
  std::uint64_t const one = 1;
  [[maybe_unused]] auto const written = ::write(wake_.get(), &one, sizeof one);
}

}  // namespace sluice::chaos

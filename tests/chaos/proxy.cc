#include "tests/chaos/proxy.h"

#include <stdexcept>
#include <utility>

namespace sluice::chaos {

Proxy::Proxy(std::uint64_t seed) : seed_(seed), thread_([this] { run(); }) {}

Proxy::~Proxy() {
  ends_ = true;
  poll_.wake();
  thread_.join();
}

void Proxy::run() {
  while (!ends_) {
    std::optional<Instant> soonest;
    {
      std::lock_guard const lock(mutex_);
      auto const now = std::chrono::steady_clock::now();
      for (auto const& [name, line] : lines_) {
        line->pump(now);
        if (auto const at = line->next(now); at && (!soonest || *at < *soonest)) soonest = at;
      }
    }
    poll_.wait(soonest);
  }
}

std::uint16_t Proxy::open(std::string const& name, std::uint16_t to_port, std::uint16_t at_port) {
  std::lock_guard const lock(mutex_);
  auto& made = lines_[name] = std::make_unique<Line>(poll_, seed_ + lines_.size(), at_port);
  made->lead_to(to_port);
  poll_.wake();
  return made->port();
}

Line& Proxy::line(std::string const& name) const {
  auto const found = lines_.find(name);
  if (found == lines_.end()) throw std::out_of_range("there is no line named '" + name + "'");
  return *found->second;
}

void Proxy::lead(std::string const& name, std::uint16_t to_port) {
  std::lock_guard const lock(mutex_);
  line(name).lead_to(to_port);
}

void Proxy::set(std::string const& name, Rules rules) {
  std::lock_guard const lock(mutex_);
  line(name).set(std::move(rules), std::chrono::steady_clock::now());
  poll_.wake();
}

Rules Proxy::rules(std::string const& name) const {
  std::lock_guard const lock(mutex_);
  return line(name).rules();
}

Counts Proxy::counts(std::string const& name) const {
  std::lock_guard const lock(mutex_);
  return line(name).counts();
}

void Proxy::cut(std::string const& name) {
  std::lock_guard const lock(mutex_);
  line(name).cut();
}

}  // namespace sluice::chaos

#include "server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>

namespace sluice::bench {

namespace {

constexpr std::size_t kBufferBytes = 256U << 10U;  // stays in the second-level cache
constexpr std::size_t kSliceBytes = 64U << 10U;    // of one read when shaped
constexpr int kShapedReceiveBytes = 128 << 10;
constexpr int kReadsMax = 8;  // of one connection before the others have their turn
constexpr std::size_t kHeadBytesMax = 64U << 10U;
constexpr std::uint64_t kBodyBytesMax = 1U << 20U;  // of a body that is kept
constexpr std::string_view kHeadEnd = "\r\n\r\n";

std::int64_t now_ns() {
  auto const now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

[[noreturn]] void refuse(char const* what) {
  throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

std::int64_t time_for(std::size_t bytes, std::uint64_t bytes_per_s) {
  return bytes_per_s == 0 ? 0 : static_cast<std::int64_t>(bytes * 1'000'000'000ULL / bytes_per_s);
}

}  // namespace

Server::Server(Options const& options, Platform& platform)
    : options_(options), platform_(platform), buffer_(kBufferBytes) {
  if (!options.certificate.empty()) tls_ = tls_context(options.certificate, options.private_key);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) refuse("epoll");
  listen_on_loopback();
}

Server::~Server() {
  for (auto const fd : {listeners_[0], listeners_[1], epoll_}) {
    if (fd >= 0) close(fd);
  }
}

std::string Server::scheme() const { return tls_ ? "https://" : "http://"; }

void Server::listen_on_loopback() {
  for (int i = 0; i < 2; ++i) {
    auto const fd = listeners_[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool const shaped = options_.connection_bytes_per_s != 0 || options_.line_bytes_per_s != 0;
    if (shaped) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kShapedReceiveBytes, sizeof kShapedReceiveBytes);
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd, 1024) != 0) refuse("listen");
    socklen_t length = sizeof address;
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
    ports_[i] = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }
}

void Server::run(int stop_fd) {
  epoll_event stop{.events = EPOLLIN, .data = {.fd = stop_fd}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, stop_fd, &stop);
  std::array<epoll_event, 64> events{};
  while (true) {
    timespec timeout{};
    if (!timers_.empty()) {
      auto const wait = std::max<std::int64_t>(0, timers_.top().at_ns - now_ns());
      timeout = {.tv_sec = wait / 1'000'000'000, .tv_nsec = wait % 1'000'000'000};
    }
    auto const count =
        epoll_pwait2(epoll_, events.data(), events.size(), timers_.empty() ? nullptr : &timeout, nullptr);
    for (int i = 0; i < count; ++i) {
      auto const fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == stop_fd) return;
      if (fd == listeners_[0] || fd == listeners_[1]) {
        accept_from(fd);
      } else {
        touch(fd);
      }
    }
    wake_due();
  }
}

void Server::accept_from(int listener) {
  while (true) {
    auto const fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    int const on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto owner = std::make_unique<Connection>(fd, tls_.get(), ++serials_);
    auto& connection = *connections_.insert_or_assign(fd, std::move(owner)).first->second;
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    platform_.connected();
    if (options_.connect_delay_ms > 0) defer_until(connection, now_ns() + options_.connect_delay_ms * 1'000'000);
  }
}

void Server::touch(int fd) {
  auto const found = connections_.find(fd);
  if (found != connections_.end() && !advance(*found->second)) connections_.erase(found);
}

void Server::wake_due() {
  auto const now = now_ns();
  while (!timers_.empty() && timers_.top().at_ns <= now) {
    auto const timer = timers_.top();
    timers_.pop();
    auto const found = connections_.find(timer.fd);
    if (found == connections_.end() || found->second->serial != timer.serial) continue;
    found->second->wake_ns = 0;
    touch(timer.fd);
  }
}

void Server::defer_until(Connection& connection, std::int64_t at_ns) {
  connection.wake_ns = at_ns;
  watch(connection, false, false);
  timers_.push({at_ns, connection.stream.fd(), connection.serial});
}

void Server::watch(Connection& connection, bool readable, bool writable) {
  if (readable && !writable && connection.watched) return;
  epoll_event event{.events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U),
                    .data = {.fd = connection.stream.fd()}};
  epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.stream.fd(), &event);
  connection.watched = readable && !writable;
}

bool Server::advance(Connection& connection) {
  if (connection.wake_ns != 0) return true;
  bool const shaped = options_.connection_bytes_per_s != 0 || options_.line_bytes_per_s != 0;
  for (int i = 0; i < kReadsMax; ++i) {
    if (!connection.out.empty()) return flush(connection);
    auto const got = connection.stream.read({buffer_.data(), shaped ? kSliceBytes : buffer_.size()});
    if (got.state == Stream::State::kEnded) return false;
    if (got.state == Stream::State::kWaits) {
      watch(connection, true, false);
      return true;
    }
    if (!feed(connection, {buffer_.data(), got.bytes})) return false;
    if (connection.wake_ns != 0) return true;  // an answer that is sent later
    if (!connection.request) continue;
    auto const now = now_ns();
    auto const until = std::max(shaped ? pay(connection, got.bytes, now) : now, stall(connection, now));
    if (until > now) {
      defer_until(connection, until);
      return true;
    }
  }
  if (!connection.out.empty()) return flush(connection);
  watch(connection, true, false);
  if (connection.stream.has_pending()) defer_until(connection, now_ns());
  return true;
}

// Returns when the connection may be read from again.
std::int64_t Server::pay(Connection& connection, std::size_t bytes, std::int64_t now) {
  connection.paid_ns = std::max(connection.paid_ns, now) + time_for(bytes, options_.connection_bytes_per_s);
  line_paid_ns_ = std::max(line_paid_ns_, now) + time_for(bytes, options_.line_bytes_per_s);
  return std::max(connection.paid_ns, line_paid_ns_);
}

// Returns when a PUT that was chosen to stall, and is halfway, may be read from again; once.
std::int64_t Server::stall(Connection& connection, std::int64_t now) {
  if (connection.stalls_at == 0 || connection.body_left > connection.stalls_at) return now;
  connection.stalls_at = 0;
  return now + options_.stall_ms * 1'000'000;
}

bool Server::flush(Connection& connection) {
  while (!connection.out.empty()) {
    auto const sent = connection.stream.write(connection.out);
    if (sent.state == Stream::State::kEnded) return false;
    if (sent.state == Stream::State::kWaits) {
      watch(connection, true, true);
      return true;
    }
    connection.out.erase(0, sent.bytes);
  }
  watch(connection, true, false);
  if (connection.stream.has_pending()) defer_until(connection, now_ns());
  return true;
}

// Takes the next bytes of the connection. Returns false on what is no request.
bool Server::feed(Connection& connection, std::string_view bytes) {
  while (!bytes.empty()) {
    if (!connection.request) {
      auto const had = connection.head.size();
      connection.head.append(bytes.substr(0, kHeadBytesMax));
      auto const end = connection.head.find(kHeadEnd, had < 3 ? 0 : had - 3);
      if (end == std::string::npos) return connection.head.size() < kHeadBytesMax;
      bytes.remove_prefix(end + kHeadEnd.size() - had);
      connection.head.resize(end);
      if (!begin(connection)) return false;
    } else {
      auto const part = bytes.substr(0, connection.body_left);
      if (Platform::drops_body(*connection.request)) {
        platform_.dropped(part.size());
      } else {
        connection.body.append(part);
      }
      connection.body_left -= part.size();
      bytes.remove_prefix(part.size());
    }
    if (connection.body_left == 0) finish_request(connection);
  }
  return true;
}

bool Server::begin(Connection& connection) {
  connection.request = parse_head(connection.head);
  connection.head.clear();
  if (!connection.request) return false;
  connection.body_left = connection.request->body_bytes;
  connection.stalls_at = 0;
  if (connection.request->method == "PUT" && options_.stall_every != 0 && ++puts_begun_ % options_.stall_every == 0)
    connection.stalls_at = connection.body_left / 2;
  if (connection.request->expects_continue) connection.out += "HTTP/1.1 100 Continue\r\n\r\n";
  return connection.body_left <= kBodyBytesMax || Platform::drops_body(*connection.request);
}

void Server::finish_request(Connection& connection) {
  auto const reply = platform_.answer(*connection.request, connection.body);
  connection.out += to_wire(reply, connection.request->closes);
  connection.request.reset();
  connection.body.clear();
  if (options_.answer_delay_ms > 0) defer_until(connection, now_ns() + options_.answer_delay_ms * 1'000'000);
}

}  // namespace sluice::bench

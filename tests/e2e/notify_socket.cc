#include "notify_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <stdexcept>

namespace sluice::e2e {

NotifySocket::NotifySocket(std::string path) : path_(std::move(path)) {
  ::unlink(path_.c_str());
  fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) throw std::runtime_error("the notify socket's path is too long");
  std::memcpy(address.sun_path, path_.data(), path_.size());
  if (::bind(fd_, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot bind " + path_);
}

NotifySocket::~NotifySocket() {
  ::close(fd_);
  ::unlink(path_.c_str());
}

bool NotifySocket::hears(std::string_view word, Millis patience, int process_descriptor) const {
  std::array<pollfd, 2> ways{
      {{.fd = fd_, .events = POLLIN, .revents = 0}, {.fd = process_descriptor, .events = POLLIN, .revents = 0}}};
  while (::poll(ways.data(), ways.size(), static_cast<int>(patience.count())) > 0) {
    if (ways[0].revents == 0) return false;
    std::array<char, 4096> text{};
    auto const got = ::recv(fd_, text.data(), text.size(), 0);
    if (got > 0 && std::string_view(text.data(), static_cast<std::size_t>(got)).contains(word)) return true;
  }
  return false;
}

}  // namespace sluice::e2e

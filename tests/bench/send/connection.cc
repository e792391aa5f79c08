#include "connection.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string_view>

namespace sluice::bench {

namespace {

constexpr std::size_t kBufferBytes = 256U << 10U;

[[noreturn]] void refuse(std::string const& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

class File {
 public:
  explicit File(std::string const& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) refuse(path);
  }
  ~File() { close(fd_); }
  File(File const&) = delete;
  File& operator=(File const&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

Connection::Connection(std::uint16_t port, SSL_CTX* tls)
    : authority_("127.0.0.1:" + std::to_string(port)), buffer_(kBufferBytes) {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) refuse("connect");
  int const on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  digest_.reset(EVP_MD_CTX_new());
  if (tls == nullptr) return;
  ssl_.reset(SSL_new(tls));
  SSL_set_fd(ssl_.get(), fd_);
  if (SSL_connect(ssl_.get()) != 1) throw std::runtime_error("no TLS with " + authority_);
}

Connection::~Connection() { close(fd_); }

void Connection::put(Part const& part, Way way) {
  File const file(part.file);
  auto const head =
      "PUT " + part.path + " HTTP/1.1\r\nHost: " + authority_ +
      "\r\nContent-Type: application/octet-stream\r\nContent-Length: " + std::to_string(part.length_bytes) + "\r\n\r\n";
  send_all(head.data(), head.size());
  if (way == Way::kSendfile) {
    send_file(file.fd(), part);
  } else {
    send_read(file.fd(), part, way == Way::kMd5);
  }
  read_answer();
}

void Connection::send_all(char const* bytes, std::size_t count) {
  while (count > 0) {
    std::size_t sent = 0;
    if (ssl_) {
      if (SSL_write_ex(ssl_.get(), bytes, count, &sent) != 1) throw std::runtime_error("the TLS connection ended");
    } else {
      auto const result = send(fd_, bytes, count, MSG_NOSIGNAL);
      if (result < 0) refuse("send");
      sent = static_cast<std::size_t>(result);
    }
    bytes += sent;
    count -= sent;
  }
}

void Connection::send_file(int file, Part const& part) {
  auto offset = part.offset_bytes;
  auto left = part.length_bytes;
  while (left > 0) {
    auto const sent = sendfile(fd_, file, &offset, left);
    if (sent <= 0) refuse("sendfile");
    left -= static_cast<std::uint64_t>(sent);
  }
}

void Connection::send_read(int file, Part const& part, bool hashed) {
  auto offset = part.offset_bytes;
  auto left = part.length_bytes;
  if (hashed) EVP_DigestInit_ex(digest_.get(), EVP_md5(), nullptr);
  while (left > 0) {
    auto const got = pread(file, buffer_.data(), std::min<std::uint64_t>(left, buffer_.size()), offset);
    if (got <= 0) refuse("read " + part.file);
    auto const count = static_cast<std::size_t>(got);
    if (hashed) EVP_DigestUpdate(digest_.get(), buffer_.data(), count);
    send_all(buffer_.data(), count);
    offset += got;
    left -= count;
  }
  if (!hashed) return;
  std::array<unsigned char, 16> md5{};
  EVP_DigestFinal_ex(digest_.get(), md5.data(), nullptr);
}

// The sink's answers to a PUT have no body.
void Connection::read_answer() {
  std::string answer;
  std::array<char, 4096> piece{};
  while (!answer.ends_with("\r\n\r\n")) {
    std::size_t got = 0;
    if (ssl_) {
      if (SSL_read_ex(ssl_.get(), piece.data(), piece.size(), &got) != 1) got = 0;
    } else {
      auto const result = recv(fd_, piece.data(), piece.size(), 0);
      got = result < 0 ? 0 : static_cast<std::size_t>(result);
    }
    if (got == 0) throw std::runtime_error("the connection ended before an answer");
    answer.append(piece.data(), got);
  }
  if (!answer.starts_with("HTTP/1.1 200")) throw std::runtime_error("refused: " + answer.substr(0, answer.find('\r')));
}

}  // namespace sluice::bench

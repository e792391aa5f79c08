#include "stream.h"

#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

namespace sluice::bench {

namespace {

constexpr std::size_t kReadAheadBytes = 128U << 10U;  // eight TLS records by one call of recv

Stream::Progress plain_progress(ssize_t result) {
  if (result > 0) return {Stream::State::kMoved, static_cast<std::size_t>(result)};
  bool const waits = result < 0 && (errno == EAGAIN || errno == EINTR);
  return {waits ? Stream::State::kWaits : Stream::State::kEnded};
}

}  // namespace

SslContext tls_context(std::string const& certificate_file, std::string const& key_file) {
  SslContext context(SSL_CTX_new(TLS_server_method()));
  bool const good = context && SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) == 1 &&
                    SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) == 1 &&
                    SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) == 1;
  if (!good) throw std::runtime_error("cannot use the certificate " + certificate_file + " and its key");
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context.get(), 1);
  SSL_CTX_set_default_read_buffer_len(context.get(), kReadAheadBytes);
  return context;
}

Stream::Stream(int fd, SSL_CTX* tls) : fd_(fd) {
  if (tls == nullptr) return;
  ssl_.reset(SSL_new(tls));
  SSL_set_fd(ssl_.get(), fd);
  SSL_set_accept_state(ssl_.get());
}

Stream::~Stream() {
  ssl_.reset();
  close(fd_);
}

Stream::Progress Stream::read(std::span<char> into) {
  if (!ssl_) return plain_progress(recv(fd_, into.data(), into.size(), 0));
  std::size_t total = 0;
  while (total < into.size()) {  // a TLS read gives one record at most
    std::size_t got = 0;
    auto const result = SSL_read_ex(ssl_.get(), into.data() + total, into.size() - total, &got);
    if (result != 1) return total > 0 ? Progress{State::kMoved, total} : tls_progress(result, 0);
    total += got;
  }
  return {State::kMoved, total};
}

Stream::Progress Stream::write(std::span<char const> from) {
  if (!ssl_) return plain_progress(send(fd_, from.data(), from.size(), MSG_NOSIGNAL));
  std::size_t sent = 0;
  auto const result = SSL_write_ex(ssl_.get(), from.data(), from.size(), &sent);
  return tls_progress(result, sent);
}

bool Stream::has_pending() const { return ssl_ && SSL_has_pending(ssl_.get()) == 1; }

Stream::Progress Stream::tls_progress(int result, std::size_t bytes) {
  if (result == 1) return {State::kMoved, bytes};
  auto const error = SSL_get_error(ssl_.get(), result);
  ERR_clear_error();
  bool const waits = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
  return {waits ? State::kWaits : State::kEnded};
}

}  // namespace sluice::bench

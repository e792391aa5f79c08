// stream.h - one accepted socket, plain or with TLS 1.3, that never blocks.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace sluice::bench {

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
struct SslContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextFree>;

// A context for TLS 1.3 alone. Throws std::runtime_error when the files cannot be used.
SslContext tls_context(std::string const& certificate_file, std::string const& key_file);

class Stream {
 public:
  enum class State { kMoved, kWaits, kEnded };
  struct Progress {
    State state;
    std::size_t bytes = 0;  // > 0 when kMoved
  };

  // Owns `fd`. `tls` may be null: then the socket is used as it is.
  Stream(int fd, SSL_CTX* tls);
  ~Stream();
  Stream(Stream const&) = delete;
  Stream& operator=(Stream const&) = delete;

  int fd() const { return fd_; }
  Progress read(std::span<char> into);
  Progress write(std::span<char const> from);
  // Whether bytes lie in memory already, of which epoll knows nothing.
  bool has_pending() const;

 private:
  Progress tls_progress(int result, std::size_t bytes);

  int fd_;
  std::unique_ptr<SSL, SslFree> ssl_;
};

}  // namespace sluice::bench

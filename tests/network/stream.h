// stream.h - the serving end of one connection, plain or by TLS; and how the TLS end behaves.
//
// The TLS end is as lax as OpenSSL lets it be (old versions, weak keys), so that it is the client under test who
// refuses. Making one ignores SIGPIPE for the process: OpenSSL writes without MSG_NOSIGNAL.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "tests/network/certificates.h"

namespace sluice::network {

struct TlsManner {
  std::vector<Certificate const*> chain;  // the certificate itself, then those between it and the root
  int oldest = TLS1_VERSION, newest = TLS1_3_VERSION;
  bool wants_client_certificate = false;
  std::string protocol = "http/1.1";  // what it picks of ALPN, offered or not; "" refuses whatever is offered
};

class TlsEnd {
 public:
  explicit TlsEnd(TlsManner const& manner);
  SSL_CTX* context() const { return context_.get(); }
  std::string offered() const;  // the ALPN list of the last client, as words with spaces between

 private:
  struct ContextFreed {
    void operator()(SSL_CTX* it) const { SSL_CTX_free(it); }
  };
  static int pick(SSL*, unsigned char const** out, unsigned char* size, unsigned char const* in, unsigned in_size,
                  void* who);

  std::string protocol_;
  mutable std::mutex mutex_;
  std::string offered_;
  std::unique_ptr<SSL_CTX, ContextFreed> context_;
};

class Stream {
 public:
  explicit Stream(int fd) : fd_(fd) {}
  // Shakes hands; is_open() says whether that went well.
  Stream(int fd, TlsEnd const& end);

  bool is_open() const { return is_open_; }
  int fd() const { return fd_; }
  SSL* ssl() const { return ssl_.get(); }
  bool has_more() const { return ssl_ && SSL_pending(ssl_.get()) > 0; }  // without asking the socket

  std::string read();  // what comes next; "" at the end
  std::string read_exactly(std::size_t bytes);
  std::string read_until(std::string_view end);  // with `end`; for heads, byte by byte
  std::string read_request();                    // one HTTP request: its head and the body of its Content-Length
  bool write(std::string_view bytes);
  void say_goodbye();  // close_notify

 private:
  struct SslFreed {
    void operator()(SSL* it) const { SSL_free(it); }
  };
  int read_some(char* into, std::size_t room);

  int fd_;
  bool is_open_ = true;
  std::unique_ptr<SSL, SslFreed> ssl_;
};

// Reads the client's hello and returns what a TLS end would say to it first, without saying it.
std::string first_flight(int fd, TlsEnd const& end);
// The TLS records that carry `bytes` to the client, without sending them.
std::string sealed(Stream& stream, std::string_view bytes);

}  // namespace sluice::network

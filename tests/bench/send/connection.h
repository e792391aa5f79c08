// connection.h - one blocking keep-alive connection that PUTs parts of files, in the way that is measured.
#pragma once

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sluice::bench {

enum class Way {
  kSendfile,  // from the page cache to the socket by the kernel alone
  kCopy,      // pread, send
  kMd5,       // pread, MD5 by OpenSSL, send
};

struct Part {
  std::string path;  // on the wire, with its query
  std::string file;
  std::int64_t offset_bytes;
  std::uint64_t length_bytes;
};

class Connection {
 public:
  // `tls` may be null: then the socket is used as it is. Throws std::runtime_error, as put() does.
  Connection(std::uint16_t port, SSL_CTX* tls);
  ~Connection();
  Connection(Connection const&) = delete;
  Connection& operator=(Connection const&) = delete;

  // Sends one part and reads the whole answer, which must be 200.
  void put(Part const& part, Way way);

 private:
  void send_all(char const* bytes, std::size_t count);
  void send_file(int file, Part const& part);
  void send_read(int file, Part const& part, bool hashed);
  void read_answer();

  struct SslFree {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  struct DigestFree {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::string authority_;
  int fd_ = -1;
  std::unique_ptr<SSL, SslFree> ssl_;
  std::unique_ptr<EVP_MD_CTX, DigestFree> digest_;
  std::vector<char> buffer_;
};

}  // namespace sluice::bench

#include "tests/network/stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <csignal>
#include <stdexcept>

#include "tests/network/acceptor.h"

namespace sluice::network {
namespace {

std::string drained(BIO* memory) {
  char* bytes = nullptr;
  auto const size = BIO_get_mem_data(memory, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

std::size_t length_in(std::string head) {
  std::ranges::transform(head, head.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  auto const at = head.find("content-length: ");
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
}

}  // namespace

TlsEnd::TlsEnd(TlsManner const& manner) : protocol_(manner.protocol), context_(SSL_CTX_new(TLS_server_method())) {
  std::signal(SIGPIPE, SIG_IGN);
  auto* const context = context_.get();
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
  SSL_CTX_set_min_proto_version(context, manner.oldest);
  SSL_CTX_set_max_proto_version(context, manner.newest);
  SSL_CTX_set_num_tickets(context, 0);  // a client that refuses late must not meet a reset of ours instead
  auto const& leaf = *manner.chain.front();
  if (SSL_CTX_use_certificate(context, leaf.x509.get()) != 1 || SSL_CTX_use_PrivateKey(context, leaf.key.get()) != 1)
    throw std::runtime_error("the certificate cannot be used");
  for (std::size_t i = 1; i < manner.chain.size(); ++i) SSL_CTX_add1_chain_cert(context, manner.chain[i]->x509.get());
  if (manner.wants_client_certificate)
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_alpn_select_cb(context, &TlsEnd::pick, this);
}

int TlsEnd::pick(SSL*, unsigned char const** out, unsigned char* size, unsigned char const* in, unsigned in_size,
                 void* who) {
  auto& self = *static_cast<TlsEnd*>(who);
  std::string words;
  for (unsigned at = 0; at < in_size; at += 1U + in[at])
    words += (words.empty() ? "" : " ") + std::string(reinterpret_cast<char const*>(in) + at + 1, in[at]);
  std::lock_guard const lock(self.mutex_);
  self.offered_ = words;
  if (self.protocol_.empty()) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = reinterpret_cast<unsigned char const*>(self.protocol_.data());
  *size = static_cast<unsigned char>(self.protocol_.size());
  return SSL_TLSEXT_ERR_OK;
}

std::string TlsEnd::offered() const {
  std::lock_guard const lock(mutex_);
  return offered_;
}

Stream::Stream(int fd, TlsEnd const& end) : fd_(fd), ssl_(SSL_new(end.context())) {
  SSL_set_fd(ssl_.get(), fd);
  is_open_ = SSL_accept(ssl_.get()) == 1;
}

int Stream::read_some(char* into, std::size_t room) {
  if (!is_open_) return 0;
  if (ssl_) return SSL_read(ssl_.get(), into, static_cast<int>(room));
  return static_cast<int>(::recv(fd_, into, room, 0));
}

std::string Stream::read() {
  std::array<char, 65536> buffer{};
  auto const got = read_some(buffer.data(), buffer.size());
  return got <= 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(got));
}

std::string Stream::read_exactly(std::size_t bytes) {
  std::string all;
  while (all.size() < bytes) {
    std::array<char, 65536> buffer{};
    auto const got = read_some(buffer.data(), std::min(buffer.size(), bytes - all.size()));
    if (got <= 0) break;
    all.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return all;
}

std::string Stream::read_until(std::string_view end) {
  std::string all;
  while (!all.ends_with(end)) {
    auto const next = read_exactly(1);
    if (next.empty()) return {};
    all += next;
  }
  return all;
}

std::string Stream::read_request() {
  auto head = read_until("\r\n\r\n");
  return head + read_exactly(length_in(head));
}

bool Stream::write(std::string_view bytes) {
  if (!is_open_) return false;
  if (!ssl_) return send_all(fd_, bytes);
  return bytes.empty() || SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
}

void Stream::say_goodbye() {
  if (ssl_ && is_open_) SSL_shutdown(ssl_.get());
}

std::string first_flight(int fd, TlsEnd const& end) {
  std::unique_ptr<SSL, decltype(&SSL_free)> const ssl(SSL_new(end.context()), &SSL_free);
  auto* const in = BIO_new(BIO_s_mem());
  auto* const out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), in, out);  // which takes both
  while (SSL_accept(ssl.get()) != 1 && BIO_pending(out) == 0) {
    auto const hello = receive(fd);
    if (hello.empty()) break;
    BIO_write(in, hello.data(), static_cast<int>(hello.size()));
  }
  return drained(out);
}

std::string sealed(Stream& stream, std::string_view bytes) {
  auto* const memory = BIO_new(BIO_s_mem());
  SSL_set0_wbio(stream.ssl(), memory);
  SSL_write(stream.ssl(), bytes.data(), static_cast<int>(bytes.size()));
  return drained(memory);
}

}  // namespace sluice::network

#include "daemon/wire_trust.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <array>
#include <ctime>
#include <utility>

namespace sluice::daemon {
namespace {

using Note = std::shared_ptr<CertificateDays>;

void drop_note(void*, void* note, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Note*>(note); }

int note_index() {
  static int const index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, &drop_note);
  return index;
}

std::string day_of(ASN1_TIME const* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  std::array<char, 16> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d", &parts)};
}

// OpenSSL's judgement is handed on as it is.
int on_verified(int is_good, X509_STORE_CTX* verification) {
  if (is_good == 1) return is_good;
  auto const* const ssl =
      static_cast<SSL const*>(X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto const* const certificate = X509_STORE_CTX_get_current_cert(verification);
  if (ssl == nullptr || certificate == nullptr) return is_good;
  if (auto* const note = static_cast<Note*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), note_index())); note != nullptr)
    **note = {.begins = day_of(X509_get0_notBefore(certificate)), .ends = day_of(X509_get0_notAfter(certificate))};
  return is_good;
}

}  // namespace

void note_refused_certificate(void* context, std::shared_ptr<CertificateDays> note) {
  auto* const tls = static_cast<SSL_CTX*>(context);
  auto owner = std::make_unique<Note>(std::move(note));
  if (SSL_CTX_set_ex_data(tls, note_index(), owner.get()) != 1) return;
  owner.release();  // the context's from here on
  SSL_CTX_set_verify(tls, SSL_CTX_get_verify_mode(tls), &on_verified);
}

}  // namespace sluice::daemon

// certificates.h - certificates for one test, made in memory: good ones, and wrong ones of every kind.
//
// Nothing is kept: keys live as long as the objects, and only what a client must trust is ever written to a file.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

namespace sluice::network {

struct Freed {
  void operator()(X509* it) const { X509_free(it); }
  void operator()(EVP_PKEY* it) const { EVP_PKEY_free(it); }
};

// What a certificate should say. By default: a good one for `localhost`, since yesterday, for a month.
struct Wish {
  std::string common_name = "localhost";
  std::string names = "DNS:localhost";  // subjectAltName, "DNS:a, IP:127.0.0.1"; "" for none
  std::string purpose = "serverAuth";   // extendedKeyUsage; "" for none
  bool is_authority = false;
  int path_length = -1;  // of an authority: how many may stand beneath it; -1 for any number
  long begins_s = -86'400;
  long ends_s = 30 * 86'400;  // both from now
  int rsa_bits = 0;           // 0: a P-256 key, which is quick to make
  std::string digest = "SHA256";
};

struct Certificate {
  std::unique_ptr<X509, Freed> x509;
  std::unique_ptr<EVP_PKEY, Freed> key;
  std::string pem() const;
};

// One that signs itself.
Certificate self_signed(Wish const& wish);
// One signed by `issuer`, whether that may sign or not.
Certificate issued_by(Certificate const& issuer, Wish const& wish);

// What names an authority: its subject, and that it may sign.
Wish authority(std::string const& common_name);

// "2026-05-01", in UTC, `seconds` from now: as the product writes the end of a certificate.
std::string day_from_now(long seconds);

}  // namespace sluice::network

#include "tests/network/certificates.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <stdexcept>

namespace sluice::network {
namespace {

void must(bool went_well, char const* what) {
  if (!went_well) throw std::runtime_error(std::string("cannot make a certificate: ") + what);
}

std::unique_ptr<EVP_PKEY, Freed> make_key(int rsa_bits) {
  auto* key = rsa_bits == 0 ? EVP_EC_gen("P-256") : EVP_RSA_gen(static_cast<unsigned>(rsa_bits));
  must(key != nullptr, "key");
  return std::unique_ptr<EVP_PKEY, Freed>(key);
}

void add_extension(X509* it, X509V3_CTX& context, int nid, std::string const& value) {
  if (value.empty()) return;
  auto* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  must(extension != nullptr, value.c_str());
  X509_add_ext(it, extension, -1);
  X509_EXTENSION_free(extension);
}

void add_extensions(X509* it, X509* issuer, Wish const& wish) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, it, nullptr, nullptr, 0);
  std::string constraints = wish.is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE";
  if (wish.path_length >= 0) constraints += ",pathlen:" + std::to_string(wish.path_length);
  add_extension(it, context, NID_basic_constraints, constraints);
  add_extension(it, context, NID_key_usage, wish.is_authority ? "critical,keyCertSign,cRLSign" : "digitalSignature");
  add_extension(it, context, NID_ext_key_usage, wish.is_authority ? "" : wish.purpose);
  add_extension(it, context, NID_subject_alt_name, wish.names);
  add_extension(it, context, NID_subject_key_identifier, "hash");
}

Certificate make(Certificate const* issuer, Wish const& wish) {
  static std::atomic<long> serial{1};
  Certificate made{.x509 = std::unique_ptr<X509, Freed>(X509_new()), .key = make_key(wish.rsa_bits)};
  auto* const it = made.x509.get();
  X509_set_version(it, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(it), serial++);
  X509_gmtime_adj(X509_getm_notBefore(it), wish.begins_s);
  X509_gmtime_adj(X509_getm_notAfter(it), wish.ends_s);
  X509_set_pubkey(it, made.key.get());
  auto const* const name = reinterpret_cast<unsigned char const*>(wish.common_name.c_str());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(it), "CN", MBSTRING_UTF8, name, -1, -1, 0);
  auto const& signer = issuer == nullptr ? made : *issuer;
  X509_set_issuer_name(it, X509_get_subject_name(signer.x509.get()));
  add_extensions(it, signer.x509.get(), wish);
  must(X509_sign(it, signer.key.get(), EVP_get_digestbyname(wish.digest.c_str())) > 0, "signature");
  return made;
}

}  // namespace

std::string Certificate::pem() const {
  std::unique_ptr<BIO, decltype(&BIO_free)> const memory(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_X509(memory.get(), x509.get());
  char* bytes = nullptr;
  auto const size = BIO_get_mem_data(memory.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

Certificate self_signed(Wish const& wish) { return make(nullptr, wish); }
Certificate issued_by(Certificate const& issuer, Wish const& wish) { return make(&issuer, wish); }

Wish authority(std::string const& common_name) {
  Wish wish;
  wish.common_name = common_name;
  wish.names = "";
  wish.is_authority = true;
  return wish;
}

std::string day_from_now(long seconds) {
  auto const at = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()) + seconds;
  std::tm parts{};
  ::gmtime_r(&at, &parts);
  std::string text(10, ' ');
  std::strftime(text.data(), text.size() + 1, "%Y-%m-%d", &parts);
  return text;
}

}  // namespace sluice::network

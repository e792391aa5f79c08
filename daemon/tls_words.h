// tls_words.h - why TLS failed, in words that say what a person may do (B1's tls-config and tls-transient).
//
// Both classes are treated alike: no byte of the request left, nobody is charged, and a probe now and then finds out
// when it is mended. So the words alone tell them apart. The library's texts name the cause for programmers, if at
// all; docs/NETWORK.md has both side by side. Pure.
#pragma once

#include <string>
#include <string_view>

namespace sluice::daemon {

// What is known of the certificate that was refused, as days in UTC: "2026-05-01". Empty where none was refused.
struct CertificateDays {
  std::string begins = {};
  std::string ends = {};
};

// `detail` is libcurl's text, or OpenSSL's within it. Returns "" for one that is in no row of the table.
std::string tls_words(std::string_view detail, CertificateDays const& days);

}  // namespace sluice::daemon

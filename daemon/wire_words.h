// wire_words.h - a network failure in words for people, without secrets (T7, P3).
//
// libcurl's own detail text may quote what a server said, a certificate's names or a URL. It is used
// only for causes where it says more than the errno does, made printable, cut, and rid of every query.
// Pure; takes libcurl's number, not its header, which has its one home in wire_curl.cc.
#pragma once

#include <string>
#include <string_view>

#include "daemon/tls_words.h"

namespace sluice::daemon {

struct FailureFacts {
  int code = 0;               // a CURLcode
  std::string_view host;      // printable
  bool by_proxy = false;      // then it is the proxy that was to be connected to
  std::string_view words;     // curl_easy_strerror(code): fixed texts of the library
  std::string_view detail;    // CURLOPT_ERRORBUFFER; may be empty
  CertificateDays days = {};  // of a certificate that was refused
  int os_error = 0;           // CURLINFO_OS_ERRNO; 0 if none
};

// "connect to api.example: Connection refused", "TLS with api.example: the certificate expired on 2026-05-01; ...",
// "the connection was lost: Connection reset by peer".
std::string failure_words(FailureFacts const& facts);

// `text` on one line, at most 300 bytes, where every word with a query or user info has lost it.
std::string without_secrets(std::string_view text);

}  // namespace sluice::daemon

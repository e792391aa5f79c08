#include "daemon/tls_words.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace sluice::daemon {
namespace {

// The first row whose needle stands in the text holds. Texts of libcurl 7.88 and OpenSSL 3.0, as tests/network meets
// them. `{begins}` and `{ends}` are the certificate's days.
struct Row {
  std::string_view needle;
  std::string_view words;
};

constexpr std::string_view kWeak =
    "a key or signature among its certificates is too weak to be trusted; who runs it has to renew them";
constexpr std::string_view kBrokenChain =
    "its chain of certificates is wrong; who runs it, or the proxy that opens TLS, has to mend it";
constexpr std::string_view kNoTls =
    "what answers does not speak TLS; check the port of platform.base_url, and what stands in between";
constexpr std::string_view kTooOld =
    "what answers offers no TLS 1.2 or newer; an old proxy in between does that, or a wrong platform.base_url";
constexpr std::string_view kOtherName =
    "the certificate is for another name; a sign-in page or proxy stands in between, or platform.base_url is wrong";
constexpr std::string_view kClientCertificate =
    "what answers wants a client certificate, and Sluice has none; a gateway in between may be meant for others";
constexpr std::string_view kBrokeOff =
    "the connection broke off in the handshake; a firewall in between does that, or a platform in trouble";
constexpr std::string_view kNoHttp11 = "what answers speaks no HTTP/1.1; check what stands in between";

constexpr std::array kRows = {
    Row{"certificate has expired",
        "the certificate expired on {ends}; check this host's clock, else who runs it has to renew it"},
    Row{"certificate is not yet valid", "the certificate is valid only from {begins} on; check this host's clock"},
    Row{"no alternative certificate subject name", kOtherName},
    Row{"does not match target host name", kOtherName},
    Row{"unable to obtain common name", kOtherName},
    Row{"self-signed certificate in certificate chain",
        "its authority is not trusted here; if a proxy of yours opens TLS, put its root into platform.ca_file"},
    Row{"self-signed certificate",
        "the certificate is signed by itself; if that is meant to be, put it into platform.ca_file"},
    Row{"unable to get local issuer certificate",
        "its authority is not known here; put its root into platform.ca_file, or renew the package ca-certificates; or "
        "what answers leaves out a certificate in between"},
    Row{"unable to get issuer certificate", kBrokenChain},
    Row{"unsuitable certificate purpose", "the certificate is not one for servers; who runs it has to renew it"},
    Row{"unsupported certificate purpose", "the certificate is not one for servers; who runs it has to renew it"},
    Row{"path length constraint exceeded", kBrokenChain},
    Row{"invalid CA certificate", kBrokenChain},
    Row{"excessive message size", kBrokenChain},
    Row{"too weak", kWeak},
    Row{"too small", kWeak},
    Row{"alert certificate required", kClientCertificate},
    Row{"wrong version number", kNoTls},
    Row{"packet length too long", kNoTls},
    Row{"http request", kNoTls},
    Row{"unsupported protocol", kTooOld},
    Row{"alert protocol version", kTooOld},
    Row{"alert no application protocol", kNoHttp11},
    Row{"alert handshake failure",
        "the two have no cipher in common, or what answers wants a client certificate; check what stands in between"},
    Row{"unrecognized name", "what answers does not know this name; check the host of platform.base_url"},
    Row{"SSL_ERROR_SYSCALL", kBrokeOff},
    Row{"in connection to", kBrokeOff},
    Row{"Recv failure", kBrokeOff},
    Row{"Send failure", kBrokeOff},
};

std::string with_day(std::string text, std::string_view place, std::string const& day) {
  auto const at = text.find(place);
  return at == std::string::npos ? text : text.replace(at, place.size(), day.empty() ? "an unknown day" : day);
}

}  // namespace

std::string tls_words(std::string_view detail, CertificateDays const& days) {
  auto const row = std::ranges::find_if(kRows, [&](Row const& it) { return detail.find(it.needle) != detail.npos; });
  if (row == kRows.end()) return {};
  return with_day(with_day(std::string(row->words), "{ends}", days.ends), "{begins}", days.begins);
}

}  // namespace sluice::daemon

#include "daemon/wire_words.h"

#include <cerrno>
#include <cstring>

#include "core/base/secret.h"
#include "core/base/text.h"

namespace sluice::daemon {
namespace {

constexpr std::size_t kWordsBytesMax = 300;

// The CURLcodes that are told apart; numbers from libcurl-errors(3), fixed since 7.17.
enum Code : int {
  kUrlMalformat = 3,
  kNoProxyHost = 5,
  kNoHost = 6,
  kNoConnection = 7,
  kPartialFile = 18,
  kSslConnect = 35,
  kGotNothing = 52,
  kSendError = 55,
  kRecvError = 56,
  kPeerVerification = 60,
  kRewind = 65,
  kNoCaFile = 77,
  kProxy = 97,  // since 7.73
};

std::string with_errno(std::string text, int error) {
  return error == 0 ? text : text + ": " + ::strerrordesc_np(error);
}

// The one failure to connect that is this host's alone: its remedy is not the network's.
std::string of_no_connection(std::string const& there, int os_error) {
  auto text = with_errno("connect to " + there, os_error);
  if (os_error == EMFILE) text += "; raise LimitNOFILE of the service";
  if (os_error == ENFILE) text += "; raise the sysctl fs.file-max";
  return text;
}

// "OpenSSL SSL_read: OpenSSL/3.0.22: error:0A000419:SSL routines::tlsv1 alert access denied, errno 0"
std::string without_origin(std::string const& detail) {
  constexpr std::string_view kOrigin = "routines::", kNoErrno = ", errno 0";
  auto const at = detail.find(kOrigin);
  auto rest = at == std::string::npos ? detail : detail.substr(at + kOrigin.size());
  if (rest.ends_with(kNoErrno)) rest.resize(rest.size() - kNoErrno.size());
  return rest;
}

std::string of_tls(std::string const& host, std::string const& detail, CertificateDays const& days) {
  auto const words = tls_words(detail, days);
  return "TLS with " + host + ": " + (words.empty() ? without_origin(detail) : words);
}

// After the handshake OpenSSL's errors come as lost connections.
std::string of_loss(std::string const& host, std::string const& detail, int os_error) {
  if (os_error != 0) return with_errno("the connection was lost", os_error);
  if (detail.find("alert certificate required") != std::string::npos) return of_tls(host, detail, {});
  if (detail.find("bad record mac") != std::string::npos || detail.find("decryption failed") != std::string::npos)
    return "the connection was lost: a record arrived damaged; check this host's memory and network path";
  return "the connection was lost: " + without_origin(detail);
}

}  // namespace

std::string without_secrets(std::string_view text) {
  std::string clean;
  while (!text.empty()) {
    auto const space = text.find(' ');
    auto const word = text.substr(0, space);
    bool const is_url = word.find("://") != std::string_view::npos || word.find('?') != std::string_view::npos;
    clean += is_url ? without_query(word) : std::string(word);
    if (space == std::string_view::npos) break;
    clean += ' ';
    text.remove_prefix(space + 1);
  }
  clean = printable(clean);
  if (clean.size() > kWordsBytesMax) {
    auto cut = kWordsBytesMax;
    while (cut > 0 && (static_cast<unsigned char>(clean[cut]) & 0xc0) == 0x80) --cut;  // not within a character
    clean.resize(cut);
  }
  return clean;
}

std::string failure_words(FailureFacts const& facts) {
  std::string const host(facts.host);
  auto const there = facts.by_proxy ? std::string("the proxy") : host;
  auto const detail = facts.detail.empty() ? std::string(facts.words) : without_secrets(facts.detail);
  // libcurl has no code of its own for a proxy that answers CONNECT with a refusal, only these words.
  constexpr std::string_view kRefused = "CONNECT tunnel failed, response ";
  if (auto const at = detail.find(kRefused); at != std::string::npos)
    return "the proxy refused the way to " + host + ": HTTP " + detail.substr(at + kRefused.size());
  switch (facts.code) {
    case kUrlMalformat: return "refused: not a URL";
    case kNoHost: return "resolve " + host + ": no address for that name, or no name server reachable";
    case kNoProxyHost: return "resolve the proxy's name: no address for it, or no name server reachable";
    case kNoConnection:
      return facts.os_error == 0 ? "connect to " + there + ": " + detail : of_no_connection(there, facts.os_error);
    case kProxy: return "the proxy refused the way to " + host + ": " + detail;
    case kSslConnect:
    case kPeerVerification:
    case kNoCaFile: return of_tls(host, detail, facts.days);
    case kGotNothing: return "the connection was closed before an answer";
    case kPartialFile: return "the connection was closed in the middle of the answer";
    case kSendError:
    case kRecvError: return of_loss(host, detail, facts.os_error);
    case kRewind: return "the kept-alive connection died before an answer came";
    default: return std::string(facts.words);
  }
}

}  // namespace sluice::daemon

#include "daemon/wire_words.h"

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
};

std::string with_errno(std::string text, int error) {
  return error == 0 ? text : text + ": " + ::strerrordesc_np(error);
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
      return facts.os_error == 0 ? "connect to " + host + ": " + detail
                                 : with_errno("connect to " + host, facts.os_error);
    case kSslConnect:
    case kPeerVerification:
    case kNoCaFile: return "TLS with " + host + ": " + detail;
    case kGotNothing: return "the connection was closed before an answer";
    case kPartialFile: return "the connection was closed in the middle of the answer";
    case kSendError:
    case kRecvError:
      return facts.os_error == 0 ? "the connection was lost: " + detail
                                 : with_errno("the connection was lost", facts.os_error);
    case kRewind: return "the kept-alive connection died before an answer came";
    default: return std::string(facts.words);
  }
}

}  // namespace sluice::daemon

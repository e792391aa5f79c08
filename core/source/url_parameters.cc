#include "core/source/url_parameters.h"

#include <algorithm>
#include <array>

#include "core/base/text.h"

namespace sluice::source {
namespace {

constexpr auto kPrefixes = std::to_array<std::string_view>({"x-amz-", "x-goog-"});
// OSS by name: x-oss-process chooses a rendition.
constexpr auto kNames = std::to_array<std::string_view>(
    {"awsaccesskeyid", "exp", "expires", "googleaccessid", "key-pair-id", "ossaccesskeyid", "policy", "security-token",
     "sig", "signature", "x-oss-additional-headers", "x-oss-credential", "x-oss-date", "x-oss-expires",
     "x-oss-security-token", "x-oss-signature", "x-oss-signature-version"});
// A shared access signature of Azure Storage.
constexpr auto kAzure =
    std::to_array<std::string_view>({"saoid", "scid", "sdd", "se", "sip", "ske", "skoid", "sks", "skt", "sktid", "skv",
                                     "sp", "spr", "sr", "srt", "ss", "st", "suoid", "sv"});

bool has_any(std::vector<UrlParameter> const& parameters, std::initializer_list<std::string_view> names) {
  return std::ranges::any_of(parameters, [&](UrlParameter const& each) {
    return std::ranges::any_of(names, [&](std::string_view name) { return equal_ignoring_case(each.name, name); });
  });
}

// Names that may mean anything belong to a signature only beside those that mean nothing else.
struct Signs {
  bool azure;  // sig
  bool token;  // an end
};
Signs signs_of(std::vector<UrlParameter> const& parameters) {
  return {.azure = has_any(parameters, {"sig"}), .token = has_any(parameters, {"exp", "expires"})};
}

bool is_volatile(UrlParameter const& parameter, Signs signs) {
  auto const name = to_lower_ascii(parameter.name);
  if (std::ranges::any_of(kPrefixes, [&](std::string_view prefix) { return name.starts_with(prefix); })) return true;
  if (std::ranges::find(kNames, name) != kNames.end()) return true;
  if (signs.token && name == "token") return true;
  return signs.azure && std::ranges::find(kAzure, name) != kAzure.end();
}

}  // namespace

std::vector<UrlParameter> parameters_of(std::string_view url) {
  std::vector<UrlParameter> found;
  auto const question = url.find('?');
  if (question == std::string_view::npos) return found;
  for (auto rest = url.substr(question + 1);;) {
    auto const whole = rest.substr(0, rest.find('&'));
    auto const equals = std::min(whole.find('='), whole.size());
    if (!whole.empty())
      found.push_back({.name = whole.substr(0, equals),
                       .value = equals < whole.size() ? whole.substr(equals + 1) : std::string_view(),
                       .whole = whole});
    if (whole.size() == rest.size()) return found;
    rest.remove_prefix(whole.size() + 1);
  }
}

std::string identity_text(UrlText const& url) {
  auto text = url.shown;
  auto const parameters = parameters_of(url.whole.reveal_for_journal());
  auto const signs = signs_of(parameters);
  char before = '?';
  for (auto const& parameter : parameters) {
    if (is_volatile(parameter, signs)) continue;
    text.append(1, before).append(parameter.whole);
    before = '&';
  }
  return text;
}

bool is_presigned(SecretUrl const& url) {
  auto const parameters = parameters_of(url.reveal_for_journal());
  auto const signs = signs_of(parameters);
  return std::ranges::any_of(parameters, [&](UrlParameter const& each) { return is_volatile(each, signs); });
}

}  // namespace sluice::source

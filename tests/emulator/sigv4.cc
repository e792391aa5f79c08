#include "sigv4.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "digest.h"

namespace sluice::emulator::sigv4 {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kSignatureKey = "X-Amz-Signature";

// Everything the signature covers, canonical parts already in their final shape.
struct Canonical {
  std::string method;
  std::string encoded_path;
  std::string query;           // encoded, sorted, without the signature
  std::string headers;         // "name:value\n" for each, sorted
  std::string signed_headers;  // "name;name"
};

std::string trimmed(std::string_view value) {
  auto const first = value.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return std::string(value.substr(first, value.find_last_not_of(" \t") - first + 1));
}

std::string join_query(Pairs const& encoded) {
  Pairs sorted = encoded;
  std::ranges::sort(sorted);
  std::string out;
  for (auto const& [name, value] : sorted) {
    if (!out.empty()) out += '&';
    out += name + '=' + value;
  }
  return out;
}

std::string scope_of(std::string const& date, Credentials const& credentials) {
  return date.substr(0, 8) + '/' + credentials.region + "/s3/aws4_request";
}

std::string signature(Canonical const& what, std::string const& date, Credentials const& credentials) {
  auto const request = what.method + '\n' + what.encoded_path + '\n' + what.query + '\n' + what.headers + '\n' +
                       what.signed_headers + "\nUNSIGNED-PAYLOAD";
  auto const text =
      std::string(kAlgorithm) + '\n' + date + '\n' + scope_of(date, credentials) + '\n' + sha256_hex(request);
  auto key = hmac_sha256("AWS4" + credentials.secret_key, date.substr(0, 8));
  key = hmac_sha256(key, credentials.region);
  key = hmac_sha256(key, "s3");
  key = hmac_sha256(key, "aws4_request");
  return to_hex(hmac_sha256(key, text));
}

std::optional<std::string> find(Pairs const& pairs, std::string_view name) {
  auto const at = std::ranges::find(pairs, name, &Pairs::value_type::first);
  if (at == pairs.end()) return std::nullopt;
  return at->second;
}

// Splits without decoding, then brings each part to canonical encoding only if it was not already:
// a query that was re-encoded differently still denotes the same request, as it does for AWS.
Pairs canonical_pairs(std::string_view raw_query) {
  Pairs pairs;
  for (auto const& segment : split(raw_query, '&')) {
    if (segment.empty()) continue;
    auto const equals = segment.find('=');
    auto const value = equals == std::string::npos ? std::string{} : segment.substr(equals + 1);
    pairs.emplace_back(uri_encode(uri_decode(segment.substr(0, equals), false), false),
                       uri_encode(uri_decode(value, false), false));
  }
  return pairs;
}

void add_header(Canonical& canonical, std::string const& name, std::string_view value) {
  canonical.headers += name + ':' + trimmed(value) + '\n';
  if (!canonical.signed_headers.empty()) canonical.signed_headers += ';';
  canonical.signed_headers += name;
}

}  // namespace

std::string presign_query(Presign const& what, Credentials const& credentials) {
  auto const date = amz_date(what.at_ms);
  Canonical canonical{what.method, uri_encode(what.path, true), {}, {}, {}};
  Pairs headers = what.headers;
  std::ranges::sort(headers);
  for (auto const& [name, value] : headers) add_header(canonical, name, value);

  Pairs query = what.query;
  query.emplace_back("X-Amz-Algorithm", kAlgorithm);
  query.emplace_back("X-Amz-Credential", credentials.access_key + '/' + scope_of(date, credentials));
  query.emplace_back("X-Amz-Date", date);
  query.emplace_back("X-Amz-Expires", std::to_string(what.life_seconds));
  query.emplace_back("X-Amz-SignedHeaders", canonical.signed_headers);
  for (auto& [name, value] : query) {
    name = uri_encode(name, false);
    value = uri_encode(value, false);
  }
  canonical.query = join_query(query);
  return canonical.query + '&' + std::string(kSignatureKey) + '=' + signature(canonical, date, credentials);
}

Check verify(std::string_view method, std::string_view raw_path, std::string_view raw_query, Pairs const& headers,
             std::int64_t now_ms, Credentials const& credentials) {
  auto pairs = canonical_pairs(raw_query);
  auto const decoded = [&](std::string_view name) -> std::optional<std::string> {
    auto value = find(pairs, name);
    if (value) *value = uri_decode(*value, false);
    return value;
  };
  auto const given = decoded(kSignatureKey);
  auto const date = decoded("X-Amz-Date");
  auto const life = decoded("X-Amz-Expires");
  auto const credential = decoded("X-Amz-Credential");
  auto const names = decoded("X-Amz-SignedHeaders");
  if (!given || !date || !life || !credential || !names) return Check::kMalformed;
  if (decoded("X-Amz-Algorithm") != kAlgorithm) return Check::kMalformed;

  auto const signed_ms = parse_amz_date(*date);
  std::int64_t life_s = 0;
  auto const read = std::from_chars(life->data(), life->data() + life->size(), life_s);
  if (!signed_ms || read.ec != std::errc{} || read.ptr != life->data() + life->size()) return Check::kMalformed;
  if (*credential != credentials.access_key + '/' + scope_of(*date, credentials)) return Check::kUnknownKey;

  Canonical canonical{std::string(method), uri_encode(uri_decode(raw_path, false), true), {}, {}, {}};
  for (auto const& name : split(*names, ';')) add_header(canonical, name, find(headers, name).value_or(""));
  std::erase_if(pairs, [](auto const& pair) { return pair.first == kSignatureKey; });
  canonical.query = join_query(pairs);
  if (signature(canonical, *date, credentials) != *given) return Check::kMismatch;
  if (now_ms >= *signed_ms + life_s * 1000) return Check::kExpired;
  return Check::kGood;
}

}  // namespace sluice::emulator::sigv4

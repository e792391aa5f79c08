// sigv4.h - AWS Signature Version 4 in its query form: makes and checks presigned URLs.
//
// The payload is never signed (UNSIGNED-PAYLOAD), as is usual for presigned uploads; the method, the
// path, every query parameter and the listed headers are. Checking starts from the raw request, so
// that a client which re-encodes a URL is found out: a presigned URL is to be used exactly as received.
//
// Source    AWS, "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)", read 2026-11.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "text.h"

namespace sluice::emulator::sigv4 {

struct Credentials {
  std::string access_key;
  std::string secret_key;
  std::string region = "us-east-1";
};

// What is signed. Header names are in lower case and must contain "host".
struct Presign {
  std::string method;
  std::string path;    // not yet encoded, beginning with '/'
  Pairs query;         // without the X-Amz-* parameters, which are added here
  Pairs headers;       // name and value of every header the caller will have to send
  std::int64_t at_ms;  // Unix milliseconds; SigV4 keeps whole seconds
  std::uint32_t life_seconds;
};

// Returns the query string of the presigned URL, signature last, ready to go behind `path?`.
std::string presign_query(Presign const& what, Credentials const& credentials);

enum class Check {
  kGood,
  kMalformed,   // a parameter is missing or cannot be read
  kUnknownKey,  // signed by an access key that is not ours
  kMismatch,    // the signature does not belong to this request
  kExpired,     // a genuine signature, but its time is over
};

// Checks one received request. `raw_path` and `raw_query` are as they stood on the request line;
// `headers` have lower-case names. Genuineness comes before expiry, so kExpired is only said of
// URLs that were really issued.
Check verify(std::string_view method, std::string_view raw_path, std::string_view raw_query, Pairs const& headers,
             std::int64_t now_ms, Credentials const& credentials);

}  // namespace sluice::emulator::sigv4

// url_parameters.h - what in a URL's query is a signature, and so no part of what the URL names.
//
// A presigned URL is another text each time that it is signed, and means the same object. Pure. Names are compared
// without case. A parameter that is nobody's signature stays: it may choose the object.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/url_text.h"

namespace sluice::source {

struct UrlParameter {
  std::string_view name;   // as written, percent-encoded
  std::string_view value;  // "" also for a name without "="
  std::string_view whole;  // "name=value"
};

// Those of a query, in their order; views into `url`.
std::vector<UrlParameter> parameters_of(std::string_view url);

// The URL without its volatile parameters, for the identity of what it names (M2). A secret still: what is left may
// be one.
//
// Volatile is what belongs to a signature: of AWS (X-Amz-*, AWSAccessKeyId), CloudFront (Policy, Key-Pair-Id), Google
// (X-Goog-*, GoogleAccessId), OSS, and Signature, Expires, exp everywhere. Azure's names have two letters, so they count
// only where `sig` stands among them; `token` may be the very file, and counts only beside an end.
std::string identity_text(UrlText const& url);

// Whether it is signed: there is a volatile parameter.
bool is_presigned(SecretUrl const& url);

}  // namespace sluice::source

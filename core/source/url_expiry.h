// url_expiry.h - when a presigned URL ends, as far as its own query says (M12).
//
// Pure. Known: X-Amz-Date with X-Amz-Expires (also X-Goog-*), Expires and exp in Unix seconds (CloudFront, the older
// signatures of S3 and Google), se of an Azure signature. A policy in base 64 is not read. What cannot be read says
// nothing: the platform will.
#pragma once

#include <optional>

#include "core/base/secret.h"
#include "core/base/time.h"

namespace sluice::source {

// The earliest end that the URL names; nothing if it names none.
std::optional<WallTime> url_end(SecretUrl const& url);

// Whether `fresh` serves longer than `old`: an empty one never served, and one without an end serves for ever.
bool ends_later(SecretUrl const& fresh, SecretUrl const& old);

}  // namespace sluice::source

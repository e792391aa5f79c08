// hmac.h - the signature of a text by a shared secret.
#pragma once

#include <string>
#include <string_view>

namespace sluice {

// HMAC-SHA256 (RFC 2104) as 64 lower-case hex digits.
std::string hmac_sha256_hex(std::string_view secret, std::string_view text);

}  // namespace sluice

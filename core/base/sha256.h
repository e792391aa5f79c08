// sha256.h - SHA-256 of a short text, by OpenSSL.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace sluice {

// Fails never: where there is no memory for it, the program ends.
std::array<std::byte, 32> sha256(std::string_view bytes);

}  // namespace sluice

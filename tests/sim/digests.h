// digests.h - MD5 and SHA-256 of bytes in memory, as the simulated platform computes them.
//
// Apart from core/upload, so that a wrong digest there would show.
#pragma once

#include <string>
#include <string_view>

namespace sluice::sim {

std::string md5_hex_of(std::string_view bytes);     // lower case, as an ETag has it (R33)
std::string sha256_hex_of(std::string_view bytes);  // lower case

}  // namespace sluice::sim

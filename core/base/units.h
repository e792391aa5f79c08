// units.h - sizes as the configuration and the documents write them.
#pragma once

#include <cstdint>

namespace sluice {

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;
inline constexpr std::uint64_t kMB = 1000 * 1000;
inline constexpr std::uint64_t kGB = 1000 * kMB;

}  // namespace sluice

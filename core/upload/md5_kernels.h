// md5_kernels.h - MD5's compression of many streams at once, one function for each count and instruction set.
//
// For md5_lanes.cc alone; everyone else uses md5_lanes.h. A function of an instruction set that the processor lacks may
// be linked, and must not be called. Plain pointers, because what is compiled for a newer instruction set must bring no
// inline functions (md5_steps.h says why).
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::upload {

// Advances as many streams as the function's name says by `blocks` blocks of 64 bytes each. `state` holds the word A of
// each stream, then all the B, C and D; `streams` where each one's bytes begin. Two streams may be the same bytes.
using Md5Kernel = void(std::uint32_t* state, unsigned char const* const* streams, std::size_t blocks);

Md5Kernel md5_x1;          // plain integers: every machine
Md5Kernel md5_x2;          // the same, two chains in turn
Md5Kernel md5_x3;          // three chains in turn; a fourth would find no registers
Md5Kernel md5_x8;          // twice four lanes: SSE2, which every x86-64 has, and NEON
Md5Kernel md5_x8_avx2;     // eight lanes
Md5Kernel md5_x16_avx2;    // twice eight lanes
Md5Kernel md5_x16_avx512;  // sixteen lanes
Md5Kernel md5_x32_avx512;  // twice sixteen lanes

}  // namespace sluice::upload

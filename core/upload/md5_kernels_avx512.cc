// Compiled with -mavx512f (core/CMakeLists.txt).
#include "core/upload/md5_kernels.h"
#include "core/upload/md5_steps.h"

#ifdef __x86_64__
namespace sluice::upload {

void md5_x16_avx512(std::uint32_t* state, Byte const* const* streams, std::size_t blocks) {
  advance<Vector<16>>(state, streams, blocks);
}
void md5_x32_avx512(std::uint32_t* state, Byte const* const* streams, std::size_t blocks) {
  advance<Pair<Vector<16>>>(state, streams, blocks);
}

}  // namespace sluice::upload
#endif

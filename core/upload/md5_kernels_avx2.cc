// Compiled with -mavx2 (core/CMakeLists.txt).
#include "core/upload/md5_kernels.h"
#include "core/upload/md5_steps.h"

#ifdef __x86_64__
namespace sluice::upload {

void md5_x8_avx2(std::uint32_t* state, Byte const* const* streams, std::size_t blocks) {
  advance<Vector<8>>(state, streams, blocks);
}
void md5_x16_avx2(std::uint32_t* state, Byte const* const* streams, std::size_t blocks) {
  advance<Pair<Vector<8>>>(state, streams, blocks);
}

}  // namespace sluice::upload
#endif

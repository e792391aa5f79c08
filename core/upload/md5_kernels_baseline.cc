#include "core/upload/md5_kernels.h"
#include "core/upload/md5_steps.h"

namespace sluice::upload {

void md5_x1(std::uint32_t* state, Byte const* const* streams, std::size_t blocks) {
  advance<std::uint32_t>(state, streams, blocks);
}
void md5_x2(std::uint32_t* state, Byte const* const* streams, std::size_t blocks) {
  advance<Pair<std::uint32_t>>(state, streams, blocks);
}
void md5_x3(std::uint32_t* state, Byte const* const* streams, std::size_t blocks) {
  advance<Pair<std::uint32_t, Pair<std::uint32_t>>>(state, streams, blocks);
}
void md5_x8(std::uint32_t* state, Byte const* const* streams, std::size_t blocks) {
  advance<Pair<Vector<4>>>(state, streams, blocks);
}

}  // namespace sluice::upload

// Streams of any lengths, cut anywhere, fed together by every instruction set of this machine: OpenSSL must agree.
//
// The first byte of the input is the number of streams. Then, over and over, come feeding orders of three bytes: which
// stream, and how much of the input it is fed. An order whose stream has a piece already starts the next update.
#include <openssl/evp.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <vector>

#include "core/upload/md5_lanes.h"

namespace {

using sluice::upload::Md5;
using sluice::upload::Md5Isa;
using sluice::upload::Md5Piece;
using Bytes = std::span<std::byte const>;

struct Order {
  std::size_t stream;
  Bytes bytes;
};

std::vector<Order> orders_in(Bytes input, std::size_t streams) {
  std::vector<Order> orders;
  auto const whole = input;
  for (; input.size() >= 3; input = input.subspan(3)) {
    auto const stream = std::to_integer<std::size_t>(input[0]) % streams;
    auto const wanted = std::to_integer<std::size_t>(input[1]) | std::to_integer<std::size_t>(input[2]) << 8;
    auto const from = whole.subspan(orders.size() % whole.size());
    orders.push_back({stream, from.first(std::min(wanted, from.size()))});
  }
  return orders;
}

std::vector<std::array<std::byte, 16>> by_lanes(std::vector<Order> const& orders, std::size_t streams, Md5Isa isa) {
  std::vector<Md5> digests(streams);
  std::vector<Md5Piece> pieces;
  std::set<std::size_t> busy;
  for (auto const& order : orders) {
    if (!busy.insert(order.stream).second) {
      md5_update(pieces, isa);
      pieces.clear();
      busy = {order.stream};
    }
    pieces.push_back({&digests[order.stream], order.bytes});
  }
  md5_update(pieces, isa);
  std::vector<std::array<std::byte, 16>> all;
  for (auto const& digest : digests) all.push_back(digest.finish());
  return all;
}

std::vector<std::array<std::byte, 16>> by_openssl(std::vector<Order> const& orders, std::size_t streams) {
  std::vector<std::array<std::byte, 16>> all(streams);
  auto* const context = EVP_MD_CTX_new();
  for (std::size_t stream = 0; stream < streams; ++stream) {
    if (EVP_DigestInit_ex(context, EVP_md5(), nullptr) != 1) std::abort();
    for (auto const& order : orders) {
      if (order.stream == stream) EVP_DigestUpdate(context, order.bytes.data(), order.bytes.size());
    }
    EVP_DigestFinal_ex(context, reinterpret_cast<unsigned char*>(all[stream].data()), nullptr);
  }
  EVP_MD_CTX_free(context);
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* input, std::size_t size) {
  if (size < 4) return 0;
  auto const streams = 1 + input[0] % 48u;
  auto const orders = orders_in(std::as_bytes(std::span(input, size)).subspan(1), streams);
  auto const expected = by_openssl(orders, streams);
  for (auto const isa : {Md5Isa::kBaseline, Md5Isa::kAvx2, Md5Isa::kAvx512}) {
    if (!md5_runs(isa) || by_lanes(orders, streams, isa) == expected) continue;
    std::fprintf(stderr, "md5_lanes_fuzz: instruction set %d differs from OpenSSL\n", static_cast<int>(isa));
    std::abort();
  }
  return 0;
}

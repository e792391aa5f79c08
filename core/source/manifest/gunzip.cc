#include "core/source/manifest/gunzip.h"

#include <zlib.h>

#include <algorithm>
#include <cassert>
#include <string>

namespace sluice::source::manifest {
namespace {

constexpr int kGzipOnly = 15 + 16;  // the largest window, and no other header than gzip's (zlib.h, inflateInit2)

}  // namespace

struct Gunzip::Stream {
  z_stream z{};
};

Gunzip::Gunzip() : stream_(std::make_unique<Stream>()) {
  auto const code = ::inflateInit2(&stream_->z, kGzipOnly);
  assert(code == Z_OK);  // nothing but want of memory can fail here
  static_cast<void>(code);
}

Gunzip::~Gunzip() { ::inflateEnd(&stream_->z); }

Result<Gunzip::Moved> Gunzip::run(std::span<std::byte const> packed, std::span<std::byte> into) {
  if (packed.empty()) return Moved{};
  if (between_members_ && packed.front() == std::byte{0}) {
    auto const end = std::ranges::find_if(packed, [](std::byte b) { return b != std::byte{0}; });
    return Moved{.read = static_cast<std::size_t>(end - packed.begin())};
  }
  auto& z = stream_->z;
  if (between_members_) ::inflateReset(&z);
  between_members_ = false;
  z.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));  // zlib only reads it
  z.avail_in = static_cast<uInt>(packed.size());
  z.next_out = reinterpret_cast<Bytef*>(into.data());
  z.avail_out = static_cast<uInt>(into.size());
  auto const code = ::inflate(&z, Z_NO_FLUSH);
  Moved const moved{packed.size() - z.avail_in, into.size() - z.avail_out};
  read_ += moved.read;
  written_ += moved.written;
  between_members_ = code == Z_STREAM_END;
  if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
    return fail(Fault::kRejected, "is no gzip file, or damaged near byte " + std::to_string(read_));
  if (written_ > kUnpackedMax)
    return fail(Fault::kRejected, "unpacks to more than " + std::to_string(kUnpackedMax >> 30) + " GiB");
  if (written_ > kRatioFrom && written_ / kRatioMax > read_)
    return fail(Fault::kRejected, "unpacks to more than " + std::to_string(kRatioMax) + " times its size");
  return moved;
}

}  // namespace sluice::source::manifest

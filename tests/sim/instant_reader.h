// instant_reader.h - a reader without threads: it reads where it is asked (the contract: core/ports/reader.h).
//
// The guard is the production one (upload::GuardedRange); only the time of reading differs, and that there is
// never nothing to hand out.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "core/base/text.h"
#include "core/ports/reader.h"
#include "core/upload/guarded_range.h"
#include "core/upload/leaves.h"
#include "core/upload/md5_lanes.h"

namespace sluice::sim {

class InstantReader final : public ports::Reader {
 public:
  std::shared_ptr<ports::FileBody> read(std::shared_ptr<ports::OpenFile> file, ports::FileRange range) override {
    return std::make_shared<Body>(std::move(file), range);
  }

 private:
  class Body final : public ports::FileBody {
   public:
    Body(std::shared_ptr<ports::OpenFile> file, ports::FileRange const& range)
        : range_(std::move(file), range),
          leaves_(range.admitted.size_bytes, range.offset_bytes),
          size_bytes_(range.length_bytes),
          hashed_(range.hashed) {}

    std::uint64_t size_bytes() const override { return size_bytes_; }
    std::optional<std::string> md5_hex() const override { return md5_hex_; }
    std::optional<std::string> leaf_hashes() const override {
      return range_.left_bytes() == 0 ? std::optional(leaves_.hashes()) : std::nullopt;
    }

    Result<std::optional<std::size_t>> read(std::span<std::byte> into) override {
      SLUICE_TRY(got, range_.read(into));
      leaves_.update(into.first(got));
      if (!hashed_ || got == 0) return got;
      upload::Md5Piece piece{&md5_, into.first(got)};
      upload::md5_update({&piece, 1});
      if (range_.left_bytes() == 0) md5_hex_ = to_hex(md5_.finish());
      return got;
    }

   private:
    upload::GuardedRange range_;
    upload::Md5 md5_;
    upload::LeafHasher leaves_;
    std::uint64_t size_bytes_;
    bool hashed_;
    std::optional<std::string> md5_hex_ = {};
  };
};

}  // namespace sluice::sim

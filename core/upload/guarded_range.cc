#include "core/upload/guarded_range.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sluice::upload {

GuardedRange::GuardedRange(std::shared_ptr<ports::OpenFile> file, ports::FileRange const& range)
    : file_(std::move(file)), range_(range) {}

Result<std::size_t> GuardedRange::read(std::span<std::byte> into) {
  if (failure_) return std::unexpected(*failure_);
  auto got = read_next(into);
  if (!got) failure_ = got.error();
  return got;
}

Result<std::size_t> GuardedRange::read_next(std::span<std::byte> into) {
  assert(!into.empty());
  if (!started_) {
    SLUICE_CHECK(check_print());
    started_ = true;
  }
  auto const wanted = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left_bytes()));
  SLUICE_CHECK(fill(into.first(wanted)));
  done_bytes_ += wanted;
  if (left_bytes() == 0 && !ended_) {
    SLUICE_CHECK(check_print());  // before the last piece leaves this function (D33)
    ended_ = true;
  }
  return wanted;
}

// Reads until `into` is full; a file that ends before is not the one that was admitted.
Result<void> GuardedRange::fill(std::span<std::byte> into) const {
  auto at = range_.offset_bytes + done_bytes_;
  while (!into.empty()) {
    SLUICE_TRY(got, file_->read_at(into, at));
    if (got == 0) {
      return fail(Fault::kSourceChanged, "the file ends at byte " + std::to_string(at) + ", before its admitted size",
                  "source_changed");
    }
    assert(got <= into.size());
    into = into.subspan(got);
    at += got;
  }
  return {};
}

Result<void> GuardedRange::check_print() const {
  SLUICE_TRY(print, file_->print());
  auto const writer = file_->writer_since();
  if (writer == ports::Writer::kPresent)
    return fail(Fault::kLocal, "a program opened the file for writing while it was read", ports::kBeingWritten);
  if (print == range_.admitted) return {};
  // A lease that held all the while proves the content; a rename or a chmod shows in the ctime alone.
  if (writer == ports::Writer::kNone && print.differs_in_ctime_only(range_.admitted)) return {};
  return fail(Fault::kSourceChanged, "the file changed after it was admitted", "source_changed");
}

}  // namespace sluice::upload

#include "core/platform/form_body.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace sluice::platform {
namespace {

// Copies what is left of `text` after `done`, as much as fits, and moves `done` on.
std::size_t copy_some(std::string const& text, std::size_t& done, std::span<std::byte> into) {
  auto const count = std::min(into.size(), text.size() - done);
  if (count > 0) std::memcpy(into.data(), text.data() + done, count);
  done += count;
  return count;
}

}  // namespace

FormBody::FormBody(std::string before, std::shared_ptr<ports::Body> file, std::string after)
    : before_(std::move(before)), file_(std::move(file)), after_(std::move(after)) {
  assert(file_ != nullptr);
}

std::uint64_t FormBody::size_bytes() const { return before_.size() + file_->size_bytes() + after_.size(); }

void FormBody::on_more(std::function<void()> notice) { file_->on_more(std::move(notice)); }

Result<std::optional<std::size_t>> FormBody::read(std::span<std::byte> into) {
  if (failure_) return std::unexpected(*failure_);
  auto got = read_next(into);
  if (!got) failure_ = got.error();
  return got;
}

Result<std::optional<std::size_t>> FormBody::read_next(std::span<std::byte> into) {
  assert(!into.empty());
  if (auto const copied = copy_some(before_, before_done_, into); copied > 0) return copied;
  if (!file_ended_) {
    SLUICE_TRY(got, read_file(into));
    if (!got || *got > 0) return got;
  }
  return copy_some(after_, after_done_, into);
}

Result<std::optional<std::size_t>> FormBody::read_file(std::span<std::byte> into) {
  SLUICE_TRY(got, file_->read(into));
  if (!got) return got;
  file_done_bytes_ += *got;
  file_ended_ = *got == 0;
  bool const too_few = file_ended_ && file_done_bytes_ < file_->size_bytes();
  if (too_few || file_done_bytes_ > file_->size_bytes()) {
    return fail(
        Fault::kSourceChanged,
        "the file gave " + std::to_string(file_done_bytes_) + " bytes of " + std::to_string(file_->size_bytes()),
        "source_changed");
  }
  return got;
}

}  // namespace sluice::platform

#include "core/source/manifest/lines.h"

#include <algorithm>

namespace sluice::source::manifest {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

void Lines::feed(std::string_view bytes) {
  buffer_.erase(0, used_);
  scanned_ -= used_;
  used_ = 0;
  buffer_.append(bytes);
}

Line Lines::cut(std::size_t text_bytes, std::size_t end_bytes) {
  Line line{.text = std::string_view(buffer_).substr(used_, text_bytes), .place = next_, .too_long = dropped_ > 0};
  next_.line += end_bytes > 0 ? 1 : 0;  // what may come behind it is the same line yet
  next_.offset += dropped_ + text_bytes + end_bytes;
  used_ += text_bytes + end_bytes;
  scanned_ = used_;
  dropped_ = 0;
  if (line.text.size() > kLineBytesMax) line.too_long = true;
  if (line.too_long) line.text = {};
  if (line.text.ends_with('\r')) line.text.remove_suffix(1);
  if (line.place.offset == 0 && line.text.starts_with(kByteOrderMark)) line.text.remove_prefix(kByteOrderMark.size());
  return line;
}

std::optional<Line> Lines::next() {
  auto const end = buffer_.find('\n', std::max(scanned_, used_));
  if (end != std::string::npos) return cut(end - used_, 1);
  scanned_ = buffer_.size();
  if (buffer_.size() - used_ > kLineBytesMax) {  // its beginning is not needed any more
    dropped_ += buffer_.size() - used_;
    used_ = buffer_.size();
  }
  return std::nullopt;
}

std::optional<Line> Lines::rest() {
  if (auto line = next()) return line;
  if (used_ == buffer_.size() && dropped_ == 0) return std::nullopt;
  return cut(buffer_.size() - used_, 0);
}

}  // namespace sluice::source::manifest

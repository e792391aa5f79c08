#include "core/source/manifest/reader.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "core/base/sha256.h"
#include "core/base/text.h"
#include "core/source/manifest/finish_entry.h"

namespace sluice::source::manifest {
namespace {

std::size_t first_bad_byte(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    auto const length = utf8_length(text.substr(at));
    if (length == 0) break;
    at += length;
  }
  return at;
}

bool is_utf16(std::string_view head) { return head.starts_with("\xFF\xFE") || head.starts_with("\xFE\xFF"); }

}  // namespace

Reader::Reader(std::string root, std::string name, Mark mark)
    : root_(std::move(root)), name_(std::move(name)), mark_(std::move(mark)) {}

void Reader::forget_file() {
  stream_.reset();
  format_.reset();
  head_.clear();
  recent_.clear();
  before_mark_.clear();
  before_at_ = 0;
  found_mark_ = false;
  again_from_.reset();
}

std::string Reader::fingerprint() const {
  if (mark_.place.offset == 0) return {};
  auto const before = std::min<std::uint64_t>(mark_.place.offset, kPrintedBytes);
  auto const behind = static_cast<std::size_t>(stream_->at() - mark_.place.offset);
  auto const reaches_back = recent_.size() >= behind + before;
  if (!reaches_back && before_at_ != mark_.place.offset) return {};  // then the file is read again: keys are known
  auto const last = reaches_back ? recent_.substr(recent_.size() - behind - before, before) : before_mark_;
  auto const sum = sha256(head_.substr(0, before) + last);
  return to_hex(std::span(sum).first(16));
}

// Of what was read, what the next fingerprint needs.
void Reader::keep_recent() {
  auto const behind = static_cast<std::size_t>(stream_->at() - mark_.place.offset);
  auto const needed = behind + static_cast<std::size_t>(std::min<std::uint64_t>(mark_.place.offset, kPrintedBytes));
  if (recent_.size() > needed) recent_.erase(0, recent_.size() - needed);
  if (recent_.size() <= 2 * kRecentKept) return;
  if (before_at_ != mark_.place.offset) {
    before_mark_ = recent_.substr(0, needed - behind);
    before_at_ = mark_.place.offset;
  }
  recent_.erase(0, recent_.size() - kRecentKept);
}

Result<std::size_t> Reader::read_on() {
  SLUICE_TRY(got, stream_->read(chunk_));
  auto const from = stream_->at() - got;
  if (head_.size() < kPrintedBytes && from <= head_.size() && head_.size() < stream_->at())
    head_.append(chunk_, static_cast<std::size_t>(head_.size() - from), kPrintedBytes - head_.size());
  recent_.append(chunk_);
  return got;
}

// Whether the file by that name is not the one that was read so far, as far as its print tells.
bool Reader::is_other(ports::FilePrint const& print) {
  if (mark_.inode != 0 && print.inode != mark_.inode) return true;
  return stream_ != nullptr && print.size_bytes < stream_->file_at();
}

Result<void> Reader::open(ports::Files& files, ports::FilePrint const& print, Batch& batch) {
  if (is_other(print)) {
    batch.began_anew = mark_.place.offset > 0;
    mark_ = {};
    forget_file();
  }
  // Touched: is what was read in it yet? What is compressed would have to be read whole for that, and is where it
  // cannot have been appended to.
  auto const touched = print.mtime_ns != print_.mtime_ns;
  if (stream_ && touched && (stream_->can_seek() || print.size_bytes <= print_.size_bytes)) forget_file();
  print_ = print;
  if (stream_) return {};
  SLUICE_TRY(file, files.open(root_, name_));
  stream_ = std::make_unique<Stream>(std::move(file), is_packed(name_));
  return {};
}

// The first lines, for a format that has a header: as many bytes are read as they have.
Result<void> Reader::prime(Batch& batch) {
  format_ = format_for(name_);
  Lines lines;
  Found unheeded;
  lines.feed(recent_);
  while (format_->needs_head() && !unheeded.refused) {
    if (auto const line = lines.next()) {
      if (!line->too_long) format_->take(*line, unheeded);
      continue;
    }
    SLUICE_TRY(got, read_on());
    if (got == 0) break;
    lines.feed(chunk_);
  }
  if (unheeded.refused) batch.found.refused = unheeded.refused;
  return {};
}

// Reads up to the mark, which may take several steps. Returns  whether the mark was found.
Result<bool> Reader::find_mark(Batch& batch) {
  auto const target = mark_.place.offset;
  if (!format_) {
    SLUICE_TRY(got, read_on());
    if (is_utf16(head_)) batch.found.refused = "is UTF-16; save it as UTF-8";
    if (target > 0) SLUICE_CHECK(prime(batch));
    if (stream_->can_seek() && got > 0) {
      stream_->seek(target - std::min<std::uint64_t>(target, kPrintedBytes));
      recent_.clear();
    }
  }
  for (std::size_t passed = 0; stream_->at() < target;) {
    if (passed >= kPassedPerStep) return false;
    SLUICE_TRY(got, read_on());
    if (got == 0) break;
    passed += got;
    if (recent_.size() > 2 * Stream::kBytesPerRead + kPrintedBytes)
      recent_.erase(0, recent_.size() - Stream::kBytesPerRead - kPrintedBytes);
  }
  if (stream_->at() >= target && (target == 0 || fingerprint() == mark_.fingerprint)) return true;
  batch.began_anew = true;
  mark_ = {};
  forget_file();
  return false;
}

Result<void> Reader::begin(Batch& batch) {
  SLUICE_TRY(found, find_mark(batch));
  if (!found) return {};
  found_mark_ = true;
  format_ = mark_.place.offset == 0 ? format_for(name_) : std::move(format_);
  lines_ = Lines(mark_.place);
  auto const behind = static_cast<std::size_t>(stream_->at() - mark_.place.offset);
  lines_.feed(std::string_view(recent_).substr(recent_.size() - behind));
  return {};
}

void Reader::take(Line const& line, Found& found) {
  if (line.too_long) return found.fail(line.place, kLineBytesMax + 1, "is longer than 64 KiB");
  if (!is_utf8(line.text)) return found.fail(line.place, first_bad_byte(line.text) + 1, "is no UTF-8");
  format_->take(line, found);
}

// An error in there may be for want of the rest, and is none yet.
void Reader::take_last(Batch& batch) {
  if (stream_->is_inside()) {
    batch.unfinished = "the compressed file ends in its middle";
    return;
  }
  auto const begin = format_->held().value_or(lines_.place());
  Found last;
  if (auto const line = lines_.rest()) {
    batch.lines += 1;
    take(*line, last);
    again_from_ = begin;
  }
  format_->finish(last);
  std::ranges::move(last.entries, std::back_inserter(batch.found.entries));
  if (last.refused) batch.found.refused = std::move(last.refused);
  if (last.errors.empty()) return;
  auto const& error = last.errors.front();
  if (again_from_)
    batch.unfinished = "its last line, " + std::to_string(error.place.line) + ", has no end yet, and " + error.reason;
  else
    std::ranges::move(last.errors, std::back_inserter(batch.found.errors));
}

Result<void> Reader::read_lines(std::size_t lines_max, bool take_rest, Batch& batch) {
  auto& found = batch.found;
  for (std::size_t bytes = 0; batch.lines < lines_max && !found.refused;) {
    if (auto const line = lines_.next()) {
      batch.lines += 1;
      take(*line, found);
      continue;
    }
    if (bytes >= kBytesPerStep) return {};
    SLUICE_TRY(got, read_on());
    bytes += got;
    lines_.feed(chunk_);
    if (got > 0) continue;
    batch.at_end = true;
    if (take_rest) take_last(batch);
    auto const is_open = format_->held() || lines_.place().offset < stream_->at() || stream_->is_inside();
    batch.has_rest = is_open || !batch.unfinished.empty();
    return {};
  }
  return {};
}

void Reader::finish(Batch& batch) {
  auto& found = batch.found;
  std::size_t kept = 0;
  for (auto& entry : found.entries) {
    if (auto reason = finish_entry(entry))
      found.fail(entry.place, 0, *std::move(reason));
    else if (auto& place = found.entries[kept++]; &place != &entry)
      place = std::move(entry);
  }
  found.entries.resize(kept);
  std::ranges::stable_sort(found.errors, {}, [](LineError const& error) { return error.place.offset; });
  mark_.place = again_from_ ? *again_from_ : format_->held().value_or(lines_.place());
  mark_.inode = print_.inode;
  keep_recent();
  mark_.fingerprint = fingerprint();
}

Result<Batch> Reader::step(ports::Files& files, std::size_t lines_max, bool take_rest) {
  Batch batch;
  SLUICE_TRY(print, files.stat(root_, name_));
  SLUICE_CHECK(open(files, print, batch));
  batch.print = print;
  if (!found_mark_) SLUICE_CHECK(begin(batch));
  if (found_mark_ && !batch.found.refused) {
    SLUICE_CHECK(read_lines(lines_max, take_rest, batch));
    finish(batch);
    if (again_from_) forget_file();
  }
  if (batch.found.refused) mark_ = {};  // once it is mended all of it counts
  batch.mark = mark_;
  return batch;
}

}  // namespace sluice::source::manifest

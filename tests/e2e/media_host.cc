#include "media_host.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "tests/network/stream.h"

namespace sluice::e2e {
namespace {

constexpr std::size_t kSliceBytes = 64 * 1024;

std::string header_of(std::string const& head, std::string const& name) {
  auto const at = head.find(name + ": ");
  if (at == std::string::npos) return "";
  auto const begin = at + name.size() + 2;
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

}  // namespace

MediaHost::~MediaHost() {
  {
    std::lock_guard const lock(mutex_);
    ending_ = true;
  }
  moved_.notify_all();
  acceptor_.stop();
}

void MediaHost::serve(std::string const& name, std::string const& file) {
  std::ifstream in(file, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), {});
  std::lock_guard const lock(mutex_);
  contents_[name] = {.bytes = std::move(bytes), .etag = "\"v" + std::to_string(++versions_) + "\""};
}

void MediaHost::redirect(std::string const& name, std::string const& target) {
  std::lock_guard const lock(mutex_);
  contents_[name] = {.target = target};
}

void MediaHost::break_off(int answers, std::uint64_t after_bytes) {
  std::lock_guard const lock(mutex_);
  breaking_ = answers;
  break_after_ = after_bytes;
}

void MediaHost::hold_after(std::uint64_t bytes) {
  std::lock_guard const lock(mutex_);
  held_at_ = bytes;
}

void MediaHost::release() {
  {
    std::lock_guard const lock(mutex_);
    held_at_ = ~std::uint64_t{0};
  }
  moved_.notify_all();
}

std::uint64_t MediaHost::bytes_sent() const {
  std::lock_guard const lock(mutex_);
  return sent_;
}

std::string MediaHost::requests() const {
  std::lock_guard const lock(mutex_);
  return heads_;
}

void MediaHost::answer_all(int fd) {
  network::Stream stream(fd);
  while (true) {
    auto const head = stream.read_request();
    if (head.empty() || !answer(fd, head)) return;
  }
}

bool MediaHost::answer(int fd, std::string const& head) {
  Content content;
  bool breaks = false;
  bool gives_ranges = true;
  {
    std::lock_guard const lock(mutex_);
    heads_ += head;
    auto const begin = head.find('/') + 1;
    auto const found = contents_.find(head.substr(begin, head.find_first_of(" ?", begin) - begin));
    if (found == contents_.end()) return network::send_all(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    content = found->second;
    breaks = breaking_ > 0 && breaking_-- > 0;
    gives_ranges = ranges_;
  }
  if (!content.target.empty())
    return network::send_all(fd, "HTTP/1.1 302 Found\r\nLocation: " + content.target + "\r\nContent-Length: 0\r\n\r\n");
  auto const range = header_of(head, "range");
  auto const wanted = header_of(head, "if-range");
  auto const total = content.bytes.size();
  std::string status = "200 OK";
  std::string more;
  std::size_t first = 0;
  std::size_t last = total - 1;
  if (gives_ranges && !range.empty() && (wanted.empty() || wanted == content.etag)) {
    char* end = nullptr;
    first = std::strtoull(range.c_str() + std::string_view("bytes=").size(), &end, 10);
    last = std::min<std::size_t>(std::strtoull(end + 1, nullptr, 10), total - 1);
    status = "206 Partial Content";
    more = "Content-Range: bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" + std::to_string(total) +
           "\r\n";
  }
  auto const text = "HTTP/1.1 " + status + "\r\nContent-Type: video/mp4\r\nETag: " + content.etag +
                    "\r\nContent-Length: " + std::to_string(last - first + 1) + "\r\n" + more + "\r\n";
  return network::send_all(fd, text) &&
         send_body(fd, std::string_view(content.bytes).substr(first, last - first + 1), breaks, first > 0);
}

bool MediaHost::send_body(int fd, std::string_view body, bool breaks, bool may_be_held) {
  std::uint64_t done = 0;
  while (done < body.size()) {
    auto slice = body.substr(done, kSliceBytes);
    {
      std::unique_lock lock(mutex_);
      if (breaks && done >= break_after_) return false;
      if (breaks) slice = slice.substr(0, break_after_ - done);
      moved_.wait(lock, [&] { return ending_ || !may_be_held || sent_ < held_at_; });
      if (ending_) return false;
      sent_ += slice.size();
    }
    if (!network::send_all(fd, slice)) return false;
    done += slice.size();
  }
  return true;
}

}  // namespace sluice::e2e

#include "hasher.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <span>

#include "digest.h"

namespace sluice::emulator {

namespace {

constexpr std::size_t kReadBytes = 1U << 20U;
constexpr std::size_t kHeadBytes = 16;

}  // namespace

Hasher::Hasher(std::function<void(Result const&)> done) : done_(std::move(done)), thread_([this] { run(); }) {}

Hasher::~Hasher() {
  {
    std::lock_guard const lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Hasher::add(Job job) {
  {
    std::lock_guard const lock(mutex_);
    jobs_.push_back(std::move(job));
    ++added_;
  }
  changed_.notify_all();
}

void Hasher::wait_for_earlier() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this, ticket = added_] { return finished_ >= ticket || stopping_; });
}

void Hasher::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    auto const job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    done_(hash(job));
    lock.lock();
    ++finished_;
    changed_.notify_all();
  }
}

Hasher::Result Hasher::hash(Job const& job) {
  Digest digest(Digest::Kind::kSha256);
  Result result{job.asset_id, {}, {}};
  std::vector<std::byte> buffer(kReadBytes);
  for (auto const& part : job.parts) {
    int const fd = open(part.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;  // a missing part shows as a wrong digest
    for (ssize_t got = 0; !stopping_ && (got = read(fd, buffer.data(), buffer.size())) > 0;) {
      auto const bytes = std::span(buffer).first(static_cast<std::size_t>(got));
      digest.update(bytes);
      auto const wanted = std::min(kHeadBytes - result.head.size(), bytes.size());
      result.head.append(reinterpret_cast<char const*>(bytes.data()), wanted);
    }
    close(fd);
    if (job.remove_parts) unlink(part.c_str());
  }
  result.sha256 = digest.hex();
  return result;
}

}  // namespace sluice::emulator

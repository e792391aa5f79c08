#include "daemon/file_workers.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/text.h"
#include "core/upload/guarded_range.h"
#include "core/upload/leaves.h"
#include "core/upload/md5_lanes.h"

namespace sluice::daemon {
namespace {

constexpr std::size_t kLanesMax = 32;           // measured: AVX-512 hashes 32 at once best, AVX2 16 (md5_lanes.h)
constexpr std::size_t kSliceBytes = 32 * 1024;  // so that the slices of a round fit into a core's own cache
constexpr std::size_t kFreeBlocksKept = 16;     // when nothing is being read
constexpr std::chrono::seconds kHangMax{2};

using Block = std::unique_ptr<std::byte[]>;

struct Filled {
  Block block;
  std::size_t bytes = 0;
  std::size_t taken = 0;
};

// One range on its way. What the worker in charge uses is marked; the rest is under the pool's mutex.
struct Stream {
  Stream(std::shared_ptr<ports::OpenFile> opened, ports::FileRange const& what)
      : file(std::move(opened)),
        range(file, what),
        leaves(what.admitted.size_bytes, what.offset_bytes),
        offset_bytes(what.offset_bytes),
        length_bytes(what.length_bytes),
        left_bytes(what.length_bytes),
        device(what.admitted.device),
        hashed(what.hashed) {}

  // The worker's.
  std::shared_ptr<ports::OpenFile> file;
  upload::GuardedRange range;
  upload::Md5 md5;
  upload::LeafHasher leaves;
  bool begun = false;
  bool fetched = false;  // from the disk, on our account

  std::uint64_t const offset_bytes;
  std::uint64_t const length_bytes;
  std::uint64_t left_bytes;  // not read yet
  std::uint64_t device;
  bool hashed;
  bool in_work = false;   // a worker has it
  bool in_queue = false;  // it waits for one
  bool let_go = false;    // its body is gone
  bool starved = false;   // its body was asked in vain
  std::deque<Filled> filled;
  std::optional<Error> failure;
  std::optional<std::string> md5_hex;
  std::optional<std::string> leaf_hashes;
  std::function<void()> notice;

  bool wants_block() const {
    return !let_go && !failure && left_bytes > 0 && filled.size() < FileWorkers::kBlocksPerBody;
  }
};
using StreamRef = std::shared_ptr<Stream>;

// What a worker does in one round for one stream.
struct Portion {
  StreamRef stream;
  Filled filled = {};
  std::optional<Error> failure = {};
};

// What the page cache is told before a range and behind it (D37).
void begin_or_end(Stream& stream) {
  if (!std::exchange(stream.begun, true))
    stream.fetched = stream.file->expect(stream.offset_bytes, stream.length_bytes);
  else if (stream.fetched && stream.range.left_bytes() == 0)
    stream.file->release(stream.offset_bytes, stream.length_bytes);
}

// Reads and hashes slice by slice, so that a slice is hashed before it leaves the cache.
void read_and_hash(std::vector<Portion>& portions) {
  std::vector<upload::Md5Piece> pieces;
  for (auto& portion : portions) begin_or_end(*portion.stream);
  for (std::size_t at = 0; at < FileWorkers::kBlockBytes; at += kSliceBytes) {
    pieces.clear();
    for (auto& portion : portions) {
      if (portion.failure || portion.filled.bytes != at) continue;  // failed, at its end, or read as a whole
      auto const hashed = portion.stream->hashed;
      auto const slice = std::span(portion.filled.block.get() + at, hashed ? kSliceBytes : FileWorkers::kBlockBytes);
      auto const got = portion.stream->range.read(slice);
      if (!got) {
        portion.failure = got.error();
        continue;
      }
      portion.filled.bytes += *got;
      portion.stream->leaves.update(slice.first(*got));
      if (hashed && *got > 0) pieces.push_back({&portion.stream->md5, slice.first(*got)});
    }
    upload::md5_update(pieces);
  }
  for (auto& portion : portions) begin_or_end(*portion.stream);
}

}  // namespace

struct FileWorkers::Pool {
  explicit Pool(std::size_t blocks, unsigned count) : blocks_max(blocks), threads(count) {}

  std::mutex mutable mutex;
  std::condition_variable work;   // for workers: something to read, or the end
  std::condition_variable ended;  // for the destructor
  std::list<StreamRef> queue;     // streams that want a block; each at most once
  std::map<std::uint64_t, unsigned> at_device;
  std::vector<Block> free_blocks;
  std::size_t blocks_made = 0;
  std::size_t const blocks_max;
  unsigned const threads;
  std::size_t streams = 0;
  unsigned running = 0;
  bool stopping = false;

  bool has_block() const { return !free_blocks.empty() || blocks_made < blocks_max; }

  Block take_block() {
    if (free_blocks.empty()) {
      ++blocks_made;
      return std::make_unique_for_overwrite<std::byte[]>(kBlockBytes);
    }
    auto block = std::move(free_blocks.back());
    free_blocks.pop_back();
    return block;
  }

  void give_back(Block block) {
    free_blocks.push_back(std::move(block));
    if (!queue.empty()) work.notify_one();
  }

  void enqueue(StreamRef const& stream) {
    if (stream->in_work || stream->in_queue || !stream->wants_block()) return;
    stream->in_queue = true;
    queue.push_back(stream);
    if (is_due()) work.notify_one();
  }

  // A round is cheapest with many streams side by side, so it waits until one has nothing left to send, or half of
  // them want a block.
  bool is_due() const {
    return 2 * queue.size() >= streams ||
           std::ranges::any_of(queue, [](StreamRef const& stream) { return stream->filled.empty(); });
  }

  bool may_serve(std::uint64_t device) const {
    auto const at = at_device.find(device);
    return at == at_device.end() || at->second < std::max(1u, threads - 1);
  }

  std::vector<Portion> next_round();
  void publish(std::vector<Portion>& round);
  void live();
  void let_go(Stream& stream);
};

// The longest waiting streams of one device, each with a block to fill. Under the mutex.
std::vector<Portion> FileWorkers::Pool::next_round() {
  std::vector<Portion> round;
  for (auto at = queue.begin(); at != queue.end() && round.size() < kLanesMax && has_block();) {
    auto const& stream = *at;
    auto const wrong_device = round.empty() ? !may_serve(stream->device) : stream->device != round[0].stream->device;
    if (stream->wants_block() && wrong_device) {
      ++at;
      continue;
    }
    stream->in_queue = false;
    if (stream->wants_block()) {
      stream->in_work = true;
      round.push_back({.stream = stream, .filled = {.block = take_block()}});
    }
    at = queue.erase(at);
  }
  if (!round.empty()) ++at_device[round[0].stream->device];
  return round;
}

// Hands over what a round brought, and wakes whoever waits for it. Under the mutex.
void FileWorkers::Pool::publish(std::vector<Portion>& round) {
  auto const at = at_device.find(round[0].stream->device);
  if (--at->second == 0) at_device.erase(at);
  for (auto& [stream, filled, failure] : round) {
    stream->in_work = false;
    stream->left_bytes -= std::min<std::uint64_t>(stream->left_bytes, filled.bytes);
    if (failure) stream->failure = std::move(failure);
    if (!stream->failure && stream->left_bytes == 0) {
      stream->leaf_hashes = stream->leaves.hashes();
      if (stream->hashed) stream->md5_hex = to_hex(stream->md5.finish());
    }
    if (stream->let_go || stream->failure)
      give_back(std::move(filled.block));
    else
      stream->filled.push_back(std::move(filled));
    if (std::exchange(stream->starved, false) && stream->notice) stream->notice();
    enqueue(stream);
  }
}

void FileWorkers::Pool::live() {
  std::unique_lock lock(mutex);
  while (!stopping) {
    auto round = is_due() ? next_round() : std::vector<Portion>();
    if (round.empty()) {
      work.wait(lock);
      continue;
    }
    lock.unlock();
    read_and_hash(round);
    lock.lock();
    publish(round);
    lock.unlock();
    round.clear();  // the last to hold a stream closes its file, which may take time
    lock.lock();
  }
  --running;
  ended.notify_all();
}

void FileWorkers::Pool::let_go(Stream& stream) {
  std::lock_guard const lock(mutex);
  stream.let_go = true;
  stream.notice = {};
  for (auto& filled : stream.filled) give_back(std::move(filled.block));
  stream.filled.clear();
  if (--streams > 0 || free_blocks.size() <= kFreeBlocksKept) return;
  blocks_made -= free_blocks.size() - kFreeBlocksKept;
  free_blocks.resize(kFreeBlocksKept);
}

class FileWorkers::StreamBody final : public ports::FileBody {
 public:
  StreamBody(std::shared_ptr<Pool> pool, StreamRef stream)
      : pool_(std::move(pool)), stream_(std::move(stream)), size_bytes_(stream_->left_bytes) {}
  ~StreamBody() override { pool_->let_go(*stream_); }
  StreamBody(StreamBody const&) = delete;
  StreamBody& operator=(StreamBody const&) = delete;

  std::uint64_t size_bytes() const override { return size_bytes_; }

  void on_more(std::function<void()> notice) override {
    std::lock_guard const lock(pool_->mutex);
    stream_->notice = std::move(notice);
  }

  std::optional<std::string> md5_hex() const override {
    std::lock_guard const lock(pool_->mutex);
    return handed_out_bytes_ == size_bytes_ ? stream_->md5_hex : std::nullopt;
  }

  std::optional<std::string> leaf_hashes() const override {
    std::lock_guard const lock(pool_->mutex);
    return handed_out_bytes_ == size_bytes_ ? stream_->leaf_hashes : std::nullopt;
  }

  Result<std::optional<std::size_t>> read(std::span<std::byte> into) override {
    std::size_t done = 0;
    while (done < into.size() && handed_out_bytes_ < size_bytes_) {
      SLUICE_TRY(filled, front(done == 0));
      if (filled == nullptr) break;
      auto const count = std::min(into.size() - done, filled->bytes - filled->taken);
      std::memcpy(into.data() + done, filled->block.get() + filled->taken, count);
      filled->taken += count;
      done += count;
      handed_out_bytes_ += count;
      if (filled->taken == filled->bytes) drop_front();
    }
    if (done == 0 && handed_out_bytes_ < size_bytes_) return std::nullopt;
    return done;
  }

 private:
  // The block to copy from, null if there is none yet. It stays where it is without the mutex, since only this
  // body takes blocks away.
  Result<Filled*> front(bool or_starve) {
    std::lock_guard const lock(pool_->mutex);
    if (!stream_->filled.empty()) return &stream_->filled.front();
    if (!or_starve) return nullptr;
    if (stream_->failure) return std::unexpected(*stream_->failure);
    if (pool_->stopping) return fail(Fault::kLocal, "the daemon is stopping");
    stream_->starved = true;
    return nullptr;
  }

  void drop_front() {
    std::lock_guard const lock(pool_->mutex);
    pool_->give_back(std::move(stream_->filled.front().block));
    stream_->filled.pop_front();
    pool_->enqueue(stream_);
  }

  std::shared_ptr<Pool> pool_;
  StreamRef stream_;
  std::uint64_t size_bytes_;
  std::uint64_t handed_out_bytes_ = 0;
};

FileWorkers::FileWorkers(std::uint64_t memory_bytes, unsigned threads)
    : pool_(std::make_shared<Pool>(static_cast<std::size_t>(memory_bytes / kBlockBytes), threads)) {
  assert(memory_bytes >= kMemoryMin && threads > 0);
}

void FileWorkers::start_threads() {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, &before);  // signals are the loop's
  pool_->running = pool_->threads;
  for (unsigned i = 0; i < pool_->threads; ++i) threads_.emplace_back([pool = pool_] { pool->live(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

FileWorkers::~FileWorkers() {
  std::unique_lock lock(pool_->mutex);
  pool_->stopping = true;
  pool_->work.notify_all();
  auto const all_ended = pool_->ended.wait_for(lock, kHangMax, [this] { return pool_->running == 0; });
  lock.unlock();
  for (auto& thread : threads_) all_ended ? thread.join() : thread.detach();
}

std::shared_ptr<ports::FileBody> FileWorkers::read(std::shared_ptr<ports::OpenFile> file, ports::FileRange range) {
  assert(range.length_bytes > 0);
  auto stream = std::make_shared<Stream>(std::move(file), range);
  auto body = std::make_shared<StreamBody>(pool_, stream);
  std::lock_guard const lock(pool_->mutex);
  if (threads_.empty()) start_threads();
  ++pool_->streams;
  pool_->enqueue(stream);
  return body;
}

std::uint64_t FileWorkers::memory_in_use_bytes() const {
  std::lock_guard const lock(pool_->mutex);
  return pool_->blocks_made * kBlockBytes;
}

unsigned FileWorkers::usual_threads() { return std::clamp(std::thread::hardware_concurrency(), 2u, 4u); }

}  // namespace sluice::daemon

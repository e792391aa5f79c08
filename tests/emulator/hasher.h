// hasher.h - one background thread that reads finished objects and takes their SHA-256.
//
// An object is the ordered list of its part files; it is never copied together. Nobody's upload waits
// for this thread; an asset merely cannot become `ready` before its object has been hashed.

#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sluice::emulator {

class Hasher {
 public:
  struct Job {
    std::string asset_id;
    std::vector<std::filesystem::path> parts;  // in order
    bool remove_parts;                         // once read
  };
  struct Result {
    std::string asset_id;
    std::string sha256;
    std::string head;  // the first bytes of the object, at most 16
  };
  // `done` is called on the hasher's thread.
  explicit Hasher(std::function<void(Result const&)> done);
  ~Hasher();
  Hasher(Hasher const&) = delete;
  Hasher& operator=(Hasher const&) = delete;

  void add(Job job);
  // Returns when every job added before this call is done, or the hasher stops.
  void wait_for_earlier();

 private:
  void run();
  Result hash(Job const& job);

  std::function<void(Result const&)> done_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::uint64_t added_ = 0;
  std::uint64_t finished_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;  // last: it uses all the others
};

}  // namespace sluice::emulator

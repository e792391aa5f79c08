// file_workers.h - threads that read source files ahead of the wire and hash them while the bytes are hot
// (the contract: core/ports/reader.h).
//
// A body is a short queue of blocks. A worker takes up to kLanesMax bodies that have room, reads a slice of each,
// hashes the slices side by side (core/upload/md5_lanes), and so on until each has its block; the loop copies
// blocks into libcurl's buffer and gives them back. Hashing side by side is why one worker serves many bodies:
// MD5 of one chunk costs 1.2 CPU s per GB, of sixteen at once a sixth.
//
// Memory: blocks are made once and used again; all of them together never exceed `memory_bytes`. A body holds at
// most kBlocksPerBody; where there is none left a body waits until another gives one back, which is when its
// peer takes bytes or its call ends.
//
// Slow disks: the bodies of one worker's round are of one device, and one worker at least stays free of each
// device where there are two, so that a mount that hangs holds up only its own files.
//
// Page cache (D37): a range whose first byte is not in it is asked for whole, and let go of when it was read; what
// others had brought in stays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "core/ports/reader.h"

namespace sluice::daemon {

class FileWorkers final : public ports::Reader {
 public:
  static constexpr std::size_t kBlockBytes = 256 * 1024;
  static constexpr std::size_t kBlocksPerBody = 3;  // one with the wire, one ready, one being read
  static constexpr std::uint64_t kMemoryMin = 2 * kBlockBytes;

  // The threads begin with the first read.
  // Requires  memory_bytes >= kMemoryMin, threads > 0.
  explicit FileWorkers(std::uint64_t memory_bytes, unsigned threads = usual_threads());
  // Bodies may outlive it; they then fail. A thread that hangs in a read for 2 s is left behind.
  ~FileWorkers() override;
  FileWorkers(FileWorkers const&) = delete;
  FileWorkers& operator=(FileWorkers const&) = delete;

  std::shared_ptr<ports::FileBody> read(std::shared_ptr<ports::OpenFile> file, ports::FileRange range) override;

  // Bytes of all blocks there are, in use or not.
  std::uint64_t memory_in_use_bytes() const;

  static unsigned usual_threads();  // two to four, by the processors of this host

 private:
  struct Pool;
  class StreamBody;
  void start_threads();

  std::shared_ptr<Pool> pool_;
  std::vector<std::thread> threads_;
};

}  // namespace sluice::daemon

// loop_disk.h - a disk of its own for a test: ext4 on a loop device, whose power can be cut.
//
// A cut is EXT4_IOC_SHUTDOWN without flushing the log: from then on nothing reaches the disk, and what was
// not flushed before is gone, as when the power fails. Needs root, loop devices and mkfs.ext4; where they
// are missing, why_not() says so and the tests are skipped.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::e2e {

class LoopDisk {
 public:
  // Why there can be none here, as a sentence; "" if there can.
  static std::string why_not();

  // Makes the image file and mounts it at `folder`, which is made if it is not there; it belongs to nobody
  // else. Throws std::runtime_error.
  LoopDisk(std::string image, std::string folder, std::uint64_t bytes = std::uint64_t{64} << 20U);
  ~LoopDisk();  // unmounts
  LoopDisk(LoopDisk const&) = delete;
  LoopDisk& operator=(LoopDisk const&) = delete;

  std::string const& folder() const { return folder_; }
  // Cuts the power. Every program that has a file on it open must be ended before power_on().
  void cut() const;
  // Mounts it again, which replays the file system's log. Requires: cut() was called, and nobody uses it.
  void power_on();
  // Empty and new.
  void format();

 private:
  void mount() const;
  void unmount() const;

  std::string image_;
  std::string folder_;
  std::string device_;
};

}  // namespace sluice::e2e

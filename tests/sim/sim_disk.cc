#include "tests/sim/sim_disk.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

namespace sluice::sim {
namespace {

constexpr std::uint64_t kSectorBytes = 512;

void put(std::string& content, std::uint64_t offset, std::string_view bytes) {
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size(), '\0');
  std::memcpy(content.data() + offset, bytes.data(), bytes.size());
}

std::string_view fault_name(DiskCall call, DiskError error) {
  if (error == DiskError::kFull) return "disk.full";
  if (error == DiskError::kReadOnly) return "disk.read_only";
  if (error == DiskError::kNoDescriptors) return "disk.no_descriptors";
  switch (call) {
    case DiskCall::kOpen: return "disk.open_failed";
    case DiskCall::kRead: return "disk.read_failed";
    case DiskCall::kWrite: return "disk.write_failed";
    case DiskCall::kSync: return "disk.sync_failed";
    case DiskCall::kTruncate: return "disk.truncate_failed";
    case DiskCall::kDelete: return "disk.delete_failed";
    case DiskCall::kSize: return "disk.size_failed";
  }
  return "disk.failed";
}

}  // namespace

std::string_view name_of(DiskCall call) {
  static constexpr std::string_view kNames[] = {"open", "read", "write", "sync", "truncate", "delete", "size"};
  return kNames[static_cast<std::size_t>(call)];
}

void SimDisk::fail_at(DiskCall call, std::uint64_t nth, DiskError error, bool for_good) {
  armed_ = Armed{call, calls(call) + nth, error, for_good};
}

void SimDisk::heal() {
  armed_.reset();
  full_ = false;
  probability_ = 0;
}

std::optional<DiskError> SimDisk::trouble(DiskCall call) {
  auto const nth = ++calls_[static_cast<std::size_t>(call)];
  if (frozen_) return DiskError::kIo;  // nobody hears of it: the process is dead
  std::optional<DiskError> error;
  if (armed_ && armed_->call == call && (nth == armed_->at || (armed_->for_good && nth > armed_->at)))
    error = armed_->error;
  else if (full_ && call == DiskCall::kWrite)
    error = DiskError::kFull;
  else if (probability_ > 0 && dice_.chance(probability_))
    error = call == DiskCall::kOpen ? DiskError::kNoDescriptors : DiskError::kIo;
  if (error) count(fault_name(call, *error));
  return error;
}

void SimDisk::write(File& file, std::uint64_t offset, std::string_view bytes) {
  put(file.seen, offset, bytes);
  file.unsynced.push_back({.offset = offset, .bytes = std::string(bytes)});
}

void SimDisk::truncate(File& file, std::uint64_t size) {
  file.seen.resize(size, '\0');
  file.unsynced.push_back({.cut_to = size});
}

void SimDisk::sync(File& file) {
  for (auto const& write : file.unsynced)
    if (write.cut_to)
      file.held.resize(*write.cut_to, '\0');
    else
      put(file.held, write.offset, write.bytes);
  file.unsynced.clear();
  file.name_held = true;
}

void SimDisk::fail_sync(File& file) {
  std::ranges::move(file.unsynced, std::back_inserter(file.never));
  file.unsynced.clear();
}

// Each write for itself: the medium keeps no order that was not asked for by a sync.
void SimDisk::lose_power(File& file) {
  for (auto const& write : file.never) count(write.cut_to ? "disk.truncate_lost" : "disk.write_lost_after_failed_sync");
  for (auto& write : file.unsynced) {
    auto const roll = dice_.unit();
    if (write.cut_to) {
      if (roll < 0.5)
        count("disk.truncate_lost");
      else
        file.held.resize(*write.cut_to, '\0');
    } else if (roll < 0.4) {
      count("disk.write_lost");
    } else if (roll < 0.7) {
      put(file.held, write.offset, write.bytes);
      count("disk.write_kept");
    } else {
      count("disk.write_torn");
      for (std::uint64_t at = 0; at < write.bytes.size(); at += kSectorBytes)
        if (dice_.chance(0.5))
          put(file.held, write.offset + at, std::string_view(write.bytes).substr(at, kSectorBytes));
    }
  }
  file.unsynced.clear();
  file.never.clear();
  file.seen = file.held;
}

void SimDisk::cut_power() {
  count("disk.power_cut");
  for (auto& [name, file] : removed_)
    if (!files_.contains(name) && dice_.chance(0.5)) {
      count("disk.removal_lost");
      files_[name] = file;
    }
  removed_.clear();
  for (auto& [name, file] : files_) lose_power(*file);
  std::erase_if(files_, [this](auto const& named) {
    if (named.second->name_held || dice_.chance(0.5)) return false;
    count("disk.name_lost");
    return true;
  });
}

SimDisk::Image SimDisk::image() const {
  Image all;
  for (auto const& [name, file] : files_) all[name] = file->seen;
  return all;
}

}  // namespace sluice::sim

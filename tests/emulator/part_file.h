// part_file.h - a file that is being received: it disappears unless somebody keeps it.

#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace sluice::emulator {

class PartFile {
 public:
  PartFile() = default;
  ~PartFile();
  PartFile(PartFile const&) = delete;
  PartFile& operator=(PartFile const&) = delete;

  // Creates folder/name, and the folder if need be. Throws std::runtime_error if it cannot.
  void open(std::filesystem::path const& folder, std::string const& name);
  // Appends all of `bytes`. Throws std::runtime_error, for instance on a full disk.
  void write(std::span<std::byte const> bytes);
  void close();
  // From now on the file stays. Returns its path.
  std::filesystem::path keep();

  static void remove(std::filesystem::path const& path);

 private:
  int fd_ = -1;
  std::filesystem::path path_;  // empty: none open, or kept
};

}  // namespace sluice::emulator

#include "part_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace sluice::emulator {

PartFile::~PartFile() {
  close();
  if (!path_.empty()) remove(path_);
}

void PartFile::open(std::filesystem::path const& folder, std::string const& name) {
  std::filesystem::create_directories(folder);
  path_ = folder / name;
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd_ < 0) throw std::runtime_error("cannot create " + path_.string() + ": " + std::strerror(errno));
}

void PartFile::write(std::span<std::byte const> bytes) {
  while (!bytes.empty()) {
    auto const written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw std::runtime_error("cannot write " + path_.string() + ": " + std::strerror(errno));
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void PartFile::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::filesystem::path PartFile::keep() { return std::exchange(path_, {}); }

void PartFile::remove(std::filesystem::path const& path) { unlink(path.c_str()); }

}  // namespace sluice::emulator

#include "daemon/random_linux.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

namespace sluice::daemon {

std::uint64_t RandomLinux::bits() {
  if (left_ == 0) {
    // Up to 256 bytes a call is whole or fails (getrandom(2)); 512 may be cut short by a signal.
    auto* to = reinterpret_cast<unsigned char*>(buffer_.data());
    for (std::size_t done = 0; done < sizeof buffer_;) {
      auto const got = ::getrandom(to + done, sizeof buffer_ - done, 0);
      if (got > 0) {
        done += static_cast<std::size_t>(got);
      } else if (got < 0 && errno != EINTR) {
        std::abort();
      }
    }
    left_ = buffer_.size();
  }
  return buffer_[--left_];
}

}  // namespace sluice::daemon

// notify_socket.h - the service supervisor's end of sd_notify: what a daemon says of itself.
//
// Let it live only while somebody listens: a socket that nobody reads would in the end stop the daemon
// in its sd_notify. The daemon finds it by its path, so a test may make it anew while the daemon runs.
#pragma once

#include <string>
#include <string_view>

#include "until.h"

namespace sluice::e2e {

class NotifySocket {
 public:
  // Throws std::runtime_error.
  explicit NotifySocket(std::string path);
  ~NotifySocket();
  NotifySocket(NotifySocket const&) = delete;
  NotifySocket& operator=(NotifySocket const&) = delete;

  // Reads until something with `word` in it comes. Returns false when nothing came for `patience`, or the
  // process of the descriptor has ended.
  bool hears(std::string_view word, Millis patience, int process_descriptor) const;

 private:
  std::string path_;
  int fd_ = -1;
};

}  // namespace sluice::e2e

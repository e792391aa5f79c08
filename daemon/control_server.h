// control_server.h - HTTP/1.1 over the Unix socket: whole requests come out, answers go in.
//
// The server never acts and never decides: it reads requests, bounded in size, number and time, keeps
// each connection suspended, and hands whole requests to the loop through collect(). It has no thread:
// the loop polls fd() and calls run(). Who may do what is settled here, by may_do() of
// control_access.h, before anybody sees the request; one that is refused never comes out of collect().
// The one home of the HTTP library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/time.h"
#include "daemon/control_access.h"

namespace sluice::daemon {

struct ControlRequest {
  std::uint64_t id = 0;
  std::string method = {};  // "GET", "HEAD", "POST"
  std::string path = {};    // still percent-encoded, so that an encoded '/' stays inside its segment
  std::map<std::string, std::string> query = {};  // decoded; the last of a repeated key wins
  std::string body = {};
  Peer peer = {};
};

struct ControlReply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body = {};
};

struct ControlLimits {
  unsigned connections = 64;             // more wait in the kernel's queue
  std::size_t body_bytes = 1024 * 1024;  // a longer request body is answered 413
  Millis timeout{30'000};                // for a request to come in whole, and for its answer to be taken
};

class ControlServer {
 public:
  // Binds the socket at `path` and listens. The mode is 0660 before the first connection can be made,
  // whatever the umask. A stale socket (nobody answers) is replaced; anything else that is there is not.
  // Fails  kLocal: the path is too long, its folder is missing, something else is there, or another
  //        process listens; the text says which.
  static Result<std::unique_ptr<ControlServer>> open(std::string const& path, ControlLimits limits = {});

  // Answers what is pending with 503, closes, and unlinks the socket if it is still ours.
  ~ControlServer();
  ControlServer(ControlServer const&) = delete;
  ControlServer& operator=(ControlServer const&) = delete;

  int fd() const;  // readable while there is something to run or to collect
  // How long the loop may sleep at most, for the timeouts' sake; nothing: as long as it likes.
  std::optional<Millis> sleep_at_most() const;
  void run();  // moves bytes, and ends connections whose time is up; never blocks

  // The requests that came in whole since the last time. Each waits, as long as it takes, for one
  // answer(); the order is that of their arrival.
  std::vector<ControlRequest> collect();

  // Answers a request; the bytes leave at once, or as the peer takes them. An id that is unknown, was answered, or
  // whose peer has gone is ignored.
  void answer(std::uint64_t id, ControlReply reply);

 private:
  class Impl;
  explicit ControlServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::daemon

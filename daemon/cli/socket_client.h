// socket_client.h - HTTP/1.1 over the daemon's Unix socket, one connection per question.
//
// Blocking, with plain sockets, and bounded: 5 s to connect, 60 s for the whole answer, 64 KiB of head,
// 64 MiB of body. It reads answers with a Content-Length only, which the daemon's always have.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/base/time.h"
#include "daemon/cli/client.h"

namespace sluice::cli {

inline constexpr std::size_t kHeadMax = 64 * 1024;
inline constexpr std::size_t kBodyMax = 64 * 1024 * 1024;

class SocketClient : public Client {
 public:
  explicit SocketClient(std::string path, Millis timeout = Millis(60'000))
      : path_(std::move(path)), timeout_(timeout) {}
  Result<Answer> ask(Question const& question) override;

 private:
  std::string path_;
  Millis timeout_;
};

struct AnswerHead {
  int status = 0;
  std::size_t body_bytes = 0;
};

// Reads the status line and the header fields, up to and without the empty line.
// Fails  kProtocol: not HTTP/1.x, no or several Content-Length, one above kBodyMax, or chunked coding.
Result<AnswerHead> read_head(std::string_view head);

}  // namespace sluice::cli

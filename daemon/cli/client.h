// client.h - asks the daemon one thing and waits for the answer.
#pragma once

#include <string>

#include "core/base/error.h"

namespace sluice::cli {

struct Question {
  std::string method = "GET";
  std::string target = {};  // path and query, percent-encoded
  std::string body = {};    // JSON; sent with POST only
};

struct Answer {
  int status = 0;    // any HTTP status
  std::string body;  // JSON
};

class Client {
 public:
  virtual ~Client() = default;

  // Fails  kOffline: no daemon answers; the text says where and why, and `code` is "no_socket",
  //        "nobody_listens", "denied" or "no_answer". kProtocol: what answers is no daemon of ours.
  virtual Result<Answer> ask(Question const& question) = 0;
};

}  // namespace sluice::cli

// http.h - the HTTP side: a blocking server, one thread per connection, bodies handed on as they come.
//
// This is the only home of libmicrohttpd. A request becomes an `Exchange`: made when the headers are
// in, fed with the body piece by piece, asked for its reply at the end. Since each connection has its
// own thread, an exchange may simply block (a delay, a rate limit, a disk write): the kernel then stops
// reading, which is what a slow peer looks like from outside.
//
// An exchange that is destroyed without `finish` having been called has been cut by the client.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text.h"

namespace sluice::emulator {

struct Request {
  std::string method;
  std::string raw_path;   // as on the request line, without the query
  std::string raw_query;  // as on the request line, without the '?'
  Pairs headers;          // names in lower case
  Pairs query;            // decoded
  std::uint64_t ordinal;  // 1 for the first request of its connection

  // Returns the first value, or "" if the header is absent.
  std::string_view header(std::string_view lower_case_name) const;
  bool has_header(std::string_view lower_case_name) const;
  // Returns nullopt when there is no Content-Length that can be read.
  std::optional<std::uint64_t> content_length() const;
};

struct Reply {
  int status = 200;
  std::string body = {};
  std::string content_type = {};
  Pairs headers = {};
};

// What ends a request that gets no reply.
enum class Cut {
  kClose,  // the connection is closed in good order, without one byte of an answer
  kReset,  // TCP RST
};

// Either a reply, or how the connection ends instead.
struct Outcome {
  std::optional<Reply> reply;
  Cut cut = Cut::kClose;
};

class Exchange {
 public:
  Exchange() = default;
  Exchange(Exchange const&) = delete;
  Exchange& operator=(Exchange const&) = delete;
  virtual ~Exchange() = default;

  // Asked once, before the body, when the client waits for "100 Continue": a reply here refuses the body.
  virtual std::optional<Reply> refuse_body() { return std::nullopt; }
  // Takes the next bytes of the body. Returns false to have the connection reset now.
  virtual bool take(std::span<std::byte const> bytes) = 0;
  // Called after the last byte of the body, once.
  virtual Outcome finish() = 0;
};

using Begin = std::function<std::unique_ptr<Exchange>(Request)>;

class Listener;

class HttpServer {
 public:
  // Starts to serve on `listener`, whose socket it takes over. Throws std::runtime_error if it cannot.
  HttpServer(Listener& listener, Begin begin);
  // Cuts what is under way and joins every thread.
  ~HttpServer();
  HttpServer(HttpServer const&) = delete;
  HttpServer& operator=(HttpServer const&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::emulator

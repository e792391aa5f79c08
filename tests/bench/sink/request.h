// request.h - the head of an HTTP/1.1 request, as far as the sink needs it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::bench {

struct Request {
  std::string method;
  std::string path;   // without the query
  std::string query;  // without the '?'
  std::string content_type;
  std::uint64_t body_bytes = 0;
  bool expects_continue = false;
  bool closes = false;
};

struct Reply {
  int status = 200;
  std::string body = {};  // JSON; may be empty
  std::string etag = {};  // with its quotes; empty for none
};

// Reads a head that ends before the empty line. Nothing when it is none, or its body has no stated length.
std::optional<Request> parse_head(std::string_view head);

std::string to_wire(Reply const& reply, bool closes);

}  // namespace sluice::bench

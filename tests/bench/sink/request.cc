#include "request.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace sluice::bench {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string_view trimmed(std::string_view text) {
  auto const first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool read_header(Request& request, std::string_view line) {
  auto const colon = line.find(':');
  if (colon == std::string_view::npos) return false;
  auto const name = lower(line.substr(0, colon));
  auto const value = trimmed(line.substr(colon + 1));
  if (name == "content-length") {
    auto const end = value.data() + value.size();
    return std::from_chars(value.data(), end, request.body_bytes).ptr == end;
  }
  if (name == "transfer-encoding") return false;  // R23: no chunked transfer coding
  if (name == "content-type") request.content_type = lower(value);
  if (name == "expect") request.expects_continue = lower(value) == "100-continue";
  if (name == "connection") request.closes = lower(value) == "close";
  return true;
}

std::string_view reason_of(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 400: return "Bad Request";
    default: return "Not Found";
  }
}

}  // namespace

std::optional<Request> parse_head(std::string_view head) {
  auto const line_end = std::min(head.find("\r\n"), head.size());
  auto const line = head.substr(0, line_end);
  auto const first = line.find(' ');
  auto const second = line.rfind(' ');
  if (first == std::string_view::npos || second <= first || !line.ends_with(" HTTP/1.1")) return std::nullopt;
  Request request;
  request.method = line.substr(0, first);
  auto const target = line.substr(first + 1, second - first - 1);
  auto const mark = std::min(target.find('?'), target.size());
  request.path = target.substr(0, mark);
  if (mark < target.size()) request.query = target.substr(mark + 1);
  head.remove_prefix(std::min(line_end + 2, head.size()));
  while (!head.empty()) {
    auto const end = std::min(head.find("\r\n"), head.size());
    if (!read_header(request, head.substr(0, end))) return std::nullopt;
    head.remove_prefix(std::min(end + 2, head.size()));
  }
  return request;
}

std::string to_wire(Reply const& reply, bool closes) {
  auto text = "HTTP/1.1 " + std::to_string(reply.status) + ' ' + std::string(reason_of(reply.status)) + "\r\n";
  if (!reply.etag.empty()) text += "ETag: " + reply.etag + "\r\n";
  if (!reply.body.empty()) text += "Content-Type: application/json\r\n";
  if (closes) text += "Connection: close\r\n";
  return text + "Content-Length: " + std::to_string(reply.body.size()) + "\r\n\r\n" + reply.body;
}

}  // namespace sluice::bench

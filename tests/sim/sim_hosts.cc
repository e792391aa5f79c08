#include "tests/sim/sim_hosts.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <span>

namespace sluice::sim {

using ports::Reply;

namespace {

std::string header_of(ports::Call const& call, std::string_view name) {
  auto const found = std::ranges::find(call.headers, name, &std::pair<std::string, std::string>::first);
  return found == call.headers.end() ? std::string() : found->second;
}

std::string etag_of(Content const& content) { return '"' + std::to_string(content.seed) + '"'; }

// So many of its bytes from `begin`, cut off where the caller takes no more.
void give(Reply& reply, Content const& content, std::uint64_t begin, std::uint64_t bytes, std::size_t bytes_max) {
  reply.is_cut = bytes > bytes_max;
  auto payload = std::make_shared<std::string>(std::min<std::uint64_t>(bytes, bytes_max), '\0');
  content.fill(std::as_writable_bytes(std::span(*payload)), begin);
  reply.payload = std::move(payload);
}

}  // namespace

std::string without_query(std::string const& url) { return url.substr(0, url.find('?')); }

bool SimHosts::plays(std::string const& host) const {
  return std::ranges::any_of(media_, [&](auto const& medium) { return host_of(medium.first) == host; });
}

Reply SimHosts::serve(ports::Call const& call) {
  auto const url = without_query(std::get<SecretUrl>(call.target).reveal_for_wire());
  if (auto const moved = moved_.find(url); moved != moved_.end()) {
    ++fired_["host.redirects"];
    return {.status = 302, .headers = {{"location", moved->second}}, .body = {}};
  }
  auto const medium = media_.find(url);
  if (medium == media_.end() && !plays(host_of(url))) {
    ++fired_["host.refuses"];
    return {.status = 403, .headers = {}, .body = {}};
  }
  if (medium == media_.end()) return {.status = 404, .headers = {{"content-type", "text/html"}}, .body = {}};
  auto const& content = medium->second.back();
  auto const bytes_max = call.stranger ? call.stranger->body_bytes_max : 0;
  Reply reply{.status = 200, .headers = {{"etag", etag_of(content)}, {"content-type", "video/mp4"}}, .body = {}};
  unsigned long long first = 0, last = 0;
  auto const if_range = header_of(call, "if-range");
  auto const is_range = std::sscanf(header_of(call, "range").c_str(), "bytes=%llu-%llu", &first, &last) == 2;
  if (!is_range || (!if_range.empty() && if_range != etag_of(content))) {
    if (is_range) ++fired_["host.content_changed"];
    give(reply, content, 0, content.size_bytes, bytes_max);
    return reply;
  }
  auto const total = std::to_string(content.size_bytes);
  if (first >= content.size_bytes) {
    reply.status = 416;
    reply.headers.emplace_back("content-range", "bytes */" + total);
    return reply;
  }
  last = std::min<unsigned long long>(last, content.size_bytes - 1);
  reply.status = 206;
  reply.headers.emplace_back("content-range",
                             "bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" + total);
  give(reply, content, first, last - first + 1, bytes_max);
  return reply;
}

}  // namespace sluice::sim

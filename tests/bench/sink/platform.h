// platform.h - what the sink answers: the part of the API that uploads need, and a record of what came.
//
// Nothing is checked and no byte is kept. An ETag is `sink-` and a number, so that it cannot be taken for
// an MD5: a client that verifies ETags hashes all the same, and has nothing to compare with (R33).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "options.h"
#include "request.h"

namespace sluice::bench {

// Times are CLOCK_MONOTONIC in nanoseconds, so that another process of this host can subtract its own; 0 for never.
struct Record {
  std::uint64_t body_bytes = 0;  // of uploads, finished or not
  std::uint64_t puts = 0;
  std::uint64_t direct_uploads = 0;
  std::uint64_t sessions = 0;
  std::uint64_t assets_arrived = 0;
  std::uint64_t api_requests = 0;
  std::uint64_t asset_reads = 0;  // of them: GET /assets and GET /assets/{id}
  std::uint64_t connections = 0;
  std::int64_t first_byte_ns = 0;  // of an upload body
  std::int64_t last_put_ns = 0;
  std::int64_t last_arrival_ns = 0;  // the last asset whose bytes were all there
};

class Platform {
 public:
  explicit Platform(Options const& options) : options_(options) {}
  void listens_at(std::string base_url, std::string store_url);

  // Whether the bytes of this request's body are dropped as they come; else answer() wants them.
  static bool drops_body(Request const& request);
  void dropped(std::size_t bytes);
  void connected() { ++record_.connections; }
  Reply answer(Request const& request, std::string_view body);

 private:
  struct Session {
    std::string asset_id;
    std::uint64_t total_bytes;
    std::uint32_t chunks;
    std::vector<bool> reported;
    std::uint32_t completed = 0;
  };

  Reply answer_api(Request const& request, std::string_view path, std::string_view body);
  Reply open_session(std::string_view body);
  Reply of_session(Request const& request, std::string_view rest, std::string_view body);
  Reply report(Session& session, std::string_view body);
  Reply more_urls(std::string const& id, Session const& session, std::string_view body) const;
  Reply status(std::string const& id, Session const& session, std::string_view query) const;
  Reply list_assets(std::string_view query) const;
  Reply asset(std::string const& id, int status) const;
  Reply record() const;
  std::string new_id();
  std::string url(std::string const& id, std::uint64_t index) const;

  Options const& options_;
  std::string base_url_;
  std::string store_url_;
  Record record_;
  std::uint64_t ids_ = 0;
  std::unordered_map<std::string, Session> sessions_;
};

}  // namespace sluice::bench

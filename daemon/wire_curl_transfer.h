// wire_curl_transfer.h - one call in the air as libcurl sees it: its handle, its callbacks, and how it ended.
//
// For daemon/wire_curl only, which owns the transfers and moves them. The rules of what may be sent and how
// (K3, T1 to T7) are all in prepare(). Callbacks note, and never act.
#pragma once

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <expected>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "core/base/secret.h"
#include "core/budget/bandwidth.h"
#include "core/ports/wire.h"
#include "daemon/tls_words.h"
#include "daemon/wire_curl.h"
#include "daemon/wire_rules.h"

namespace sluice::daemon {

struct EasyCloser {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListCloser {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, EasyCloser>;
using Steady = std::chrono::steady_clock;

// The sockets of all connections. libcurl tells the ports of a call's connection, but its socket only once the call
// has ended.
class OpenSockets {
 public:
  curl_socket_t open(curl_sockaddr const& to);
  int close(curl_socket_t socket);
  // The one from this port to this address and port; CURL_SOCKET_BAD if it is closed.
  curl_socket_t between(int local_port, std::string const& peer_address, int peer_port) const;

  // The errno of the last open(), which libcurl does not keep; 0 if that went well.
  int open_error() const { return open_error_; }

 private:
  std::set<curl_socket_t> open_;
  int open_error_ = 0;
};

// What all uploads share while a bandwidth cap holds.
struct SendGate {
  budget::SendRate rate;
  std::deque<std::uint64_t> waiting;  // tickets, in the order in which they came to wait
  std::size_t sharers = 1;            // of what may leave now
};

// One call in the air. Its address is known to libcurl's callbacks, so it never moves.
struct Transfer {
  ports::Call call;
  Easy easy;
  std::unique_ptr<curl_slist, ListCloser> headers;
  std::string host;  // for texts
  bool is_storage = false;
  bool by_proxy = false;  // that of the configuration
  bool is_once = false;   // may libcurl send it a second time? never, then
  int sends = 0;          // how often a request began to leave
  std::uint64_t handed_out = 0;
  std::size_t header_bytes = 0;
  ports::Reply reply;
  std::string refused;            // why we ended it ourselves; empty if we did not
  std::string denied = {};        // of a stranger: the last address that was not connected to, and why
  bool has_open_address = false;  // and whether there was one that might be
  std::optional<Error> body_error;
  bool paused = false;   // until its body has more
  bool capped = false;   // until the gate lets it on
  bool starved = false;  // it was paused or capped, since the stall clock was looked at
  Steady::time_point paused_at{};
  std::array<char, CURL_ERROR_SIZE> detail{};
  SendGate* gate = nullptr;
  OpenSockets* sockets = nullptr;
  // Of its connection, once it has one.
  std::string peer_address = {};
  int local_port = 0, peer_port = 0;
  bool is_named = false;   // of a stranger: allow_hosts names it
  bool is_in_tls = false;  // the connection stands, and the handshake began
  std::shared_ptr<CertificateDays> refused_certificate = std::make_shared<CertificateDays>();

  Steady::time_point ways_since{};  // no connection that idles since before is used, nor an address from before

  Steady::time_point looked_at = Steady::now();  // the stall clock
  Steady::time_point moved_at = looked_at;       // when it last moved fast enough
  std::uint64_t bytes_then = 0;
  std::uint64_t bytes_per_s = 0;  // at the last look

  std::optional<std::uint64_t> acked_then = {};  // by the peer's kernel, when last asked
  Steady::time_point acked_at = Steady::now();   // when that was less, or nothing was owed

  std::uint64_t body_bytes() const { return call.body ? call.body->size_bytes() : call.text_body.size(); }
};

struct Place {
  std::string scheme;
  std::string host;
  std::uint16_t port = 0;
  bool is_loopback = false;
};

// Whether nothing was connected to, since every address that its host has is denied.
inline bool is_denied_everywhere(Transfer const& transfer) {
  return !transfer.denied.empty() && !transfer.has_open_address && transfer.sends == 0;
}

// Where a URL leads, read as libcurl will read it; or why it may not be used.
std::expected<Place, std::string> place_of(std::string const& url);

// Sets every option of the transfer's handle. Its `call`, `is_storage`, `is_once` and `host` are there already.
void prepare(Transfer& transfer, std::string const& url, bool is_loopback, ApiKey const& key, WireRoute const& route,
             std::string const& user_agent);

std::uint64_t bytes_sent(Transfer const& transfer);

BootTime gate_time();  // the gate's clock

// Why it ended without an answer, for people.
std::string text_of(Transfer const& transfer, CURLcode code);

// How often its bytes want to be counted for the stall rule.
Millis look_step(Transfer const& transfer);
// Whether it stalled: for its whole stall_limit is_too_slow(), counting what moved since the last look.
bool is_stalled(Transfer& transfer, LineSpeed const& line, Steady::time_point now);
// How long the peer has acknowledged nothing more of its body; nothing if it has none of it to acknowledge.
std::optional<ports::Quiet> quiet_for(Transfer& transfer, Steady::time_point now);
// Whether its own source has given nothing for the stall limit.
bool is_out_of_bytes(Transfer const& transfer, Steady::time_point now);

}  // namespace sluice::daemon

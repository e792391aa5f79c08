// wire_curl.h - the wire by libcurl's multi interface (the contract: core/ports/wire.h).
//
// One thread, no callback into the core: outcomes are gathered by pump() and handed out by collect().
// It never retries, never follows a redirect, keeps no cookies, reads no netrc, and speaks plain http
// to loopback addresses only (K3, T1 to T7).
//
// Sent once. libcurl repeats a request by itself when a kept-alive connection dies before the first
// byte of an answer, POSTs included, up to five times. Two locks stop it for calls that are not
// repeatable, for every PUT and for every streamed body: the body goes by a read callback that cannot
// be rewound, and a pre-request callback refuses the second send, which also holds where there is no
// body to rewind. The failure is then kAfterSend, and the decision is the caller's.
//
// Two kinds of handles. The API key is a header of the handles for targets beneath the base URL;
// presigned URLs go by handles that never had it (K3, R2). HTTP/1.1 for all: one call on a connection,
// so that no stall holds up others (B22, docs/adr/0008; HTTP/2 also cost 1.5 times the CPU for PUTs).
//
// Stalls. A call with a streamed body ends when it moved less than its stall_below_bytes_per_s for its
// stall_limit, by our own count of bytes; every other call ends when it took longer than its stall_limit
// as a whole. A connection must stand after 15 s.
//
// Trap: OpenSSL writes without MSG_NOSIGNAL, so making a WireCurl ignores SIGPIPE for the process.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/secret.h"
#include "core/base/time.h"
#include "core/ports/wire.h"

namespace sluice::daemon {

// A descriptor of somebody else's that wait() watches too: inotify, signals, control socket, workers.
struct ExtraFd {
  int fd = -1;            // a negative one is skipped
  bool readable = false;  // set by wait()
};

struct WireRoute {
  std::string ca_file = {};  // an extra trust root beside the system's, PEM; "" for none
  std::string proxy = {};    // "" for the usual *_proxy and no_proxy environment
};

class WireCurl final : public ports::Wire {
 public:
  // What libcurl holds for each streamed body in the air. Measured: 3.5 GB/s against 1.1 with the default.
  static constexpr std::uint64_t kUploadBufferBytes = 512 * 1024;

  // `base_url` has no '/' at its end that matters: "https://api.example/v1.3". A base URL that may not
  // be used (plain http to a host elsewhere) is not an error here; each call then fails with the reason.
  WireCurl(std::string base_url, ApiKey key, std::string user_agent, WireRoute route = {});
  ~WireCurl() override;  // calls still in the air end without an outcome
  WireCurl(WireCurl const&) = delete;
  WireCurl& operator=(WireCurl const&) = delete;

  // Takes the call; the first byte leaves in a later pump(). What can be refused at once (a URL that is
  // none, http elsewhere, a line break in a header, T4) comes back as an outcome, phase kBeforeSend.
  // Requires  a ticket that is not in the air; a target that begins with '/', unless it is presigned.
  void send(ports::Call call) override;

  std::vector<ports::Outcome> collect() override;
  std::size_t outcomes() const;                // how many collect() would give
  std::size_t in_air() const;                  // calls without an outcome yet
  void cancel(std::uint64_t ticket) override;  // also drops an outcome that was not collected yet
  std::uint64_t progress_bytes(std::uint64_t ticket) const override;
  // By what the kernel says the peer acknowledged, looked at with each call of this: to ask now and then is enough.
  std::optional<ports::Quiet> quiet(std::uint64_t ticket) const override;

  // Moves bytes: what the sockets take and give now, without waiting. Reads streamed bodies.
  void pump();

  // Sleeps until a socket or one of `fds` has something, wakeup() was called, or `timeout` is over. May return
  // early for no reason. Outcomes that wait to be collected do not end it: when to collect is the caller's matter.
  void wait(std::span<ExtraFd> fds, Millis timeout);

  void wakeup();             // ends wait(); the one function for other threads
  void set_key(ApiKey key);  // for calls sent from now on (K4)
  // How many bytes of payload all streamed bodies together may send in a second; nothing: as many as they can. Whoever
  // waits for that is no stalled upload.
  void set_send_rate(std::optional<std::uint64_t> bytes_per_s);
  std::optional<std::uint64_t> send_rate() const;
  // Connections that idle now are not used again by calls sent from now on, and names are looked up anew: the way to
  // the hosts was lost, or is another one.
  void forget_ways();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::daemon

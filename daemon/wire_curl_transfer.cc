#include "daemon/wire_curl_transfer.h"

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/base/ip_address.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "daemon/wire_rules.h"
#include "daemon/wire_trust.h"
#include "daemon/wire_words.h"

namespace sluice::daemon {
namespace {

using ports::Method;

constexpr std::size_t kHeaderBytesMax = 64 * kKiB;       // T5
constexpr std::size_t kApiBodyBytesMax = 8 * kMiB;       // T5
constexpr std::size_t kStorageBodyBytesMax = 64 * kKiB;  // T5
constexpr std::uint64_t kUploadBufferMin = 16 * kKiB;    // libcurl's own least
constexpr Millis kConnectMax{15'000};
constexpr long kNamesKeptSeconds = 60;                        // libcurl's default
constexpr long kIdleSecondsMax = 50;                          // below the 60 s after which common load balancers close
constexpr std::chrono::microseconds kRetransmitMin{200'000};  // Linux: TCP_RTO_MIN
constexpr int kLooksPerLimit = 8;                             // how often within a stall_limit the bytes are counted

struct UrlCloser {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct TextCloser {
  void operator()(char* text) const { curl_free(text); }
};

std::optional<IpAddress> address_of(sockaddr const* to) {
  IpAddress address{.is_v6 = to->sa_family == AF_INET6};
  if (address.is_v6) {
    std::memcpy(address.bytes.data(), &reinterpret_cast<sockaddr_in6 const*>(to)->sin6_addr, 16);
  } else if (to->sa_family == AF_INET) {
    std::memcpy(address.bytes.data(), &reinterpret_cast<sockaddr_in const*>(to)->sin_addr, 4);
  } else {
    return std::nullopt;
  }
  return address;
}

Transfer& transfer_of(void* who) { return *static_cast<Transfer*>(who); }

// ---- callbacks: they note, and never act ----

std::size_t on_read(char* to, std::size_t size, std::size_t count, void* who) {
  auto& transfer = transfer_of(who);
  auto const left = transfer.body_bytes() - transfer.handed_out;
  auto const room = static_cast<std::size_t>(std::min<std::uint64_t>(left, size * count));
  if (room == 0) return 0;
  if (!transfer.call.body) {
    std::memcpy(to, transfer.call.text_body.data() + transfer.handed_out, room);
    transfer.handed_out += room;
    return room;
  }
  auto const allowed = transfer.gate->rate.take(room, transfer.gate->sharers, gate_time());
  if (allowed == 0) {
    transfer.capped = transfer.starved = true;
    transfer.gate->waiting.push_back(transfer.call.ticket);
    return CURL_READFUNC_PAUSE;
  }
  auto got = transfer.call.body->read({reinterpret_cast<std::byte*>(to), allowed});
  transfer.gate->rate.give_back(allowed - (got ? got->value_or(0) : 0));
  if (got && *got == 0) got = fail(Fault::kSourceChanged, "the source ended before its promised size");
  if (!got) {
    transfer.body_error = std::move(got).error();
    return CURL_READFUNC_ABORT;
  }
  if (!*got) {
    transfer.paused = transfer.starved = true;
    transfer.paused_at = Steady::now();
    return CURL_READFUNC_PAUSE;
  }
  transfer.handed_out += **got;
  return **got;
}

int on_seek(void* who, curl_off_t offset, int origin) {
  auto& transfer = transfer_of(who);
  if (transfer.is_once || offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_FAIL;
  transfer.handed_out = 0;
  return CURL_SEEKFUNC_OK;
}

curl_socket_t on_open(void* sockets, curlsocktype, curl_sockaddr* to) {
  return static_cast<OpenSockets*>(sockets)->open(*to);
}

// Denies what is not public, whichever name led there. libcurl goes on to the name's next address, if it has one.
bool is_denied(Transfer& transfer, IpAddress const& address) {
  auto const& allowed = transfer.call.stranger->allowed;
  if (transfer.is_named || (allowed && allowed->opens(address))) return false;
  auto const range = denied_range(address);
  if (range.empty()) return false;
  transfer.denied = to_text(address) + " is " + std::string(range);
  return true;
}

curl_socket_t on_open_to_stranger(void* who, curlsocktype, curl_sockaddr* to) {
  auto& transfer = transfer_of(who);
  auto const address = address_of(&to->addr);
  if (!address || is_denied(transfer, *address)) return CURL_SOCKET_BAD;
  transfer.has_open_address = true;
  return transfer.sockets->open(*to);
}

int on_close(void* sockets, curl_socket_t socket) { return static_cast<OpenSockets*>(sockets)->close(socket); }

int on_prerequest(void* who, char* peer_address, char*, int peer_port, int local_port) {
  auto& transfer = transfer_of(who);
  transfer.local_port = local_port;
  transfer.peer_address = peer_address;
  transfer.peer_port = peer_port;
  if (transfer.call.stranger) {  // a connection that was there already was not opened for this call
    auto const address = read_ip_address(peer_address);
    if (!transfer.is_named && (!address || is_denied(transfer, *address))) return CURL_PREREQFUNC_ABORT;
  }
  if (transfer.is_once && transfer.sends == 1) {
    transfer.refused = "the kept-alive connection died before an answer came";
    return CURL_PREREQFUNC_ABORT;
  }
  ++transfer.sends;
  return CURL_PREREQFUNC_OK;
}

std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* who) {
  auto& transfer = transfer_of(who);
  std::string_view const line(bytes, size * count);
  transfer.header_bytes += line.size();
  if (transfer.header_bytes > kHeaderBytesMax) {
    transfer.refused = "the answer's headers are larger than 64 KiB";
    return 0;
  }
  if (line.starts_with("HTTP/")) transfer.reply.headers.clear();  // the one before was a 1xx
  auto const colon = line.find(':');
  if (colon != std::string_view::npos && colon > 0) {
    transfer.reply.headers.emplace_back(to_lower_ascii(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
  }
  return line.size();
}

// As much as may be is kept, and the rest is not read.
std::size_t on_write_of_stranger(Transfer& transfer, std::string_view bytes) {
  auto& body = transfer.reply.body;
  auto const bytes_max = transfer.call.stranger->body_bytes_max;
  if (body.empty()) {
    curl_off_t announced = 0;
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    body.reserve(std::min(bytes_max, static_cast<std::size_t>(std::max<curl_off_t>(announced, 0))));
  }
  auto const room = bytes_max - body.size();
  body.append(bytes.substr(0, room));
  if (bytes.size() <= room) return bytes.size();
  transfer.reply.is_cut = true;
  return 0;
}

std::size_t on_write(char* bytes, std::size_t size, std::size_t count, void* who) {
  auto& transfer = transfer_of(who);
  if (transfer.call.stranger) return on_write_of_stranger(transfer, {bytes, size * count});
  auto const bytes_max = transfer.is_storage ? kStorageBodyBytesMax : kApiBodyBytesMax;
  if (transfer.reply.body.size() + size * count > bytes_max) {
    transfer.reply.is_cut = transfer.call.status_is_all;
    if (transfer.reply.is_cut) return 0;
    transfer.refused = transfer.is_storage ? "the answer is larger than 64 KiB" : "the answer is larger than 8 MiB";
    return 0;
  }
  transfer.reply.body.append(bytes, size * count);
  return size * count;
}

// What the kernel knows of the call's connection. The bytes that it took from us say little: on a slow line it holds
// megabytes of them.
std::optional<tcp_info> tcp_of(Transfer const& transfer) {
  auto const socket = transfer.sockets->between(transfer.local_port, transfer.peer_address, transfer.peer_port);
  tcp_info tcp{};
  socklen_t size = sizeof tcp;
  if (socket == CURL_SOCKET_BAD || ::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &tcp, &size) != 0) return std::nullopt;
  return tcp;
}

CURLcode on_tls_context(CURL*, void* context, void* who) {
  auto& transfer = transfer_of(who);
  transfer.is_in_tls = true;
  note_refused_certificate(context, transfer.refused_certificate);
  return CURLE_OK;
}

// ---- preparing a call ----

template <class Value>
void set(Transfer const& transfer, CURLoption option, Value value) {
  [[maybe_unused]] auto const code = curl_easy_setopt(transfer.easy.get(), option, value);
  assert(code == CURLE_OK);  // the options are fixed here: a refusal means a libcurl older than 7.87
}

void add_header(Transfer& transfer, std::string const& line) {
  auto* longer = curl_slist_append(transfer.headers.get(), line.c_str());
  assert(longer != nullptr);
  transfer.headers.release();
  transfer.headers.reset(longer);
}

void set_headers(Transfer& transfer, ApiKey const& key) {
  bool has_type = false;
  for (auto const& [name, value] : transfer.call.headers) {
    has_type = has_type || equal_ignoring_case(name, "content-type");
    add_header(transfer, value.empty() ? name + ";" : name + ": " + value);  // libcurl's way to say: empty
  }
  add_header(transfer, "Expect:");  // measured: peers that ignore it cost 1 s a PUT
  if (!has_type) add_header(transfer, "Content-Type:");
  if (!transfer.is_storage && !key.empty()) add_header(transfer, "x-api-key: " + key.reveal_for_wire());
  set(transfer, CURLOPT_HTTPHEADER, transfer.headers.get());
}

void set_method(Transfer& transfer) {
  auto const size = static_cast<curl_off_t>(transfer.body_bytes());
  auto const method = transfer.call.method;
  if (method == Method::kPut) {
    set(transfer, CURLOPT_UPLOAD, 1L);
    set(transfer, CURLOPT_INFILESIZE_LARGE, size);
  } else if (method == Method::kGet || (method == Method::kDelete && size == 0)) {
    assert(size == 0);
    set(transfer, CURLOPT_HTTPGET, 1L);
  } else {
    set(transfer, CURLOPT_POST, 1L);
    set(transfer, CURLOPT_POSTFIELDSIZE_LARGE, size);
  }
  if (method == Method::kPatch) set(transfer, CURLOPT_CUSTOMREQUEST, "PATCH");
  if (method == Method::kDelete) set(transfer, CURLOPT_CUSTOMREQUEST, "DELETE");
  if (transfer.call.body)
    set(transfer, CURLOPT_UPLOAD_BUFFERSIZE,
        static_cast<long>(std::clamp(transfer.body_bytes(), kUploadBufferMin, WireCurl::kUploadBufferBytes)));
}

void set_callbacks(Transfer& transfer) {
  void* const who = &transfer;
  set(transfer, CURLOPT_PRIVATE, who);
  set(transfer, CURLOPT_READFUNCTION, &on_read);
  set(transfer, CURLOPT_READDATA, who);
  set(transfer, CURLOPT_SEEKFUNCTION, &on_seek);
  set(transfer, CURLOPT_SEEKDATA, who);
  set(transfer, CURLOPT_PREREQFUNCTION, &on_prerequest);
  set(transfer, CURLOPT_PREREQDATA, who);
  // A connection keeps the two of the call that opened it, and outlives that call.
  set(transfer, CURLOPT_OPENSOCKETFUNCTION, transfer.call.stranger ? &on_open_to_stranger : &on_open);
  set(transfer, CURLOPT_OPENSOCKETDATA, transfer.call.stranger ? who : static_cast<void*>(transfer.sockets));
  set(transfer, CURLOPT_CLOSESOCKETFUNCTION, &on_close);
  set(transfer, CURLOPT_CLOSESOCKETDATA, static_cast<void*>(transfer.sockets));
  set(transfer, CURLOPT_HEADERFUNCTION, &on_header);
  set(transfer, CURLOPT_HEADERDATA, who);
  set(transfer, CURLOPT_WRITEFUNCTION, &on_write);
  set(transfer, CURLOPT_WRITEDATA, who);
  set(transfer, CURLOPT_ERRORBUFFER, transfer.detail.data());
  set(transfer, CURLOPT_SSL_CTX_FUNCTION, &on_tls_context);
  set(transfer, CURLOPT_SSL_CTX_DATA, who);
}

void set_rules(Transfer& transfer, bool is_loopback, WireRoute const& route) {
  set(transfer, CURLOPT_PROTOCOLS_STR, is_loopback || transfer.is_named ? "http,https" : "https");  // T2, M23
  set(transfer, CURLOPT_FOLLOWLOCATION, 0L);                                                        // K3
  set(transfer, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(transfer, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(transfer, CURLOPT_SSL_VERIFYPEER, 1L);
  set(transfer, CURLOPT_SSL_VERIFYHOST, 2L);
  set(transfer, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(transfer, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  set(transfer, CURLOPT_PATH_AS_IS, 1L);  // dot segments are part of what a presigned URL signs
  set(transfer, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(transfer, CURLOPT_NOSIGNAL, 1L);
  set(transfer, CURLOPT_QUICK_EXIT, 1L);  // measured: cancelling waits 5 s for getaddrinfo without it
  set(transfer, CURLOPT_TCP_KEEPALIVE, 1L);
  // libcurl counts both in whole seconds; a connection that idled for less than one is taken for alive.
  auto const known = std::chrono::duration_cast<std::chrono::seconds>(Steady::now() - transfer.ways_since).count();
  set(transfer, CURLOPT_MAXAGE_CONN, std::clamp(static_cast<long>(known), 1L, kIdleSecondsMax));
  set(transfer, CURLOPT_DNS_CACHE_TIMEOUT, std::clamp(static_cast<long>(known), 0L, kNamesKeptSeconds));
  // With a folder of certificates libcurl 7.88 reads and parses the whole bundle anew for each connection (measured:
  // 18 ms of CPU each); Debian's bundle holds what its folder does. Beside a root of one's own the folder is needed.
  if (route.ca_file.empty()) set(transfer, CURLOPT_CAPATH, static_cast<char const*>(nullptr));
  if (!route.ca_file.empty()) set(transfer, CURLOPT_CAINFO, route.ca_file.c_str());
  if (!route.proxy.empty()) set(transfer, CURLOPT_PROXY, route.proxy.c_str());
  if (is_loopback) set(transfer, CURLOPT_NOPROXY, "*");  // else a key could go to the proxy in plain http

  auto const limit = transfer.call.stall_limit;
  set(transfer, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::min(kConnectMax, limit).count()));
  if (transfer.call.stranger) {  // pieces that share a narrow line take long, and are no stalled calls for that
    set(transfer, CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(transfer.call.stall_below_bytes_per_s));
    set(transfer, CURLOPT_LOW_SPEED_TIME, std::max(1L, static_cast<long>(limit.count() / 1000)));
  } else if (!transfer.call.body) {
    set(transfer, CURLOPT_TIMEOUT_MS, static_cast<long>(limit.count()));
  }
}

}  // namespace

std::expected<Place, std::string> place_of(std::string const& url) {
  std::unique_ptr<CURLU, UrlCloser> const parsed(curl_url());
  auto const part = [&](CURLUPart which) {
    char* text = nullptr;
    curl_url_get(parsed.get(), which, &text, CURLU_DEFAULT_PORT);
    std::unique_ptr<char, TextCloser> const owner(text);
    return text == nullptr ? std::string() : to_lower_ascii(text);
  };
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
      url.find('\0') != std::string::npos) {
    return std::unexpected("refused: not a URL");
  }
  auto const host = part(CURLUPART_HOST);
  auto const port = part(CURLUPART_PORT);
  return Place{.scheme = part(CURLUPART_SCHEME),
               .host = host,
               .port = static_cast<std::uint16_t>(std::strtoul(port.c_str(), nullptr, 10)),
               .is_loopback = is_loopback_host(host)};
}

void prepare(Transfer& transfer, std::string const& url, bool is_loopback, ApiKey const& key, WireRoute const& route,
             std::string const& user_agent) {
  transfer.by_proxy = !route.proxy.empty() && !is_loopback;
  set_callbacks(transfer);
  set_rules(transfer, is_loopback, route);
  set_method(transfer);
  set_headers(transfer, key);
  set(transfer, CURLOPT_USERAGENT, user_agent.c_str());
  set(transfer, CURLOPT_URL, url.c_str());
}

// ---- sockets ----

curl_socket_t OpenSockets::open(curl_sockaddr const& to) {
  auto const socket = ::socket(to.family, to.socktype | SOCK_CLOEXEC, to.protocol);
  open_error_ = socket >= 0 ? 0 : errno;
  if (socket >= 0) open_.insert(socket);
  return socket;
}

int OpenSockets::close(curl_socket_t socket) {
  open_.erase(socket);
  return ::close(socket);
}

curl_socket_t OpenSockets::between(int local_port, std::string const& peer_address, int peer_port) const {
  if (local_port == 0) return CURL_SOCKET_BAD;
  auto const end_of = [](auto ask, curl_socket_t socket) {
    sockaddr_in6 end{};  // the port stands at the same place in both families
    socklen_t size = sizeof end;
    if (ask(socket, reinterpret_cast<sockaddr*>(&end), &size) != 0) end = {};
    return end;
  };
  auto const text_of = [](sockaddr_in6 const& end) {
    char text[INET6_ADDRSTRLEN] = {};
    auto const* const v4 = &reinterpret_cast<sockaddr_in const*>(&end)->sin_addr;
    auto const* const address = end.sin6_family == AF_INET ? static_cast<void const*>(v4) : &end.sin6_addr;
    ::inet_ntop(end.sin6_family, address, text, sizeof text);
    return std::string(text);
  };
  // One local port may lead to several addresses: the kernel only keeps whole pairs of ends apart.
  auto const found = std::ranges::find_if(open_, [&](curl_socket_t socket) {
    if (ntohs(end_of(::getsockname, socket).sin6_port) != local_port) return false;
    auto const peer = end_of(::getpeername, socket);
    return ntohs(peer.sin6_port) == peer_port && text_of(peer) == peer_address;
  });
  return found == open_.end() ? CURL_SOCKET_BAD : *found;
}

// ---- how it ended ----

std::uint64_t bytes_sent(Transfer const& transfer) {
  curl_off_t sent = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_SIZE_UPLOAD_T, &sent);
  return static_cast<std::uint64_t>(sent);
}

namespace {

std::string text_of_timeout(Transfer const& transfer) {
  auto const limit = transfer.call.stall_limit;
  if (transfer.sends > 0) return "timed out after " + to_words(limit);
  auto const waited = to_words(std::min(kConnectMax, limit));
  curl_off_t found_us = 0;  // at least 1 once an address was found
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_NAMELOOKUP_TIME_T, &found_us);
  auto const there = transfer.by_proxy ? std::string("the proxy") : transfer.host;
  if (found_us == 0) return "resolve " + there + ": no answer after " + waited;
  if (!transfer.is_in_tls) return "connect to " + there + ": timed out after " + waited;
  return "TLS with " + transfer.host + ": the handshake timed out after " + waited;
}

}  // namespace

std::string text_of(Transfer const& transfer, CURLcode code) {
  if (transfer.body_error) return "the source failed: " + transfer.body_error->text;
  if (!transfer.refused.empty()) return transfer.refused;
  if (is_denied_everywhere(transfer))
    return "refused to connect to " + transfer.host + ": " + transfer.denied + "; allow_hosts can open it";
  if (code == CURLE_OPERATION_TIMEDOUT) return text_of_timeout(transfer);
  long error = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_OS_ERRNO, &error);
  if (code == CURLE_COULDNT_CONNECT && error == 0) error = transfer.sockets->open_error();
  return failure_words({.code = code,
                        .host = transfer.host,
                        .by_proxy = transfer.by_proxy,
                        .words = curl_easy_strerror(code),
                        .detail = transfer.detail.data(),
                        .days = *transfer.refused_certificate,
                        .os_error = static_cast<int>(error)});
}

BootTime gate_time() { return BootTime(std::chrono::duration_cast<Millis>(Steady::now().time_since_epoch())); }

Millis look_step(Transfer const& transfer) { return std::max(Millis(1), transfer.call.stall_limit / kLooksPerLimit); }

bool is_stalled(Transfer& transfer, LineSpeed const& line, Steady::time_point now) {
  auto const limit = transfer.call.stall_limit;
  auto const step = look_step(transfer);
  auto const elapsed = std::chrono::duration_cast<Millis>(now - transfer.looked_at);
  if (elapsed < step) return false;

  auto const tcp = tcp_of(transfer);
  auto const sent = tcp ? std::uint64_t{tcp->tcpi_bytes_acked} : bytes_sent(transfer);
  auto const bytes = sent + transfer.reply.body.size();
  // The first look at a connection that is used again finds what was acknowledged before, too: it counts as moved.
  auto const per_s =
      (bytes - std::min(bytes, transfer.bytes_then)) * 1000 / static_cast<std::uint64_t>(elapsed.count());
  bool const moved = !is_too_slow(per_s, transfer.call.stall_below_bytes_per_s, line);
  transfer.bytes_per_s = per_s;
  bool const nobody_pumped = elapsed > 4 * step;  // a loop that stood still is not a peer that did
  if (moved || nobody_pumped || transfer.starved) transfer.moved_at = now;
  transfer.starved = transfer.paused || transfer.capped;
  transfer.looked_at = now;
  transfer.bytes_then = bytes;
  return now - transfer.moved_at >= limit;
}

std::optional<ports::Quiet> quiet_for(Transfer& transfer, Steady::time_point now) {
  if (!transfer.call.body) return std::nullopt;
  auto const tcp = tcp_of(transfer);
  auto const owes = tcp && (tcp->tcpi_unacked > 0 || tcp->tcpi_notsent_bytes > 0);
  // What a connection had acknowledged before this call is no sign of life.
  auto const moved = tcp && transfer.acked_then && *transfer.acked_then != tcp->tcpi_bytes_acked;
  if (!owes || moved) transfer.acked_at = now;
  if (tcp) transfer.acked_then = tcp->tcpi_bytes_acked;
  if (!owes) return std::nullopt;  // also while there is no connection yet, which has a limit of its own
  // Not tcpi_rto: that one doubles with each timeout, and would grow with the very silence that it is to judge.
  auto const timeout = std::max(kRetransmitMin, std::chrono::microseconds(tcp->tcpi_rtt + 4 * tcp->tcpi_rttvar));
  return ports::Quiet{.lasts = std::chrono::duration_cast<Millis>(now - transfer.acked_at),
                      .timeout = std::chrono::duration_cast<Millis>(timeout)};
}

bool is_out_of_bytes(Transfer const& transfer, Steady::time_point now) {
  return transfer.paused && now - transfer.paused_at >= transfer.call.stall_limit;
}

}  // namespace sluice::daemon

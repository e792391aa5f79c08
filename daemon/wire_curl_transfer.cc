#include "daemon/wire_curl_transfer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "core/base/text.h"
#include "core/base/units.h"
#include "daemon/wire_rules.h"
#include "daemon/wire_words.h"

namespace sluice::daemon {
namespace {

using ports::Method;

constexpr std::size_t kHeaderBytesMax = 64 * kKiB;       // T5
constexpr std::size_t kApiBodyBytesMax = 8 * kMiB;       // T5
constexpr std::size_t kStorageBodyBytesMax = 64 * kKiB;  // T5
constexpr std::uint64_t kUploadBufferMin = 16 * kKiB;    // libcurl's own least
constexpr Millis kConnectMax{15'000};
constexpr long kNamesKeptSeconds = 60;  // libcurl's default
constexpr long kIdleSecondsMax = 50;    // below the 60 s after which common load balancers close
// What the kernel may hold of a connection's bytes before it sends them: else it takes in up to 4 MiB (tcp_wmem) at
// once, and bytes on a slow line would count as gone long before they are, with a silence after them that looks like a
// stall. As much as libcurl hands over in one write; at 64 KiB/s it leaves within 8 s.
constexpr int kUnsentMax = static_cast<int>(WireCurl::kUploadBufferBytes);
constexpr int kLooksPerLimit = 8;  // how often within a stall_limit the bytes are counted

struct UrlCloser {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct TextCloser {
  void operator()(char* text) const { curl_free(text); }
};

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
  auto got = transfer.call.body->read({reinterpret_cast<std::byte*>(to), room});
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

int on_prerequest(void* who, char*, char*, int, int) {
  auto& transfer = transfer_of(who);
  if (transfer.is_once && transfer.sends == 1) {
    transfer.refused = "the kept-alive connection died before an answer came";
    return CURL_PREREQFUNC_ABORT;
  }
  ++transfer.sends;
  return CURL_PREREQFUNC_OK;
}

int on_socket(void*, curl_socket_t fd, curlsocktype) {
  ::setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kUnsentMax,
               sizeof kUnsentMax);  // a kernel without it is no failure
  return CURL_SOCKOPT_OK;
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

std::size_t on_write(char* bytes, std::size_t size, std::size_t count, void* who) {
  auto& transfer = transfer_of(who);
  auto const bytes_max = transfer.is_storage ? kStorageBodyBytesMax : kApiBodyBytesMax;
  if (transfer.reply.body.size() + size * count > bytes_max) {
    transfer.refused = transfer.is_storage ? "the answer is larger than 64 KiB" : "the answer is larger than 8 MiB";
    return 0;
  }
  transfer.reply.body.append(bytes, size * count);
  return size * count;
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
  set(transfer, CURLOPT_SOCKOPTFUNCTION, &on_socket);
  set(transfer, CURLOPT_HEADERFUNCTION, &on_header);
  set(transfer, CURLOPT_HEADERDATA, who);
  set(transfer, CURLOPT_WRITEFUNCTION, &on_write);
  set(transfer, CURLOPT_WRITEDATA, who);
  set(transfer, CURLOPT_ERRORBUFFER, transfer.detail.data());
}

void set_rules(Transfer& transfer, bool is_loopback, WireRoute const& route) {
  set(transfer, CURLOPT_PROTOCOLS_STR, is_loopback ? "http,https" : "https");  // T2
  set(transfer, CURLOPT_FOLLOWLOCATION, 0L);                                   // K3
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
  if (!transfer.call.body) set(transfer, CURLOPT_TIMEOUT_MS, static_cast<long>(limit.count()));
}

}  // namespace

std::expected<Place, std::string> place_of(std::string const& url) {
  std::unique_ptr<CURLU, UrlCloser> const parsed(curl_url());
  auto const part = [&](CURLUPart which) {
    char* text = nullptr;
    curl_url_get(parsed.get(), which, &text, 0);
    std::unique_ptr<char, TextCloser> const owner(text);
    return text == nullptr ? std::string() : to_lower_ascii(text);
  };
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
      url.find('\0') != std::string::npos) {
    return std::unexpected("refused: not a URL");
  }
  auto const host = part(CURLUPART_HOST);
  if (auto why = why_refused(part(CURLUPART_SCHEME), host); !why.empty()) return std::unexpected(std::move(why));
  return Place{.host = host, .is_loopback = is_loopback_host(host)};
}

void prepare(Transfer& transfer, std::string const& url, bool is_loopback, ApiKey const& key, WireRoute const& route,
             std::string const& user_agent) {
  set_callbacks(transfer);
  set_rules(transfer, is_loopback, route);
  set_method(transfer);
  set_headers(transfer, key);
  set(transfer, CURLOPT_USERAGENT, user_agent.c_str());
  set(transfer, CURLOPT_URL, url.c_str());
}

// ---- how it ended ----

std::uint64_t bytes_sent(Transfer const& transfer) {
  curl_off_t sent = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_SIZE_UPLOAD_T, &sent);
  return static_cast<std::uint64_t>(sent);
}

std::string text_of(Transfer const& transfer, CURLcode code) {
  if (transfer.body_error) return "the source failed: " + transfer.body_error->text;
  if (!transfer.refused.empty()) return transfer.refused;
  if (code == CURLE_OPERATION_TIMEDOUT) {
    auto const limit = transfer.call.stall_limit;
    return transfer.sends > 0
               ? "timed out after " + to_words(limit)
               : "connect to " + transfer.host + ": timed out after " + to_words(std::min(kConnectMax, limit));
  }
  long error = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_OS_ERRNO, &error);
  return failure_words({.code = code,
                        .host = transfer.host,
                        .words = curl_easy_strerror(code),
                        .detail = transfer.detail.data(),
                        .os_error = static_cast<int>(error)});
}

Millis look_step(Transfer const& transfer) { return std::max(Millis(1), transfer.call.stall_limit / kLooksPerLimit); }

bool is_stalled(Transfer& transfer, Steady::time_point now) {
  auto const limit = transfer.call.stall_limit;
  auto const step = look_step(transfer);
  auto const elapsed = std::chrono::duration_cast<Millis>(now - transfer.looked_at);
  if (elapsed < step) return false;

  auto const bytes = bytes_sent(transfer) + transfer.reply.body.size();
  auto const least = transfer.call.stall_below_bytes_per_s * static_cast<std::uint64_t>(elapsed.count()) / 1000;
  bool const moved = bytes - transfer.bytes_then >= least;
  bool const nobody_pumped = elapsed > 4 * step;  // a loop that stood still is not a peer that did
  if (moved || nobody_pumped || transfer.starved) transfer.moved_at = now;
  transfer.starved = transfer.paused;
  transfer.looked_at = now;
  transfer.bytes_then = bytes;
  return now - transfer.moved_at >= limit;
}

bool is_out_of_bytes(Transfer const& transfer, Steady::time_point now) {
  return transfer.paused && now - transfer.paused_at >= transfer.call.stall_limit;
}

}  // namespace sluice::daemon

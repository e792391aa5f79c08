#include "daemon/wire_curl.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <csignal>
#include <cstring>
#include <unordered_map>

#include "core/base/text.h"
#include "core/base/units.h"
#include "daemon/wire_rules.h"
#include "daemon/wire_words.h"

namespace sluice::daemon {
namespace {

using ports::Body;
using ports::Call;
using ports::Method;
using ports::Outcome;
using ports::Reply;
using ports::WireFailure;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kHeaderBytesMax = 64 * kKiB;       // T5
constexpr std::size_t kApiBodyBytesMax = 8 * kMiB;       // T5
constexpr std::size_t kStorageBodyBytesMax = 64 * kKiB;  // T5
constexpr long kUploadBufferBytes = 512 * 1024;          // measured: 3.5 GB/s against 1.1 with the default
constexpr Millis kConnectMax{15'000};
constexpr long kIdleSecondsMax = 50;  // below the 60 s after which common load balancers close
constexpr long kConnectionsKept = 128;
constexpr std::size_t kPooledMax = 64;
constexpr int kLooksPerLimit = 8;  // how often within a stall_limit the bytes are counted

struct EasyCloser {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct MultiCloser {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct ListCloser {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct UrlCloser {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct TextCloser {
  void operator()(char* text) const { curl_free(text); }
};
using Easy = std::unique_ptr<CURL, EasyCloser>;

// One call in the air. Its address is known to libcurl's callbacks, so it never moves.
struct Transfer {
  Call call;
  Easy easy;
  std::unique_ptr<curl_slist, ListCloser> headers;
  std::string host;  // for texts
  bool is_storage = false;
  bool is_once = false;  // may libcurl send it a second time? never, then
  int sends = 0;         // how often a request began to leave
  std::uint64_t handed_out = 0;
  std::size_t header_bytes = 0;
  Reply reply;
  std::string refused;  // why we ended it ourselves; empty if we did not
  std::optional<Error> body_error;
  std::array<char, CURL_ERROR_SIZE> detail{};

  Steady::time_point looked_at = Steady::now();  // the stall clock
  Steady::time_point moved_at = looked_at;       // when it last moved fast enough
  std::uint64_t bytes_then = 0;

  std::uint64_t body_bytes() const { return call.body ? call.body->size_bytes() : call.text_body.size(); }
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
  transfer.handed_out += *got;
  return *got;
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

struct Place {
  std::string host;
  bool is_loopback = false;
};

// Reads the URL as libcurl will, so that both see the same host.
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
  if (transfer.call.body) set(transfer, CURLOPT_UPLOAD_BUFFERSIZE, kUploadBufferBytes);
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
  set(transfer, CURLOPT_MAXAGE_CONN, kIdleSecondsMax);
  if (!route.ca_file.empty()) set(transfer, CURLOPT_CAINFO, route.ca_file.c_str());  // CAPATH stays the system's
  if (!route.proxy.empty()) set(transfer, CURLOPT_PROXY, route.proxy.c_str());
  if (is_loopback) set(transfer, CURLOPT_NOPROXY, "*");  // else a key could go to the proxy in plain http

  auto const limit = transfer.call.stall_limit;
  set(transfer, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::min(kConnectMax, limit).count()));
  if (!transfer.call.body) set(transfer, CURLOPT_TIMEOUT_MS, static_cast<long>(limit.count()));
}

// ---- how it ended ----

std::uint64_t bytes_sent(Transfer const& transfer) {
  curl_off_t sent = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_SIZE_UPLOAD_T, &sent);
  return static_cast<std::uint64_t>(sent);
}

std::uint64_t bytes_moved(Transfer const& transfer) { return bytes_sent(transfer) + transfer.reply.body.size(); }

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

// Whether it stalled, counting what moved since the last look.
bool is_stalled(Transfer& transfer, Steady::time_point now) {
  auto const limit = transfer.call.stall_limit;
  auto const step = look_step(transfer);
  auto const elapsed = std::chrono::duration_cast<Millis>(now - transfer.looked_at);
  if (elapsed < step) return false;

  auto const bytes = bytes_moved(transfer);
  auto const least = transfer.call.stall_below_bytes_per_s * static_cast<std::uint64_t>(elapsed.count()) / 1000;
  bool const moved = bytes - transfer.bytes_then >= least;
  bool const nobody_pumped = elapsed > 4 * step;  // a loop that stood still is not a peer that did
  if (moved || nobody_pumped) transfer.moved_at = now;
  transfer.looked_at = now;
  transfer.bytes_then = bytes;
  return now - transfer.moved_at >= limit;
}

Outcome refusal(std::uint64_t ticket, std::string text) {
  return {ticket, std::unexpected(WireFailure{WireFailure::Phase::kBeforeSend, std::move(text)}), std::nullopt, 0};
}

}  // namespace

struct WireCurl::Impl {
  std::string base_url;
  ApiKey key;
  std::string user_agent;
  WireRoute route;
  std::unique_ptr<CURLM, MultiCloser> multi;
  std::vector<Easy> api_pool;
  std::vector<Easy> storage_pool;  // handles that never had the key
  std::unordered_map<std::uint64_t, std::unique_ptr<Transfer>> in_air;
  std::vector<Outcome> ended;

  Easy take(bool is_storage) {
    auto& pool = is_storage ? storage_pool : api_pool;
    if (pool.empty()) {
      Easy made(curl_easy_init());
      assert(made);
      return made;
    }
    auto easy = std::move(pool.back());
    pool.pop_back();
    return easy;
  }

  // Takes the transfer out of the air. Its connection is kept only if the call had ended by itself.
  void land(std::uint64_t ticket) {
    auto const at = in_air.find(ticket);
    auto& transfer = *at->second;
    curl_multi_remove_handle(multi.get(), transfer.easy.get());
    curl_easy_reset(transfer.easy.get());
    auto& pool = transfer.is_storage ? storage_pool : api_pool;
    if (pool.size() < kPooledMax) pool.push_back(std::move(transfer.easy));
    in_air.erase(at);
  }

  void end(Transfer& transfer, CURLcode code) {
    auto const ticket = transfer.call.ticket;
    Outcome outcome{
        .ticket = ticket, .answer = {}, .body_error = std::nullopt, .body_bytes_sent = bytes_sent(transfer)};
    if (code == CURLE_OK && !transfer.body_error) {
      long status = 0;
      curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
      transfer.reply.status = static_cast<int>(status);
      outcome.answer = std::move(transfer.reply);
    } else {
      auto const phase = transfer.sends == 0 ? WireFailure::Phase::kBeforeSend : WireFailure::Phase::kAfterSend;
      outcome.answer = std::unexpected(WireFailure{phase, text_of(transfer, code)});
      outcome.body_error = std::move(transfer.body_error);
    }
    ended.push_back(std::move(outcome));
    land(ticket);
  }

  void end_stalled() {
    auto const now = Steady::now();
    std::vector<Transfer*> stalled;
    for (auto& [ticket, transfer] : in_air) {
      if (transfer->call.body && is_stalled(*transfer, now)) stalled.push_back(transfer.get());
    }
    for (auto* transfer : stalled) {
      transfer->refused = transfer->sends == 0
                              ? "connect to " + transfer->host + ": stalled"
                              : "stalled: less than " + to_words_bytes(transfer->call.stall_below_bytes_per_s) +
                                    " a second for " + to_words(transfer->call.stall_limit);
      end(*transfer, CURLE_OPERATION_TIMEDOUT);
    }
  }

  Millis until_next_look(Millis timeout) const {
    for (auto const& [ticket, transfer] : in_air) {
      if (transfer->call.body) timeout = std::min(timeout, look_step(*transfer));
    }
    return timeout;
  }
};

WireCurl::WireCurl(std::string base_url, ApiKey key, std::string user_agent, WireRoute route) : impl_(new Impl) {
  [[maybe_unused]] static auto const started = curl_global_init(CURL_GLOBAL_DEFAULT);
  assert(started == CURLE_OK);
  std::signal(SIGPIPE, SIG_IGN);
  while (base_url.ends_with('/')) base_url.pop_back();
  impl_->base_url = std::move(base_url);
  impl_->key = std::move(key);
  impl_->user_agent = std::move(user_agent);
  impl_->route = std::move(route);
  impl_->multi.reset(curl_multi_init());
  assert(impl_->multi);
  curl_multi_setopt(impl_->multi.get(), CURLMOPT_MAXCONNECTS, kConnectionsKept);
}

WireCurl::~WireCurl() {
  while (!impl_->in_air.empty()) impl_->land(impl_->in_air.begin()->first);
}

void WireCurl::send(Call call) {
  auto const ticket = call.ticket;
  assert(!impl_->in_air.contains(ticket));
  auto const* presigned = std::get_if<SecretUrl>(&call.target);
  auto const* path = std::get_if<std::string>(&call.target);
  assert(presigned != nullptr || path->starts_with('/'));
  auto const url = presigned != nullptr ? presigned->reveal_for_wire() : impl_->base_url + *path;

  auto const place = place_of(url);
  if (!place) return impl_->ended.push_back(refusal(ticket, place.error()));
  for (auto const& [name, value] : call.headers) {
    if (is_sendable_header(name, value)) continue;
    return impl_->ended.push_back(refusal(ticket, "refused: the header " + printable(name) + " cannot be sent"));
  }

  auto owner = std::make_unique<Transfer>();
  auto& transfer = *owner;
  transfer.is_storage = presigned != nullptr;
  transfer.is_once = !call.repeatable || call.method == Method::kPut || call.body != nullptr;
  transfer.host = printable(place->host);
  transfer.call = std::move(call);
  transfer.easy = impl_->take(transfer.is_storage);
  set_callbacks(transfer);
  set_rules(transfer, place->is_loopback, impl_->route);
  set_method(transfer);
  set_headers(transfer, impl_->key);
  set(transfer, CURLOPT_USERAGENT, impl_->user_agent.c_str());
  set(transfer, CURLOPT_URL, url.c_str());
  curl_multi_add_handle(impl_->multi.get(), transfer.easy.get());
  impl_->in_air.emplace(ticket, std::move(owner));
}

std::vector<Outcome> WireCurl::collect() { return std::exchange(impl_->ended, {}); }

bool WireCurl::has_outcomes() const { return !impl_->ended.empty(); }

void WireCurl::cancel(std::uint64_t ticket) {
  std::erase_if(impl_->ended, [ticket](Outcome const& outcome) { return outcome.ticket == ticket; });
  if (impl_->in_air.contains(ticket)) impl_->land(ticket);
}

std::uint64_t WireCurl::progress_bytes(std::uint64_t ticket) const {
  auto const at = impl_->in_air.find(ticket);
  return at == impl_->in_air.end() ? 0 : bytes_sent(*at->second);
}

void WireCurl::pump() {
  int running = 0;
  [[maybe_unused]] auto const code = curl_multi_perform(impl_->multi.get(), &running);
  assert(code == CURLM_OK);  // its errors are about bad handles and memory; a call's own come below
  int left = 0;
  while (auto const* message = curl_multi_info_read(impl_->multi.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    auto const result = message->data.result;  // the message dies with the removal
    char* who = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &who);
    impl_->end(transfer_of(who), result);
  }
  impl_->end_stalled();
}

void WireCurl::wait(std::span<ExtraFd> fds, Millis timeout) {
  std::vector<curl_waitfd> waits;
  std::vector<ExtraFd*> owners;
  for (auto& extra : fds) {
    extra.readable = false;
    if (extra.fd < 0) continue;
    waits.push_back({.fd = extra.fd, .events = CURL_WAIT_POLLIN, .revents = 0});
    owners.push_back(&extra);
  }
  timeout = impl_->ended.empty() ? std::clamp(impl_->until_next_look(timeout), Millis(0), Millis(600'000)) : Millis(0);
  int ready = 0;
  curl_multi_poll(impl_->multi.get(), waits.data(), static_cast<unsigned>(waits.size()),
                  static_cast<int>(timeout.count()), &ready);
  for (std::size_t i = 0; i < waits.size(); ++i) owners[i]->readable = (waits[i].revents & CURL_WAIT_POLLIN) != 0;
}

void WireCurl::wakeup() { curl_multi_wakeup(impl_->multi.get()); }
void WireCurl::set_key(ApiKey key) { impl_->key = std::move(key); }

}  // namespace sluice::daemon

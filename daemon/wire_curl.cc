#include "daemon/wire_curl.h"

#include <curl/curl.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "core/base/text.h"
#include "daemon/wire_curl_transfer.h"
#include "daemon/wire_rules.h"

namespace sluice::daemon {
namespace {

using ports::Call;
using ports::Method;
using ports::Outcome;
using ports::WireFailure;

constexpr std::uint64_t kFading = 8;
constexpr Millis kStandstill{1'000};
constexpr long kConnectionsKept = 128;
constexpr std::size_t kPooledMax = 64;

struct MultiCloser {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

// libcurl makes an upload buffer for each call and drops it at the end. By default malloc would ask the kernel for
// each and give it back, which costs more than the copy into it (measured: a sixth of a small file's CPU).
void keep_upload_buffers() {
  ::mallopt(M_MMAP_THRESHOLD, 2 * static_cast<int>(WireCurl::kUploadBufferBytes));
  ::mallopt(M_TRIM_THRESHOLD, 32 * static_cast<int>(WireCurl::kUploadBufferBytes));
}

Outcome refusal(std::uint64_t ticket, std::string text, std::string code = {}) {
  return {ticket, std::unexpected(WireFailure{WireFailure::Phase::kBeforeSend, std::move(text), std::move(code)}),
          std::nullopt, 0};
}

bool has_proxy(WireRoute const& route) {
  if (!route.proxy.empty()) return true;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody sets them while the program runs
  auto const is_set = [](char const* name) { return std::getenv(name) != nullptr && *std::getenv(name) != '\0'; };
  return std::ranges::any_of(std::array{"https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY"}, is_set);
}

// Why a stranger may not be called at all, whatever its address; a code and a text. M22: through a proxy, nobody here
// would see which address is connected to.
std::optional<std::pair<std::string, std::string>> why_not_stranger(Place const& place, bool is_named, bool has_proxy) {
  auto const host = printable(place.host);
  if (place.scheme != "https" && place.scheme != "http")
    return std::pair(ports::kHttpDenied, "refused: a URL that is not https");
  if (is_named) return std::nullopt;
  if (place.scheme != "https")
    return std::pair(ports::kHttpDenied, "refused: plain http to " + host + "; allow_hosts does not name it");
  if (has_proxy)
    return std::pair(ports::kProxyDenied, "refused to download from " + host +
                                              " through a proxy, since only the proxy would know the address; "
                                              "allow_hosts can name it");
  return std::nullopt;
}

}  // namespace

struct WireCurl::Impl {
  std::string base_url;
  ApiKey key;
  std::string user_agent;
  WireRoute route;
  SendGate gate;
  std::uint64_t line_per_s = 0;        // what all uploads together moved lately, fading with each look
  OpenSockets sockets;                 // before the connections, which end with them
  Steady::time_point ways_since = {};  // connections and addresses from before are not used any more
  std::unique_ptr<CURLM, MultiCloser> multi;
  std::vector<Easy> api_pool;
  std::vector<Easy> storage_pool;  // handles that never had the key
  std::unordered_map<std::uint64_t, std::unique_ptr<Transfer>> in_air;
  std::vector<Outcome> ended;

  std::mutex more_mutex;
  std::vector<std::uint64_t> more;  // calls whose bodies have more: said by other threads

  void note_more(std::uint64_t ticket) {
    std::lock_guard const lock(more_mutex);
    more.push_back(ticket);
    if (more.size() == 1) curl_multi_wakeup(multi.get());
  }

  void resume() {
    std::vector<std::uint64_t> tickets;
    {
      std::lock_guard const lock(more_mutex);
      tickets.swap(more);
    }
    for (auto const ticket : tickets) {
      auto const at = in_air.find(ticket);
      if (at == in_air.end() || !std::exchange(at->second->paused, false) || at->second->capped) continue;
      curl_easy_pause(at->second->easy.get(), CURLPAUSE_CONT);
    }
  }

  // A process that was stopped has heard of no acknowledgement meanwhile: that is no silence of the peers.
  void note_standstill(Steady::duration overslept) {
    if (overslept < kStandstill) return;
    for (auto& [ticket, transfer] : in_air) transfer->acked_at = Steady::now();
  }

  // Those whose turn it is go on, as many as can be given something.
  void let_on() {
    if (gate.waiting.empty()) return;
    gate.sharers = gate.rate.served(gate.waiting.size(), gate_time());
    for (std::size_t i = 0; i < gate.sharers; ++i) {
      auto& transfer = *in_air.at(gate.waiting.front());
      gate.waiting.pop_front();
      transfer.capped = false;
      if (!transfer.paused) curl_easy_pause(transfer.easy.get(), CURLPAUSE_CONT);
    }
  }

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
    if (transfer.call.body) transfer.call.body->on_more({});
    if (transfer.capped) std::erase(gate.waiting, ticket);
    curl_multi_remove_handle(multi.get(), transfer.easy.get());
    curl_easy_reset(transfer.easy.get());
    auto& pool = transfer.is_storage ? storage_pool : api_pool;
    if (pool.size() < kPooledMax) pool.push_back(std::move(transfer.easy));
    in_air.erase(at);
  }

  // What came of a piece before its connection broke is a piece too.
  static void note_cut(Transfer& transfer, CURLcode code) {
    long status = 0;
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK && status == 206 && !transfer.reply.body.empty() && transfer.refused.empty())
      transfer.reply.is_cut = true;
  }

  void end(Transfer& transfer, CURLcode code) {
    auto const ticket = transfer.call.ticket;
    Outcome outcome{
        .ticket = ticket, .answer = {}, .body_error = std::nullopt, .body_bytes_sent = bytes_sent(transfer)};
    if (transfer.call.stranger) note_cut(transfer, code);
    if ((code == CURLE_OK || transfer.reply.is_cut) && !transfer.body_error) {
      long status = 0;
      curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
      transfer.reply.status = static_cast<int>(status);
      if (transfer.call.stranger)
        transfer.reply.payload = std::make_shared<std::string const>(std::exchange(transfer.reply.body, {}));
      outcome.answer = std::move(transfer.reply);
    } else {
      auto const phase = transfer.sends == 0 ? WireFailure::Phase::kBeforeSend : WireFailure::Phase::kAfterSend;
      auto const denied = is_denied_everywhere(transfer);
      outcome.answer =
          std::unexpected(WireFailure{phase, text_of(transfer, code), denied ? ports::kAddressDenied : ""});
      outcome.body_error = std::move(transfer.body_error);
    }
    ended.push_back(std::move(outcome));
    land(ticket);
  }

  void end_stalled() {
    auto const now = Steady::now();
    std::vector<Transfer*> stalled;
    std::uint64_t uploads = 0, all_per_s = 0;
    for (auto const& [ticket, transfer] : in_air) {
      uploads += transfer->call.body ? 1 : 0;
      all_per_s += transfer->bytes_per_s;
    }
    for (auto& [ticket, transfer] : in_air) {
      if (!transfer->call.body) continue;
      LineSpeed speed{.others = {}, .lately = line_per_s};
      if (uploads > 1) speed.others = (all_per_s - transfer->bytes_per_s) / (uploads - 1);
      all_per_s -= transfer->bytes_per_s;
      auto const looked_at = transfer->looked_at;
      if (is_out_of_bytes(*transfer, now) || is_stalled(*transfer, speed, now)) stalled.push_back(transfer.get());
      all_per_s += transfer->bytes_per_s;
      if (transfer->looked_at != looked_at) line_per_s = std::max(all_per_s, line_per_s - line_per_s / kFading);
    }
    for (auto* transfer : stalled) {
      auto const limit = to_words(transfer->call.stall_limit);
      if (is_out_of_bytes(*transfer, now))
        transfer->body_error = Error{Fault::kLocal, "the disk gave no byte for " + limit, "source_down"};
      else
        transfer->refused = transfer->sends == 0
                                ? "connect to " + transfer->host + ": stalled"
                                : "stalled: less than " + to_words_bytes(transfer->call.stall_below_bytes_per_s) +
                                      " a second for " + limit;
      end(*transfer, CURLE_OPERATION_TIMEDOUT);
    }
  }

  Millis until_next_look(Millis timeout) const {
    for (auto const& [ticket, transfer] : in_air) {
      if (transfer->call.body) timeout = std::min(timeout, look_step(*transfer));
    }
    if (gate.waiting.empty()) return timeout;
    auto const now = gate_time();
    return std::min(timeout, gate.rate.next(now) - now);
  }
};

WireCurl::WireCurl(std::string base_url, ApiKey key, std::string user_agent, WireRoute route) : impl_(new Impl) {
  [[maybe_unused]] static auto const started = curl_global_init(CURL_GLOBAL_DEFAULT);
  assert(started == CURLE_OK);
  std::signal(SIGPIPE, SIG_IGN);
  keep_upload_buffers();
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
  auto const& allowed = call.stranger ? call.stranger->allowed : nullptr;
  auto const is_named = allowed && allowed->names(place->host, place->port);
  if (call.stranger) {
    assert(presigned != nullptr && call.method == Method::kGet);
    if (auto const why = why_not_stranger(*place, is_named, has_proxy(impl_->route)))
      return impl_->ended.push_back(refusal(ticket, why->second, why->first));
  } else if (auto why = why_refused(place->scheme, place->host); !why.empty()) {
    return impl_->ended.push_back(refusal(ticket, std::move(why)));
  }
  for (auto const& [name, value] : call.headers) {
    if (is_sendable_header(name, value)) continue;
    return impl_->ended.push_back(refusal(ticket, "refused: the header " + printable(name) + " cannot be sent"));
  }

  auto owner = std::make_unique<Transfer>();
  auto& transfer = *owner;
  transfer.is_storage = presigned != nullptr;
  transfer.is_once = !call.repeatable || call.method == Method::kPut || call.body != nullptr;
  transfer.host = printable(place->host);
  transfer.is_named = is_named;
  transfer.call = std::move(call);
  transfer.easy = impl_->take(transfer.is_storage);
  transfer.ways_since = impl_->ways_since;
  transfer.gate = &impl_->gate;
  transfer.sockets = &impl_->sockets;
  prepare(transfer, url, place->is_loopback, impl_->key, impl_->route, impl_->user_agent);
  if (transfer.call.body) transfer.call.body->on_more([impl = impl_.get(), ticket] { impl->note_more(ticket); });
  curl_multi_add_handle(impl_->multi.get(), transfer.easy.get());
  impl_->in_air.emplace(ticket, std::move(owner));
}

std::vector<Outcome> WireCurl::collect() { return std::exchange(impl_->ended, {}); }

std::size_t WireCurl::outcomes() const { return impl_->ended.size(); }

std::size_t WireCurl::in_air() const { return impl_->in_air.size(); }

void WireCurl::cancel(std::uint64_t ticket) {
  std::erase_if(impl_->ended, [ticket](Outcome const& outcome) { return outcome.ticket == ticket; });
  if (impl_->in_air.contains(ticket)) impl_->land(ticket);
}

std::uint64_t WireCurl::progress_bytes(std::uint64_t ticket) const {
  auto const at = impl_->in_air.find(ticket);
  return at == impl_->in_air.end() ? 0 : bytes_sent(*at->second);
}

std::optional<ports::Quiet> WireCurl::quiet(std::uint64_t ticket) const {
  auto const at = impl_->in_air.find(ticket);
  return at == impl_->in_air.end() ? std::nullopt : quiet_for(*at->second, Steady::now());
}

void WireCurl::pump() {
  impl_->resume();
  impl_->let_on();
  int running = 0;
  [[maybe_unused]] auto const code = curl_multi_perform(impl_->multi.get(), &running);
  assert(code == CURLM_OK);  // its errors are about bad handles and memory; a call's own come below
  int left = 0;
  while (auto const* message = curl_multi_info_read(impl_->multi.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    auto const result = message->data.result;  // the message dies with the removal
    char* who = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &who);
    impl_->end(*static_cast<Transfer*>(static_cast<void*>(who)), result);
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
  timeout = std::clamp(impl_->until_next_look(timeout), Millis(0), Millis(600'000));
  auto const begun = Steady::now();
  int ready = 0;
  curl_multi_poll(impl_->multi.get(), waits.data(), static_cast<unsigned>(waits.size()),
                  static_cast<int>(timeout.count()), &ready);
  impl_->note_standstill(Steady::now() - begun - timeout);
  for (std::size_t i = 0; i < waits.size(); ++i) owners[i]->readable = (waits[i].revents & CURL_WAIT_POLLIN) != 0;
}

void WireCurl::wakeup() { curl_multi_wakeup(impl_->multi.get()); }
void WireCurl::forget_ways() { impl_->ways_since = Steady::now(); }
void WireCurl::set_send_rate(std::optional<std::uint64_t> bytes_per_s) {
  impl_->gate.rate.set(bytes_per_s, gate_time());
}
std::optional<std::uint64_t> WireCurl::send_rate() const { return impl_->gate.rate.bytes_per_s(); }
void WireCurl::set_key(ApiKey key) { impl_->key = std::move(key); }

}  // namespace sluice::daemon

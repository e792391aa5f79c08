#include "daemon/control_server.h"

#include <microhttpd.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <list>
#include <string_view>
#include <utility>

#include "core/base/text.h"
#include "daemon/control_reply.h"
#include "daemon/control_socket.h"

namespace sluice::daemon {
namespace {

using Steady = std::chrono::steady_clock;

// One connection, from its first byte to its last; it may carry many requests.
struct Line {
  int fd = -1;
  Peer peer;
  Steady::time_point since;  // when it began to wait for its peer: for a request, or for an answer to be taken
  bool held = false;         // a whole request is with the loop: the peer waits for us, not we for it
};

// One request, from its first handler call until its answer was sent or its peer has gone.
struct Exchange {
  MHD_Connection* connection = nullptr;
  Line* line = nullptr;
  ControlRequest request;
  bool too_large = false;
  std::size_t discarded_bytes = 0;
  std::optional<ControlReply> reply;
};

MHD_Result queue(MHD_Connection* connection, ControlReply const& reply) {
  struct Destroy {
    void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
  };
  // The library copies the bytes: const_cast is its interface's, not a write.
  std::unique_ptr<MHD_Response, Destroy> const response(
      MHD_create_response_from_buffer(reply.body.size(), const_cast<char*>(reply.body.data()), MHD_RESPMEM_MUST_COPY));
  if (!response) return MHD_NO;
  MHD_add_response_header(response.get(), MHD_HTTP_HEADER_CONTENT_TYPE, reply.content_type.c_str());
  MHD_add_response_header(response.get(), MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
  MHD_add_response_header(response.get(), "X-Content-Type-Options", "nosniff");
  if (reply.status == MHD_HTTP_METHOD_NOT_ALLOWED)
    MHD_add_response_header(response.get(), MHD_HTTP_HEADER_ALLOW, "GET, HEAD, POST");
  return MHD_queue_response(connection, static_cast<unsigned>(reply.status), response.get());
}

// Leaves the text as it is: decoding is ours to do, once the path is cut into segments.
std::size_t keep_escapes(void*, MHD_Connection*, char* text) { return std::strlen(text); }

MHD_Result keep_argument(void* closure, MHD_ValueKind, char const* key, char const* value) {
  auto& query = *static_cast<std::map<std::string, std::string>*>(closure);
  auto name = percent_decode(key);
  auto text = percent_decode(value == nullptr ? "" : value);
  if (name && text) query[*name] = *text;
  return MHD_YES;
}

std::optional<std::uint64_t> announced_bytes(MHD_Connection* connection) {
  auto const* const text = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
  if (text == nullptr) return std::nullopt;
  std::uint64_t bytes = 0;
  auto const end = text + std::strlen(text);
  auto const [stop, error] = std::from_chars(text, end, bytes);
  if (error != std::errc() || stop != end) return UINT64_MAX;
  return bytes;
}

}  // namespace

class ControlServer::Impl {
 public:
  Impl(ControlSocket socket, ControlLimits limits) : socket_(std::move(socket)), limits_(limits) {}

  ~Impl() {
    if (daemon_ != nullptr) {
      answer_all_unavailable();
      MHD_stop_daemon(daemon_);  // closes the listening socket
    }
    unlink_if_ours(socket_);
  }

  Impl(Impl const&) = delete;
  Impl& operator=(Impl const&) = delete;

  bool start() {
    auto const idle_s = static_cast<unsigned>(std::max<std::int64_t>(1, limits_.timeout.count() / 1000));
    daemon_ = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, nullptr, nullptr, &Impl::on_call, this,  //
                               MHD_OPTION_LISTEN_SOCKET, socket_.fd.get(),                                           //
                               MHD_OPTION_CONNECTION_LIMIT, limits_.connections,                                     //
                               MHD_OPTION_CONNECTION_TIMEOUT, idle_s,                                                //
                               MHD_OPTION_CONNECTION_MEMORY_LIMIT, std::size_t{32 * 1024},                           //
                               MHD_OPTION_UNESCAPE_CALLBACK, &keep_escapes, nullptr,                                 //
                               MHD_OPTION_NOTIFY_COMPLETED, &Impl::on_completed, this,                               //
                               MHD_OPTION_NOTIFY_CONNECTION, &Impl::on_connection, this, MHD_OPTION_END);
    if (daemon_ == nullptr) return false;
    socket_.fd.release();  // the library's now
    auto const* const facts = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD);
    return facts != nullptr && watch(facts->epoll_fd) && watch(doorbell_.get());
  }

  int fd() const { return epoll_.get(); }

  std::optional<Millis> sleep_at_most() const {
    if (!whole_.empty()) return Millis(0);
    std::optional<Millis> least;
    if (MHD_UNSIGNED_LONG_LONG ms = 0; MHD_get_timeout(daemon_, &ms) == MHD_YES)
      least = Millis(static_cast<Millis::rep>(std::min<MHD_UNSIGNED_LONG_LONG>(ms, 3'600'000)));
    auto const now = Steady::now();
    for (auto const& line : lines_) {
      if (line.held) continue;
      auto const left = std::chrono::ceil<Millis>(line.since + limits_.timeout - now);
      least = std::min(least.value_or(Millis::max()), std::max(left, Millis(0)));
    }
    return least;
  }

  void run() {
    auto const now = Steady::now();
    for (auto const& line : lines_)  // a peer that sends a byte now and then keeps no connection for ever
      if (!line.held && now - line.since >= limits_.timeout) ::shutdown(line.fd, SHUT_RDWR);
    move_bytes();
  }

  std::vector<ControlRequest> collect() {
    std::vector<ControlRequest> requests;
    for (auto const id : std::exchange(whole_, {})) {
      auto const found = exchanges_.find(id);
      if (found != exchanges_.end()) requests.push_back(std::move(found->second.request));
    }
    ring_if_needed();
    return requests;
  }

  void answer(std::uint64_t id, ControlReply reply) {
    auto const found = exchanges_.find(id);
    if (found == exchanges_.end() || found->second.reply || !found->second.line->held) return;
    auto& exchange = found->second;
    exchange.reply = std::move(reply);
    exchange.line->held = false;
    exchange.line->since = Steady::now();
    MHD_resume_connection(exchange.connection);
    move_bytes();
  }

 private:
  bool library_is_busy() const {
    MHD_UNSIGNED_LONG_LONG ms = 1;
    return MHD_get_timeout(daemon_, &ms) == MHD_YES && ms == 0;
  }

  // The library may have more to do at once than its descriptor tells (a resumed connection, above all).
  void move_bytes() {
    constexpr int kRounds = 64;  // then the loop gets its turn first
    for (int i = 0; i == 0 || (i < kRounds && library_is_busy()); ++i) MHD_run(daemon_);
    ring_if_needed();
  }

  // Makes fd() readable while there is something to run or to collect, and only then.
  void ring_if_needed() {
    bool const wanted = !whole_.empty() || library_is_busy();
    if (wanted == rung_) return;
    std::uint64_t count = 1;
    auto const done =
        wanted ? ::write(doorbell_.get(), &count, sizeof count) : ::read(doorbell_.get(), &count, sizeof count);
    if (done == sizeof count) rung_ = wanted;
  }

  bool watch(int fd) const {
    epoll_event event{.events = EPOLLIN, .data = {}};
    return epoll_ && fd >= 0 && ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
  }

  static MHD_Result on_call(void* self, MHD_Connection* connection, char const* url, char const* method, char const*,
                            char const* bytes, std::size_t* count, void** slot) {
    auto& impl = *static_cast<Impl*>(self);
    if (*slot == nullptr) return impl.begin(connection, url, method, slot);
    auto& exchange = *static_cast<Exchange*>(*slot);
    if (*count > 0) return impl.take(exchange, bytes, count);
    return impl.whole(exchange);
  }

  // The head of a request is there. An answer here closes the connection, which is right for refusals:
  // the body that may follow is not worth reading.
  MHD_Result begin(MHD_Connection* connection, char const* url, char const* method, void** slot) {
    auto const* const context = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (context == nullptr || context->socket_context == nullptr) return MHD_NO;
    auto const id = next_id_++;
    auto& exchange = exchanges_[id];
    *slot = &exchange;
    exchange.connection = connection;
    exchange.line = static_cast<Line*>(context->socket_context);
    exchange.request = {.id = id, .method = method, .path = url, .query = {}, .body = {}, .peer = exchange.line->peer};

    switch (may_do(method, exchange.line->peer, socket_.owner)) {
      case Access::kAllowed: break;
      case Access::kNoMethod:
        return queue(connection, error_reply(405, "no_such_method", "only GET, HEAD and POST are answered", ""));
      case Access::kForbidden:
        return queue(connection, error_reply(403, "forbidden", "this user may not operate the daemon",
                                             "run it as root or as a member of the socket's group"));
    }
    if (announced_bytes(connection).value_or(0) > limits_.body_bytes) return queue(connection, too_large());
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, &keep_argument, &exchange.request.query);
    return MHD_YES;
  }

  MHD_Result take(Exchange& exchange, char const* bytes, std::size_t* count) {
    auto const size = std::exchange(*count, 0);
    auto& body = exchange.request.body;
    if (exchange.too_large || body.size() + size > limits_.body_bytes) {
      exchange.too_large = true;  // the rest is read and dropped, so that the answer can be sent; but not without end
      exchange.discarded_bytes += size;
      body.clear();
      return exchange.discarded_bytes > 4 * limits_.body_bytes ? MHD_NO : MHD_YES;
    }
    body.append(bytes, size);
    return MHD_YES;
  }

  MHD_Result whole(Exchange& exchange) {
    if (exchange.reply) return queue(exchange.connection, *exchange.reply);
    if (exchange.too_large) return queue(exchange.connection, too_large());
    if (stopping_) return queue(exchange.connection, stopping());
    exchange.line->held = true;
    whole_.push_back(exchange.request.id);
    MHD_suspend_connection(exchange.connection);
    return MHD_YES;
  }

  static ControlReply too_large() {
    return error_reply(413, "body_too_large", "the request body is too large", "send fewer paths at once");
  }

  static void on_completed(void* self, MHD_Connection*, void** slot, MHD_RequestTerminationCode) {
    auto& impl = *static_cast<Impl*>(self);
    if (*slot == nullptr) return;
    auto& exchange = *static_cast<Exchange*>(*slot);
    exchange.line->since = Steady::now();
    exchange.line->held = false;
    std::erase_if(impl.exchanges_, [&](auto const& entry) { return &entry.second == &exchange; });
    *slot = nullptr;
  }

  static void on_connection(void* self, MHD_Connection* connection, void** context,
                            MHD_ConnectionNotificationCode code) {
    auto& impl = *static_cast<Impl*>(self);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
      auto const* const facts = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
      auto const fd = facts == nullptr ? -1 : facts->connect_fd;
      impl.lines_.push_back({.fd = fd, .peer = peer_of(fd), .since = Steady::now()});
      *context = &impl.lines_.back();
    } else if (*context != nullptr) {
      auto const* const line = static_cast<Line*>(*context);
      impl.lines_.remove_if([&](Line const& other) { return &other == line; });
      *context = nullptr;
    }
  }

  static ControlReply stopping() {
    return error_reply(503, "stopping", "the daemon is stopping", "try again when it runs");
  }

  // A request that comes in whole while the others are answered must not be held any more: the library
  // aborts the process when it is stopped with a connection held.
  void answer_all_unavailable() {
    stopping_ = true;
    std::vector<std::uint64_t> waiting;
    for (auto const& [id, exchange] : exchanges_) waiting.push_back(id);
    for (auto const id : waiting) answer(id, stopping());
    for (int i = 0; i < 4; ++i) MHD_run(daemon_);
  }

  ControlSocket socket_;
  ControlLimits limits_;
  MHD_Daemon* daemon_ = nullptr;
  UniqueFd epoll_{::epoll_create1(EPOLL_CLOEXEC)};  // over the library's own, and the doorbell
  UniqueFd doorbell_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  bool rung_ = false;
  bool stopping_ = false;
  std::list<Line> lines_;                        // at most limits_.connections
  std::map<std::uint64_t, Exchange> exchanges_;  // at most one per line
  std::vector<std::uint64_t> whole_;             // in the order of their arrival, not yet collected
  std::uint64_t next_id_ = 1;
};

ControlServer::ControlServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ControlServer::~ControlServer() = default;

Result<std::unique_ptr<ControlServer>> ControlServer::open(std::string const& path, ControlLimits limits) {
  SLUICE_TRY(socket, listen_at(path));
  auto impl = std::make_unique<Impl>(std::move(socket), limits);
  if (!impl->start()) return fail(Fault::kLocal, "control socket: the HTTP server did not start", "control_socket");
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(impl)));
}

int ControlServer::fd() const { return impl_->fd(); }
std::optional<Millis> ControlServer::sleep_at_most() const { return impl_->sleep_at_most(); }
void ControlServer::run() { impl_->run(); }
std::vector<ControlRequest> ControlServer::collect() { return impl_->collect(); }
void ControlServer::answer(std::uint64_t id, ControlReply reply) { impl_->answer(id, std::move(reply)); }

}  // namespace sluice::daemon

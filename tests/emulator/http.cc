#include "http.h"

#include <microhttpd.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <stdexcept>

#include "listen.h"

namespace sluice::emulator {

namespace {

constexpr std::size_t kConnectionMemory = 1U << 20U;  // half of it becomes the read buffer: big reads, few calls
constexpr unsigned kConnectionsMax = 2000;

// Lives as long as one request.
struct Pending {
  std::string uri;  // raw, as on the request line
  std::unique_ptr<Exchange> exchange;
};

// Lives as long as one connection.
struct Connection {
  std::uint64_t requests = 0;
};

MHD_Result collect_header(void* into, MHD_ValueKind /*kind*/, char const* name, char const* value) {
  static_cast<Pairs*>(into)->emplace_back(lower(name), value == nullptr ? "" : value);
  return MHD_YES;
}

Request make_request(MHD_Connection* connection, char const* method, std::string const& uri) {
  Request request{method, {}, {}, {}, {}, 1};
  auto const question = uri.find('?');
  request.raw_path = uri.substr(0, question);
  if (question != std::string::npos) request.raw_query = uri.substr(question + 1);
  request.query = parse_query(request.raw_query);
  MHD_get_connection_values(connection, MHD_HEADER_KIND, collect_header, &request.headers);
  auto const* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  if (info != nullptr && info->socket_context != nullptr) {
    request.ordinal = ++static_cast<Connection*>(info->socket_context)->requests;
  }
  return request;
}

MHD_Result queue(MHD_Connection* connection, Reply const& reply) {
  auto* const response =
      MHD_create_response_from_buffer(reply.body.size(), const_cast<char*>(reply.body.data()), MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) return MHD_NO;
  if (!reply.content_type.empty()) MHD_add_response_header(response, "Content-Type", reply.content_type.c_str());
  for (auto const& [name, value] : reply.headers) MHD_add_response_header(response, name.c_str(), value.c_str());
  auto const done = MHD_queue_response(connection, static_cast<unsigned>(reply.status), response);
  MHD_destroy_response(response);
  return done;
}

// Makes the kernel send RST now: connecting a TCP socket to "unspecified" dissolves the connection.
MHD_Result reset(MHD_Connection* connection) {
  auto const* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  if (info != nullptr) {
    sockaddr nowhere{};
    nowhere.sa_family = AF_UNSPEC;
    (void)connect(info->connect_fd, &nowhere, sizeof nowhere);
  }
  return MHD_NO;
}

MHD_Result first_call(Begin const& begin, MHD_Connection* connection, char const* method, Pending& pending) {
  auto request = make_request(connection, method, pending.uri);
  bool const waits = lower(request.header("expect")) == "100-continue";
  pending.exchange = begin(std::move(request));
  if (waits) {
    if (auto const refusal = pending.exchange->refuse_body()) return queue(connection, *refusal);
  }
  return MHD_YES;
}

MHD_Result on_access(void* cls, MHD_Connection* connection, char const* /*url*/, char const* method,
                     char const* /*version*/, char const* data, size_t* data_bytes, void** context) {
  auto& pending = *static_cast<Pending*>(*context);
  try {
    if (!pending.exchange) return first_call(*static_cast<Begin*>(cls), connection, method, pending);
    if (*data_bytes > 0) {
      bool const go_on = pending.exchange->take(std::as_bytes(std::span(data, *data_bytes)));
      *data_bytes = 0;
      return go_on ? MHD_YES : reset(connection);
    }
    auto const outcome = pending.exchange->finish();
    if (outcome.reply) return queue(connection, *outcome.reply);
    return outcome.cut == Cut::kReset ? reset(connection) : MHD_NO;
  } catch (std::exception const& error) {
    std::fprintf(stderr, "sluice-emulator: %s %s: %s\n", method, pending.uri.c_str(), error.what());
    return MHD_NO;
  }
}

void* on_uri(void* /*cls*/, char const* uri, MHD_Connection* /*connection*/) { return new Pending{uri, nullptr}; }

void on_completed(void* /*cls*/, MHD_Connection* /*connection*/, void** context, MHD_RequestTerminationCode /*code*/) {
  delete static_cast<Pending*>(*context);
  *context = nullptr;
}

void on_connection(void* /*cls*/, MHD_Connection* /*connection*/, void** context, MHD_ConnectionNotificationCode code) {
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    *context = new Connection;
  } else {
    delete static_cast<Connection*>(*context);
    *context = nullptr;
  }
}

}  // namespace

std::string_view Request::header(std::string_view lower_case_name) const {
  auto const at = std::ranges::find(headers, lower_case_name, &Pairs::value_type::first);
  return at == headers.end() ? std::string_view{} : std::string_view(at->second);
}

bool Request::has_header(std::string_view lower_case_name) const {
  return std::ranges::find(headers, lower_case_name, &Pairs::value_type::first) != headers.end();
}

std::optional<std::uint64_t> Request::content_length() const {
  auto const text = header("content-length");
  std::uint64_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct HttpServer::Impl {
  Begin begin;
  MHD_Daemon* daemon = nullptr;
};

HttpServer::HttpServer(Listener& listener, Begin begin) : impl_(new Impl{std::move(begin), nullptr}) {
  unsigned const flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ITC;
  impl_->daemon = MHD_start_daemon(flags, 0, nullptr, nullptr, &on_access, &impl_->begin,  //
                                   MHD_OPTION_LISTEN_SOCKET, listener.fd(),                //
                                   MHD_OPTION_URI_LOG_CALLBACK, &on_uri, nullptr,          //
                                   MHD_OPTION_NOTIFY_COMPLETED, &on_completed, nullptr,    //
                                   MHD_OPTION_NOTIFY_CONNECTION, &on_connection, nullptr,  //
                                   MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionMemory,  //
                                   MHD_OPTION_CONNECTION_LIMIT, kConnectionsMax, MHD_OPTION_END);
  if (impl_->daemon == nullptr) throw std::runtime_error("cannot start the HTTP server on " + listener.authority());
  listener.release();
}

HttpServer::~HttpServer() { MHD_stop_daemon(impl_->daemon); }

}  // namespace sluice::emulator

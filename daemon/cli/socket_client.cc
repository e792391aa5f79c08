#include "daemon/cli/socket_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "core/base/text.h"
#include "daemon/unique_fd.h"

namespace sluice::cli {
namespace {

using Steady = std::chrono::steady_clock;
using daemon::UniqueFd;

constexpr auto kConnectTimeout = std::chrono::seconds(5);

std::unexpected<Error> not_ours(std::string text) {
  return fail(Fault::kProtocol, "what answers on the control socket is not sluiced: " + std::move(text), "bad_answer");
}

// A connected socket and the time by which everything must be over.
struct Line {
  UniqueFd fd;
  std::string path;
  Steady::time_point until;

  std::unexpected<Error> broken(std::string const& what, std::string code) const {
    return fail(Fault::kOffline, "control socket " + printable(path) + ": " + what, std::move(code));
  }

  // Waits until the socket can be read or written.
  Result<void> ready(short events, Steady::time_point no_later_than) const {
    for (;;) {
      auto const left = std::chrono::ceil<Millis>(no_later_than - Steady::now()).count();
      if (left <= 0) return broken("no answer in time", "no_answer");
      pollfd entry{.fd = fd.get(), .events = events, .revents = 0};
      int const count = ::poll(&entry, 1, static_cast<int>(left));
      if (count > 0) return {};
      if (count < 0 && errno != EINTR) return broken(std::strerror(errno), "no_answer");
    }
  }
};

std::string_view code_of(int error) {
  if (error == ENOENT) return "no_socket";
  if (error == EACCES || error == EPERM) return "denied";
  return "nobody_listens";
}

Result<Line> connect_to(std::string const& path, Millis timeout) {
  Line line{.fd = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
            .path = path,
            .until = Steady::now() + timeout};
  if (!line.fd) return line.broken(std::strerror(errno), "nobody_listens");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return line.broken("the path is too long", "no_socket");
  std::memcpy(address.sun_path, path.data(), path.size());

  auto const connect_until = std::min(line.until, Steady::now() + kConnectTimeout);
  while (::connect(line.fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) {
    auto const error = errno;
    if (error == EINTR) continue;
    if (error != EAGAIN) return line.broken(std::strerror(error), std::string(code_of(error)));
    if (Steady::now() >= connect_until) return line.broken("too many connections wait for it", "no_answer");
    ::poll(nullptr, 0, 20);  // the queue is full: a Unix socket gives no event when that ends
  }
  return line;
}

Result<void> send_all(Line const& line, std::string_view bytes) {
  while (!bytes.empty()) {
    SLUICE_CHECK(line.ready(POLLOUT, line.until));
    auto const sent = ::send(line.fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0)
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    else if (errno == EPIPE || errno == ECONNRESET)
      return {};  // it may have answered already, and closed: 413 comes so
    else if (errno != EAGAIN && errno != EINTR)
      return line.broken(std::strerror(errno), "no_answer");
  }
  return {};
}

// Appends what has come; false at the end of the stream.
Result<bool> receive(Line const& line, std::string& into) {
  for (;;) {
    SLUICE_CHECK(line.ready(POLLIN, line.until));
    char buffer[16 * 1024];
    auto const got = ::recv(line.fd.get(), buffer, sizeof buffer, 0);
    if (got > 0) into.append(buffer, static_cast<std::size_t>(got));
    if (got >= 0) return got > 0;
    if (errno == ECONNRESET) return false;
    if (errno != EAGAIN && errno != EINTR) return line.broken(std::strerror(errno), "no_answer");
  }
}

std::string request_text(Question const& question) {
  auto text = question.method + " " + question.target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  if (question.method == "POST")
    text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(question.body.size()) + "\r\n";
  return text + "\r\n" + (question.method == "POST" ? question.body : std::string());
}

template <class Number>
std::optional<Number> whole_number(std::string_view text) {
  Number number{};
  auto const [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Result<AnswerHead> read_head(std::string_view head) {
  auto const line_end = head.find("\r\n");
  auto const first = head.substr(0, line_end);
  if (!first.starts_with("HTTP/1.") || first.size() < 12 || first[8] != ' ') return not_ours("no HTTP/1.1 status line");
  auto const status = whole_number<int>(first.substr(9, 3));
  if (!status || *status < 100) return not_ours("no HTTP status");
  std::optional<std::size_t> length;
  auto rest = line_end == std::string_view::npos ? std::string_view() : head.substr(line_end + 2);
  while (!rest.empty()) {
    auto const end = rest.find("\r\n");
    auto const field = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 2);
    auto const colon = field.find(':');
    if (colon == std::string_view::npos) return not_ours("a header without a colon");
    auto const name = field.substr(0, colon);
    auto const value = trimmed(field.substr(colon + 1));
    if (equal_ignoring_case(name, "transfer-encoding")) return not_ours("an answer without a length");
    if (!equal_ignoring_case(name, "content-length")) continue;
    auto const bytes = whole_number<std::size_t>(value);
    if (!bytes || length) return not_ours("a bad Content-Length");
    if (*bytes > kBodyMax) return not_ours("an answer of more than 64 MiB");
    length = bytes;
  }
  if (!length) return not_ours("an answer without a length");
  return AnswerHead{.status = *status, .body_bytes = *length};
}

Result<Answer> SocketClient::ask(Question const& question) {
  SLUICE_TRY(line, connect_to(path_, timeout_));
  SLUICE_CHECK(send_all(line, request_text(question)));

  std::string bytes;
  auto end = std::string::npos;
  while ((end = bytes.find("\r\n\r\n")) == std::string::npos) {
    if (bytes.size() > kHeadMax) return not_ours("a head of more than 64 KiB");
    SLUICE_TRY(more, receive(line, bytes));
    if (!more) return line.broken("closed before it answered", "no_answer");
  }
  SLUICE_TRY(head, read_head(std::string_view(bytes).substr(0, end)));
  bytes.erase(0, end + 4);
  while (bytes.size() < head.body_bytes) {
    SLUICE_TRY(more, receive(line, bytes));
    if (!more) return line.broken("closed in the middle of its answer", "no_answer");
  }
  bytes.resize(head.body_bytes);
  return Answer{.status = head.status, .body = std::move(bytes)};
}

}  // namespace sluice::cli

// loopback_server.h - a tiny HTTP/1.1 server for one test: blocking sockets in one thread.
//
// It accepts one connection after the other and gives each to the test's function, which says what
// happens on it. Every request that was read whole is kept, with the number of its connection.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "daemon/unique_fd.h"

namespace sluice::daemon {

struct SeenRequest {
  int connection = 0;
  std::string head;  // request line and headers, each with its CRLF
  std::string body;

  bool has(std::string_view text) const { return head.find(text) != std::string::npos; }
};

class LoopbackServer {
 public:
  class Connection {
   public:
    Connection(LoopbackServer& server, int count, UniqueFd fd) : number(count), server_(server), fd_(std::move(fd)) {}
    int const number;

    // Reads one request whole and records it; nothing when the client left.
    std::optional<SeenRequest> read_request() {
      while (buffered_.find("\r\n\r\n") == std::string::npos) {
        if (!read_more()) return std::nullopt;
      }
      SeenRequest request{.connection = number, .head = {}, .body = {}};
      auto const head_end = buffered_.find("\r\n\r\n") + 4;
      request.head = buffered_.substr(0, head_end);
      auto const length = length_in(request.head);
      while (buffered_.size() < head_end + length) {
        if (!read_more()) return std::nullopt;
      }
      request.body = buffered_.substr(head_end, length);
      buffered_.erase(0, head_end + length);
      server_.record(request);
      return request;
    }

    void write(std::string_view text) {
      while (!text.empty()) {
        auto const sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
        if (sent <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(sent));
      }
    }

    void answer(std::string_view body = "", std::string_view headers = "") {
      write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string(headers) +
            "\r\n" + std::string(body));
    }

    void wait_until_client_leaves() {
      while (read_more()) buffered_.clear();
    }

   private:
    bool read_more() {
      char bytes[16384];
      auto const got = ::recv(fd_.get(), bytes, sizeof bytes, 0);
      if (got <= 0) return false;
      buffered_.append(bytes, static_cast<std::size_t>(got));
      return true;
    }

    static std::size_t length_in(std::string head) {
      std::ranges::transform(head, head.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      auto const at = head.find("content-length: ");
      return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
    }

    LoopbackServer& server_;
    UniqueFd fd_;
    std::string buffered_;
  };

  explicit LoopbackServer(std::function<void(Connection&)> serve) : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_.get(), 64);
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, serve = std::move(serve)] {
      for (int number = 0;; ++number) {
        UniqueFd fd(::accept(listener_.get(), nullptr, nullptr));
        if (!fd) return;
        Connection connection(*this, number, std::move(fd));
        serve(connection);
      }
    });
  }
  ~LoopbackServer() { stop(); }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  // Ends the thread, once the client has let go of its connections, and returns all that was read.
  std::vector<SeenRequest> stop() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    std::lock_guard const lock(mutex_);
    return seen_;
  }

 private:
  void record(SeenRequest const& request) {
    std::lock_guard const lock(mutex_);
    seen_.push_back(request);
  }

  UniqueFd listener_;
  int port_ = 0;
  std::thread thread_;
  std::mutex mutex_;
  std::vector<SeenRequest> seen_;
};

}  // namespace sluice::daemon

// wire_fixture.h - what the tests of the wire share: a body, calls, and a loop that runs them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "daemon/wire_curl.h"
#include "tests/unit/daemon/loopback_server.h"

namespace sluice::daemon {

// A body of `size` bytes that can break at an offset.
class PatternBody final : public ports::Body {
 public:
  explicit PatternBody(std::size_t size) : size_(size) {}

  std::size_t breaks_at = ~std::size_t{0};
  bool breaks_short = false;  // ends early instead of failing

  std::uint64_t size_bytes() const override { return size_; }
  Result<std::optional<std::size_t>> read(std::span<std::byte> into) override {
    if (done_ >= breaks_at && breaks_short) return 0u;
    if (done_ >= breaks_at) return fail(Fault::kSourceChanged, "the file grew");
    auto const count = std::min({into.size(), size_ - done_, breaks_at - done_});
    for (std::size_t i = 0; i < count; ++i) into[i] = byte_at(done_ + i);
    done_ += count;
    return count;
  }

  static std::byte byte_at(std::size_t offset) { return static_cast<std::byte>('a' + offset % 23); }
  std::string text() const {
    std::string all(size_, ' ');
    for (std::size_t i = 0; i < size_; ++i) all[i] = static_cast<char>(byte_at(i));
    return all;
  }

 private:
  std::size_t size_;
  std::size_t done_ = 0;
};

// A body whose every other read finds nothing yet; then another thread says that there is more, unless it is stuck.
class HesitantBody final : public ports::Body {
 public:
  HesitantBody(std::size_t size, bool is_stuck) : whole_(size), is_stuck_(is_stuck) {}
  ~HesitantBody() override {
    for (auto& thread : sayers_) thread.join();
  }

  std::uint64_t size_bytes() const override { return whole_.size_bytes(); }
  void on_more(std::function<void()> notice) override {
    std::lock_guard const lock(mutex_);
    notice_ = std::move(notice);
  }
  Result<std::optional<std::size_t>> read(std::span<std::byte> into) override {
    hesitates_ = !hesitates_;
    if (!hesitates_) return whole_.read(into.first(std::min<std::size_t>(into.size(), 1000)));
    if (!is_stuck_) sayers_.emplace_back([this] { say(); });
    return std::nullopt;
  }
  std::string text() const { return whole_.text(); }

 private:
  void say() {
    std::lock_guard const lock(mutex_);
    if (notice_) notice_();
  }

  PatternBody whole_;
  bool is_stuck_;
  bool hesitates_ = false;
  std::mutex mutex_;
  std::function<void()> notice_;
  std::vector<std::thread> sayers_;
};

inline ports::Call api_call(std::uint64_t ticket, ports::Method method, std::string path, std::string body = "") {
  ports::Call call;
  call.ticket = ticket;
  call.method = method;
  call.target = std::move(path);
  call.text_body = std::move(body);
  call.stall_limit = Millis(20'000);
  return call;
}

inline ports::Call put_call(std::uint64_t ticket, std::string url, std::size_t size) {
  auto call = api_call(ticket, ports::Method::kPut, "");
  call.target = SecretUrl(std::move(url));
  call.body = std::make_shared<PatternBody>(size);
  return call;
}

inline WireCurl make_wire(std::string const& base) { return WireCurl(base, ApiKey("tlk_canary"), "sluice/test"); }

// Runs until one call has ended, for 30 s at most.
inline ports::Outcome run(WireCurl& wire) {
  auto const deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < deadline) {
    wire.pump();
    auto ended = wire.collect();
    if (!ended.empty()) {
      EXPECT_EQ(ended.size(), 1u);
      return std::move(ended.front());
    }
    wire.wait({}, Millis(1000));
  }
  ADD_FAILURE() << "no outcome within 30 s";
  return {};
}

inline ports::Outcome run(WireCurl& wire, ports::Call call) {
  wire.send(std::move(call));
  return run(wire);
}

inline auto answering(std::string body = "", std::string headers = "") {
  return [body, headers](LoopbackServer::Connection& connection) {
    while (connection.read_request()) connection.answer(body, headers);
  };
}

}  // namespace sluice::daemon

// media_host.h - somebody else's web server: gives files by ranges, and breaks off, waits and changes as the test says.
//
// Plain HTTP/1.1 on 127.0.0.1; shares no code with the product.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "tests/network/acceptor.h"

namespace sluice::e2e {

class MediaHost {
 public:
  MediaHost() = default;
  ~MediaHost();
  MediaHost(MediaHost const&) = delete;
  MediaHost& operator=(MediaHost const&) = delete;

  // What is behind "/name" from now on: the bytes of a file, by an ETag of their own.
  void serve(std::string const& name, std::string const& file);
  // ... or a redirect.
  void redirect(std::string const& name, std::string const& target);
  std::string url(std::string const& name) const { return "http://" + place() + "/" + name; }
  std::string place() const { return "127.0.0.1:" + std::to_string(acceptor_.port()); }

  void give_no_ranges() { ranges_ = false; }
  // The next `answers` break off after so many bytes of their bodies.
  void break_off(int answers, std::uint64_t after_bytes);
  // Once so many bytes of bodies were sent, nothing more is, until release(); but files may always be begun.
  void hold_after(std::uint64_t bytes);
  void release();

  std::uint64_t bytes_sent() const;  // of bodies
  int connections() const { return acceptor_.accepted(); }
  std::string requests() const;  // all heads that came

 private:
  struct Content {
    std::string bytes = {};
    std::string etag = {};
    std::string target = {};
  };
  void answer_all(int fd);
  bool answer(int fd, std::string const& head);
  bool send_body(int fd, std::string_view body, bool breaks, bool may_be_held);

  mutable std::mutex mutex_;
  std::condition_variable moved_;
  std::map<std::string, Content> contents_;
  bool ranges_ = true;
  int breaking_ = 0;
  std::uint64_t break_after_ = 0;
  std::uint64_t held_at_ = ~std::uint64_t{0};
  std::uint64_t sent_ = 0;
  int versions_ = 0;
  bool ending_ = false;
  std::string heads_;
  network::Acceptor acceptor_{[this](int fd) { answer_all(fd); }};  // last: its threads use all the others
};

}  // namespace sluice::e2e

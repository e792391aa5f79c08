// test_support.h - what the emulator's own tests need: a clock they turn by hand, a running emulator in
// a temporary folder, and a small HTTP client that shows a cut connection as what it is.

#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "emulator.h"
#include "text.h"

namespace sluice::emulator::test {

struct Answer {
  int status = 0;
  Pairs headers;  // names in lower case
  std::string body;

  nlohmann::json json() const { return nlohmann::json::parse(body); }
  std::string header(std::string_view lower_case_name) const;
  std::string code() const { return json().value("code", ""); }
};

// One connection. A request that meets a closed connection is an error of the test, never repeated.
class Connection {
 public:
  explicit Connection(std::string const& url);  // http://HOST:PORT...
  ~Connection();
  Connection(Connection const&) = delete;
  Connection& operator=(Connection const&) = delete;

  // Sends a request; headers are given as they shall stand. Content-Length is added, unless `headers`
  // hold a Transfer-Encoding or a Content-Length.
  // Returns nullopt if the connection ended before one byte of an answer.
  std::optional<Answer> send(std::string const& method, std::string const& target, Pairs headers = {},
                             std::string const& body = {});

 private:
  std::optional<Answer> read_answer();
  int fd_;
  std::string host_;
};

struct Session {
  std::string upload_id;
  std::string asset_id;
  nlohmann::json urls;
  Pairs headers;
};

class Bench {
 public:
  // Starts an emulator with a chunk size of 1000 bytes unless `options` say otherwise.
  explicit Bench(Options options = small());
  ~Bench();
  Bench(Bench const&) = delete;
  Bench& operator=(Bench const&) = delete;

  static Options small();

  // Calls of the API, with the right key, each on a connection of its own. `body` null: none is sent.
  Answer call(std::string const& method, std::string const& path, nlohmann::json const& body = nullptr);
  Answer get(std::string const& path) { return call("GET", path); }
  Answer post(std::string const& path, nlohmann::json const& body) { return call("POST", path, body); }
  // A multipart form of text fields; `file` adds a part with this name and content.
  std::optional<Answer> post_form(Pairs const& fields, std::optional<std::pair<std::string, std::string>> const& file);

  // PUTs to a presigned URL. nullopt: cut.
  std::optional<Answer> put(std::string const& url, Pairs const& headers, std::string const& body);

  void arm(nlohmann::json const& rules);  // replaces the fault rules
  nlohmann::json ledger();
  std::vector<std::string> events();  // their names, in order

  void pass_ms(std::int64_t ms) { now_ms_ += ms; }

  // Shortcuts for what many tests start from.
  Session open_session(std::uint64_t bytes, std::string const& filename = "clip.mp4");
  std::string upload(Session const& session, std::uint32_t index, std::string const& bytes);  // returns the ETag
  nlohmann::json report_entry(std::uint32_t index, std::string const& etag, std::size_t bytes);
  std::string ready_asset(std::string const& filename, std::string const& content);  // returns its id

  Emulator& emulator() { return *emulator_; }

 private:
  std::atomic<std::int64_t> now_ms_{1'764'547'200'000};  // 2025-12-01T00:00:00Z
  std::filesystem::path dir_;
  std::string base_path_;
  std::unique_ptr<Emulator> emulator_;
};

}  // namespace sluice::emulator::test

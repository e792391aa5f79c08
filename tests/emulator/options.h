// options.h - every switch of the emulator, with its default, as plain values.
//
// One struct, filled once by the command line (command_line.h) or by a test, and never changed while
// the emulator runs. Where the platform's behaviour is unknown or has changed over time (U1, U2, R68),
// there is a switch; the defaults are the current behaviour.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace sluice::emulator {

// Wall clock in Unix milliseconds. Tests pass their own; nothing in the emulator reads time elsewhere.
using Clock = std::function<std::int64_t()>;

struct Options {
  std::string listen = "127.0.0.1:0";
  std::string store_listen = "127.0.0.1:0";
  // HOST:PORT that presigned URLs name, and sign as their host; empty: where the store listens.
  std::string store_public;
  std::filesystem::path dir;         // parts, objects and ledger.jsonl; must be empty or absent at start
  std::filesystem::path ready_file;  // empty: none is written
  std::string api_key = "demo-key";
  std::string base_path = "/v1.3";
  std::filesystem::path scenario_file;

  std::uint64_t chunk_bytes = 5ULL << 20U;  // the platform's own example (V2)
  std::uint32_t initial_urls = 10;          // U1
  std::int64_t url_life_ms = 3'600'000;     // R21
  std::int64_t session_life_ms = 86'400'000;
  std::int64_t ready_after_ms = 200;
  std::int64_t index_after_ms = 300;
  std::int64_t entity_after_ms = 200;
  std::int64_t list_lag_ms = 0;        // U16
  std::uint64_t rate_bytes_per_s = 0;  // 0: unlimited
  double limits_scale = 1.0;           // all limits of section 10 times this

  bool ready_at_once = false;  // --readiness seeds: a direct asset answers `ready` (R11a)
  bool metadata = true;        // false: user_metadata is refused, as before it existed (R50)
  bool lookup = true;          // false: the two list-by-asset calls answer 404
  bool single_use = true;      // U2
  bool keep_objects = true;    // false: part files go once they are hashed, for long measurements
  bool store_tls = false;      // presigned URLs are https: something before the store ends TLS
  int empty_status = 204;      // R9

  // Which headers the store wants with a chunk PUT, and signs (R23).
  enum class UploadHeaders {
    kStrict,  // Content-Type and x-amz-meta-upload
    kPlain,   // Content-Type alone: what the official SDKs send, since they ignore upload_headers
    kNone,
  };
  UploadHeaders upload_headers = UploadHeaders::kStrict;

  std::uint64_t seed = 1;  // ids and the dice of probability rules
  bool quiet = false;
};

// Limits as the platform counts them (section 10, current), already scaled; decimal (R67).
std::uint64_t direct_limit_bytes(Options const& options, std::string const& type);
std::uint64_t multipart_limit_bytes(Options const& options, std::string const& type);

}  // namespace sluice::emulator

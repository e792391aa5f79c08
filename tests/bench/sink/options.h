// options.h - the switches of sluice-bench-sink, as plain values.
#pragma once

#include <cstdint>
#include <filesystem>

namespace sluice::bench {

struct Options {
  std::filesystem::path ready_file;   // JSON with base_url, store_url and pid, once both ports listen
  std::filesystem::path certificate;  // PEM; empty for plain HTTP
  std::filesystem::path private_key;  // PEM
  std::uint64_t chunk_bytes = 5ULL << 20U;
  std::uint32_t initial_urls = 10;

  std::uint64_t connection_bytes_per_s = 0;  // of upload bodies, each connection; 0 for no limit
  std::uint64_t line_bytes_per_s = 0;        // of upload bodies, all connections together; 0 for no limit
  std::int64_t answer_delay_ms = 0;
  std::int64_t connect_delay_ms = 0;  // from accepting a connection to reading from it
  std::uint64_t stall_every = 0;      // each so-manieth PUT stands still in the middle of its body; 0: none does
  std::int64_t stall_ms = 0;          // ... for so long
  bool never_ready = false;           // assets stay `processing`
};

}  // namespace sluice::bench

// ledger.h - the append-only record of everything the emulator did: the oracle of the tests.
//
// Two parts. Events are lines of JSON in ledger.jsonl, one per effect, with a sequence number and the
// time; a line is in the file before the answer that tells of its effect leaves. Counters are the
// requests by endpoint and the bytes. Nothing is ever removed or rewritten. All calls are thread-safe.

#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "options.h"

namespace sluice::emulator {

class Ledger {
 public:
  // Opens (creates) dir/ledger.jsonl. Throws std::runtime_error if it cannot.
  Ledger(std::filesystem::path const& dir, Clock clock);
  ~Ledger();
  Ledger(Ledger const&) = delete;
  Ledger& operator=(Ledger const&) = delete;

  // Appends one event; `seq`, `at_ms` and `event` are added to `fields`, which must be an object.
  void write(std::string const& event, nlohmann::json fields);

  // The events from sequence number `from` on (the first is 1), as the text of a JSON array.
  std::string events_from(std::uint64_t from) const;

  // Counts the end of a request. `status` 0 means: it was cut, by a rule or by the client.
  // Returns the number of this request, counted over all endpoints.
  std::uint64_t count(std::string const& endpoint, int status);
  nlohmann::json requests() const;

  std::atomic<std::uint64_t> bytes_received{0};  // all upload bodies, whole or not
  std::atomic<std::uint64_t> puts_stored{0};
  std::atomic<std::int64_t> puts_open{0};   // in the air right now
  std::atomic<std::uint64_t> key_leaks{0};  // requests that brought the API key to the store (R2)

 private:
  struct Count {
    std::uint64_t total = 0;
    std::uint64_t good = 0;
    std::uint64_t client_error = 0;
    std::uint64_t server_error = 0;
    std::uint64_t cut = 0;
  };

  std::filesystem::path path_;
  Clock clock_;
  int fd_;
  std::uint64_t seq_ = 0;
  std::uint64_t requests_ = 0;
  mutable std::mutex mutex_;
  std::map<std::string, Count> counts_;
};

}  // namespace sluice::emulator

// tls_rows.h - every way in which TLS with the platform may go wrong, as a table.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/ports/wire.h"
#include "tests/network/certificates.h"
#include "tests/network/stream.h"

namespace sluice::network {

// What the servers of a row share. The client trusts `root` and nothing else of these.
struct TlsGround {
  Certificate root = self_signed(authority("Sluice's test root"));
  Certificate stranger = self_signed(authority("somebody else's root"));
  std::atomic<int> requests{0};  // that were read whole
};

struct TlsRow {
  char const* name;
  std::function<void(int fd, TlsGround& ground)> serve;
  std::optional<ports::WireFailure::Phase> phase;  // nothing: the call succeeds all the same
  char const* text;                                // a part of what is said, or of the answer's body
  long patience_ms = 20'000;                       // the call's stall limit, where the fault is silence
};

std::vector<TlsRow> tls_rows();
void PrintTo(TlsRow const& row, std::ostream* out);

}  // namespace sluice::network

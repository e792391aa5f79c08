// control.h - the proxy's rules as text, one command a line, for sluice-chaos and whoever types to it.
//
//   NAME there|back [delay=200ms] [jitter=150ms] [rate=10MB/s] [all-rate=50MB/s]    what holds for every byte
//   NAME fault KIND [there|back] [connection] [key=value ...]                       one more that goes wrong
//        KIND   reset, stall, half-close, corrupt, black-hole
//        keys   after=100KB within=64KiB lasts=60s flip=1 nth=3 every=50 share=0.05 per-mib=0.1 times=2
//   NAME outage refuse|silence [lasts=30s] [every=5m]
//   NAME clear          no rule holds any more
//   NAME cut            every connection is reset
//   NAME to PORT        where it leads
//   NAME counts         what came by, as "connections=3 turns=17 ..."
//
// What each of them means stands in rules.h. Durations are ms, s, m; sizes B, KiB, MiB, KB, MB; rates a size and /s.
#pragma once

#include <string>
#include <string_view>

#include "tests/chaos/proxy.h"

namespace sluice::chaos {

// Carries out one command. Returns "ok", what was asked for, or "error: " and why; then nothing has changed.
std::string obey(Proxy& proxy, std::string_view command);

}  // namespace sluice::chaos

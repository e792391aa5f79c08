#include "core/base/error.h"

#include <cstdlib>

namespace sluice {

std::string_view name_of(Fault fault) {
  switch (fault) {
    case Fault::kOffline: return "offline";
    case Fault::kTransient: return "transient";
    case Fault::kOutcomeUnknown: return "outcome_unknown";
    case Fault::kThrottled: return "throttled";
    case Fault::kUrlExpired: return "url_expired";
    case Fault::kKeyRefused: return "key_refused";
    case Fault::kGone: return "gone";
    case Fault::kSourceChanged: return "source_changed";
    case Fault::kSourceIo: return "source_io";
    case Fault::kCorrupt: return "corrupt";
    case Fault::kRejected: return "rejected";
    case Fault::kProtocol: return "protocol";
    case Fault::kLocal: return "local";
  }
  std::abort();  // no default above: -Wswitch finds a fault that has no word
}

}  // namespace sluice

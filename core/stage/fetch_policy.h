// fetch_policy.h - who gets the bytes behind a URL: the platform, which is told the URL, or Sluice itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/journal/journal.h"
#include "core/stage/policy.h"

namespace sluice::stage {

// The source's policy; of `auto`: Sluice where the platform cannot, which is where the host is named in allow_hosts, is
// a loopback host or an address that is not public, where the URL is no https, or where the size is known to be more
// than the platform takes by a URL. Pure. `url`: as parse_url() makes it.
bool fetches_itself(Policy const& policy, SourcePolicy const& source, std::string_view url, std::string_view kind,
                    std::optional<std::uint64_t> size_bytes);

// The policy of the source of a URL's item, the hand's for one that was named by hand; null if it is not there any
// more. A source may be renamed: then that of the manifest whose line made the item.
SourcePolicy const* source_of(Policy const& policy, journal::Journal const& journal, journal::ItemRow const& item);

// Whether plain http may be called: by Sluice where allow_hosts names the host, by the platform never, but for loopback
// hosts, where the tests' files lie.
// Fails  kRejected, "http_denied".
Result<void> may_be_called(SourcePolicy const& source, std::string_view url, bool relayed);

}  // namespace sluice::stage

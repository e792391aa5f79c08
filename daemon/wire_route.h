// wire_route.h - the way to the platform as the configuration wants it: an extra trust root, a proxy.
#pragma once

#include "config/config.h"
#include "core/base/error.h"
#include "daemon/wire_curl.h"

namespace sluice::daemon {

// Reads what has to be read for it, so that a missing file is said at the start and not with each call.
// Fails  kLocal with the code "route": the CA file cannot be read or holds no certificate, the proxy's place cannot be
//        read or holds no proxy's URL. The text names key and remedy, and holds no secret.
Result<WireRoute> wire_route_from(config::Platform const& platform);

}  // namespace sluice::daemon

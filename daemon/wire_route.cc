#include "daemon/wire_route.h"

#include <cerrno>
#include <fstream>
#include <string>
#include <utility>

#include "config/proxy_url.h"
#include "core/base/text.h"
#include "daemon/api_key.h"
#include "daemon/beneath_linux.h"
#include "daemon/policy.h"

namespace sluice::daemon {
namespace {

std::unexpected<Error> refused(std::string text) { return fail(Fault::kLocal, std::move(text), "route"); }

// libcurl says only with the first call that such a file is of no use.
Result<void> check_roots(std::string const& file) {
  auto const named = "platform.ca_file: " + printable(file);
  std::ifstream in(file, std::ios::binary);
  if (!in) return refused(named + " cannot be read: " + errno_words(errno));
  std::string line;
  while (std::getline(in, line))
    if (line.starts_with("-----BEGIN ") && line.find("CERTIFICATE-----") != std::string::npos) return {};
  return refused(named + " holds no certificate in PEM form; write the authority's certificate there");
}

}  // namespace

Result<WireRoute> wire_route_from(config::Platform const& platform) {
  WireRoute route{.ca_file = platform.ca_file, .proxy = platform.proxy};
  if (!route.ca_file.empty()) SLUICE_CHECK(check_roots(route.ca_file));
  if (!platform.proxy_from) return route;
  auto proxy = read_secret(key_source_from(*platform.proxy_from), "the proxy's URL");
  if (!proxy) return refused("platform.proxy: " + proxy.error().text);
  if (auto const why = config::complaint_of_proxy(*proxy, true); !why.empty())
    return refused("platform.proxy: what is there " + why);
  route.proxy = std::move(*proxy);
  return route;
}

}  // namespace sluice::daemon

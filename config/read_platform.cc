// The keys beneath `platform`.
#include <algorithm>

#include "config/parts.h"
#include "config/proxy_url.h"
#include "core/base/text.h"
#include "core/base/url_text.h"

namespace sluice::config {
namespace {

std::string read_base_url(At const& at, std::string by_default) {
  auto url = read_text(at);
  if (!url) return by_default;
  if (auto const why = complaint_of_url(*url); !why.empty()) {
    at.complain(why);
    return by_default;
  }
  while (url->ends_with('/')) url->pop_back();
  return *url;
}

constexpr char kKeyForms[] =
    "write {credential: twelvelabs-api-key}, {file: /path} or {env: TWELVE_LABS_API_KEY}; never the key itself";

constexpr char kProxyForms[] =
    "write its URL without a password, or {file: /path}, {credential: NAME} or {env: NAME} where the whole URL is";

void read_proxy(At const& at, Platform& platform) {
  if (at.node->type == Node::Type::kMap) {
    platform.proxy_from = read_key_source(at, kProxyForms);
    return;
  }
  auto url = read_text(at);
  if (!url) return;
  if (auto const why = complaint_of_proxy(*url, false); !why.empty()) return at.complain(why);
  platform.proxy = std::move(*url);
}

Limits read_limits(At const& at) {
  Limits limits;
  Section section(at);
  if (auto key = section.find("direct_video")) assign(limits.direct_video_bytes, read_size(*key, 1));
  if (auto key = section.find("direct_image")) assign(limits.direct_image_bytes, read_size(*key, 1));
  if (auto key = section.find("multipart_video")) assign(limits.multipart_video_bytes, read_size(*key, 1));
  if (auto key = section.find("multipart_image")) assign(limits.multipart_image_bytes, read_size(*key, 1));
  if (auto key = section.find("url_video")) assign(limits.url_video_bytes, read_size(*key, 1));
  if (auto key = section.find("url_image")) assign(limits.url_image_bytes, read_size(*key, 1));
  if (auto key = section.find("list_lag")) {
    assign(limits.list_lag, read_duration(*key, Millis(0), std::chrono::hours(1)));
  }
  if (auto key = section.find("late_effect")) {
    assign(limits.late_effect, read_duration(*key, Millis(0), std::chrono::hours(1)));
  }
  section.finish();
  return limits;
}

}  // namespace

Platform read_platform(At const& at, LoadOptions const& options) {
  Platform platform;
  Section section(at);
  if (auto key = section.find("base_url")) platform.base_url = read_base_url(*key, platform.base_url);
  if (auto key = options.needs_key ? section.require("api_key", kKeyForms) : section.find_unless_null("api_key")) {
    platform.api_key = read_key_source(*key, kKeyForms);
  }
  if (auto key = section.find_unless_null("ca_file")) assign(platform.ca_file, read_path(*key));
  if (auto key = section.find_unless_null("proxy")) read_proxy(*key, platform);
  if (auto key = section.find("limits")) platform.limits = read_limits(*key);
  section.finish();
  return platform;
}

}  // namespace sluice::config

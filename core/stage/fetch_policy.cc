#include "core/stage/fetch_policy.h"

#include "core/base/ip_address.h"
#include "core/base/secret.h"
#include "core/base/url_text.h"
#include "core/ports/wire.h"

namespace sluice::stage {
namespace {

bool is_named(SourcePolicy const& source, UrlPlace const& place) {
  return source.allow_hosts != nullptr && source.allow_hosts->names(place.host, place.port);
}

bool is_reachable_for_others(UrlPlace const& place) {
  if (!place.is_https || is_loopback_host(place.host)) return false;
  auto host = std::string_view(place.host);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  auto const address = read_ip_address(host);
  return !address || denied_range(*address).empty();
}

}  // namespace

bool fetches_itself(Policy const& policy, SourcePolicy const& source, std::string_view url, std::string_view kind,
                    std::optional<std::uint64_t> size_bytes) {
  if (source.fetch != FetchPolicy::kAuto) return source.fetch == FetchPolicy::kRelay;
  auto const place = url_place(url);
  auto const most = kind == "image" ? policy.limits.url_image_bytes : policy.limits.url_video_bytes;
  return is_named(source, place) || !is_reachable_for_others(place) || size_bytes.value_or(0) > most;
}

SourcePolicy const* source_of(Policy const& policy, journal::Journal const& journal, journal::ItemRow const& item) {
  if (auto const* const source = policy.source(item.source)) return source;
  if (item.source == policy.hand.name) return &policy.hand;
  auto const entry = journal.entry_of_item(item.id);
  auto const manifest = entry ? journal.manifest(entry->manifest_id) : std::nullopt;
  return manifest ? policy.source(manifest->source) : nullptr;
}

Result<void> may_be_called(SourcePolicy const& source, std::string_view url, bool relayed) {
  auto const place = url_place(url);
  if (place.is_https || (relayed ? is_named(source, place) : is_loopback_host(place.host))) return {};
  if (!relayed)
    return fail(Fault::kRejected,
                "the URL must begin with https://: by http, files are only downloaded by Sluice itself (fetch: relay), "
                "from hosts that allow_hosts names",
                ports::kHttpDenied);
  return fail(Fault::kRejected,
              "plain http is only downloaded from hosts that allow_hosts names, and " + place.host + " is none",
              ports::kHttpDenied);
}

}  // namespace sluice::stage

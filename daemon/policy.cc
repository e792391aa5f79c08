#include "daemon/policy.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <utility>

#include "core/base/json.h"
#include "core/base/text.h"
#include "daemon/file_workers.h"
#include "daemon/wire_curl.h"

namespace sluice::daemon {
namespace {

stage::Metadata metadata_from(config::Metadata const& metadata) {
  stage::Metadata out;
  for (auto const& [key, value] : metadata)
    out.emplace_back(key, std::visit([](auto const& plain) { return stage::MetadataValue(plain); }, value));
  return out;
}

// The array that POST /indexes takes; "" when the index must be there already.
std::string models_json(std::vector<config::Model> const& models) {
  if (models.empty()) return {};
  auto all = Json::array();
  for (auto const& model : models) {
    auto options = Json::array();
    for (auto const& option : model.options) options.push(option);
    all.push(Json::object({{"model_name", model.name}, {"model_options", std::move(options)}}));
  }
  return all.dump();
}

stage::Existing existing_from(config::EntityStep::Existing wanted) {
  switch (wanted) {
    case config::EntityStep::Existing::kAttach: return stage::Existing::kAttach;
    case config::EntityStep::Existing::kFail: return stage::Existing::kFail;
    case config::EntityStep::Existing::kNew: return stage::Existing::kNew;
  }
  std::abort();
}

stage::PipelinePolicy pipeline_from(config::Pipeline const& pipeline) {
  stage::PipelinePolicy out{.name = pipeline.name,
                            .kinds = {},
                            .filename = pipeline.asset.filename,
                            .enable_hls = pipeline.asset.enable_hls,
                            .enable_thumbnail = pipeline.asset.enable_thumbnail,
                            .user_metadata = metadata_from(pipeline.asset.user_metadata)};
  for (auto const kind : pipeline.kinds) out.kinds.emplace(name_of(kind));
  for (auto const& index : pipeline.indexes)
    out.indexes.push_back({.name = index.name,
                           .models_json = models_json(index.create),
                           .enable_video_stream = index.enable_video_stream,
                           .user_metadata = metadata_from(index.user_metadata)});
  if (pipeline.entity)
    out.entity = stage::EntityWish{.collection = pipeline.entity->collection,
                                   .name = pipeline.entity->name,
                                   .description = pipeline.entity->description,
                                   .metadata = metadata_from(pipeline.entity->metadata),
                                   .existing = existing_from(pipeline.entity->existing)};
  return out;
}

stage::ChecksumPolicy checksum_from(config::Checksum wanted) {
  switch (wanted) {
    case config::Checksum::kAuto: return stage::ChecksumPolicy::kAuto;
    case config::Checksum::kRequire: return stage::ChecksumPolicy::kRequire;
    case config::Checksum::kIgnore: return stage::ChecksumPolicy::kIgnore;
  }
  std::abort();
}

stage::FetchPolicy fetch_from(config::Fetch wanted) {
  switch (wanted) {
    case config::Fetch::kPlatform: return stage::FetchPolicy::kPlatform;
    case config::Fetch::kRelay: return stage::FetchPolicy::kRelay;
    case config::Fetch::kAuto: return stage::FetchPolicy::kAuto;
  }
  std::abort();
}

stage::SourcePolicy source_from(config::Source const& source) {
  return {.name = source.name,
          .root = source.folder,
          .pipelines = source.pipelines,
          .recursive = source.recursive,
          .include = source.include,
          .exclude = source.exclude,
          .settle = source.settle,
          .max_settle = source.max_settle,
          .priority = source.priority,
          .guard_file = source.guard_file,
          .checksum = checksum_from(source.checksum),
          .sidecars = source.sidecars,
          .duplicates = source.skip_duplicates ? stage::DuplicatePolicy::kSkip : stage::DuplicatePolicy::kUpload,
          .ready_marker = source.ready_marker,
          .after_success = source.after_success,
          .after_failure = source.after_failure,
          .receipt = source.receipt,
          .rescan = source.poll_every,
          .manifest = source.manifest,
          .fetch = fetch_from(source.fetch),
          .allow_hosts = std::make_shared<AllowedHosts const>(source.allow_hosts),
          .match = source.match,
          .swept = source.manifest.empty()};
}

// Every upload in the air has one of the wire's buffers and at least one block that was read ahead. Where
// transfer.memory holds fewer of them than were asked for, fewer are in the air, so that none ever waits for memory.
void fit_into_memory(config::Transfer const& transfer, stage::Policy& policy) {
  auto const fit = transfer.memory_bytes / (WireCurl::kUploadBufferBytes + FileWorkers::kBlockBytes);
  auto const files = std::min<std::uint64_t>(transfer.max_files, std::max<std::uint64_t>(1, fit / 2));
  auto const chunks = std::min<std::uint64_t>(transfer.max_chunks, fit - files);
  policy.files_max = static_cast<std::uint32_t>(files);
  policy.chunks_max = static_cast<std::uint32_t>(chunks);
  policy.read_ahead_bytes = transfer.memory_bytes - (files + chunks) * WireCurl::kUploadBufferBytes;
}

// Where something is downloaded, a quarter of what was for reading ahead holds the pieces that come in.
void share_memory(stage::Policy& policy) {
  auto const is_relay = [](stage::SourcePolicy const& source) { return source.fetch != stage::FetchPolicy::kPlatform; };
  if (!is_relay(policy.hand) && std::ranges::none_of(policy.sources, is_relay)) return;
  policy.fetch_bytes = policy.read_ahead_bytes / 4;
  policy.read_ahead_bytes -= policy.fetch_bytes;
}

// At least one of anything, however small a share is left.
budget::RateLimits rate_limits_from(config::GroupRateLimits const& limits, std::uint32_t reserve_percent) {
  auto const ours = [&](std::uint64_t limit) {
    return limit == 0 ? 0 : std::max<std::uint64_t>(1, limit - limit * reserve_percent / 100);
  };
  auto const media = [&](Millis limit) {
    return Millis(static_cast<std::int64_t>(ours(static_cast<std::uint64_t>(limit.count()))));
  };
  return {.calls_per_minute = ours(limits.calls_per_minute),
          .calls_per_day = ours(limits.calls_per_day),
          .media_per_hour = media(limits.media_per_hour),
          .media_per_day = media(limits.media_per_day)};
}

void set_rate_limits(config::RateLimits const& limits, stage::Policy& policy) {
  auto const set = [&](budget::Group group, config::GroupRateLimits const& of) {
    policy.rate_limits[static_cast<std::size_t>(group)] = rate_limits_from(of, limits.reserve_percent);
  };
  set(budget::Group::kAssets, limits.assets);
  set(budget::Group::kIndexing, limits.indexing);
  set(budget::Group::kEntities, limits.entities);
}

}  // namespace

stage::Policy policy_from(config::Config const& config, std::string host) {
  stage::Policy policy;
  policy.host = std::move(host);
  policy.results_folder = config.state_dir + "/results";
  for (auto const& source : config.sources) policy.sources.push_back(source_from(source));
  policy.hand.name = "hand";
  policy.hand.fetch = fetch_from(config.by_hand.fetch);
  policy.hand.allow_hosts = std::make_shared<AllowedHosts const>(config.by_hand.allow_hosts);
  policy.spool_folder = config.state_dir + "/spool";
  policy.spool_max_bytes = config.spool_max_bytes;
  for (auto const& pipeline : config.pipelines) {
    policy.pipelines.push_back(pipeline_from(pipeline));
    policy.hand.pipelines.push_back(pipeline.name);
  }
  for (auto const& step : config.hooks) policy.hooks.push_back({.hook = step.hook, .secret = {}});
  auto const& limits = config.platform.limits;
  policy.limits.direct_video_bytes = limits.direct_video_bytes;
  policy.limits.direct_image_bytes = limits.direct_image_bytes;
  policy.limits.multipart_video_bytes = limits.multipart_video_bytes;
  policy.limits.multipart_image_bytes = limits.multipart_image_bytes;
  policy.limits.url_video_bytes = limits.url_video_bytes;
  policy.limits.url_image_bytes = limits.url_image_bytes;
  policy.limits.list_lag = limits.list_lag;
  policy.limits.late_effect = limits.late_effect;
  fit_into_memory(config.transfer, policy);
  share_memory(policy);
  policy.direct_max_bytes = config.transfer.direct_max_bytes;
  policy.verify_etag = config.transfer.verify == config::Verify::kEtag;
  policy.url_renew_before = config.transfer.url_renew_before;
  policy.stall_limit = config.transfer.stall_for;
  policy.stall_below_bytes_per_s = config.transfer.stall_below_bytes_per_s;
  policy.bandwidth = config.transfer.bandwidth;
  policy.retry_initial = config.retry.initial;
  policy.retry_max = config.retry.max;
  policy.retry_attempts = config.retry.attempts;
  set_rate_limits(config.rate_limits, policy);
  policy.poll_min = config.poll.min;
  policy.poll_max = config.poll.max;
  return policy;
}

Result<std::vector<HookSecret>> read_hook_secrets(config::Config const& config) {
  std::vector<HookSecret> secrets(config.hooks.size());
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    if (!config.hooks[i].secret) continue;
    SLUICE_TRY(secret, read_secret(key_source_from(*config.hooks[i].secret),
                                   "the secret of hook " + printable(config.hooks[i].hook.name)));
    secrets[i] = HookSecret(std::move(secret));
  }
  return secrets;
}

KeySource key_source_from(config::KeySource const& source) {
  switch (source.from) {
    case config::KeySource::From::kCredential: return {KeySource::Kind::kCredential, source.where};
    case config::KeySource::From::kFile: return {KeySource::Kind::kFile, source.where};
    case config::KeySource::From::kEnvironment: return {KeySource::Kind::kEnvironment, source.where};
  }
  std::abort();
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string("localhost");
}

}  // namespace sluice::daemon

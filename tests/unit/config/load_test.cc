// The whole configuration: defaults, every key's effect, and what is refused.
#include "config/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "core/base/units.h"
#include "tests/unit/config/config_text.h"

namespace sluice::config {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Load, FillsInEveryDefault) {
  auto const loaded = load_text(kLeast);
  ASSERT_EQ(errors_of(loaded), "");
  EXPECT_EQ(loaded->platform.base_url, "https://api.twelvelabs.io/v1.3");
  EXPECT_EQ(loaded->platform.api_key, (KeySource{KeySource::From::kCredential, "key"}));
  EXPECT_EQ(loaded->platform.limits.direct_video_bytes, 200'000'000u);
  EXPECT_EQ(loaded->platform.limits.list_lag, 30s);
  EXPECT_EQ(loaded->platform.limits.late_effect, 10s);
  EXPECT_EQ(loaded->state_dir, "/var/lib/sluice");
  EXPECT_EQ(loaded->transfer.max_files, 8u);
  EXPECT_EQ(loaded->transfer.max_chunks, 32u);
  EXPECT_EQ(loaded->transfer.direct_max_bytes, 16 * kMiB);
  EXPECT_EQ(loaded->transfer.stall_below_bytes_per_s, 64 * kKiB);
  EXPECT_EQ(loaded->transfer.stall_for, 60s);
  EXPECT_EQ(loaded->retry.attempts, 12u);
  EXPECT_EQ(loaded->poll.max, 60s);
  EXPECT_EQ(loaded->control_socket, "/run/sluice/control.sock");
  EXPECT_EQ(loaded->hash.size(), 12u);
}

TEST(Load, TakesAManifestAsAFolderAndAPatternOfNames) {
  auto const loaded = load_text(
      "platform: {api_key: {credential: key}}\n"
      "sources: [{name: partner, manifest: /srv/feeds/*.jsonl.gz, fetch: platform, settle: 1s}]\n");
  ASSERT_EQ(errors_of(loaded), "");
  auto const& source = loaded->sources.at(0);
  EXPECT_EQ(source.folder, "/srv/feeds");
  EXPECT_EQ(source.manifest, "*.jsonl.gz");
  EXPECT_EQ(source.settle, 1s);
  EXPECT_FALSE(source.recursive);
}

TEST(Load, TakesWhoFetchesUrlsAndHowLargeTheSpoolIs) {
  auto const least = load_text(kLeast);
  EXPECT_EQ(least->spool_max_bytes, 20 * kGiB);
  EXPECT_EQ(least->by_hand.fetch, Fetch::kPlatform);
  auto const loaded = load_text(
      "platform: {api_key: {credential: key}}\nspool: {max: 1GiB}\nby_hand: {fetch: auto, allow_hosts: [media.lan]}\n"
      "sources: [{name: partner, manifest: /srv/feeds/a.txt, fetch: relay, allow_hosts: [10.0.0.0/8]}]\n");
  ASSERT_EQ(errors_of(loaded), "");
  EXPECT_EQ(loaded->spool_max_bytes, kGiB);
  EXPECT_EQ(loaded->by_hand.fetch, Fetch::kAuto);
  EXPECT_TRUE(loaded->by_hand.allow_hosts.names("media.lan", 443));
  EXPECT_EQ(loaded->sources.at(0).fetch, Fetch::kRelay);
  EXPECT_TRUE(loaded->sources.at(0).allow_hosts.opens(*read_ip_address("10.1.2.3")));
}

TEST(Load, MakesEveryKindAnAssetWithoutPipelines) {
  auto const loaded = load_text(kLeast);
  ASSERT_EQ(errors_of(loaded), "");
  ASSERT_EQ(loaded->pipelines.size(), 1u);
  EXPECT_EQ(loaded->pipelines[0].name, kDefaultPipeline);
  EXPECT_EQ(loaded->pipelines[0].kinds.size(), 3u);
  EXPECT_EQ(loaded->pipelines[0].asset.filename, *parse_template("{name}"));
  EXPECT_TRUE(loaded->pipelines[0].indexes.empty());
  EXPECT_FALSE(loaded->pipelines[0].entity);
  EXPECT_THAT(loaded->sources.at(0).pipelines, ElementsAre(kDefaultPipeline));
}

TEST(Load, ReadsPlatform) {
  auto const loaded = load_text(R"(
platform:
  base_url: http://127.0.0.1:8080/v1.3/
  api_key: {env: TWELVE_LABS_API_KEY}
  ca_file: /etc/ssl/own.pem
  proxy: http://proxy.example.org:3128
  limits: {direct_video: 20MB, direct_image: 1MB, multipart_video: 1GB, multipart_image: 2MB, list_lag: 200ms,
           late_effect: 3s, url_video: 3GB, url_image: 4MB}
sources: [{name: drop, folder: /srv/drop}]
transfer: {direct_max: 1MiB}
)");
  ASSERT_EQ(errors_of(loaded), "");
  EXPECT_EQ(loaded->platform.base_url, "http://127.0.0.1:8080/v1.3");
  EXPECT_EQ(loaded->platform.ca_file, "/etc/ssl/own.pem");
  EXPECT_EQ(loaded->platform.proxy, "http://proxy.example.org:3128");
  EXPECT_EQ(loaded->platform.api_key, (KeySource{KeySource::From::kEnvironment, "TWELVE_LABS_API_KEY"}));
  EXPECT_EQ(loaded->platform.limits.direct_video_bytes, 20 * kMB);
  EXPECT_EQ(loaded->platform.limits.direct_image_bytes, kMB);
  EXPECT_EQ(loaded->platform.limits.multipart_video_bytes, kGB);
  EXPECT_EQ(loaded->platform.limits.multipart_image_bytes, 2 * kMB);
  EXPECT_EQ(loaded->platform.limits.url_video_bytes, 3 * kGB);
  EXPECT_EQ(loaded->platform.limits.url_image_bytes, 4 * kMB);
  EXPECT_EQ(loaded->platform.limits.list_lag, 200ms);
  EXPECT_EQ(loaded->platform.limits.late_effect, 3s);
}

TEST(Load, ReadsPipelines) {
  auto const loaded = load_with(R"(
pipelines:
  footage:
    kinds: [video, audio]
    asset: {filename: "{stem}.{ext}", enable_hls: true, user_metadata: {site: north, take: 7, gain: 1.5, hot: true}}
    index:
    - {name: all, create: {models: [{name: marengo3.0, options: [visual, audio]}]}, enable_video_stream: true}
    - {name: reels, user_metadata: {reel: "{stem}"}}
  cast:
    kinds: [image]
    entity: {collection: Cast, name: "{dir}", metadata: {source: "{source}"}, existing: fail}
)");
  ASSERT_EQ(errors_of(loaded), "");
  ASSERT_EQ(loaded->pipelines.size(), 2u);
  auto const& footage = loaded->pipelines[0];
  EXPECT_EQ(footage.name, "footage");
  EXPECT_EQ(footage.kinds, (std::set{Kind::kVideo, Kind::kAudio}));
  EXPECT_TRUE(footage.asset.enable_hls);
  EXPECT_EQ(footage.asset.user_metadata,
            (Metadata{{"site", *parse_template("north")}, {"take", std::int64_t{7}}, {"gain", 1.5}, {"hot", true}}));
  ASSERT_EQ(footage.indexes.size(), 2u);
  EXPECT_THAT(footage.indexes[0].create, ElementsAre(Model{"marengo3.0", {"visual", "audio"}}));
  EXPECT_TRUE(footage.indexes[0].enable_video_stream);
  EXPECT_TRUE(footage.indexes[1].create.empty());
  auto const& entity = loaded->pipelines[1].entity;
  ASSERT_TRUE(entity);
  EXPECT_EQ(entity->collection, "Cast");
  EXPECT_EQ(entity->name, *parse_template("{dir}"));
  EXPECT_FALSE(entity->description);
  EXPECT_EQ(entity->existing, EntityStep::Existing::kFail);
  auto const of_new = load_with("pipelines: {p: {kinds: [image], entity: {collection: C, name: n, existing: new}}}\n");
  ASSERT_EQ(errors_of(of_new), "");
  EXPECT_EQ(of_new->pipelines[0].entity->existing, EntityStep::Existing::kNew);
  EXPECT_THAT(loaded->sources.at(0).pipelines, ElementsAre("footage", "cast"));
}

TEST(Load, TakesOneIndexWithoutTheList) {
  auto const loaded = load_with("pipelines: {p: {index: {name: all}}}\n");
  ASSERT_EQ(errors_of(loaded), "");
  EXPECT_EQ(loaded->pipelines.at(0).indexes.at(0).name, "all");
}

TEST(Load, ReadsSources) {
  auto const loaded = load_text(R"(
platform: {api_key: {file: /etc/sluice/key}}
pipelines: {a: {asset: {filename: "{meta.reel}.{ext}"}}, b: {asset: {user_metadata: {reel: "{match.reel}"}}}}
sources:
- name: drop
  folder: /srv/drop/
  match: '(?P<reel>R\d+)_'
  pipelines: [b, a]
  recursive: false
  include: ["*.mp4", "*.mov"]
  exclude: ["*/proxy/*"]
  settle: 200ms
  max_settle: 1h
  priority: 90
  poll: 10s
  ready_marker: "{name}.done"
  guard_file: .mounted/here
  after_success: {move_to: "/srv/done/{source}/{path}"}
  after_failure: {move_to: "/srv/failed/{path}"}
  receipt: {dir: /srv/receipts/}
- {name: other, folder: /srv/other, poll: auto, checksum: ignore, sidecar: ignore, duplicates: upload, pipelines: [a],
   after_success: keep, after_failure: keep, receipt: none, ready_marker: ~, guard_file: ~, allow_hosts: [], match: ~}
)");
  ASSERT_EQ(errors_of(loaded), "");
  auto const& drop = loaded->sources.at(0);
  EXPECT_EQ(drop.folder, "/srv/drop");
  EXPECT_EQ(drop.after_success.what, AfterEnd::What::kMove);
  EXPECT_EQ(drop.after_success.move_to.text, "/srv/done/{source}/{path}");
  EXPECT_EQ(drop.after_failure.move_to.text, "/srv/failed/{path}");
  EXPECT_EQ(drop.receipt, (ReceiptWish{.where = ReceiptWish::Where::kFolder, .folder = "/srv/receipts"}));
  EXPECT_THAT(drop.pipelines, ElementsAre("b", "a"));
  EXPECT_EQ(drop.match->text(), R"((?P<reel>R\d+)_)");
  EXPECT_FALSE(loaded->sources.at(1).match);
  EXPECT_FALSE(drop.recursive);
  EXPECT_EQ(drop.guard_file, ".mounted/here");
  EXPECT_EQ(drop.ready_marker->text, "{name}.done");
  EXPECT_THAT(drop.include, ElementsAre("*.mp4", "*.mov"));
  EXPECT_THAT(drop.exclude, ElementsAre("*/proxy/*"));
  EXPECT_EQ(drop.settle, 200ms);
  EXPECT_EQ(drop.max_settle, 1h);
  EXPECT_EQ(drop.priority, 90);
  EXPECT_EQ(drop.poll_every, 10s);
  EXPECT_TRUE(drop.skip_duplicates);
  EXPECT_FALSE(loaded->sources.at(1).skip_duplicates);
  EXPECT_FALSE(loaded->sources.at(1).poll_every);
  EXPECT_TRUE(loaded->sources.at(1).recursive);
  EXPECT_TRUE(drop.sidecars);
  EXPECT_FALSE(loaded->sources.at(1).sidecars);
}

TEST(Load, ReadsABandwidthOrATimetable) {
  auto const one = load_with("transfer: {bandwidth: 50MB/s}\n");
  ASSERT_EQ(errors_of(one), "");
  EXPECT_EQ(rate_at(one->transfer.bandwidth, 0, 0), 50'000'000u);
  EXPECT_EQ(rate_at(one->transfer.bandwidth, 6, 1'439), 50'000'000u);
  auto const table = load_with(R"(
transfer:
  bandwidth:
  - {days: "mon-fri", from: "08:00", to: "18:30", rate: 5MB/s}
  - {days: "sat, fri-mon", from: "22:00", to: "24:00", rate: 1MiB/s}
)");
  ASSERT_EQ(errors_of(table), "");
  auto const& rules = table->transfer.bandwidth;
  EXPECT_EQ(rate_at(rules, 2, 8 * 60), 5'000'000u);
  EXPECT_FALSE(rate_at(rules, 2, 18 * 60 + 30));
  EXPECT_EQ(rate_at(rules, 0, 23 * 60), 1'048'576u);
  EXPECT_FALSE(rate_at(rules, 1, 23 * 60)) << "Tuesday";
  EXPECT_EQ(rate_at(rules, 6, 23 * 60 + 59), 1'048'576u) << "fri-mon goes over the week's end";
}

TEST(Load, ReadsTheEngine) {
  auto const loaded = load_with(R"(
state_dir: /tmp/state
transfer: {max_files: 2, max_chunks: 4, memory: 8MiB, direct_max: 0B, verify: none, url_renew_before: 30s, stall: {below: 1kB/s, for: 5s}}
retry: {initial: 10ms, max: 1s, attempts: 3}
poll: {min: 50ms, max: 2s}
control: {socket: /tmp/s.sock, listen: ~}
log: {level: debug, format: json}
rate_limits: {assets: {per_minute: 600}, indexing: {per_day: 2000, media_per_hour: 10h, media_per_day: 4d}, reserve: 10}
hooks: []
)");
  ASSERT_EQ(errors_of(loaded), "");
  EXPECT_EQ(loaded->rate_limits.assets.calls_per_minute, 600u);
  EXPECT_EQ(loaded->rate_limits.assets.calls_per_day, 0u);
  EXPECT_EQ(loaded->rate_limits.indexing.calls_per_day, 2'000u);
  EXPECT_EQ(loaded->rate_limits.indexing.media_per_hour, 10h);
  EXPECT_EQ(loaded->rate_limits.indexing.media_per_day, 96h);
  EXPECT_EQ(loaded->rate_limits.reserve_percent, 10u);
  EXPECT_TRUE(loaded->transfer.bandwidth.empty());
  EXPECT_EQ(loaded->state_dir, "/tmp/state");
  EXPECT_EQ(loaded->transfer.direct_max_bytes, 0u);
  EXPECT_EQ(loaded->transfer.memory_bytes, 8 * kMiB);
  EXPECT_EQ(loaded->transfer.verify, Verify::kNone);
  EXPECT_EQ(loaded->transfer.url_renew_before, 30s);
  EXPECT_EQ(loaded->transfer.stall_below_bytes_per_s, 1000u);
  EXPECT_EQ(loaded->retry.initial, 10ms);
  EXPECT_EQ(loaded->retry.attempts, 3u);
  EXPECT_EQ(loaded->poll.min, 50ms);
  EXPECT_EQ(loaded->control_socket, "/tmp/s.sock");
  EXPECT_EQ(loaded->log.level, Log::Level::kDebug);
  EXPECT_EQ(loaded->log.format, Log::Format::kJson);
}

TEST(Load, TakesALineWhoseChildrenAreCommentedOut) {
  EXPECT_EQ(errors_of(load_with("transfer:\nretry:\npipelines:\n")), "");
}

TEST(Load, NeedsASourceOnlyForTheDaemon) {
  auto const* text = "platform: {api_key: {credential: key}}\n";
  EXPECT_THAT(errors_of(load_text(text)), HasSubstr("s.yaml:1:1: sources: there is no source"));
  EXPECT_EQ(errors_of(load_text(text, {.needs_source = false})), "");
}

TEST(Load, NeedsAKeyOnlyWhereAsked) {
  auto const* text = "sources: [{name: drop, folder: /srv/drop}]\n";
  EXPECT_THAT(errors_of(load_text(text)), HasSubstr("platform.api_key: is missing; write {credential:"));
  auto const loaded = load_text(text, {.needs_key = false});
  ASSERT_EQ(errors_of(loaded), "");
  EXPECT_FALSE(loaded->platform.api_key);
}

TEST(Load, HashChangesWithTheBytes) {
  auto const one = load_text(kLeast);
  auto const same = load_text(kLeast);
  auto const other = load_with("# a comment\n");
  EXPECT_EQ(one->hash, same->hash);
  EXPECT_NE(one->hash, other->hash);
}

TEST(Load, AddsWhatConfDHolds) {
  auto const loaded = load_texts({{"s.yaml", kLeast},
                                  {"conf.d/a.yaml", "pipelines: {p: {kinds: [video]}}\n"},
                                  {"conf.d/b.yaml", "sources: [{name: b, folder: /srv/b, pipelines: [p]}]\n"}});
  ASSERT_EQ(errors_of(loaded), "");
  ASSERT_EQ(loaded->sources.size(), 2u);
  EXPECT_EQ(loaded->sources[1].name, "b");
  EXPECT_THAT(loaded->sources[1].pipelines, ElementsAre("p"));
}

TEST(Load, RefusesOtherKeysInConfD) {
  auto const loaded = load_texts({{"s.yaml", kLeast}, {"conf.d/a.yaml", "log: {level: debug}\nsourcse: []\n"}});
  EXPECT_EQ(errors_of(loaded),
            "conf.d/a.yaml:1:6: log: belongs in the main file; conf.d adds `sources` and `pipelines` only\n"
            "conf.d/a.yaml:2:1: sourcse: unknown key; did you mean `sources`?\n");
}

TEST(Load, NamesBothFilesOfAName) {
  auto const loaded = load_texts({{"s.yaml", kLeast}, {"conf.d/a.yaml", "sources: [{name: drop, folder: /srv/2}]\n"}});
  EXPECT_EQ(errors_of(loaded),
            "conf.d/a.yaml:1:12: sources[0].name: a source of this name is there already, as sources[0] of s.yaml; "
            "rename one\n");
}

}  // namespace
}  // namespace sluice::config

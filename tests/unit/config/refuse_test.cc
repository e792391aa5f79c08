// What the configuration refuses, where it says that the error is, and what it says to do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "config/load.h"
#include "config/proxy_url.h"
#include "tests/unit/config/config_text.h"

namespace sluice::config {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// The errors of these lines behind the least that is accepted; their first line is line 3.
std::string refusal(std::string_view lines) { return errors_of(load_with(lines)); }

std::string refusal_of_platform(std::string const& keys) {
  return errors_of(load_text("platform:\n" + keys + "sources: [{name: drop, folder: /srv/drop}]\n"));
}

std::string refusal_of_source(std::string const& keys) {
  return errors_of(
      load_text("platform: {api_key: {credential: key}}\nsources:\n- name: drop\n  folder: /srv/drop\n" + keys));
}

TEST(Refuse, NamesFileLineColumnKeyAndRemedy) {
  EXPECT_EQ(refusal("retry:\n  initial: 5\n"),
            "s.yaml:4:12: retry.initial: a duration needs a unit; write one such as 5s, 10m, 1h, 2d or 200ms\n");
}

TEST(Refuse, UnknownKeysWithTheNearestKnownOne) {
  EXPECT_EQ(refusal("transfer: {max_chunk: 4}\n"),
            "s.yaml:3:12: transfer.max_chunk: unknown key; did you mean `max_chunks`?\n");
  EXPECT_EQ(refusal("poll: {interval: 4s}\n"), "s.yaml:3:8: poll.interval: unknown key; known here are min or max\n");
  EXPECT_THAT(refusal("tranfser: {}\n"), HasSubstr("did you mean `transfer`?"));
  EXPECT_THAT(refusal_of_source("  pipeline: [a]\n"),
              HasSubstr("sources[0].pipeline: unknown key; did you mean `pipelines`?"));
}

TEST(Refuse, ShowsControlBytesOfAKeyAsText) {
  EXPECT_THAT(refusal("\"a\\nb\": 1\n"), HasSubstr("a\\x0ab: unknown key"));
}

TEST(Refuse, CollectsAllErrorsFromTopToBottom) {
  EXPECT_EQ(refusal("retry: {max: 1}\nlog: {level: verbose}\npoll: {min: 2s, max: 1s}\nstate_dir: here\n"),
            "s.yaml:3:14: retry.max: a duration needs a unit; write one such as 5s, 10m, 1h, 2d or 200ms\n"
            "s.yaml:4:14: log.level: must be debug, info, warning or error\n"
            "s.yaml:5:17: poll.max: is shorter than poll.min (2 s); make it longer\n"
            "s.yaml:6:12: state_dir: must be an absolute path; begin it with /\n");
}

TEST(Refuse, StopsAfterTwentyErrors) {
  std::string lines;
  for (int i = 0; i < 30; ++i) lines += "unknown" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(load_with(lines).error().size(), kErrorsMax);
}

TEST(Refuse, WrongTypes) {
  EXPECT_THAT(refusal("transfer: [1]\n"), HasSubstr("s.yaml:3:11: transfer: must be a map"));
  EXPECT_THAT(refusal("transfer: {max_files: many}\n"), HasSubstr("must be a whole number from 1 to 1024"));
  EXPECT_THAT(refusal("transfer: {max_files: \"8\"}\n"), HasSubstr("without quotes"));
  EXPECT_THAT(refusal("transfer: {max_files: 0}\n"), HasSubstr("from 1 to 1024"));
  EXPECT_THAT(refusal("transfer: {max_files: 010}\n"), HasSubstr("from 1 to 1024"));
  EXPECT_THAT(refusal("transfer: {max_files: [8]}\n"), HasSubstr("is a list; write a whole number"));
  EXPECT_THAT(refusal("transfer: {max_files: }\n"), HasSubstr("has no value"));
  EXPECT_THAT(refusal("transfer: {direct_max: 16}\n"), HasSubstr("a size needs a unit"));
  EXPECT_THAT(refusal("transfer: {stall: {below: 64KiB}}\n"), HasSubstr("a rate is a size per second"));
  EXPECT_THAT(refusal("state_dir: 7\n"), HasSubstr("put it in quotes"));
  EXPECT_THAT(refusal("[1, 2]\n"), StartsWith("s.yaml:"));
  EXPECT_THAT(errors_of(load_text("[1, 2]\n")), HasSubstr("must be a map"));
  EXPECT_THAT(refusal_of_source("  recursive: yes\n"), HasSubstr("must be true or false"));
  EXPECT_THAT(refusal_of_source("  recursive: \"true\"\n"), HasSubstr("must be true or false"));
  EXPECT_THAT(refusal_of_source("  include: \"*.mp4\"\n"), HasSubstr("must be a list"));
  EXPECT_THAT(refusal_of_source("  priority: 101\n"), HasSubstr("from 0 to 100"));
}

TEST(Refuse, WordsWithTheNearestOne) {
  EXPECT_THAT(refusal("transfer: {verify: etags}\n"), HasSubstr("must be etag or none; did you mean etag?"));
  EXPECT_THAT(refusal("pipelines: {p: {kinds: [vidoe]}}\n"),
              HasSubstr("pipelines.p.kinds[0]: must be video, audio or image; did you mean video?"));
}

TEST(Refuse, ABareKeyAndNeverRepeatsIt) {
  for (auto const* value : {"tlk_SECRET", "\"tlk_SECRET\"", "{env: tlk_SECRET}", "{tlk_SECRET: ~}", "{key: tlk_SECRET}",
                            "[tlk_SECRET]", "{credential: tlk_SECRET}", "{file: tlk_SECRET}"}) {
    auto const text = refusal_of_platform(std::string("  api_key: ") + value + "\n");
    EXPECT_THAT(text, AllOf(HasSubstr("s.yaml:2:"), HasSubstr("platform.api_key"), Not(HasSubstr("SECRET")))) << value;
  }
  EXPECT_THAT(refusal_of_platform("  api_key: abc\n"), HasSubstr("write {credential: twelvelabs-api-key}"));
}

TEST(Refuse, BaseUrlsThatWouldShowTheKey) {
  auto const refused = [](std::string const& url) {
    return refusal_of_platform("  api_key: {credential: key}\n  base_url: \"" + url + "\"\n");
  };
  EXPECT_THAT(refused("http://api.twelvelabs.io/v1.3"), HasSubstr("must begin with https://"));
  EXPECT_THAT(refused("http://127.0.0.1.example.org/"), HasSubstr("must begin with https://"));
  EXPECT_THAT(refused("http://localhost.example.org/"), HasSubstr("must begin with https://"));
  EXPECT_THAT(refused("ftp://127.0.0.1/"), HasSubstr("must begin with https://"));
  EXPECT_THAT(refused("api.twelvelabs.io"), HasSubstr("must be a URL"));
  EXPECT_THAT(refused("https://"), HasSubstr("names no host"));
  EXPECT_THAT(refused("https://me:SECRET@host/"), AllOf(HasSubstr("no user name"), Not(HasSubstr("SECRET"))));
  EXPECT_THAT(refused("https://host/?token=SECRET"), AllOf(HasSubstr("no query"), Not(HasSubstr("SECRET"))));
  EXPECT_THAT(refused("https://host:port/"), HasSubstr("port that is no number"));
  for (auto const* url :
       {"http://127.0.0.1:1/v1.3", "http://[::1]:8080", "http://localhost/x", "https://example.org"}) {
    EXPECT_EQ(refused(url), "") << url;
  }
}

TEST(Refuse, AWrongProxyAndNeverRepeatItsPassword) {
  auto const refused = [](std::string const& value) {
    return refusal_of_platform("  api_key: {credential: key}\n  proxy: " + value + "\n");
  };
  for (auto const* good : {"http://p:3128", "https://p", "socks5://127.0.0.1:1080/", "socks5h://[::1]:1080",
                           "{file: /etc/sluice/proxy}", "{credential: proxy}", "{env: SLUICE_PROXY}", "~"})
    EXPECT_EQ(refused(good), "") << good;
  EXPECT_THAT(refused("http://me:SECRET@p:3128"), AllOf(HasSubstr("{file: /path}"), Not(HasSubstr("SECRET"))));
  EXPECT_THAT(refused("p:3128"), HasSubstr("must begin with http://"));
  EXPECT_THAT(refused("ftp://p"), HasSubstr("must begin with http://"));
  EXPECT_THAT(refused("http://"), HasSubstr("names no host"));
  EXPECT_THAT(refused("http://p:port"), HasSubstr("port that is no number"));
  EXPECT_THAT(refused("http://p:3128/path"), HasSubstr("a host and a port"));
  EXPECT_THAT(complaint_of_proxy("http://me:a/b@p:1", true), HasSubstr("%2F"));
  EXPECT_EQ(complaint_of_proxy("http://me:a%2Fb@p:1", true), "");
  EXPECT_THAT(refused("{url: http://p}"), HasSubstr("write its URL without a password"));
}

TEST(Refuse, MemoryThatHoldsNoUpload) {
  EXPECT_THAT(refusal("transfer: {memory: 3MiB}\n"), HasSubstr("must be 4.19 MB at least"));
}

TEST(Refuse, RateLimitsThatAreNone) {
  EXPECT_THAT(refusal("rate_limits: {assets: 5}\n"), HasSubstr("rate_limits.assets"));
  EXPECT_THAT(refusal("rate_limits: {assets: {per_minute: 0}}\n"), HasSubstr("per_minute"));
  EXPECT_THAT(refusal("rate_limits: {assets: {per_min: 60}}\n"), HasSubstr("per_minute")) << "did you mean";
  EXPECT_THAT(refusal("rate_limits: {entities: {media_per_day: 10h}}\n"), HasSubstr("media_per_day"));
  EXPECT_THAT(refusal("rate_limits: {reserve: 95}\n"), HasSubstr("reserve"));
}

TEST(Refuse, BandwidthsThatAreNone) {
  auto const refused = [](std::string const& what) { return refusal("transfer: {bandwidth: " + what + "}\n"); };
  EXPECT_THAT(refused("50MB"), HasSubstr("transfer.bandwidth"));
  EXPECT_THAT(refused("1kB/s"), HasSubstr("less than 16KiB/s"));
  EXPECT_THAT(refused("[{days: mon-fri}]"), HasSubstr("rate"));
  EXPECT_THAT(refused("[{rate: 1MB/s, days: weekdays}]"), HasSubstr("write mon-fri, or sat,sun"));
  EXPECT_THAT(refused("[{rate: 1MB/s, days: \"mon-\"}]"), HasSubstr("write mon-fri, or sat,sun"));
  for (auto const* time : {"8:00", "08.00", "24:01", "08:60", "-1:00", "0800", "+8:00"})
    EXPECT_THAT(refused("[{rate: 1MB/s, from: \"" + std::string(time) + "\"}]"), HasSubstr("is not a time of day"))
        << time;
}

TEST(Refuse, WhatIsNotSupportedYet) {
  for (auto const* line :
       {"control: {listen: \"127.0.0.1:8484\"}\n", "pipelines: {p: {embed: {model: m}}}\n",
        "pipelines: {p: {knowledge_store: [{name: k}]}}\n", "pipelines: {p: {index: [{name: \"{source}\"}]}}\n"}) {
    EXPECT_THAT(refusal(line), HasSubstr("not supported yet")) << line;
  }
}

TEST(Refuse, SidecarsThatCannotBeMeant) {
  EXPECT_THAT(refusal_of_source("  sidecar: require\n"), HasSubstr("sidecar"));
  EXPECT_THAT(refusal_of_source("  ready_marker: \"{name}.{meta.reel}\"\n"), HasSubstr("only {name}, {stem}"));
  EXPECT_THAT(refusal_of_source("  after_success: {move_to: \"/srv/done/{meta.reel}/{path}\"}\n"),
              HasSubstr("cannot use {meta.KEY}"));
}

TEST(Refuse, AMatchThatIsNoExpressionAndOnlyThat) {
  auto const text = refusal("pipelines: {p: {asset: {filename: \"{match.a}\"}}}\n");
  EXPECT_EQ(text,
            "s.yaml:3:25: pipelines.p.asset.filename: asks for {match.a}, and source drop has no `match`; give "
            "it one, or list only other pipelines under its `pipelines`\n");
  EXPECT_EQ(refusal_of_source("  match: '(?P<a>x)[b'\npipelines: {p: {asset: {filename: \"{match.a}\"}}}\n"),
            "s.yaml:5:10: sources[0].match: is no regular expression: missing ], at its byte 9; it is RE2's (no "
            "back-references, no look-ahead): https://github.com/google/re2/wiki/Syntax\n");
  EXPECT_THAT(refusal_of_source("  match: '(?<a>x)'\n"), HasSubstr("write it as (?P<NAME>...)"));
  EXPECT_THAT(refusal_of_source("  match: ''\n"), HasSubstr("match"));
  EXPECT_THAT(refusal_of_source("  match: [a]\n"), HasSubstr("is a list"));
}

TEST(Refuse, GroupsThatNoMatchHasAndThoseThatNoTemplateAsksFor) {
  auto const refused = [](std::string const& match, std::string const& pipeline) {
    return refusal_of_source("  match: '" + match + "'\npipelines: {p: {kinds: [image], " + pipeline + "}}\n");
  };
  EXPECT_EQ(refused("(?P<reel>R[0-9]+)", "asset: {user_metadata: {reel: \"{match.reel}\"}}"), "");
  EXPECT_EQ(refused("(?P<reel>R[0-9]+)", "entity: {collection: C, name: \"{match.reel}\"}"), "");
  EXPECT_EQ(refused("[0-9]+/", "asset: {}"), "") << "a match may only choose";
  EXPECT_EQ(refused("(?P<reel>R[0-9]+)", "entity: {collection: C, name: x, metadata: {r: \"{match.real}\"}}"),
            "s.yaml:5:3: sources[0].match: its group reel is in no template of the source's pipelines; write "
            "{match.reel} in one, or (?:...) for a group without a name\n"
            "s.yaml:6:77: pipelines.p.entity.metadata.r: asks for {match.real}, and source drop has no such group in "
            "its `match`; did you mean {match.reel}?\n");
  EXPECT_THAT(refused("x", "index: [{name: i, user_metadata: {r: \"{match.reel}\"}}]"),
              HasSubstr("index[0].user_metadata.r: asks for {match.reel}"));
  EXPECT_THAT(refused("x", "entity: {collection: C, name: x, description: \"{match.reel}\"}"),
              HasSubstr("write (?P<reel>...) there"));
  EXPECT_THAT(refusal_of_source("  after_success: {move_to: \"/srv/done/{match.day}/{name}\"}\n"),
              HasSubstr("after_success.move_to: asks for {match.day}"));
  EXPECT_EQ(refusal_of_source("  match: '(?P<day>[0-9]+)'\n"
                              "  after_success: {move_to: \"/srv/done/{match.day}/{name}\"}\n"),
            "");
}

TEST(Refuse, DownloadsThatNobodyAskedForOrFromNowhere) {
  for (auto const* line : {"fetch: relay", "fetch: auto", "allow_hosts: [a]"})
    EXPECT_THAT(refusal_of_source("  " + std::string(line) + "\n"), HasSubstr("this source is a folder")) << line;
  auto const hosts = [](std::string const& list) {
    return errors_of(load_text("platform: {api_key: {credential: key}}\nby_hand: {fetch: relay, allow_hosts: " + list +
                               "}\n"
                               "sources: [{name: drop, folder: /srv/drop}]\n"));
  };
  EXPECT_EQ(hosts("[media.lan, \"media.lan:8080\", 10.20.0.0/16, \"[fd00::7]:8443\"]"), "");
  EXPECT_THAT(hosts("[\"https://media.lan/\"]"), HasSubstr("is no network"));
  EXPECT_THAT(hosts("[\"*.lan\"]"), HasSubstr("is no host"));
  EXPECT_THAT(refusal("by_hand: {allow_hosts: [media.lan]}\n"), HasSubstr("fetch: platform downloads nothing"));
  EXPECT_THAT(refusal("by_hand: {fetch: always}\n"), HasSubstr("relay"));
  EXPECT_THAT(refusal("spool: {max: 1MiB}\n"), HasSubstr("67.1 MB at least"));
}

TEST(Refuse, ManifestsThatNameNoFilesOfOneFolder) {
  auto const said = [](std::string const& manifest) {
    return errors_of(load_text("platform: {api_key: {credential: key}}\nsources:\n- {name: partner, manifest: \"" +
                               manifest + "\"}\n"));
  };
  EXPECT_THAT(said("/srv/*/a.jsonl"), HasSubstr("only the file's name may be one"));
  EXPECT_THAT(said("/srv/feeds/a.json"), HasSubstr("the name must tell the format"));
  EXPECT_THAT(said("/srv/feeds/*.jsonl.zst"), HasSubstr("the name must tell the format"));
  EXPECT_THAT(said("feeds/a.jsonl"), HasSubstr("absolute"));
  EXPECT_THAT(said("/srv/a.csv\", folder: \"/srv"), HasSubstr("is for folders, and this source is a manifest"));
}

TEST(Refuse, ActsThatAreNone) {
  for (auto const* line : {"after_success: remove", "after_failure: delete", "receipt: yes", "receipt: {dir: done}",
                           "after_success: {move_to: /srv/done}", "after_success: {move_to: \"{path}\"}",
                           "after_success: {to: \"/srv/done/{path}\"}", "after_success: {move_to: \"/a/{nam}\"}",
                           "after_failure: {move_to: \"/srv/done/{date}\"}"}) {
    auto const key = std::string(line).substr(0, std::string(line).find(':'));
    EXPECT_THAT(refusal_of_source("  " + std::string(line) + "\n"), HasSubstr(key)) << line;
  }
}

TEST(Refuse, TargetsThatAWatchedFolderWouldTakeAgain) {
  for (auto const* target : {"/srv/drop/done/{path}", "/srv/drop/{name}", "/srv/{source}/{path}"})
    EXPECT_THAT(refusal_of_source("  after_success: {move_to: \"" + std::string(target) + "\"}\n"),
                HasSubstr("may lie in the folder of source"))
        << target;
  EXPECT_THAT(refusal_of_source("  after_failure: {move_to: \"/var/lib/sluice/{name}\"}\n"), HasSubstr("state_dir"));
}

TEST(Refuse, PatternsThatNoPathBeneathTheFolderCanFit) {
  EXPECT_EQ(refusal_of_source("  exclude: [raw, \"private/*\", \"*\", \"a[/]b\", .x, ..y]\n"), "");
  for (auto const* key : {"include", "exclude"})
    for (auto const* pattern : {"raw/", "/private/*", "./tmp/*", "a//b", "a/./b", "a/../b", ".", "..", "/", "*/"})
      EXPECT_THAT(refusal_of_source(std::string("  ") + key + ": [\"*.mp4\", \"" + pattern + "\"]\n"),
                  HasSubstr(std::string(key) + "[1]: fits nothing"))
          << pattern;
  EXPECT_THAT(refusal_of_source("  exclude:\n  - ok\n  - raw/\n"),
              AllOf(StartsWith("s.yaml:7:5: sources[0].exclude[1]: "), HasSubstr("or raw in `exclude`")));
  EXPECT_THAT(refusal_of_source("  exclude: [/private/*]\n"), HasSubstr("such as private/*"));
}

TEST(Refuse, SourceFoldersThatAnotherSourceTakesToo) {
  auto const inner = [](std::string const& outer_keys, std::string const& folder) {
    return refusal_of_source(outer_keys + "- name: inner\n  folder: " + folder + "\n");
  };
  EXPECT_THAT(inner("", "/srv/drop/a/in"), HasSubstr("sources[1].folder: lies in the folder of sources[0] of s.yaml"));
  EXPECT_THAT(inner("", "/srv"), HasSubstr("sources[0].folder: lies in the folder of sources[1]"));
  EXPECT_THAT(inner("  include: [\"*.jpg\"]\n", "/srv/drop/in"), HasSubstr("which takes its files too"));
  for (auto const* exclude : {"in", "a", "a/in", "a/*", "*/in/*"})
    EXPECT_EQ(inner("  exclude: [\"" + std::string(exclude) + "\"]\n", "/srv/drop/a/in"), "") << exclude;
  for (auto const* exclude : {"b", "a/in/*.mp4", "in/*", "a/i"})
    EXPECT_THAT(inner("  exclude: [\"" + std::string(exclude) + "\"]\n", "/srv/drop/a/in"), HasSubstr("lies in"))
        << exclude;
  EXPECT_EQ(inner("  recursive: false\n", "/srv/drop/in"), "");
  EXPECT_EQ(inner("", "/srv/drop2"), "");
  EXPECT_EQ(refusal_of_source("- {name: lines, manifest: /srv/drop/feeds/*.csv}\n"), "") << "no files of its own";
}

// What the disk would say.
std::string refusal_on_disk(std::string const& keys, std::map<std::string, RealFolder> const& disk) {
  auto const text = "platform: {api_key: {credential: key}}\nsources:\n- name: drop\n  folder: /srv/drop\n" + keys;
  return errors_of(load_text(text, {.real_folders = [&](auto const&) { return disk; }}));
}

TEST(Refuse, SourceFoldersThatLinksOrMountsMakeTheSame) {
  auto const keys = "- {name: b, folder: /mnt/link}\n";
  EXPECT_EQ(refusal_on_disk(keys, {{"/mnt/link", {"/srv/other", 7, 3}}, {"/srv/drop", {"/srv/drop", 7, 2}}}), "");
  EXPECT_THAT(refusal_on_disk(keys, {{"/mnt/link", {"/srv/drop"}}}), HasSubstr("sources[1].folder: is the folder of"));
  EXPECT_THAT(refusal_on_disk(keys, {{"/mnt/link", {"/mnt/link", 7, 2}}, {"/srv/drop", {"/srv/drop", 7, 2}}}),
              HasSubstr("uploaded twice"))
      << "a bind mount";
  EXPECT_THAT(refusal_on_disk(keys, {{"/mnt/link", {"/srv/drop/in"}}}), HasSubstr("lies in the folder of sources[0]"));
  EXPECT_EQ(refusal_on_disk("  exclude: [in]\n" + std::string(keys), {{"/mnt/link", {"/srv/drop/in"}}}), "");
  EXPECT_EQ(refusal_on_disk("- {name: b, folder: /mnt/link, include: [\"*.jpg\"]}\n", {{"/mnt/link", {"/srv/drop"}}}),
            "")
      << "as with one text";
  EXPECT_THAT(refusal_on_disk("state_dir: /var/lib/s\n", {{"/var/lib/s", {"/srv/drop/.s"}}}),
              HasSubstr("holds state_dir"));
}

TEST(Refuse, TargetsFromWhichALinkLeadsIntoAWatchedFolder) {
  for (auto const* key : {"after_success", "after_failure"}) {
    auto const keys = "  " + std::string(key) + ": {move_to: \"/srv/out/{path}\"}\n";
    EXPECT_THAT(refusal_on_disk(keys, {{"/srv/out", {"/srv/drop/done"}}}),
                HasSubstr(std::string(key) + ".move_to: may lie in the folder of source drop"));
    EXPECT_THAT(refusal_on_disk(keys, {{"/srv/drop", {"/data/out/drop"}}, {"/srv/out", {"/data/out"}}}),
                HasSubstr("may lie in the folder"));
    EXPECT_EQ(refusal_on_disk(keys, {{"/srv/out", {"/data/out"}}, {"/srv/drop", {"/data/drop"}}}), "");
  }
}

TEST(Refuse, MarkersThatNameNoFileOrTheFileItself) {
  for (auto const* marker : {"done", "{date}", "../{name}", "{dir}/{name}.ok", "{name}", "{stem}.{ext}", "{nam}.done"})
    EXPECT_THAT(refusal_of_source("  ready_marker: \"" + std::string(marker) + "\"\n"), HasSubstr("ready_marker"))
        << marker;
}

TEST(Refuse, GuardFilesOutsideTheFolder) {
  for (auto const* file : {"/srv/drop/.mounted", "../.mounted", "a//b", "./a", "a/"})
    EXPECT_THAT(refusal_of_source("  guard_file: " + std::string(file) + "\n"),
                HasSubstr("is a file within the folder"))
        << file;
}

TEST(Refuse, UnknownPipelinesWithTheNearestOne) {
  auto const text =
      errors_of(load_text("platform: {api_key: {credential: key}}\npipelines: {footage: {}}\n"
                          "sources: [{name: drop, folder: /srv/drop, pipelines: [footage, footge, footage]}]\n"));
  EXPECT_EQ(text,
            "s.yaml:3:64: sources[0].pipelines[1]: there is no pipeline of this name; did you mean footage?\n"
            "s.yaml:3:72: sources[0].pipelines[2]: this pipeline is in the list already; remove one of the two\n");
}

TEST(Refuse, PipelinesThatCannotWork) {
  EXPECT_THAT(refusal("pipelines: {p: {kinds: [video], entity: {collection: C, name: n}}}\n"),
              HasSubstr("pipelines.p.entity: entities are made of images only"));
  EXPECT_THAT(refusal("pipelines: {p: {kinds: []}}\n"), HasSubstr("kinds: is empty"));
  EXPECT_THAT(refusal("pipelines: {p: {index: [{name: a}, {name: a}]}}\n"),
              HasSubstr("index[1].name: this pipeline has"));
  EXPECT_THAT(refusal("pipelines: {p: {index: [{}]}}\n"), HasSubstr("index[0].name: is missing"));
  EXPECT_THAT(refusal("pipelines: {p: {index: [{name: a, create: {}}]}}\n"), HasSubstr("create.models: is missing"));
  EXPECT_THAT(refusal("pipelines: {p: {index: [{name: a, create: {models: []}}]}}\n"), HasSubstr("models: is empty"));
  EXPECT_THAT(refusal("pipelines: {p: {index: [{name: a, create: {models: [{name: m}]}}]}}\n"),
              HasSubstr("models[0].options: is missing"));
  EXPECT_THAT(refusal("pipelines: {\"a b\": {}}\n"), HasSubstr("at most 64 letters"));
}

TEST(Refuse, NewEntitiesInACollectionThatAnotherPipelineAttachesTo) {
  auto const pipelines = [](std::string const& of_a, std::string const& of_b, std::string const& collection) {
    auto const pipeline = [](std::string const& name, std::string const& in, std::string const& existing) {
      return "  " + name + ": {kinds: [image], entity: {collection: " + in + ", name: n, existing: " + existing +
             "}}\n";
    };
    return refusal("pipelines:\n" + pipeline("a", "Cast", of_a) + pipeline("b", collection, of_b));
  };
  EXPECT_EQ(pipelines("new", "new", "Cast"), "");
  EXPECT_EQ(pipelines("attach", "fail", "Cast"), "");
  EXPECT_EQ(pipelines("new", "attach", "Crew"), "");
  EXPECT_THAT(pipelines("new", "attach", "Cast"), HasSubstr("pipelines.b.entity.existing: only one of this and"));
}

TEST(Refuse, OneIndexMadeInTwoWays) {
  auto const pipeline = [](std::string const& name, std::string const& option) {
    return "  " + name + ": {index: [{name: all, create: {models: [{name: m, options: [" + option + "]}]}}]}\n";
  };
  EXPECT_EQ(refusal("pipelines:\n" + pipeline("a", "audio") + pipeline("b", "audio")), "");
  EXPECT_THAT(refusal("pipelines:\n" + pipeline("a", "audio") + pipeline("b", "visual")),
              HasSubstr("pipelines.b.index[0].create: differs from pipelines.a.index[0] of s.yaml"));
}

TEST(Refuse, MetadataThatThePlatformWouldNotTake) {
  auto const asset = [](std::string const& metadata) {
    return refusal("pipelines: {p: {asset: {user_metadata: " + metadata + "}}}\n");
  };
  EXPECT_THAT(asset("{a: [1]}"), HasSubstr("user_metadata.a: is a list"));
  EXPECT_THAT(asset("{a: ~}"), HasSubstr("has no value"));
  EXPECT_THAT(asset("{a: 007}"), HasSubstr("in two ways"));
  EXPECT_THAT(asset("{a: 0x10}"), HasSubstr("in two ways"));
  EXPECT_THAT(asset("{a: .nan}"), HasSubstr("in two ways"));
  EXPECT_THAT(asset("{a: 99999999999999999999}"), HasSubstr("out of range"));
  EXPECT_THAT(asset("{client_op: x}"), HasSubstr("reserved"));
  EXPECT_THAT(asset("{a: \"{nmae}\"}"), HasSubstr("did you mean {name}?"));
  EXPECT_THAT(refusal("pipelines: {p: {index: [{name: a, user_metadata: {duration: 1}}]}}\n"), HasSubstr("reserved"));
}

TEST(Refuse, SourcesThatCannotWork) {
  EXPECT_THAT(refusal_of_source("- {name: drop, folder: /srv/b}\n"),
              HasSubstr("sources[1].name: a source of this name"));
  EXPECT_THAT(refusal_of_source("- {name: b, folder: /srv/drop/}\n"), HasSubstr("uploaded twice"));
  EXPECT_EQ(refusal_of_source("- {name: b, folder: /srv/drop, include: [\"*.jpg\"]}\n"), "");
  EXPECT_THAT(refusal_of_source("- {folder: /srv/b}\n"), HasSubstr("sources[1].name: is missing"));
  EXPECT_THAT(refusal_of_source("- {name: b}\n"), HasSubstr("sources[1].folder: is missing"));
  EXPECT_THAT(refusal_of_source("- {name: b, folder: srv/b}\n"), HasSubstr("must be an absolute path"));
  EXPECT_THAT(refusal_of_source("- {name: b, folder: /srv/../b}\n"), HasSubstr("plain path"));
  EXPECT_THAT(refusal_of_source("- {name: b, folder: /var/lib}\n"), HasSubstr("holds state_dir"));
  EXPECT_THAT(refusal_of_source("  settle: 1h\n  max_settle: 1m\n"), HasSubstr("max_settle: is shorter than settle"));
}

TEST(Refuse, BoundsBetweenTwoKeys) {
  EXPECT_THAT(refusal("retry: {initial: 10m}\n"), HasSubstr("retry.max: is shorter than retry.initial"));
  EXPECT_THAT(refusal("transfer: {direct_max: 300MB}\n"), HasSubstr("is above platform.limits.direct_video"));
  EXPECT_THAT(refusal("control: {socket: /" + std::string(120, 'x') + "}\n"), HasSubstr("107 bytes"));
}

TEST(Refuse, ABrokenFileWithOneErrorOnly) {
  auto const loaded = load_text("platform: {api_key: {credential: key}\n");
  ASSERT_FALSE(loaded);
  ASSERT_EQ(loaded.error().size(), 1u);
  EXPECT_THAT(loaded.error()[0].text, HasSubstr("this is not YAML"));
}

TEST(Refuse, NothingTwiceForAKeyThatIsThereTwice) {
  EXPECT_EQ(refusal("retry: {max: 1m}\nretry: {max: 2m}\n"),
            "s.yaml:4:1: retry: this key is there already, in line 3; remove one of the two\n");
}

}  // namespace
}  // namespace sluice::config

#include "command_line.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <string>

#include "text.h"

namespace sluice::emulator {

namespace {

constexpr char const* kAbout =
    "A local stand-in for the TwelveLabs platform API v1.3 and its object store.\n"
    "It listens on two loopback ports, keeps its state in memory, the received bytes under --dir,\n"
    "and an append-only ledger of everything it did in --dir/ledger.jsonl and at GET /__ledger.";

constexpr char const* kNotes =
    "Notes:\n"
    "  State does not survive a restart: start with an empty or absent --dir.\n"
    "  URL assets (method=url) are accepted and become ready; nothing is fetched.\n"
    "  A file whose bytes begin with SLUICE-FAIL ends as a failed asset.\n"
    "  Faults: --scenario FILE, or POST /__scenario while it runs.\n"
    "  Durations are 250ms 5s 10m 1h 2d, sizes 5MiB 200MB, rates 20MB/s.";

template <class T>
using Parse = std::optional<T> (*)(std::string_view);

template <class T>
void add_parsed(CLI::App& app, char const* name, T& into, Parse<T> parse, char const* help, char const* shown_default) {
  auto const read = [&into, parse, name](std::string const& text) {
    auto const value = parse(text);
    if (!value) throw CLI::ValidationError(std::string(name), "cannot read '" + text + "'");
    into = *value;
  };
  app.add_option_function<std::string>(name, read, help)->default_str(shown_default);
}

// An option with two words, of which `first` means true.
void add_switch(CLI::App& app, char const* name, bool& into, std::string const& first, std::string const& second,
                char const* help) {
  auto const shown = into ? first : second;
  app.add_option_function<std::string>(
         name, [&into, first](std::string const& word) { into = word == first; }, help)
      ->check(CLI::IsMember({first, second}))
      ->default_str(shown);
}

void add_places(CLI::App& app, Options& options) {
  app.add_option("--listen", options.listen, "API address; loopback only, port 0 picks one")->capture_default_str();
  app.add_option("--store-listen", options.store_listen, "object store address, likewise")->capture_default_str();
  app.add_option("--store-public", options.store_public, "HOST:PORT in presigned URLs, for a proxy before the store")
      ->default_str("where the store listens");
  app.add_option("--dir", options.dir, "folder for received bytes and the ledger")->required();
  app.add_option("--ready-file", options.ready_file, "JSON with base_url, store_url and pid, written when both listen");
  app.add_option("--api-key", options.api_key, "the only key that is accepted")->capture_default_str();
  app.add_option("--base-path", options.base_path, "path prefix of the API")->capture_default_str();
  app.add_option("--scenario", options.scenario_file, "JSON file with fault rules")->check(CLI::ExistingFile);
}

void add_amounts(CLI::App& app, Options& options) {
  add_parsed(app, "--chunk-size", options.chunk_bytes, parse_size_bytes, "bytes per chunk", "5MiB");
  app.add_option("--initial-urls", options.initial_urls, "URLs in a new session")->capture_default_str();
  add_parsed(app, "--url-life", options.url_life_ms, parse_duration_ms, "life of a presigned URL", "1h");
  add_parsed(app, "--session-life", options.session_life_ms, parse_duration_ms, "life of an upload session", "24h");
  add_parsed(app, "--ready-after", options.ready_after_ms, parse_duration_ms, "asset: processing to ready", "200ms");
  add_parsed(app, "--index-after", options.index_after_ms, parse_duration_ms, "indexed asset: until ready", "300ms");
  add_parsed(app, "--entity-after", options.entity_after_ms, parse_duration_ms, "entity: until ready", "200ms");
  add_parsed(app, "--list-lag", options.list_lag_ms, parse_duration_ms, "how late lists see new resources", "0s");
  add_parsed(app, "--rate", options.rate_bytes_per_s, parse_rate_bytes_per_s, "total of all upload bodies",
             "unlimited");
  app.add_option("--limits-scale", options.limits_scale, "factor on all size limits")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--seed", options.seed, "seed of ids and of probability rules")->capture_default_str();
}

void add_switches(CLI::App& app, Options& options) {
  add_switch(app, "--readiness", options.ready_at_once, "seeds", "current", "seeds: a direct asset is ready at once");
  add_switch(app, "--metadata", options.metadata, "accept", "refuse", "user_metadata on creates");
  add_switch(app, "--lookup", options.lookup, "show", "hide", "the two list-by-asset calls");
  add_switch(app, "--single-use", options.single_use, "on", "off", "a presigned URL works once");
  add_switch(app, "--keep-objects", options.keep_objects, "on", "off", "keep received files after hashing");
  app.add_option("--empty-status", options.empty_status, "status of answers without a body")
      ->check(CLI::IsMember({200, 204}))
      ->capture_default_str();
  static std::map<std::string, Options::UploadHeaders> const kWords{{"strict", Options::UploadHeaders::kStrict},
                                                                    {"plain", Options::UploadHeaders::kPlain},
                                                                    {"none", Options::UploadHeaders::kNone}};
  app.add_option_function<std::string>(
         "--upload-headers", [&options](std::string const& word) { options.upload_headers = kWords.at(word); },
         "headers a chunk PUT must bring; plain is what the official SDKs send")
      ->check(CLI::IsMember({"strict", "plain", "none"}))
      ->default_str("strict");
  app.add_flag("--quiet", options.quiet, "print nothing but errors");
}

}  // namespace

std::variant<Options, int> parse_command_line(int argc, char** argv) {
  Options options;
  CLI::App app(kAbout, "sluice-emulator");
  app.footer(kNotes);
  add_places(app, options);
  add_amounts(app, options);
  add_switches(app, options);
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (options.chunk_bytes == 0 || !options.base_path.starts_with('/') || options.base_path.ends_with('/')) {
    std::fputs("sluice-emulator: --chunk-size must be > 0; --base-path must begin with / and not end with it\n",
               stderr);
    return 2;
  }
  return options;
}

}  // namespace sluice::emulator

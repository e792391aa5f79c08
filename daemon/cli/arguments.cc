#include "daemon/cli/arguments.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "core/base/text.h"
#include "core/base/url_text.h"
#include "daemon/cli/exit_codes.h"

namespace sluice::cli {
namespace {

constexpr std::array<std::string_view, 7> kLater = {"top",    "events", "pause",     "resume",
                                                    "doctor", "config", "completion"};
constexpr std::array<std::string_view, 12> kVerbs = {"status", "ls",     "show",   "explain", "add",     "wait",
                                                     "retry",  "cancel", "rescan", "ingest",  "journal", "version"};
constexpr std::array<std::string_view, 3> kJournalLater = {"backup", "prune", "export"};

constexpr char kExitCodes[] =
    "Exit codes: 0 fine; 1 internal error; 2 usage; 3 some items failed; 5 wait timed out;\n"
    "  7 key missing or refused; 8 platform unreachable; 9 source missing or unreadable;\n"
    "  10 journal locked, damaged or newer; 11 daemon not reachable; 12 no such item; 78 invalid configuration.";

CLI::App* add_verb(CLI::App& app, Arguments& into, std::string const& name, std::string const& text) {
  auto* const verb = app.add_subcommand(name, text);
  verb->add_flag("--json", into.json, "Print JSON");
  verb->add_option("--socket", into.socket, "The daemon's control socket");
  verb->add_option("--config", into.config, "The configuration file");
  return verb;
}

void add_wishes(CLI::App& verb, Arguments& into) {
  auto* const pipeline = verb.add_option("--pipeline", into.pipeline, "What is done with it: a configured pipeline");
  auto* const index = verb.add_option("--index", into.index, "Instead: put it into this index");
  auto* const collection =
      verb.add_option("--collection", into.collection, "Instead: make it an entity of this collection");
  auto* const entity = verb.add_option("--entity", into.entity, "The entity's name");
  verb.add_option("--name", into.name, "Of a single URL: the file name that it stands for");
  verb.add_flag("--dry-run", into.dry_run, "Say what would be done; do nothing");
  pipeline->excludes(index)->excludes(collection)->excludes(entity);
  collection->needs(entity);
  entity->needs(collection);
}

void describe_journal(CLI::App& app, Arguments& into) {
  auto* const journal = add_verb(app, into, "journal", "Check the stopped daemon's journal, or rebuild a lost one");
  journal->add_option("--state-dir", into.state_dir, "Of `sluice ingest`: where its journal lies");
  journal->require_subcommand(1);
  journal->add_subcommand("check", "Whether the journal is whole, and the one that belongs here")->fallthrough();
  auto* const rebuild = journal->add_subcommand(
      "rebuild",
      "Set a lost or damaged journal aside and make a new one from the platform's lists, the sources and the receipts");
  rebuild->fallthrough();
  rebuild->add_option("PATH", into.words, "Of `sluice ingest`: its files and folders; without, the daemon's journal");
  rebuild->add_flag("--dry-run", into.dry_run, "Say what would be done; write nothing");
  rebuild->add_flag("--force", into.force, "Set a journal aside in which nothing is wrong, too");
  for (auto const later : kJournalLater)
    journal->add_subcommand(std::string(later), "Not supported yet")->allow_extras();
}

void describe(CLI::App& app, Arguments& into, std::string& timeout) {
  app.require_subcommand(1);
  app.footer(kExitCodes);
  app.set_version_flag("--version", "sluice " SLUICE_VERSION);
  app.add_flag("--json", into.json, "Print JSON");
  app.add_option("--socket", into.socket, "The daemon's control socket (else SLUICE_SOCKET, else the configuration)");
  app.add_option("--config", into.config, "The configuration file (else SLUICE_CONFIG, else the usual places)");

  add_verb(app, into, "status", "How the daemon is and what it is doing");
  auto* const ls = add_verb(app, into, "ls", "List items");
  ls->add_option("--stage", into.stage, "settle, upload, ready, index, register, done, failed, cancelled, skipped");
  ls->add_option("--state", into.state, "The journal's precise word, such as opened");
  ls->add_option("--source", into.source, "Items of this source only");
  ls->add_option("--limit", into.limit, "At most so many; 0 for all")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  add_verb(app, into, "show", "One item with its whole story")
      ->add_option("ID", into.words, "An id, a unique prefix of one, a path or a URL")
      ->required()
      ->expected(1);
  add_verb(app, into, "explain", "Why a file or URL is taken, held back or left out")
      ->add_option("PATH|URL", into.words, "A file or URL, whether it is an item or not")
      ->required()
      ->expected(1);
  auto* const add = add_verb(app, into, "add", "Take files or URLs up now");
  add->add_option("PATH|URL", into.words, "Files beneath a source; https URLs, which the platform fetches by itself")
      ->required();
  add_wishes(*add, into);
  auto* const wait = add_verb(app, into, "wait", "Wait until items are at their end");
  auto* const waited = wait->add_option("ID", into.words, "Ids, unique prefixes, paths or URLs; all items if none");
  wait->add_flag("--all", into.all, "All items")->excludes(waited);
  wait->add_option("--timeout", timeout, "Give up after 30s, 10m, 1h (exit code 5)");
  auto* const retry =
      add_verb(app, into, "retry",
               "Take failed or cancelled items up where they failed, and do what was refused to be done with files");
  auto* const retried = retry->add_option("ID", into.words, "Ids, unique prefixes, paths or URLs");
  retry->add_flag("--failed", into.failed, "All failed items, and all refused acts")->excludes(retried);
  add_verb(app, into, "cancel", "End items; what the platform has stays there")
      ->add_option("ID", into.words, "Ids, unique prefixes, paths or URLs")
      ->required();
  add_verb(app, into, "rescan", "Look at the sources' folders anew, now")
      ->add_option("SOURCE", into.source, "Only at this one's");
  auto* const ingest = add_verb(app, into, "ingest", "Ingest files or URLs now, with no daemon; resumable");
  ingest->add_option("PATH|URL", into.words, "Files or folders; https URLs, which the platform fetches by itself")
      ->required();
  ingest->add_option("--state-dir", into.state_dir, "Where its journal lies");
  add_wishes(*ingest, into);
  describe_journal(app, into);
  add_verb(app, into, "version", "Print the version");
  for (auto const verb : kLater) app.add_subcommand(std::string(verb), "Not supported yet")->allow_extras();
}

ParseEnd usage(std::string trouble, std::string next) {
  return {.exit_code = kUsage, .out = {}, .trouble = std::move(trouble), .next = std::move(next)};
}

std::optional<ParseEnd> trouble_with_urls(Arguments const& made) {
  for (auto const& word : made.words)
    if (auto const url = parse_url(word); looks_like_url(word) && !url)
      return usage(made.verb + ": " + without_query(word) + ": " + url.error().text,
                   "give the https URL of the file itself");
  if (!made.name.empty() && (made.words.size() != 1 || !looks_like_url(made.words.front())))
    return usage(made.verb + ": --name goes with a single URL", "name one URL at a time");
  return std::nullopt;
}

// What CLI11 does not check.
std::expected<Arguments, ParseEnd> checked(Arguments made, std::string const& timeout) {
  if (!timeout.empty()) {
    made.timeout = read_duration(timeout);
    if (!made.timeout)
      return std::unexpected(usage("--timeout is no duration: " + printable(timeout), "write it as 30s, 10m or 1h"));
  }
  if (made.verb == "retry" && made.words.empty() && !made.failed)
    return std::unexpected(usage("retry: which items?", "sluice retry ID..., or sluice retry --failed"));
  if (made.verb == "add" || made.verb == "ingest")
    if (auto wrong = trouble_with_urls(made)) return std::unexpected(*std::move(wrong));
  return made;
}

}  // namespace

bool is_for_later(std::string const& verb, std::string const& action) {
  if (verb == "journal") return std::ranges::find(kJournalLater, action) != kJournalLater.end();
  return std::ranges::find(kLater, verb) != kLater.end();
}

std::optional<Millis> read_duration(std::string const& text) {
  std::int64_t count = 0;
  auto const [stop, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  constexpr std::int64_t kMost = 1'000'000'000;
  if (error != std::errc() || count < 0 || count > kMost) return std::nullopt;
  std::string_view const unit(stop, text.data() + text.size());
  if (unit == "ms") return Millis(count);
  if (unit.empty() || unit == "s") return std::chrono::seconds(count);
  if (unit == "m") return std::chrono::minutes(count);
  if (unit == "h") return std::chrono::hours(count);
  if (unit == "d") return std::chrono::hours(24 * count);
  return std::nullopt;
}

std::expected<Arguments, ParseEnd> read_arguments(std::vector<std::string> const& words) {
  Arguments made;
  std::string timeout;
  CLI::App app("Sluice puts media into the TwelveLabs platform and keeps its promise about every byte.", "sluice");
  describe(app, made, timeout);
  if (words.empty()) return std::unexpected(usage("name a verb: status, ls, show, add, wait, ...", "sluice --help"));
  if (!words.front().starts_with('-')) {
    std::vector<std::string> known(kVerbs.begin(), kVerbs.end());
    known.insert(known.end(), kLater.begin(), kLater.end());
    if (std::ranges::find(known, words.front()) == known.end()) {
      auto const close = nearest(words.front(), known);
      return std::unexpected(usage(
          "there is no verb " + printable(words.front()) + (close ? "; did you mean " + *close + "?" : std::string()),
          "sluice --help"));
    }
  }
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));  // CLI11 takes them back to front
  } catch (CLI::ParseError const& end) {
    std::ostringstream out, err;
    if (app.exit(end, out, err) == 0) return std::unexpected(ParseEnd{kFine, out.str(), {}, {}});
    auto const verbs = app.get_subcommands();
    auto const verb = verbs.empty() ? std::string() : verbs.front()->get_name() + " ";
    return std::unexpected(usage(verb.empty() ? end.what() : verb.substr(0, verb.size() - 1) + ": " + end.what(),
                                 "sluice " + verb + "--help"));
  }
  auto const* const verb = app.get_subcommands().front();
  made.verb = verb->get_name();
  if (auto const actions = verb->get_subcommands(); !actions.empty()) made.action = actions.front()->get_name();
  return checked(std::move(made), timeout);
}

}  // namespace sluice::cli

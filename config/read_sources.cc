// The keys beneath `sources`.
#include <algorithm>
#include <array>

#include "config/parts.h"
#include "core/base/marker.h"
#include "core/base/text.h"

namespace sluice::config {
namespace {

// Why no path beneath the folder can fit a pattern; "" if one can. What was to be left out would be uploaded.
std::string why_no_pattern(std::string_view pattern) {
  if (is_plain_relative(pattern)) return "";
  std::string const why = "fits nothing: a pattern is about the path beneath the folder, or the name; ";
  if (pattern.starts_with("/")) return why + "write it without the '/' in front, such as private/*";
  if (pattern.starts_with("./")) return why + "write it without the './' in front, such as tmp/*";
  if (pattern.ends_with("/"))
    return why + "write raw/* for all that is in that folder, or raw in `exclude` for every folder of that name";
  return why + "write it without empty, `.` or `..` parts, such as private/*";
}

void read_patterns(Section& section, std::string const& key, std::vector<std::string>& into) {
  auto const found = section.find(key);
  if (!found) return;
  into.clear();
  for (auto const& element : read_list(*found)) {
    auto const pattern = read_text(element);
    if (!pattern) continue;
    if (auto const why = why_no_pattern(*pattern); !why.empty()) element.complain(why);
    into.push_back(*pattern);
  }
}

std::optional<Millis> read_poll_interval(At const& at) {
  if (at.node->type == Node::Type::kScalar && at.node->text == "auto") return std::nullopt;
  return read_duration(at, std::chrono::seconds(1), std::chrono::hours(24));
}

std::optional<Template> read_marker(At const& at) {
  auto marker = read_template(at);
  if (!marker) return std::nullopt;
  auto const wrong = why_no_marker(*marker);
  if (wrong.empty()) return marker;
  at.complain(wrong);
  return std::nullopt;
}

std::optional<std::string> read_guard_file(At const& at) {
  auto const path = read_text(at);
  if (!path) return std::nullopt;
  auto const plain = "/" + *path + "/";
  auto const is_plain = !path->empty() && path->find('\0') == std::string::npos &&
                        plain.find("//") == std::string::npos && plain.find("/./") == std::string::npos &&
                        plain.find("/../") == std::string::npos;
  if (is_plain) return path;
  at.complain("is a file within the folder: a plain path without a '/' in front, such as .mounted");
  return std::nullopt;
}

// The one key of a map that stands where words do too.
std::optional<At> only_key(At const& at, std::string const& key) {
  Section section(at);
  auto found = section.require(key, "write it, or one of the words");
  section.finish();
  return found;
}

std::optional<AfterEnd> read_after(At const& at, Words<AfterEnd::What> words) {
  if (at.node->type != Node::Type::kMap) {
    auto const what = read_word<AfterEnd::What>(at, words);
    return what ? std::optional(AfterEnd{.what = *what}) : std::nullopt;
  }
  auto const target = only_key(at, "move_to");
  auto move_to = target ? read_template(*target) : std::nullopt;
  if (!move_to) return std::nullopt;
  auto const wrong = why_no_target(*move_to);
  if (wrong.empty()) return AfterEnd{.what = AfterEnd::What::kMove, .move_to = *std::move(move_to)};
  target->complain(wrong);
  return std::nullopt;
}

std::optional<ReceiptWish> read_receipt(At const& at) {
  using Where = ReceiptWish::Where;
  if (at.node->type != Node::Type::kMap) {
    auto const where = read_word<Where>(at, {{"none", Where::kNone}, {"beside", Where::kBeside}});
    return where ? std::optional(ReceiptWish{.where = *where}) : std::nullopt;
  }
  auto const dir = only_key(at, "dir");
  auto folder = dir ? read_path(*dir) : std::nullopt;
  return folder ? std::optional(ReceiptWish{.where = Where::kFolder, .folder = *std::move(folder)}) : std::nullopt;
}

std::optional<PathMatch> read_match(At const& at) {
  auto const text = read_text(at);
  if (!text) return std::nullopt;
  auto parsed = PathMatch::parse(*text);
  if (parsed) return *std::move(parsed);
  at.complain(parsed.error());
  return std::nullopt;
}

// "/srv/feeds/*.jsonl": a folder, and a name or pattern in it whose end tells the format.
void read_manifest(At const& at, Source& source) {
  auto const path = read_path(at);
  if (!path) return;
  auto const name = basename_of(*path);
  auto const folder = directory_of(*path);
  static constexpr std::string_view kWild = "*?[";
  if (folder.find_first_of(kWild) != std::string_view::npos)
    return at.complain("has a pattern in its folder; only the file's name may be one, such as /srv/feeds/*.jsonl");
  auto const extension = extension_of(extension_of(name) == "gz" ? stem_of(name) : name);
  static constexpr std::array<std::string_view, 6> kFormats = {"txt", "m3u", "csv", "tsv", "jsonl", "ndjson"};
  if (std::ranges::find(kFormats, extension) == kFormats.end())
    return at.complain("is none of .txt, .csv, .tsv, .jsonl and these with .gz; the name must tell the format");
  source.folder = folder.empty() ? "/" : std::string(folder);
  source.manifest = name;
  source.recursive = false;
}

// Who fetches what URLs name, of a manifest and of what is named by hand.
template <class Whose>
void read_fetch_keys(Section& section, Whose& whose) {
  if (auto key = section.find("fetch"))
    assign(whose.fetch,
           read_word<Fetch>(*key, {{"platform", Fetch::kPlatform}, {"relay", Fetch::kRelay}, {"auto", Fetch::kAuto}}));
  auto const hosts = section.find("allow_hosts");
  if (!hosts) return;
  for (auto const& element : read_list(*hosts)) {
    auto const text = read_text(element);
    if (!text) continue;
    if (auto const wrong = whose.allow_hosts.add(*text); !wrong.empty()) element.complain(wrong);
  }
  if (whose.fetch == Fetch::kPlatform && !whose.allow_hosts.empty())
    hosts->complain(
        "says from where Sluice itself may download, and fetch: platform downloads nothing; set fetch to "
        "relay or auto, or remove the line");
}

// What says how files are found and settle says nothing of lines.
void refuse_folder_keys(Section& section) {
  for (auto const* key : {"folder", "recursive", "include", "exclude", "max_settle", "checksum", "sidecar",
                          "ready_marker", "guard_file", "duplicates", "after_success", "after_failure", "receipt"})
    if (auto const found = section.find(key))
      found->complain("is for folders, and this source is a manifest; remove the line");
}

// What a folder does anyway may stand there.
void refuse_url_keys(Section& section) {
  constexpr char kWhy[] = "is for manifests, and this source is a folder; remove the line";
  auto const fetch = section.find("fetch");
  if (fetch && fetch->node->text != "platform") fetch->complain(kWhy);
  auto const hosts = section.find("allow_hosts");
  if (hosts && !read_list(*hosts).empty()) hosts->complain(kWhy);
}

void read_folder_keys(Section& section, Source& source) {
  if (auto key = section.require("folder", "write the folder's absolute path")) assign(source.folder, read_path(*key));
  if (auto key = section.find("recursive")) assign(source.recursive, read_bool(*key));
  read_patterns(section, "include", source.include);
  read_patterns(section, "exclude", source.exclude);
  if (auto key = section.find("max_settle")) {
    assign(source.max_settle, read_duration(*key, std::chrono::seconds(1), std::chrono::hours(24 * 365)));
  }
  if (auto key = section.find("checksum"))
    assign(source.checksum,
           read_word<Checksum>(
               *key, {{"auto", Checksum::kAuto}, {"require", Checksum::kRequire}, {"ignore", Checksum::kIgnore}}));
  if (auto key = section.find("sidecar"))
    assign(source.sidecars, read_word<bool>(*key, {{"auto", true}, {"ignore", false}}));
  if (auto key = section.find("duplicates"))
    assign(source.skip_duplicates, read_word<bool>(*key, {{"skip", true}, {"upload", false}}));
  if (auto key = section.find_unless_null("ready_marker")) source.ready_marker = read_marker(*key);
  if (auto key = section.find_unless_null("guard_file")) assign(source.guard_file, read_guard_file(*key));
  using What = AfterEnd::What;
  if (auto key = section.find("after_success"))
    assign(source.after_success, read_after(*key, {{"keep", What::kKeep}, {"delete", What::kDelete}}));
  if (auto key = section.find("after_failure")) assign(source.after_failure, read_after(*key, {{"keep", What::kKeep}}));
  if (auto key = section.find("receipt")) assign(source.receipt, read_receipt(*key));
}

Source read_source(At const& at) {
  Source source;
  Section section(at);
  if (auto key = section.require("name", "write a short name for the source, such as drop")) {
    assign(source.name, read_name(*key));
  }
  auto const manifest = at.node->type == Node::Type::kMap ? section.find_unless_null("manifest") : std::optional<At>();
  if (manifest) {
    read_manifest(*manifest, source);
    read_fetch_keys(section, source);
    refuse_folder_keys(section);
  } else {
    read_folder_keys(section, source);
    refuse_url_keys(section);
  }
  if (auto key = section.find("pipelines")) source.pipelines = read_texts(*key);
  if (auto key = section.find_unless_null("match")) source.match = read_match(*key);
  if (auto key = section.find("settle")) {
    assign(source.settle, read_duration(*key, Millis(0), std::chrono::hours(24)));
  }
  if (auto key = section.find("priority")) assign(source.priority, read_integer(*key, 0, 100));
  if (auto key = section.find("poll")) source.poll_every = read_poll_interval(*key);
  section.finish();
  return source;
}

}  // namespace

void read_sources(At const& at, Draft& draft) {
  for (auto const& element : read_list(at)) {
    draft.config.sources.push_back(read_source(element));
    draft.source_origins.push_back(element.origin);
  }
}

ByHand read_by_hand(At const& at) {
  ByHand by_hand;
  Section section(at);
  read_fetch_keys(section, by_hand);
  section.finish();
  return by_hand;
}

}  // namespace sluice::config

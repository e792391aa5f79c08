#include "core/source/sidecar.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "core/base/text.h"
#include "core/base/yaml_tree.h"
#include "core/source/manifest/fields.h"

namespace sluice::source {
namespace {

using manifest::Field;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kValuesMax = 20'000;
constexpr std::size_t kUnknownMax = 8;
constexpr std::size_t kTextBytesMax = 1024;  // of a name
constexpr std::string_view kExtensions[] = {".json", ".yaml", ".yml"};

std::unexpected<Error> bad(std::string_view file, int line, std::string text) {
  auto where = printable(file) + ": ";
  if (line > 0) where += "line " + std::to_string(line) + ": ";
  return fail(Fault::kRejected, where + std::move(text), kBadSidecar);
}

// A sidecar's text as a value, and the lines of its keys.
struct Document {
  Json value;
  std::vector<std::pair<std::string, int>> lines;

  int line_of(std::string_view key) const {
    auto const at = std::ranges::find(lines, key, &std::pair<std::string, int>::first);
    return at == lines.end() ? 0 : at->second;
  }
};

// --- JSON

// Where the keys of the outermost object stand. Requires  text that is JSON: its strings hold no line break.
std::vector<std::pair<std::string, int>> lines_of_keys(std::string_view text) {
  std::vector<std::pair<std::string, int>> lines;
  int line = 1, depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\n') ++line;
    if (text[at] == '{' || text[at] == '[') ++depth;
    if (text[at] == '}' || text[at] == ']') --depth;
    if (text[at] != '"') continue;
    auto const begin = ++at;
    while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
    auto const next = text.find_first_not_of(" \t\r\n", at + 1);
    if (depth == 1 && next != std::string_view::npos && text[next] == ':')
      lines.emplace_back(text.substr(begin, at - begin), line);
  }
  return lines;
}

Result<Document> read_as_json(std::string_view file, std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  auto value = parse_json(text, {.bytes_max = kSidecarBytesMax,
                                 .depth_max = yaml::kDepthMax,
                                 .values_max = kValuesMax,
                                 .refuse_duplicate_keys = true});
  if (!value) return bad(file, 0, "it is no JSON that can be read: it " + value.error().text);
  return Document{*std::move(value), lines_of_keys(text)};
}

// --- YAML

Result<Json> number_of(std::string_view file, yaml::Node const& node, yaml::Plain plain) {
  auto const* const end = node.text.data() + node.text.size();
  if (plain == yaml::Plain::kInteger) {
    std::int64_t value = 0;
    if (std::from_chars(node.text.data(), end, value).ec == std::errc()) return Json(value);
  }
  if (plain == yaml::Plain::kFloat) {
    double value = 0;
    auto const* const begin = node.text.data() + (node.text.starts_with('+') ? 1 : 0);
    if (std::from_chars(begin, end, value).ec == std::errc()) return Json(value);
  }
  return bad(file, node.mark.line,
             "the number or boolean here can be read in two ways or is out of range; write it plainly, or in quotes");
}

Result<Json> value_of(std::string_view file, yaml::Node const& node) {
  using Type = yaml::Node::Type;
  if (node.type == Type::kList) {
    auto list = Json::array();
    for (auto const& item : node.items) {
      SLUICE_TRY(value, value_of(file, item));
      list.push(std::move(value));
    }
    return list;
  }
  if (node.type == Type::kMap) {
    std::vector<Json::Member> members;
    for (auto const& [key, entry] : node.entries) {
      SLUICE_TRY(value, value_of(file, entry));
      members.push_back({key.text, std::move(value)});
    }
    return Json::object(std::move(members));
  }
  if (node.type == Type::kNull) return Json();
  auto const plain = node.quoted ? yaml::Plain::kText : yaml::classify(node.text);
  if (plain == yaml::Plain::kText) return Json(node.text);
  if (plain == yaml::Plain::kBool) return Json(node.text == "true");
  return number_of(file, node, plain);
}

Result<Document> read_as_yaml(std::string_view file, std::string_view text) {
  auto const root = yaml::read_yaml(text);
  if (!root) {
    auto const& [mark, key, what] = root.error();
    return bad(file, mark.line, (key.empty() ? "" : "`" + printable(cut_to(key, 64)) + "`: ") + what);
  }
  Document document;
  for (auto const& [key, entry] : root->entries) document.lines.emplace_back(key.text, key.mark.line);
  SLUICE_TRY(value, value_of(file, *root));
  document.value = std::move(value);
  return document;
}

// --- what it says

bool is_taken(Field field) {
  switch (field) {
    case Field::kName:
    case Field::kIndex:
    case Field::kCollection:
    case Field::kEntity:
    case Field::kMetadata:
    case Field::kPriority: return true;
    default: return false;
  }
}

std::string shown(std::string_view key) { return "`" + printable(cut_to(key, 64)) + "`"; }

std::string unknown_words(std::string_view key) {
  static std::vector<std::string> const kKnown = {"pipeline", "index",    "collection", "entity",
                                                  "name",     "priority", "metadata"};
  auto const near = nearest(key, kKnown);
  return shown(key) + (near ? " (did you mean `" + *near + "`?)" : "");
}

// Nothing: it may be a name on the platform.
manifest::Reason why_no_name(std::string_view name) {
  auto const is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (name == "." || name == ".." || name.find('/') != std::string_view::npos || std::ranges::any_of(name, is_control))
    return "`name` is no file name: write one without '/' and control characters";
  return std::nullopt;
}

manifest::Reason set_pipeline(std::string& pipeline, Json const& value) {
  if (value.is_null()) return std::nullopt;
  if (value.as_text() == nullptr) return "`pipeline` is no text; write the name of a pipeline";
  pipeline = *value.as_text();
  return std::nullopt;
}

manifest::Reason why_too_long(std::string_view key, Json const& value) {
  if (value.as_text() == nullptr || value.as_text()->size() <= kTextBytesMax) return std::nullopt;
  return shown(key) + " has more than " + std::to_string(kTextBytesMax) + " bytes; shorten it";
}

// Of a name, which is bytes (D42), in JSON.
std::string as_text(std::string const& name) { return is_utf8(name) ? name : printable(name); }

Sidecar sidecar_of(manifest::Entry entry, std::string pipeline) {
  return {.pipeline = std::move(pipeline),
          .index = std::move(entry.index),
          .collection = std::move(entry.collection),
          .entity = std::move(entry.entity),
          .name = std::move(entry.name),
          .priority = entry.priority,
          .metadata = std::move(entry.metadata)};
}

}  // namespace

std::vector<std::string> sidecar_names(std::string_view name) {
  std::vector<std::string> names;
  for (auto const extension : kExtensions) names.push_back(std::string(name).append(extension));
  auto const stem = stem_of(name);
  if (stem != name)
    for (auto const extension : kExtensions) names.push_back(std::string(stem).append(extension));
  return names;
}

std::string own_sidecar(std::vector<std::string> const& files, std::string_view name) {
  if (files.empty()) return {};
  auto const names = sidecar_names(name);
  auto const own = std::ranges::find(names, files.front(), [](std::string const& each) { return as_text(each); });
  return own == names.end() ? std::string() : *own;
}

bool is_sidecar_name(std::string_view name) {
  auto const extension = extension_of(name);
  return extension == "json" || extension == "yaml" || extension == "yml";
}

std::string Sidecar::keys() const {
  std::string keys;
  auto const json = to_json();
  for (auto const& [key, value] : json.members())
    if (key != "files" && key != "in_doubt") keys.append(keys.empty() ? "" : ", ").append(key);
  return keys;
}

Json Sidecar::to_json() const {
  auto json = Json::object();
  auto const add = [&](std::string_view key, std::string const& text) {
    if (!text.empty()) json.set(key, text);
  };
  for (auto const& file : files) {
    auto list = json.find("files") != nullptr ? *json.find("files") : Json::array();
    json.set("files", list.push(as_text(file)));
  }
  add("pipeline", pipeline);
  add("index", index);
  add("collection", collection);
  add("entity", entity);
  add("name", name);
  if (priority) json.set("priority", *priority);
  if (!metadata.members().empty()) json.set("metadata", metadata);
  auto doubtful = Json::array();
  for (auto const& key : in_doubt) doubtful.push(key);
  if (!in_doubt.empty()) json.set("in_doubt", std::move(doubtful));
  return json;
}

Sidecar sidecar_from(Json const& json) {
  auto const text = [&](std::string_view key) {
    auto const* member = json.find(key);
    return member != nullptr && member->as_text() != nullptr ? *member->as_text() : std::string();
  };
  Sidecar sidecar{.pipeline = text("pipeline"),
                  .index = text("index"),
                  .collection = text("collection"),
                  .entity = text("entity"),
                  .name = text("name")};
  auto const texts = [&](std::string_view key, std::vector<std::string>& into) {
    if (auto const* const list = json.find(key))
      for (auto const& element : list->elements())
        if (element.as_text() != nullptr) into.push_back(*element.as_text());
  };
  texts("files", sidecar.files);
  texts("in_doubt", sidecar.in_doubt);
  if (auto const* priority = json.find("priority")) sidecar.priority = priority->as_int();
  if (auto const* metadata = json.find("metadata")) sidecar.metadata = *metadata;
  return sidecar;
}

bool want_the_same(Sidecar const& one, Sidecar const& other) {
  auto const wants = [](Sidecar sidecar) {
    sidecar.files.clear();
    sidecar.in_doubt.clear();
    return sidecar.to_json();
  };
  return wants(one) == wants(other);
}

Result<SidecarRead> read_sidecar(std::string_view file, std::string_view text) {
  SLUICE_TRY(document, extension_of(file) == "json" ? read_as_json(file, text) : read_as_yaml(file, text));
  if (document.value.is_null()) return SidecarRead{};  // an empty YAML
  if (!document.value.is_object())
    return bad(file, 0,
               "it is no map of keys and values, such as `index: footage`; if it is none of ours, write `sidecar: "
               "ignore` for this source");
  SidecarRead read;
  manifest::Entry entry;
  std::string pipeline;
  std::set<Field> seen;
  for (auto const& [key, value] : document.value.members()) {
    auto const field = manifest::field_of(key);
    auto const is_pipeline = equal_ignoring_case(trimmed(key), "pipeline");
    if (!is_pipeline && !is_taken(field)) {
      if (read.unknown.size() < kUnknownMax) read.unknown.push_back(unknown_words(key));
      continue;
    }
    auto why = is_pipeline ? set_pipeline(pipeline, value) : manifest::set_json(entry, key, value);
    if (!why && field != Field::kMetadata) why = why_too_long(key, value);
    if (!why && !seen.insert(is_pipeline ? Field::kOther : field).second)
      why = shown(key) + " is said twice, in two spellings; remove one";
    if (!why && field == Field::kName) why = why_no_name(entry.name);
    if (why) return bad(file, document.line_of(key), *why);
  }
  read.sidecar = sidecar_of(std::move(entry), std::move(pipeline));
  read.sidecar.files = {std::string(file)};
  if (!read.sidecar.pipeline.empty() && read.sidecar.names_places())
    return bad(file, document.line_of("pipeline"),
               "`pipeline` says where the file goes, and so do `index`, `collection` and `entity`; write one or the "
               "others");
  if (read.sidecar.metadata.members().size() > kMetadataKeysMax)
    return bad(file, document.line_of("metadata"),
               "`metadata` has more than " + std::to_string(kMetadataKeysMax) + " keys; leave some out");
  if (read.sidecar.metadata.dump().size() > kMetadataBytesMax)
    return bad(file, document.line_of("metadata"), "`metadata` has more than 64 KiB; leave some out");
  return read;
}

Result<Sidecar> with_defaults(Sidecar own, Sidecar defaults) {
  if (!own.pipeline.empty()) defaults.index = defaults.collection = defaults.entity = "";
  if (own.names_places()) defaults.pipeline.clear();
  auto const fill = [](std::string& ours, std::string& theirs) {
    if (ours.empty()) ours = std::move(theirs);
  };
  fill(own.pipeline, defaults.pipeline);
  fill(own.index, defaults.index);
  fill(own.collection, defaults.collection);
  fill(own.entity, defaults.entity);
  fill(own.name, defaults.name);
  if (!own.priority) own.priority = defaults.priority;
  for (auto const& [key, value] : own.metadata.members()) defaults.metadata.set(key, value);
  own.metadata = std::move(defaults.metadata);
  for (auto& file : defaults.files) own.files.push_back(std::move(file));
  if (own.entity.empty() == own.collection.empty()) return own;
  auto const* const said = own.entity.empty() ? "collection" : "entity";
  auto const* const missing = own.entity.empty() ? "entity" : "collection";
  return bad(own.files.empty() ? "" : own.files.front(), 0,
             std::string("`") + said + "` needs `" + missing + "` beside it: write both");
}

std::int64_t print_of_sidecar(std::string_view name, ports::FilePrint const& of) {
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  auto const add = [&](std::uint64_t byte) { hash = (hash ^ byte) * 0x100000001b3u; };
  for (char const c : name) add(static_cast<unsigned char>(c));
  for (auto const number :
       {of.size_bytes, static_cast<std::uint64_t>(of.mtime_ns), static_cast<std::uint64_t>(of.ctime_ns), of.inode})
    for (int shift = 0; shift < 64; shift += 8) add(number >> shift & 0xFF);
  return hash == 0 ? 1 : static_cast<std::int64_t>(hash);
}

std::int64_t print_of_sidecars(std::int64_t own, std::int64_t defaults) {
  if (own == 0 && defaults == 0) return 0;
  auto const both = static_cast<std::uint64_t>(own) * 31 + static_cast<std::uint64_t>(defaults);
  return both == 0 ? 1 : static_cast<std::int64_t>(both);
}

}  // namespace sluice::source

// The keys beneath `pipelines`.
#include <algorithm>

#include "config/parts.h"
#include "core/base/text.h"

namespace sluice::config {
namespace {

// The daemon's own operation tag lives under this key (R48).
std::vector<std::string> const& reserved_keys() {
  static std::vector<std::string> const keys = {"client_op"};
  return keys;
}

// An indexed asset's metadata has the platform's own keys beside it (R43).
std::vector<std::string> const& reserved_index_keys() {
  static std::vector<std::string> const keys = {"client_op",   "duration", "filename",    "fps",  "height",
                                                "model_names", "size",     "video_title", "width"};
  return keys;
}

// A name that is looked for on the platform. Braces would look like a template and be none.
std::optional<std::string> read_shared_name(At const& at) {
  auto text = read_text(at);
  if (!text) return text;
  if (text->size() > 255) {
    at.complain("is longer than 255 bytes; shorten it");
  } else if (text->find_first_of("{}") != std::string::npos) {
    at.complain("is a plain name; templates in it are not supported yet, so write it without braces");
  } else if (trimmed(*text) != *text) {
    at.complain("begins or ends with a space; remove it");
  } else {
    return text;
  }
  return std::nullopt;
}

std::set<Kind> read_kinds(At const& at) {
  std::set<Kind> kinds;
  for (auto const& element : read_list(at)) {
    auto const kind =
        read_word<Kind>(element, {{"video", Kind::kVideo}, {"audio", Kind::kAudio}, {"image", Kind::kImage}});
    if (kind) kinds.insert(*kind);
  }
  if (at.node->type == Node::Type::kNull || (at.node->type == Node::Type::kList && at.node->items.empty())) {
    at.complain("is empty; write one or more of video, audio and image, or remove the line for all");
  }
  return kinds;
}

AssetStep read_asset(At const& at) {
  AssetStep asset;
  Section section(at);
  if (auto key = section.find("filename")) assign(asset.filename, read_template(*key));
  if (auto key = section.find("enable_hls")) assign(asset.enable_hls, read_bool(*key));
  if (auto key = section.find("enable_thumbnail")) assign(asset.enable_thumbnail, read_bool(*key));
  if (auto key = section.find("user_metadata")) asset.user_metadata = read_metadata(*key, reserved_keys());
  section.finish();
  return asset;
}

std::vector<Model> read_create(At const& at) {
  std::vector<Model> models;
  Section section(at);
  auto const list = section.require("models", "write [{name: marengo3.0, options: [visual, audio]}]");
  if (list) {
    for (auto const& element : read_list(*list)) {
      Section model(element);
      Model read;
      if (auto key = model.require("name", "write one such as marengo3.0")) assign(read.name, read_text(*key));
      if (auto key = model.require("options", "write [visual, audio], or one of them")) {
        read.options = read_texts(*key);
        if (key->node->type == Node::Type::kNull ||
            (key->node->type == Node::Type::kList && key->node->items.empty())) {
          key->complain("is empty; write [visual, audio], or one of them");
        }
      }
      model.finish();
      models.push_back(std::move(read));
    }
    if (models.empty() && list->node->entries.empty() && list->node->text.empty()) {
      list->complain("is empty; write [{name: marengo3.0, options: [visual, audio]}]");
    }
  }
  section.finish();
  return models;
}

IndexStep read_index(At const& at) {
  IndexStep index;
  Section section(at);
  if (auto key = section.require("name", "write the name of the index")) assign(index.name, read_shared_name(*key));
  if (auto key = section.find_unless_null("create")) index.create = read_create(*key);
  if (auto key = section.find("enable_video_stream")) assign(index.enable_video_stream, read_bool(*key));
  if (auto key = section.find("user_metadata")) index.user_metadata = read_metadata(*key, reserved_index_keys());
  section.finish();
  return index;
}

// One index may be written without the list around it.
std::vector<IndexStep> read_indexes(At const& at) {
  std::vector<IndexStep> indexes;
  if (at.node->type == Node::Type::kMap) {
    if (!at.node->entries.empty()) indexes.push_back(read_index(at));
    return indexes;
  }
  for (auto const& element : read_list(at)) indexes.push_back(read_index(element));
  return indexes;
}

std::optional<EntityStep::Existing> read_existing(At const& at) {
  using Existing = EntityStep::Existing;
  return read_word<Existing>(at, {{"attach", Existing::kAttach}, {"fail", Existing::kFail}, {"new", Existing::kNew}});
}

EntityStep read_entity(At const& at) {
  EntityStep entity;
  Section section(at);
  if (auto key = section.require("collection", "write the name of the entity collection")) {
    assign(entity.collection, read_shared_name(*key));
  }
  if (auto key = section.require("name", "write the entity's name, such as \"{dir}\"")) {
    assign(entity.name, read_template(*key));
  }
  if (auto key = section.find_unless_null("description")) entity.description = read_template(*key);
  if (auto key = section.find("metadata")) entity.metadata = read_metadata(*key, reserved_keys());
  if (auto key = section.find("existing")) assign(entity.existing, read_existing(*key));
  section.finish();
  return entity;
}

Pipeline read_pipeline(At const& at, std::string name) {
  Pipeline pipeline;
  pipeline.name = std::move(name);
  Section section(at);
  if (auto key = section.find("kinds")) pipeline.kinds = read_kinds(*key);
  if (auto key = section.find("asset")) pipeline.asset = read_asset(*key);
  if (auto key = section.find("index")) pipeline.indexes = read_indexes(*key);
  if (auto key = section.find_unless_null("entity")) {
    if (key->node->type != Node::Type::kMap || !key->node->entries.empty()) pipeline.entity = read_entity(*key);
  }
  section.not_yet("embed");
  section.not_yet("knowledge_store");
  section.finish();
  return pipeline;
}

}  // namespace

void read_pipelines(At const& at, Draft& draft) {
  Section section(at);
  for (auto const& [name, value] : section.all()) {
    Node name_node = *value.node;
    name_node.type = Node::Type::kScalar;
    name_node.text = name;
    name_node.quoted = true;
    if (!read_name({&name_node, value.origin, value.report})) continue;
    draft.config.pipelines.push_back(read_pipeline(value, name));
    draft.pipeline_origins.push_back(value.origin);
  }
}

}  // namespace sluice::config

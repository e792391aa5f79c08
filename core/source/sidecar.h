// sidecar.h - what the file beside a media file wants for it (D47, D48): which names it may have, and what it says.
//
// "clip.mp4.json", "clip.mp4.yaml", "clip.mp4.yml", then "clip.json", "clip.yaml", "clip.yml": the first that is there
// is the file's own. Beneath it lies "_defaults.yaml" (.yml, .json) of the same folder, for all files of that folder.
//
// The text is an uploader's, and not trusted: a map of known keys, of at most kSidecarBytesMax and 32 levels, JSON or
// the part of YAML that yaml_tree.h lets through. Unknown keys are told and left; what is known must be right. Nothing
// in it can name a path. The words are those of a manifest's line (manifest/fields.h). Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/ports/files.h"

namespace sluice::source {

inline constexpr std::size_t kSidecarBytesMax = 1 << 20;
inline constexpr std::size_t kMetadataBytesMax = 64 << 10;  // as JSON: it is kept in the journal, once for each item
inline constexpr std::size_t kMetadataKeysMax = 256;
inline constexpr char kBadSidecar[] = "bad_sidecar";  // the code of each failure here

// The names that a file's own sidecar may have, the first one first.
std::vector<std::string> sidecar_names(std::string_view name);
inline constexpr std::array<std::string_view, 3> kDefaultNames = {"_defaults.yaml", "_defaults.yml", "_defaults.json"};
// The one of them that was read for the file of this name, as its bytes; "" if none was. `files` is what a Sidecar's
// JSON has, where a name that is no text stands as people see it.
std::string own_sidecar(std::vector<std::string> const& files, std::string_view name);
// Whether a name is such as only sidecars have: it is no item, whether it belongs to one or not.
bool is_sidecar_name(std::string_view name);

struct Sidecar {
  std::vector<std::string> files = {};       // what it was read from: its own name, and that of the folder's defaults
  std::string pipeline = {};                 // instead of the source's; or
  std::string index = {};                    // the index that the asset goes into, and
  std::string collection = {}, entity = {};  // the entity that it becomes part of, instead of any pipeline
  std::string name = {};                     // the file name on the platform
  std::optional<std::int64_t> priority = {};
  Json metadata = {};  // an object of scalars; null for none
  // Of an item: keys of metadata of which a telling that did not end may have left any value on the platform, with the
  // asset or an indexed asset (core/stage/amend.h). No file says this.
  std::vector<std::string> in_doubt = {};

  bool names_places() const { return !index.empty() || !collection.empty() || !entity.empty(); }
  // "index, metadata": the keys that it has, for people.
  std::string keys() const;
  // What is not there is left out; "{}" says nothing.
  Json to_json() const;
};
// Requires  made by to_json().
Sidecar sidecar_from(Json const& json);
// Whether two want the same, wherever they were read from.
bool want_the_same(Sidecar const& one, Sidecar const& other);

struct SidecarRead {
  Sidecar sidecar;
  std::vector<std::string> unknown = {};  // keys that mean nothing, as people should see them; at most 8
};
// Reads one file's text; its name says whether it is JSON or YAML.
// Fails  kRejected, kBadSidecar: the text names the file, the line and the key where there is one, and what to do.
Result<SidecarRead> read_sidecar(std::string_view file, std::string_view text);

// A file's own over the defaults of its folder: key by key, the metadata too. Who names a pipeline does not mean the
// places of the other, and the other way round.
// Fails  kBadSidecar: an entity without its collection, or a collection without an entity.
Result<Sidecar> with_defaults(Sidecar own, Sidecar defaults);

// A number for a sidecar as it is now, another one wherever it was touched; and one for those that apply to a file, of
// which each may be 0 for none. Only 0 is that of none.
std::int64_t print_of_sidecar(std::string_view name, ports::FilePrint const& of);
std::int64_t print_of_sidecars(std::int64_t own, std::int64_t defaults);

}  // namespace sluice::source

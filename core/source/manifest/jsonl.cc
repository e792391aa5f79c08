#include "core/source/manifest/jsonl.h"

#include "core/base/text.h"
#include "core/source/manifest/fields.h"

namespace sluice::source::manifest {

void Jsonl::take(Line const& line, Found& found) {
  if (trimmed(line.text).empty()) return;
  auto const object = parse_json(
      line.text, {.bytes_max = kLineBytesMax, .depth_max = 16, .values_max = 2'000, .refuse_duplicate_keys = true});
  if (!object) return found.fail(line.place, 0, "is no JSON: it " + object.error().text);
  if (!object->is_object()) return found.fail(line.place, 1, "is no JSON object");
  if (object->find("result") != nullptr && object->find("line") != nullptr) {
    if (line.place.line == 1)
      found.refused = "is a file of results, which answer for a manifest; move it to where no manifests are read";
    else
      found.fail(line.place, 1, "is a line of results, and not of a manifest");
    return;
  }
  Entry entry{.place = line.place};
  for (auto const& [name, value] : object->members())
    if (auto reason = set_json(entry, name, value)) return found.fail(line.place, 0, *std::move(reason));
  if (entry.url.empty()) return found.fail(line.place, 1, "names no `url`");
  found.entries.push_back(std::move(entry));
}

}  // namespace sluice::source::manifest

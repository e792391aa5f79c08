#include "core/source/manifest/format.h"

#include "core/base/text.h"
#include "core/source/manifest/csv.h"
#include "core/source/manifest/jsonl.h"
#include "core/source/manifest/txt.h"

namespace sluice::source::manifest {

bool is_packed(std::string_view file_name) { return extension_of(file_name) == "gz"; }

std::unique_ptr<Format> format_for(std::string_view file_name) {
  auto const extension = extension_of(is_packed(file_name) ? stem_of(file_name) : file_name);
  if (extension == "jsonl" || extension == "ndjson") return std::make_unique<Jsonl>();
  if (extension == "csv") return std::make_unique<Csv>(false);
  if (extension == "tsv") return std::make_unique<Csv>(true);
  if (extension == "txt" || extension == "m3u") return std::make_unique<Txt>();
  return nullptr;
}

}  // namespace sluice::source::manifest

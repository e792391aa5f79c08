// Any bytes as a sidecar, JSON or YAML: nothing crashes, nothing gets past its bounds, and what was read comes back
// from the journal's form as it was. The first byte chooses the format.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "core/base/json.h"
#include "core/source/sidecar.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* input, std::size_t size) {
  using namespace sluice::source;
  if (size == 0) return 0;
  auto const* const file = input[0] % 2 == 0 ? "a.json" : "a.yaml";
  auto const read = read_sidecar(file, std::string_view(reinterpret_cast<char const*>(input) + 1, size - 1));
  if (!read) return 0;
  auto const json = read->sidecar.to_json();
  auto const parsed = sluice::parse_json(json.dump());
  auto const is_bounded = read->sidecar.metadata.dump().size() <= kMetadataBytesMax && read->unknown.size() <= 8;
  auto const is_name = read->sidecar.name.find('/') == std::string::npos;
  if (parsed && sidecar_from(*parsed).to_json() == json && is_bounded && is_name) return 0;
  std::fprintf(stderr, "sidecar_fuzz: it became %s\n", json.dump().c_str());
  std::abort();
}

// jsonl.h - a manifest of one JSON object a line: the format that can say everything (M1).
#pragma once

#include "core/source/manifest/format.h"

namespace sluice::source::manifest {

class Jsonl final : public Format {
 public:
  void take(Line const& line, Found& found) override;
  void finish(Found&) override {}
  std::optional<Place> held() const override { return std::nullopt; }
};

}  // namespace sluice::source::manifest

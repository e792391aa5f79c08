#include "core/ports/wire.h"

namespace sluice::ports {

std::optional<std::string_view> Reply::header(std::string_view name) const {
  for (auto const& [key, value] : headers) {
    if (key == name) return value;
  }
  return std::nullopt;
}

}  // namespace sluice::ports

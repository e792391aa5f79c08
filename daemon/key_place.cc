#include "daemon/key_place.h"

#include "core/base/text.h"

namespace sluice::daemon {

Result<std::optional<ApiKey>> KeyPlace::look() {
  SLUICE_TRY(key, read_api_key(source_));
  if (key == key_) return std::nullopt;
  key_ = key;
  return std::optional(std::move(key));
}

std::string KeyPlace::remedy() const {
  if (source_.kind == KeySource::Kind::kFile)
    return "put a working key into " + printable(source_.value) + ": it is read anew within seconds";
  return "put a working key in its place and restart sluiced";
}

}  // namespace sluice::daemon

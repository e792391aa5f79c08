// key_place.h - notices that another API key was put where the configuration says that it is (K4).
//
// A key in a file is changed by replacing the file; systemd's credential and the environment are those of the start.
// Nothing is watched: whoever meets a refused key, or is asked to reload, looks.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "core/base/secret.h"
#include "daemon/api_key.h"

namespace sluice::daemon {

class KeyPlace {
 public:
  // `key`: what was read there at the start.
  KeyPlace(KeySource source, ApiKey key) : source_(std::move(source)), key_(std::move(key)) {}

  // Reads the place again.
  // Returns  the key there, if it is another one than the last; nothing if it is the same.
  // Fails    as read_api_key does; the last key then stays the last.
  Result<std::optional<ApiKey>> look();

  // What a person has to do to give the daemon another key, as the end of a sentence.
  std::string remedy() const;

 private:
  KeySource source_;
  ApiKey key_;
};

}  // namespace sluice::daemon

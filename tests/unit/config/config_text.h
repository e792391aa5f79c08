// config_text.h - what the tests of config/ share: a file's text in, a Config or its errors out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace sluice::config {

// The least that sluiced accepts; tests put their lines behind it.
inline constexpr std::string_view kLeast =
    "platform: {api_key: {credential: key}}\n"
    "sources: [{name: drop, folder: /srv/drop}]\n";

inline Loaded load_text(std::string_view text, LoadOptions options = {}) {
  return load_texts({{"s.yaml", text}}, options);
}

inline Loaded load_with(std::string_view lines) { return load_text(std::string(kLeast) + std::string(lines)); }

// All errors, one line each; "" when there is none.
inline std::string errors_of(Loaded const& loaded) {
  std::string lines;
  if (loaded) return lines;
  for (auto const& error : loaded.error()) lines += error.to_text() + "\n";
  return lines;
}

}  // namespace sluice::config

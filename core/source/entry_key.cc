#include "core/source/entry_key.h"

#include <span>

#include "core/base/sha256.h"
#include "core/base/text.h"
#include "core/source/url_name.h"
#include "core/source/url_parameters.h"

namespace sluice::source {

std::string entry_key(UrlText const& url, EntryIdentity const& identity) {
  if (!identity.key.empty()) return "k:" + std::string(identity.key);
  auto text = identity_text(url);
  auto const is_its_own = identity.name.empty() || identity.name == name_from_url(url.shown);
  text.append(1, '\0').append(is_its_own ? std::string_view() : identity.name);
  text.append(1, '\0').append(identity.size_bytes ? std::to_string(*identity.size_bytes) : std::string());
  text.append(1, '\0').append(identity.hash).append(1, '\0');
  auto const sum = sha256(text);
  return "u:" + to_hex(std::span(sum).first(16));
}

}  // namespace sluice::source

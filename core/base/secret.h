// secret.h - a value that cannot be printed by accident (P1).
//
// There is no operator<<, no formatter and no JSON conversion for it, and none may be added. The two
// doors are named for the only places that may use them: the request that carries the value away,
// and the journal, whose file is 0600.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace sluice {

template <class Tag>
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}

  bool empty() const { return value_.empty(); }
  std::string const& reveal_for_wire() const { return value_; }
  std::string const& reveal_for_journal() const { return value_; }

  friend bool operator==(Secret const&, Secret const&) = default;

 private:
  std::string value_;
};

using ApiKey = Secret<struct ApiKeyTag>;
using SecretUrl = Secret<struct SecretUrlTag>;  // a presigned URL: its query is the signature

// What may be shown of a URL: scheme, host and path, never the query or user info.
std::string without_query(std::string_view url);
// "storage.example.net:8443" of a URL; "" if there is none.
std::string host_of(std::string_view url);
inline std::string shown(SecretUrl const& url) { return without_query(url.reveal_for_wire()); }

}  // namespace sluice

// api_key.h - fetches the platform's API key from where the configuration says it is.
//
// Read at start, when the platform refuses it, and on a reload (K4); never watched and never written. The key
// itself is in no error text. A bare string in the configuration is an error there and never comes
// here, since `ps` and backups would show it (K1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/base/secret.h"

namespace sluice::daemon {

struct KeySource {
  enum class Kind : std::uint8_t {
    kCredential,   // value: the name of a systemd credential, a file in $CREDENTIALS_DIRECTORY
    kFile,         // value: a path
    kEnvironment,  // value: the name of a variable; everybody with our uid can read it (K1)
  };
  Kind kind = Kind::kCredential;
  std::string value;
};

// Reads the key.
//
// Returns   the key without its line end. It is 1 to 4096 bytes of visible ASCII: no space, no control
//           byte, so that it can stand in a header as it is (T4).
// Fails     kLocal with the code "key_missing" (nothing is there) or "key_unusable" (it is there, but
//           may not be used: a link, no regular file, open to group or others, another user's, not a
//           key). The text names the place and the remedy.
//
// A file must be 0600 or tighter and belong to root or to this process's user. Beneath
// $CREDENTIALS_DIRECTORY neither is asked: systemd makes that folder readable to the service alone, and
// may grant the file by an ACL, which shows as a group bit (systemd.io/CREDENTIALS, read 2026-11).
Result<ApiKey> read_api_key(KeySource const& source);

// The same for another secret; `what` names it in texts: "the proxy's URL".
Result<std::string> read_secret(KeySource const& source, std::string_view what);

}  // namespace sluice::daemon

#include "daemon/api_key.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "core/base/text.h"
#include "daemon/beneath_linux.h"
#include "daemon/unique_fd.h"

namespace sluice::daemon {
namespace {

constexpr std::size_t kKeyBytesMax = 4096;

std::unexpected<Error> missing(std::string text) { return fail(Fault::kLocal, std::move(text), "key_missing"); }
std::unexpected<Error> unusable(std::string text) { return fail(Fault::kLocal, std::move(text), "key_unusable"); }

Result<std::string> check_key(std::string_view bytes, std::string const& where, std::string const& what) {
  if (bytes.ends_with('\n')) bytes.remove_suffix(1);
  if (bytes.ends_with('\r')) bytes.remove_suffix(1);
  if (bytes.empty()) return missing(where + " is empty; put " + what + " there, and nothing else");
  if (bytes.size() > kKeyBytesMax) return unusable(where + " is longer than 4096 bytes; put only " + what + " there");
  auto const visible = [](char byte) { return byte > ' ' && byte < '\x7f'; };
  if (!std::ranges::all_of(bytes, visible)) {
    return unusable(where + " holds a space, a line break or another byte that cannot be in it; put only " + what +
                    " there");
  }
  return std::string(bytes);
}

Result<void> check_access(struct stat const& about, std::string const& where) {
  if ((about.st_mode & 077) != 0) {
    return unusable(where + " can be used by group or others (mode " + mode_words(about.st_mode) +
                    "); run: chmod 0400 on it");
  }
  if (about.st_uid != 0 && about.st_uid != ::geteuid()) {
    auto const owner = std::to_string(about.st_uid);
    auto const is_root = ::geteuid() == 0;
    return unusable(where + " belongs to uid " + owner + ", neither root nor this process's uid " +
                    std::to_string(::geteuid()) +
                    (is_root ? "; run this as that user, with: setpriv --reuid=" + owner + " --clear-groups COMMAND"
                             : "; run: chown on it"));
  }
  return {};
}

Result<std::string> read_file(std::string const& path, bool is_credential, std::string const& where,
                              std::string const& what) {
  UniqueFd const file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!file) {
    auto const error = errno;
    if (error == ENOENT) return missing(where + " does not exist; create it with mode 0400, holding " + what);
    if (error == ELOOP) return unusable(where + " is a symbolic link; name the file itself");
    return unusable(where + " cannot be opened: " + errno_words(error));
  }
  struct stat about {};
  if (::fstat(file.get(), &about) != 0) return unusable(where + " cannot be examined: " + errno_words(errno));
  if (!S_ISREG(about.st_mode)) return unusable(where + " is not a regular file");
  if (!is_credential) SLUICE_CHECK(check_access(about, where));

  std::array<char, kKeyBytesMax + 4> bytes;  // room to see that it is too long
  std::size_t size = 0;
  while (size < bytes.size()) {
    auto const got = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unusable(where + " cannot be read: " + errno_words(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  auto key = check_key({bytes.data(), size}, where, what);
  ::explicit_bzero(bytes.data(), bytes.size());
  return key;
}

Result<std::string> read_credential(std::string const& name, std::string const& what) {
  if (name.empty() || name == "." || name == ".." ||
      name.find_first_of(std::string_view("/\0", 2)) != std::string::npos) {
    return unusable("\"" + printable(name) + "\" is no credential name; it is a file name without any '/'");
  }
  auto const* directory = ::getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr || *directory == '\0') {
    return missing("there is no credential " + printable(name) +
                   ": this process was given none; start it as a systemd "
                   "service with LoadCredential=" +
                   printable(name) + ":/path/of/it, or configure {file: ...}");
  }
  auto const path = std::string(directory) + "/" + name;
  return read_file(path, true, "credential " + printable(name) + " (" + printable(path) + ")", what);
}

bool is_beneath_credentials(std::string const& path) {
  auto const* directory = ::getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr || *directory != '/') return false;
  auto const front = std::string(directory) + "/";
  return path.starts_with(front) && is_plain_relative(std::string_view(path).substr(front.size()));
}

}  // namespace

Result<ApiKey> read_api_key(KeySource const& source) {
  SLUICE_TRY(key, read_secret(source, "the API key"));
  return ApiKey(std::move(key));
}

Result<std::string> read_secret(KeySource const& source, std::string_view about) {
  std::string const what(about);
  switch (source.kind) {
    case KeySource::Kind::kCredential: return read_credential(source.value, what);
    case KeySource::Kind::kFile:
      if (source.value.find('\0') != std::string::npos) return unusable("the path of " + what + " holds a NUL byte");
      return read_file(source.value, is_beneath_credentials(source.value), "file " + printable(source.value), what);
    case KeySource::Kind::kEnvironment: {
      auto const* value = ::getenv(source.value.c_str());
      auto const where = "environment variable " + printable(source.value);
      if (value == nullptr)
        return missing(where + " is not set; set it, or configure {file: ...} or {credential: ...}");
      return check_key(value, where, what);
    }
  }
  std::abort();
}

}  // namespace sluice::daemon

#include "core/source/sidecar_look.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "core/base/text.h"

namespace sluice::source {
namespace {

constexpr std::size_t kNameBytesMax = 255;  // NAME_MAX
constexpr std::size_t kFirstBlock = 4'096;

struct Found {
  std::string name = {};
  Result<std::shared_ptr<ports::OpenFile>> file = {};
};

// A link, a folder, a fifo: no file at all, whatever it is called.
bool is_no_file(Error const& error) { return error.code == "symlink" || error.code == "not_regular"; }

// The first of these names that a file has, which may be one that cannot be read.
template <class Names>
Result<std::optional<Found>> first_there(ports::Files& files, std::string const& root, std::string const& path,
                                         Names const& names, SidecarLook& look) {
  for (auto const& name : names) {
    if (name.size() > kNameBytesMax) continue;  // no file can have that name
    auto file = files.open(root, beside(path, name));
    if (!file && file.error().fault == Fault::kGone) continue;
    if (!file && is_passing(file.error())) return std::unexpected(file.error());
    if (!file && is_no_file(file.error())) {
      if (file.error().code == "symlink") look.links.push_back(printable(name));
      continue;
    }
    return Found{std::string(name), std::move(file)};
  }
  return std::optional<Found>();
}

Result<std::string> text_of(Found const& found, SidecarLook& look, std::int64_t now_ns) {
  if (!found.file) return std::unexpected(found.file.error());
  SLUICE_TRY(print, (*found.file)->print());
  for (auto const time : {print.mtime_ns, print.ctime_ns})
    if (time <= now_ns) look.newest_ns = std::max(look.newest_ns, time);
  return read_whole(**found.file, kSidecarBytesMax);
}

// What it says; nothing where there is none.
Result<Sidecar> read_found(std::optional<Found> const& found, SidecarLook& look, std::int64_t now_ns) {
  if (!found) return Sidecar{};
  auto const text = text_of(*found, look, now_ns);
  if (!text && is_passing(text.error())) return std::unexpected(text.error());
  if (!text) return fail(Fault::kRejected, printable(found->name) + ": " + text.error().text, kBadSidecar);
  auto read = read_sidecar(found->name, *text);
  if (!read) return std::unexpected(std::move(read).error());
  for (auto const& key : read->unknown) look.unknown.push_back(printable(found->name) + ": " + key);
  return std::move(read->sidecar);
}

}  // namespace

Result<SidecarLook> look_for_sidecar(ports::Files& files, std::string const& root, std::string const& path,
                                     std::int64_t now_ns) {
  SidecarLook look;
  SLUICE_TRY(own_file, first_there(files, root, path, sidecar_names(basename_of(path)), look));
  SLUICE_TRY(defaults_file, first_there(files, root, path, kDefaultNames, look));
  look.has_own = own_file.has_value();
  auto own = read_found(own_file, look, now_ns);
  if (!own && is_passing(own.error())) return std::unexpected(own.error());
  auto defaults = read_found(defaults_file, look, now_ns);
  if (!defaults && is_passing(defaults.error())) return std::unexpected(defaults.error());
  if (own && defaults)
    look.sidecar = with_defaults(*std::move(own), *std::move(defaults));
  else
    look.sidecar = own ? std::move(defaults) : std::move(own);
  return look;
}

Result<std::string> read_whole(ports::OpenFile const& file, std::size_t bytes_max) {
  std::string text;
  std::size_t bytes = 0;
  for (;;) {
    if (bytes == text.size()) text.resize(std::min(bytes_max + 1, std::max(kFirstBlock, 2 * bytes)));
    SLUICE_TRY(got, file.read_at(std::as_writable_bytes(std::span(text)).subspan(bytes), bytes));
    bytes += got;
    if (got == 0 || bytes > bytes_max) break;
  }
  if (bytes > bytes_max) return fail(Fault::kRejected, "it has more than " + to_words_bytes(bytes_max), "too_large");
  text.resize(bytes);
  return text;
}

bool is_passing(Error const& error) {
  return error.fault == Fault::kLocal || error.code == "io" || error.code == "busy";
}

std::string beside(std::string const& path, std::string_view name) {
  auto const folder = directory_of(path);
  return folder.empty() ? std::string(name) : std::string(folder).append("/").append(name);
}

}  // namespace sluice::source

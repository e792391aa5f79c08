#include "core/source/url_name.h"

#include <algorithm>
#include <array>

#include "core/base/text.h"

namespace sluice::source {
namespace {

constexpr std::size_t kNameBytesMax = 255;
constexpr std::string_view kForbidden = "<>:\"|?*";

constexpr auto kDevices = std::to_array<std::string_view>({"con", "prn", "aux", "nul"});

// "COM1", and with any extension too, as Windows reads it.
bool is_device(std::string_view name) {
  auto const stem = to_lower_ascii(name.substr(0, name.find('.')));
  if (std::ranges::find(kDevices, stem) != kDevices.end()) return true;
  return stem.size() == 4 && (stem.starts_with("com") || stem.starts_with("lpt")) && stem[3] >= '0' && stem[3] <= '9';
}

std::string allowed_bytes(std::string_view bytes) {
  std::string name;
  while (!bytes.empty()) {
    auto const length = utf8_length(bytes);
    auto const byte = static_cast<unsigned char>(bytes.front());
    bool const refused = length == 0 || byte < 0x20 || byte == 0x7F || kForbidden.contains(bytes.front());
    if (refused)
      name += '_';
    else
      name.append(bytes.substr(0, length));
    bytes.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return name;
}

// The extension stays: it says what kind of file it is.
std::string cut(std::string const& name) {
  if (name.size() <= kNameBytesMax) return name;
  auto const stem = stem_of(name);
  auto const tail = name.substr(stem.size());
  if (tail.size() >= kNameBytesMax / 2) return std::string(cut_to(name, kNameBytesMax));
  return std::string(cut_to(stem, kNameBytesMax - tail.size())) + tail;
}

}  // namespace

std::string safe_name(std::string_view bytes) {
  bytes = bytes.substr(bytes.find_last_of("/\\") + 1);  // npos + 1 is 0
  auto name = allowed_bytes(bytes);
  name.erase(0, std::min(name.find_first_not_of(".- "), name.size()));
  name.erase(name.find_last_not_of(". ") + 1);
  if (name.empty()) return kUnnamed;
  if (is_device(name)) name.insert(name.begin(), '_');
  return cut(name);
}

std::string name_from_url(std::string_view shown_url) {
  auto path = shown_url.substr(0, shown_url.find_first_of("?#"));
  auto const scheme_end = path.find("://");
  if (scheme_end != std::string_view::npos) path.remove_prefix(scheme_end + 3);
  auto const slash = path.find('/');
  if (slash == std::string_view::npos) return kUnnamed;
  auto const segment = basename_of(path);
  return safe_name(percent_decode(segment).value_or(std::string(segment)));
}

}  // namespace sluice::source

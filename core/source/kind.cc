#include "core/source/kind.h"

#include <algorithm>
#include <array>

#include "core/base/text.h"

namespace sluice::source {
namespace {

struct ByExtension {
  std::string_view extension;
  std::string_view kind;
  std::string_view content_type;
};

constexpr auto kExtensions = std::to_array<ByExtension>({
    {"mp4", "video", "video/mp4"},      {"mov", "video", "video/quicktime"}, {"mkv", "video", "video/x-matroska"},
    {"webm", "video", "video/webm"},    {"avi", "video", "video/x-msvideo"}, {"mxf", "video", "application/mxf"},
    {"mts", "video", "video/mp2t"},     {"m2ts", "video", "video/mp2t"},     {"ts", "video", "video/mp2t"},
    {"mpg", "video", "video/mpeg"},     {"mpeg", "video", "video/mpeg"},     {"m4v", "video", "video/x-m4v"},
    {"wmv", "video", "video/x-ms-wmv"}, {"flv", "video", "video/x-flv"},     {"3gp", "video", "video/3gpp"},
    {"ogv", "video", "video/ogg"},      {"mp3", "audio", "audio/mpeg"},      {"wav", "audio", "audio/wav"},
    {"m4a", "audio", "audio/mp4"},      {"aac", "audio", "audio/aac"},       {"flac", "audio", "audio/flac"},
    {"ogg", "audio", "audio/ogg"},      {"opus", "audio", "audio/ogg"},      {"aiff", "audio", "audio/aiff"},
    {"aif", "audio", "audio/aiff"},     {"wma", "audio", "audio/x-ms-wma"},  {"jpg", "image", "image/jpeg"},
    {"jpeg", "image", "image/jpeg"},    {"png", "image", "image/png"},       {"webp", "image", "image/webp"},
    {"gif", "image", "image/gif"},      {"bmp", "image", "image/bmp"},       {"tiff", "image", "image/tiff"},
    {"tif", "image", "image/tiff"},     {"heic", "image", "image/heic"},     {"heif", "image", "image/heif"},
});

struct ByType {
  std::string_view type;
  std::string_view kind;
};

// Further words for the same formats, as libmagic 5.44 and file managers write them.
constexpr auto kTypes = std::to_array<ByType>({
    {"video/x-ms-asf", "video"},    {"video/avi", "video"},
    {"video/m2ts", "video"},        {"video/x-mpeg", "video"},
    {"video/3gpp2", "video"},       {"video/x-mng", "video"},
    {"application/x-mxf", "video"}, {"application/x-matroska", "video"},
    {"audio/x-wav", "audio"},       {"audio/vnd.wave", "audio"},
    {"audio/x-m4a", "audio"},       {"audio/x-hx-aac-adts", "audio"},
    {"audio/x-flac", "audio"},      {"audio/opus", "audio"},
    {"audio/x-aiff", "audio"},      {"audio/mp3", "audio"},
    {"audio/x-ms-asf", "audio"},    {"image/x-ms-bmp", "image"},
    {"image/x-bmp", "image"},       {"image/jpg", "image"},
});

}  // namespace

std::optional<Media> media_by_name(std::string_view name) {
  auto const extension = extension_of(name);
  auto const found = std::ranges::find(kExtensions, std::string_view(extension), &ByExtension::extension);
  if (found == kExtensions.end()) return std::nullopt;
  return Media{std::string(found->kind), std::string(found->content_type)};
}

std::optional<Media> media_by_type(std::string_view mime_type) {
  auto const type = to_lower_ascii(trimmed(mime_type.substr(0, mime_type.find(';'))));
  auto const known = std::ranges::find(kExtensions, std::string_view(type), &ByExtension::content_type);
  if (known != kExtensions.end()) return Media{std::string(known->kind), type};
  auto const other = std::ranges::find(kTypes, std::string_view(type), &ByType::type);
  if (other != kTypes.end()) return Media{std::string(other->kind), type};
  return std::nullopt;
}

std::optional<Media> media_of(std::string_view name, std::string_view mime_type) {
  auto by_name = media_by_name(name);
  return by_name ? by_name : media_by_type(mime_type);
}

}  // namespace sluice::source

// kind.h - what a file is for the pipelines: video, audio, image, or nothing that they take.
//
// Pure. The extension decides where it is a known one; else the type that the first bytes look like.
// The extension comes first because sniffing reads the file, and because containers lie: an .m4a is
// "video/mp4" by its first bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::source {

struct Media {
  std::string kind;          // "video", "audio", "image": the words of the journal and the configuration
  std::string content_type;  // what the platform is told; for a sniffed file the sniffed type
  friend bool operator==(Media const&, Media const&) = default;
};

// By the last extension of the name, without case; nothing if it is not a known one.
std::optional<Media> media_by_name(std::string_view name);

// By a MIME type such as libmagic gives; parameters after ';' are dropped. Nothing for a type that no
// platform kind covers, image/svg+xml for one.
std::optional<Media> media_by_type(std::string_view mime_type);

// By the name, else by the type, which may be "".
std::optional<Media> media_of(std::string_view name, std::string_view mime_type);

}  // namespace sluice::source

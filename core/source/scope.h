// scope.h - which names of a folder a source takes, and the words for what keeps one out.
//
// By names alone: what is in a file, and whether it is finished, is for others. The sweep and `sluice explain` ask the
// same function, so that what is explained is what happens. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/template.h"

namespace sluice::source {

inline constexpr std::size_t kDepthMax = 64;
inline constexpr std::size_t kPathBytesMax = 4095;  // PATH_MAX without its NUL: what one open can take

struct Scope {
  std::string name;  // the source's, for messages
  std::string root;  // absolute, bytes
  bool recursive = true;
  // Shell-like patterns: with a '/' over the path beneath the root, else over the name. A pattern of
  // `exclude` wins, and takes a folder out with all that is below it (D12). No `include` means all.
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  std::string guard_file = {};                // a path beneath the root; without that file nothing is looked at (D9)
  bool sidecars = false;                      // whether its files have any
  std::optional<Template> ready_marker = {};  // names of markers (core/base/marker.h), which are no candidates
};

// Why a name is left out.
struct KeptOut {
  enum class By : std::uint8_t {
    kTemporary,  // a system's or a tool's own name, or of a file under way (D13, D15)
    kExclude,
    kInclude,  // no pattern takes it
    kCompanion,
    kMarker,
    kGuard,
    kTooDeep,    // deeper than kDepthMax folders (D12)
    kTooLong,    // longer than kPathBytesMax (D46)
    kSubfolder,  // recursive: false
  };
  By by = By::kTemporary;
  std::string text;  // for people: names the pattern
};

// `relative` is a path beneath the root; only its last name is judged. Folders are kept out by fewer rules than files.
std::optional<KeptOut> keeps_out_folder(Scope const& scope, std::string_view relative);
std::optional<KeptOut> keeps_out_file(Scope const& scope, std::string_view relative);

// The same for the whole way from the root: what keeps a sweep from coming to it.
std::optional<KeptOut> keeps_out_way_to_folder(Scope const& scope, std::string_view relative);
std::optional<KeptOut> keeps_out_way_to_file(Scope const& scope, std::string_view relative);

}  // namespace sluice::source

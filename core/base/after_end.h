// after_end.h - what is to become of a file after its item's end, and where a template puts it.
//
// A target is a template such as "/srv/done/{source}/{path}". Its folder is the literal part before the first variable,
// up to the last '/', and must be there; the rest is made beneath it. What the variables stand for can never lead out
// of that folder. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/template.h"

namespace sluice {

struct AfterEnd {
  enum class What : std::uint8_t { kKeep, kDelete, kMove } what = What::kKeep;
  Template move_to = {};  // of kMove: why_no_target() is ""
  friend bool operator==(AfterEnd const&, AfterEnd const&) = default;
};

struct ReceiptWish {
  enum class Where : std::uint8_t { kNone, kBeside, kFolder } where = Where::kNone;
  std::string folder = {};  // of kFolder: absolute
  friend bool operator==(ReceiptWish const&, ReceiptWish const&) = default;
};

struct Target {
  std::string folder = {};  // absolute
  std::string path = {};    // beneath it
  friend bool operator==(Target const&, Target const&) = default;
};

// What is wrong with a template for targets, for people; "" if nothing. It is an absolute path, has a folder of its own
// before its first variable, and tells files apart by {path}, {name} or {stem}.
std::string why_no_target(Template const& move_to);

// "/srv/done". Requires why_no_target() is "".
std::string target_folder(Template const& move_to);

// Nothing where these values give no path of a file: "", "." or ".." in the place of a name, or one that is longer than
// a name can be. Requires why_no_target() is "".
std::optional<Target> target_of(Template const& move_to, TemplateValues const& values);

}  // namespace sluice

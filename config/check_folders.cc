// check_folders.cc - how the folders of the configuration lie to one another, by their texts and, where the disk may be
// asked, by where links lead.
#include <algorithm>
#include <map>

#include "config/parts.h"
#include "core/base/text.h"

namespace sluice::config {
namespace {

bool is_beneath(std::string const& path, std::string const& folder) {
  return path == folder || path.starts_with(folder == "/" ? folder : folder + "/");
}

// Folders as they are written and as they are.
class Places {
 public:
  Places(Config const& config, RealFolders const& real_folders) {
    if (!real_folders) return;
    std::vector<std::string> folders = {config.state_dir};
    for (auto const& source : config.sources) {
      if (!source.folder.empty()) folders.push_back(source.folder);
      for (auto const* after : {&source.after_success, &source.after_failure})
        if (after->what == AfterEnd::What::kMove) folders.push_back(target_folder(after->move_to));
    }
    real_ = real_folders(folders);
  }

  bool same(std::string const& one, std::string const& other) const {
    auto const a = real(one), b = real(other);
    return one == other || a.path == b.path || (a.inode != 0 && a.inode == b.inode && a.device == b.device);
  }

  // Whether a folder is another one, or within it.
  bool lies_in(std::string const& inner, std::string const& outer) const {
    return is_beneath(inner, outer) || same(inner, outer) || is_beneath(real(inner).path, real(outer).path);
  }

  // The way from the outer folder to one that lies in it, by its text if it does so by that.
  std::string way(std::string const& inner, std::string const& outer) const {
    auto const is_by_text = is_beneath(inner, outer);
    auto const& from = is_by_text ? outer : real(outer).path;
    auto const& to = is_by_text ? inner : real(inner).path;
    return to.substr(std::min(to.size(), from == "/" ? 1 : from.size() + 1));
  }

 private:
  RealFolder real(std::string const& folder) const {
    auto const found = real_.find(folder);
    return found == real_.end() ? RealFolder{.path = folder} : found->second;
  }

  std::map<std::string, RealFolder> real_ = {};
};

// Whether the outer source's `exclude` keeps all that is in a folder beneath it out: the folder itself or one on the
// way to it, or all of its names by "folder/*" ('*' also crosses '/').
bool leaves_out(Source const& outer, std::string const& way) {
  auto const fits = [&](std::string const& pattern, std::string const& folder) {
    if (glob_match(pattern, pattern.find('/') == std::string::npos ? basename_of(folder) : folder)) return true;
    return pattern.ends_with("/*") && glob_match(std::string_view(pattern).substr(0, pattern.size() - 2), folder);
  };
  for (auto end = way.find('/');; end = way.find('/', end + 1)) {
    auto const folder = way.substr(0, end);
    if (std::ranges::any_of(outer.exclude, [&](auto const& pattern) { return fits(pattern, folder); })) return true;
    if (end == std::string::npos) return false;
  }
}

bool is_swept(Source const& source) { return !source.folder.empty() && source.manifest.empty(); }

void check_against(Draft const& draft, Places const& places, std::size_t i, std::size_t other, Report& report) {
  auto const& source = draft.config.sources[i];
  auto const& outer = draft.config.sources[other];
  auto const origin = inside(draft.source_origins[i], "folder");
  auto const whose = draft.source_origins[other].key + " of " + draft.source_origins[other].file;
  if (places.same(source.folder, outer.folder)) {
    if (other > i || outer.include != source.include || outer.manifest != source.manifest) return;
    return report.add_at(origin, "is the folder of " + whose +
                                     " too, so each file would be uploaded twice; remove one, or give them different "
                                     "`include` lists");
  }
  if (!is_swept(source) || !is_swept(outer) || !outer.recursive) return;
  if (!places.lies_in(source.folder, outer.folder) || leaves_out(outer, places.way(source.folder, outer.folder)))
    return;
  report.add_at(origin, "lies in the folder of " + whose +
                            ", which takes its files too; write its path beneath that folder under `exclude` there, or "
                            "choose a folder apart from it");
}

void check_source(Draft const& draft, Places const& places, std::size_t i, Report& report) {
  auto const& source = draft.config.sources[i];
  if (source.folder.empty()) return;
  for (std::size_t k = 0; k < draft.config.sources.size(); ++k)
    if (k != i && !draft.config.sources[k].folder.empty()) check_against(draft, places, i, k, report);
  if (is_swept(source) && places.lies_in(draft.config.state_dir, source.folder))
    report.add_at(inside(draft.source_origins[i], "folder"),
                  "holds state_dir, so the daemon would read its own files; choose another");
}

// A file must not come back as a new item, and again, and again.
void check_target(Draft const& draft, Places const& places, Origin const& origin, std::string const& folder,
                  Report& report) {
  auto const meets = [&](std::string const& other) {
    return places.lies_in(folder, other) || places.lies_in(other, folder);
  };
  for (auto const& watched : draft.config.sources)
    if (!watched.folder.empty() && meets(watched.folder))
      report.add_at(origin, "may lie in the folder of source " + watched.name +
                                ", where each moved file would be taken as a new one; write a folder apart from it "
                                "before the first variable, and mind where links lead");
  if (meets(draft.config.state_dir))
    report.add_at(origin, "may lie in state_dir, which is the daemon's own; choose another folder");
}

}  // namespace

void check_folders(Draft const& draft, LoadOptions const& options, Report& report) {
  Places const places(draft.config, options.real_folders);
  for (std::size_t i = 0; i < draft.config.sources.size(); ++i) {
    check_source(draft, places, i, report);
    auto const& source = draft.config.sources[i];
    for (auto const& [key, after] :
         {std::pair("after_success", &source.after_success), std::pair("after_failure", &source.after_failure)})
      if (after->what == AfterEnd::What::kMove)
        check_target(draft, places, inside(inside(draft.source_origins[i], key), "move_to"),
                     target_folder(after->move_to), report);
  }
}

}  // namespace sluice::config

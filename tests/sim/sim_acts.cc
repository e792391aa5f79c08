#include "tests/sim/sim_acts.h"

#include <algorithm>
#include <utility>

#include "core/base/text.h"

namespace sluice::sim {

using ports::Place;

namespace {

std::uint64_t device_of(std::string const& folder) { return folder.ends_with("far") ? 8 : 7; }

std::unexpected<Error> gone(Place const& at) { return fail(Fault::kGone, at.path + ": no such file", "gone"); }

}  // namespace

// The call is counted and may be the one that fails; or one of the folders is not there.
Result<void> SimActs::meets_trouble(std::initializer_list<std::string_view> folders) {
  if (files_.trouble_.strikes(FileCall::kAct)) return fail(Fault::kSourceIo, "Input/output error", "io");
  auto const unmounted = files_.trouble_.strikes(FileCall::kActFolder);  // for this one moment
  for (auto const folder : folders)
    if (unmounted || folder.empty() ||
        (files_.is_away(std::string(folder)) && !files_.is_mount_point(std::string(folder))))
      return fail(Fault::kLocal, std::string(folder) + " is not there", ports::kNoFolder);
  return {};
}

SimActs::Tree& SimActs::tree(std::string const& folder) { return folder == root_ ? files_.tree_ : elsewhere_[folder]; }

SimActs::Tree const* SimActs::known_tree(std::string const& folder) const {
  if (folder == root_) return &files_.tree_;
  auto const found = elsewhere_.find(folder);
  return found == elsewhere_.end() ? nullptr : &found->second;
}

std::shared_ptr<SimFiles::Inode> SimActs::find(Place const& at) {
  if (files_.is_away(at.folder)) return nullptr;  // an empty mount point
  auto const& names = tree(at.folder);
  auto const found = names.find(at.path);
  return found == names.end() ? nullptr : found->second;
}

void SimActs::change(std::function<void()> const& work) {
  if (moment_) moment_();
  work();
  if (moment_) moment_();
}

void SimActs::leaves(SimFiles::Inode const& inode, std::string const& path, std::string const& folder,
                     char const* how) {
  if (path.ends_with(".md5") || path.ends_with(".c3.taken")) return;  // a companion goes with its file
  if (inode.text.empty() && may_leave_ && !may_leave_(inode.content, folder)) complaints_.push_back(path + how);
}

bool SimActs::moved_by_hand(Place const& from, Place const& to) {
  auto const inode = find(from);
  if (!inode || find(to)) return false;
  auto moved = device_of(from.folder) == device_of(to.folder) ? inode : std::make_shared<SimFiles::Inode>(*inode);
  if (moved != inode) moved->print.inode = files_.next_inode_++;
  moved->print.device = device_of(to.folder);
  moved->print.ctime_ns += 1;
  tree(to.folder)[to.path] = std::move(moved);
  tree(from.folder).erase(from.path);
  return true;
}

std::map<std::string, std::string> SimActs::texts_in(std::string const& folder) const {
  std::map<std::string, std::string> all;
  if (auto const* names = known_tree(folder))
    for (auto const& [path, inode] : *names)
      if (!inode->text.empty() && !path.starts_with('/')) all[path] = inode->text;
  return all;
}

std::set<std::string> SimActs::names_in(std::string const& folder) const {
  std::set<std::string> all;
  if (auto const* names = known_tree(folder))
    for (auto const& [path, inode] : *names)
      if (!path.starts_with('/')) all.insert(path);  // else beneath another root
  return all;
}

std::size_t SimActs::copies_of(Content const& content) const {
  std::size_t count = 0;
  auto const look_into = [&](Tree const& names) {
    for (auto const& [path, inode] : names) count += inode->text.empty() && inode->content == content ? 1 : 0;
  };
  look_into(files_.tree_);
  for (auto const& [folder, names] : elsewhere_) look_into(names);
  return count;
}

Result<std::optional<ports::Standing>> SimActs::look(Place const& at) {
  SLUICE_CHECK(meets_trouble({at.folder}));
  auto const inode = find(at);
  if (!inode) return std::nullopt;
  return ports::Standing{.type = ports::FileType::kRegular, .print = inode->print};
}

Result<bool> SimActs::rename(Place const& from, Place const& to) {
  SLUICE_CHECK(meets_trouble({from.folder, to.folder}));
  auto const inode = find(from);
  if (!inode) return gone(from);
  if (device_of(from.folder) != device_of(to.folder))
    return fail(Fault::kSourceIo, "another device", ports::kOtherDevice);
  if (find(to)) return false;
  if (from.folder == root_ && to.folder != root_) leaves(*inode, from.path, to.folder, " is moved and may not be");
  change([&] {
    tree(to.folder)[to.path] = inode;
    tree(from.folder).erase(from.path);
    inode->print.ctime_ns += 1;
  });
  return true;
}

Result<void> SimActs::replace(Place const& from, Place const& to) {
  SLUICE_CHECK(meets_trouble({from.folder, to.folder}));
  auto const inode = find(from), old = find(to);
  if (!inode) return gone(from);
  if (old && old->text.empty()) complaints_.push_back(to.path + " is overwritten");
  change([&] {
    tree(to.folder)[to.path] = inode;
    tree(from.folder).erase(from.path);
  });
  return {};
}

Result<void> SimActs::remove(Place const& at) {
  SLUICE_CHECK(meets_trouble({at.folder}));
  auto const inode = find(at);
  if (!inode) return {};
  if (copies_of(inode->content) == 1) leaves(*inode, at.path, "", " is deleted and may not be");
  change([&] { tree(at.folder).erase(at.path); });
  return {};
}

Result<void> SimActs::copy(Place const& from, ports::FilePrint const& print, Place const& to) {
  SLUICE_CHECK(meets_trouble({from.folder, to.folder}));
  auto const inode = find(from);
  if (!inode) return gone(from);
  if (inode->print != print) return fail(Fault::kSourceChanged, from.path + " changed", "changed");
  leaves(*inode, from.path, to.folder, " is copied and may not be");
  change([&] {
    auto made = std::make_shared<SimFiles::Inode>(*inode);
    made->print.inode = files_.next_inode_++;
    made->print.device = device_of(to.folder);
    tree(to.folder)[to.path] = std::move(made);
  });
  return {};
}

Result<bool> SimActs::same_bytes(Place const& one, Place const& other) {
  SLUICE_CHECK(meets_trouble({one.folder, other.folder}));
  auto const a = find(one), b = find(other);
  if (!a || !b) return gone(a ? other : one);
  return a->content == b->content && a->text == b->text;
}

Result<void> SimActs::write(Place const& to, std::string_view text) {
  SLUICE_CHECK(meets_trouble({to.folder}));
  if (files_.is_away(to.folder)) complaints_.push_back(to.path + " is written into an empty mount point");
  change([&] {
    auto made = std::make_shared<SimFiles::Inode>();
    made->text = text;
    made->print = {.size_bytes = text.size(), .inode = files_.next_inode_++, .device = device_of(to.folder)};
    tree(to.folder)[to.path] = std::move(made);
  });
  return {};
}

Result<bool> SimActs::any_beside(Place const& at, std::function<bool(std::string_view name)> const& fits) {
  SLUICE_CHECK(meets_trouble({at.folder}));
  auto const folder = directory_of(at.path);
  return std::ranges::any_of(tree(at.folder), [&](auto const& file) {
    return directory_of(file.first) == folder && fits(basename_of(file.first));
  });
}

Result<std::string> SimActs::head(Place const& at, std::size_t bytes_max) {
  SLUICE_CHECK(meets_trouble({at.folder}));
  auto const inode = find(at);
  return inode ? inode->text.substr(0, bytes_max) : std::string();
}

}  // namespace sluice::sim

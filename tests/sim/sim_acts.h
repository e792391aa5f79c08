// sim_acts.h - files moved, deleted and described in memory; every step that changes something may be the last.
//
// The source's folder is that of SimFiles; all others are empty at first, and each folder whose name ends in "far" is
// another device. It watches over what the daemon does: no file's content goes away, or out of its folder, unless
// whoever judges allows it; nothing is overwritten but a note. Folders are away as SimFiles says, and any call may fail
// (FileCall::kAct, kActFolder).
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/acts.h"
#include "tests/sim/sim_files.h"

namespace sluice::sim {

class SimActs final : public ports::Acts {
 public:
  SimActs(SimFiles& files, std::string root) : files_(files), root_(std::move(root)) {}

  // Called before and after each change; may throw, and then the process is dead.
  void on_change(std::function<void()> moment) { moment_ = std::move(moment); }
  // Whether a file of that content may leave its folder, to that one or for good (""); asked when it does.
  using Judge = std::function<bool(Content const&, std::string const& folder)>;
  void judged_by(Judge may_leave) { may_leave_ = std::move(may_leave); }
  // A person moves a file. Returns  false where there is none, or something stands at `to`.
  bool moved_by_hand(ports::Place const& from, ports::Place const& to);

  std::vector<std::string> const& complaints() const { return complaints_; }
  // All files of a folder that is not the source's, and their texts where they are notes.
  std::map<std::string, std::string> texts_in(std::string const& folder) const;
  std::set<std::string> names_in(std::string const& folder) const;
  // How many files hold this content, wherever.
  std::size_t copies_of(Content const& content) const;

  Result<std::optional<ports::Standing>> look(ports::Place const& at) override;
  Result<bool> rename(ports::Place const& from, ports::Place const& to) override;
  Result<void> replace(ports::Place const& from, ports::Place const& to) override;
  Result<void> remove(ports::Place const& at) override;
  Result<void> stands_apart(ports::Place const&) override { return {}; }  // no folder is in another
  Result<void> make_way(ports::Place const& to) override { return meets_trouble({to.folder}); }
  Result<void> copy(ports::Place const& from, ports::FilePrint const& print, ports::Place const& to) override;
  Result<bool> same_bytes(ports::Place const& one, ports::Place const& other) override;
  Result<void> write(ports::Place const& to, std::string_view text) override;
  Result<std::string> head(ports::Place const& at, std::size_t bytes_max) override;
  Result<void> sync(ports::Place const& at) override { return meets_trouble({at.folder}); }
  Result<bool> any_beside(ports::Place const& at, std::function<bool(std::string_view name)> const& fits) override;

 private:
  using Tree = std::map<std::string, std::shared_ptr<SimFiles::Inode>>;
  Result<void> meets_trouble(std::initializer_list<std::string_view> folders);
  Tree& tree(std::string const& folder);
  Tree const* known_tree(std::string const& folder) const;
  std::shared_ptr<SimFiles::Inode> find(ports::Place const& at);
  void change(std::function<void()> const& work);
  void leaves(SimFiles::Inode const& inode, std::string const& path, std::string const& folder, char const* how);

  SimFiles& files_;
  std::string root_;
  std::map<std::string, Tree> elsewhere_ = {};
  std::function<void()> moment_ = {};
  Judge may_leave_ = {};
  std::vector<std::string> complaints_ = {};
};

}  // namespace sluice::sim

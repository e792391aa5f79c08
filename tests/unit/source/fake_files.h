// fake_files.h - a tree of names in memory behind ports/files.h, for the sweep's tests.
#pragma once

#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/ports/files.h"

namespace sluice::source {

class FakeFiles final : public ports::Files {
 public:
  using Type = ports::FileType;

  // Adds an entry, and the folders that lead to it.
  void add(std::string const& path, Type type = Type::kRegular, std::uint64_t size_bytes = 1) {
    auto const slash = path.rfind('/');
    auto const folder = slash == std::string::npos ? std::string() : path.substr(0, slash);
    auto const name = slash == std::string::npos ? path : path.substr(slash + 1);
    if (!folder.empty() && !folders_.contains(folder)) add(folder, Type::kDirectory);
    if (type == Type::kDirectory) folders_[path];
    folders_[folder].push_back({.name = name, .type = type, .print = {.size_bytes = size_bytes}});
  }
  // A file of the root whose print the list does not give, as in a very long folder.
  void add_without_print(std::string const& name, std::optional<ports::FilePrint> print) {
    folders_[""].push_back({.name = name, .type = Type::kRegular, .print = {}, .has_print = false});
    if (print) apart_[name] = *print;
  }
  void remove_folder(std::string const& path) { folders_.erase(path); }
  void make_unreadable(std::string const& path) { unreadable_.insert(path); }

  // A folder whose list fails behind its first name.
  void break_off(std::string const& path) { broken_.insert(path); }

  std::vector<std::string> listed;  // the folders asked for, in order

  Result<std::unique_ptr<ports::Listing>> list(std::string const&, std::string const& relative) override {
    listed.push_back(relative);
    if (unreadable_.contains(relative)) return fail(Fault::kSourceIo, "permission denied");
    auto const found = folders_.find(relative);
    if (found == folders_.end()) return fail(Fault::kGone, "no such folder");
    if (broken_.contains(relative)) return std::make_unique<Broken>(found->second.front());
    return std::make_unique<ports::WholeListing>(found->second);
  }
  Result<std::shared_ptr<ports::OpenFile>> open(std::string const&, std::string const&) override { std::abort(); }
  Result<ports::FilePrint> stat(std::string const&, std::string const& relative) override {
    auto const found = apart_.find(relative);
    if (found == apart_.end()) return fail(Fault::kGone, "no such file");
    return found->second;
  }
  Result<std::string> sniff(ports::OpenFile const&) override { std::abort(); }

 private:
  class Broken final : public ports::Listing {
   public:
    explicit Broken(ports::DirEntry first) : first_({std::move(first)}) {}
    Result<std::vector<ports::DirEntry>> next(std::size_t) override {
      if (first_.empty()) return fail(Fault::kSourceIo, "stale file handle");
      return std::exchange(first_, {});
    }

   private:
    std::vector<ports::DirEntry> first_;
  };

  std::map<std::string, std::vector<ports::DirEntry>> folders_{{"", {}}};
  std::set<std::string> unreadable_, broken_;
  std::map<std::string, ports::FilePrint> apart_;  // prints that only stat() gives
};

}  // namespace sluice::source

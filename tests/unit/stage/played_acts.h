// played_acts.h - files that are put away in memory: one device, any folders, no failure but what
// a test asks for.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "core/base/text.h"
#include "core/ports/acts.h"

namespace sluice::stage {

class PlayedActs final : public ports::Acts {
 public:
  struct File {
    ports::FilePrint print = {};
    std::string text = {};
  };
  std::map<std::string, File> files;  // by absolute path
  std::optional<Error> trouble = {};  // of every step that changes something
  std::set<std::string> missing;      // folders
  std::size_t changes = 0;            // steps that changed something

  Result<std::optional<ports::Standing>> look(ports::Place const& at) override {
    SLUICE_CHECK(stand_in(at));
    auto const found = files.find(name(at));
    if (found == files.end()) return std::nullopt;
    return ports::Standing{.type = ports::FileType::kRegular, .print = found->second.print};
  }
  Result<bool> rename(ports::Place const& from, ports::Place const& to) override {
    SLUICE_CHECK(stand_in(to));
    if (files.contains(name(to))) return false;
    SLUICE_CHECK(replace(from, to));
    return true;
  }
  Result<void> replace(ports::Place const& from, ports::Place const& to) override {
    SLUICE_CHECK(change());
    auto const found = files.find(name(from));
    if (found == files.end()) return fail(Fault::kGone, "no such file", "gone");
    files[name(to)] = std::exchange(found->second, {});
    files[name(to)].print.ctime_ns += 1;
    files.erase(name(from));
    return {};
  }
  Result<void> remove(ports::Place const& at) override {
    if (!files.contains(name(at))) return {};
    SLUICE_CHECK(change());
    files.erase(name(at));
    return {};
  }
  Result<void> stands_apart(ports::Place const&) override { return {}; }
  Result<void> make_way(ports::Place const& to) override {
    SLUICE_CHECK(stand_in(to));
    return trouble ? std::unexpected(*trouble) : Result<void>();
  }
  Result<void> copy(ports::Place const& from, ports::FilePrint const&, ports::Place const& to) override {
    SLUICE_CHECK(change());
    files[name(to)] = files[name(from)];
    return {};
  }
  Result<bool> same_bytes(ports::Place const& one, ports::Place const& other) override {
    return files[name(one)].text == files[name(other)].text;
  }
  Result<void> write(ports::Place const& to, std::string_view text) override {
    SLUICE_CHECK(change());
    files[name(to)] = {.print = {.size_bytes = text.size()}, .text = std::string(text)};
    return {};
  }
  Result<std::string> head(ports::Place const& at, std::size_t bytes_max) override {
    return files[name(at)].text.substr(0, bytes_max);
  }
  Result<void> sync(ports::Place const&) override { return {}; }
  Result<bool> any_beside(ports::Place const& at, std::function<bool(std::string_view name)> const& fits) override {
    auto const whole = name(at);
    auto const folder = directory_of(whole);
    return std::ranges::any_of(
        files, [&](auto const& file) { return directory_of(file.first) == folder && fits(basename_of(file.first)); });
  }

 private:
  static std::string name(ports::Place const& at) { return at.folder + "/" + at.path; }
  Result<void> stand_in(ports::Place const& at) const {
    if (!missing.contains(at.folder)) return {};
    return fail(Fault::kLocal, "open folder " + at.folder + ": No such file or directory", ports::kNoFolder);
  }
  Result<void> change() {
    if (trouble) return std::unexpected(*trouble);
    ++changes;
    return {};
  }
};

}  // namespace sluice::stage

// site.h - one test's whole world: a folder of its own, an emulator, a daemon, and what was dropped.
//
// Everything is on loopback and beneath one temporary folder; nothing is left behind. When a test fails
// the site prints the daemon's last lines, and keeps its folder if $SLUICE_E2E_KEEP is set.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon.h"
#include "emulator.h"
#include "journal_copy.h"
#include "media.h"

namespace sluice::e2e {

class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(TempFolder const&) = delete;
  TempFolder& operator=(TempFolder const&) = delete;
  std::string const& path() const { return path_; }

 private:
  std::string path_;
};

class Site {
 public:
  // Starts the emulator and writes the daemon's configuration; the daemon is started by the test.
  explicit Site(Settings settings = {}, std::vector<std::string> const& emulator_flags = {});
  ~Site();
  Site(Site const&) = delete;
  Site& operator=(Site const&) = delete;

  std::string const& folder() const { return folder_.path(); }
  Home home() const { return {folder_.path()}; }
  Emulator const& emulator() const { return *emulator_; }
  Daemon& daemon() { return daemon_; }
  std::string const& key() const { return key_; }
  void configure(Settings const& settings) const { write_config(home(), settings, emulator_->base_url()); }

  // Makes a file beside the folder and renames it into it, as good programs do. `name` may have folders.
  void drop(std::string const& name, std::uint64_t bytes, std::uint64_t seed, std::string_view head = "");
  // Makes the files at once and drops them together.
  struct Make {
    std::string name;
    std::uint64_t bytes;
  };
  void drop_all(std::vector<Make> const& files, std::uint64_t seed);
  // Makes a file outside the watched folder; returns its path.
  std::string make_file(std::string const& name, std::uint64_t bytes, std::uint64_t seed);
  std::string const& sha256_of(std::string const& name) const { return made_.at(name); }

  // Waits until that many items have come to this end; says in the log how far it got if not.
  testing::AssertionResult wait_for(std::string const& end, std::uint64_t count, Millis patience = Millis(45'000));
  // Waits until `condition` holds while the daemon runs.
  testing::AssertionResult wait_until(std::string const& what, std::function<bool()> const& condition,
                                      Millis patience = Millis(45'000));

  // Every file that was made is exactly one asset, with the same bytes, and nothing is there twice.
  testing::AssertionResult every_file_is_there_once() const;

  // Runs the command line; `--socket` is given where the verb needs the daemon.
  Finished sluice(std::vector<std::string> const& words, Millis patience = Millis(30'000)) const;
  // All text that any program of this site ever printed.
  std::string all_output() const;
  JournalCopy journal() const { return {home().state(), folder() + "/journal-copy"}; }

 private:
  std::string staged(std::string const& name) const;

  TempFolder folder_;
  std::string key_;
  std::unique_ptr<Emulator> emulator_;
  Daemon daemon_;
  std::map<std::string, std::string> made_;  // SHA-256 by name
};

}  // namespace sluice::e2e

#include "site.h"

#include <stdlib.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <stdexcept>

#include "programs.h"

namespace sluice::e2e {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kTailBytes = 6000;

// The last component: the platform's filename, by the default template.
std::string last_of(std::string const& name) { return fs::path(name).filename().string(); }

std::string tail_of(std::string const& text) {
  return text.size() <= kTailBytes ? text : "... " + text.substr(text.size() - kTailBytes);
}

}  // namespace

TempFolder::TempFolder() {
  auto const* const base = ::getenv("TMPDIR");
  path_ = std::string(base == nullptr ? "/tmp" : base) + "/sluice-e2e-XXXXXX";
  if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make " + path_);
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  if (::getenv("SLUICE_E2E_KEEP") != nullptr && testing::Test::HasFailure())
    std::cout << "kept: " << path_ << "\n";
  else
    fs::remove_all(path_, ignored);
}

Site::Site(Settings settings, std::vector<std::string> const& emulator_flags)
    : key_("canary-key-5f2c9a1e7b"), daemon_(Home{folder_.path()}) {
  fs::create_directories(home().drop());
  fs::create_directories(folder() + "/staged");
  write_key(home().key_file(), key_);
  emulator_ = std::make_unique<Emulator>(folder() + "/platform", emulator_flags, key_);
  configure(settings);
}

Site::~Site() {
  if (testing::Test::HasFailure()) std::cout << "--- the daemon's last lines\n" << tail_of(daemon_.log()) << "---\n";
}

std::string Site::staged(std::string const& name) const {
  auto flat = name;
  std::ranges::replace(flat, '/', '_');
  return folder() + "/staged/" + flat;
}

void Site::drop(std::string const& name, std::uint64_t bytes, std::uint64_t seed, std::string_view head) {
  made_[name] = write_media(staged(name), bytes, seed, head);
  fs::create_directories(fs::path(home().drop() + "/" + name).parent_path());
  fs::rename(staged(name), home().drop() + "/" + name);
}

void Site::drop_all(std::vector<Make> const& files, std::uint64_t seed) {
  for (auto const& file : files) {
    made_[file.name] = write_media(staged(file.name), file.bytes, ++seed);
    fs::create_directories(fs::path(home().drop() + "/" + file.name).parent_path());
  }
  for (auto const& file : files) fs::rename(staged(file.name), home().drop() + "/" + file.name);
}

std::string Site::make_file(std::string const& name, std::uint64_t bytes, std::uint64_t seed) {
  auto const path = folder() + "/" + name;
  made_[name] = write_media(path, bytes, seed);
  return path;
}

testing::AssertionResult Site::wait_for(std::string const& end, std::uint64_t count, Millis patience) {
  return wait_until(
      std::to_string(count) + " items " + end, [&] { return daemon_.total(end) >= count; }, patience);
}

testing::AssertionResult Site::wait_until(std::string const& what, std::function<bool()> const& condition,
                                          Millis patience) {
  if (until(patience, [&] { return condition() || !daemon_.lives_for(0ms); }) && daemon_.lives_for(0ms))
    return testing::AssertionSuccess();
  auto failure = testing::AssertionFailure() << "waited for " << what << ", and in vain; ";
  if (!daemon_.lives_for(0ms)) return failure << "the daemon has ended";
  return failure << "the status is " << daemon_.status().dump(1);
}

testing::AssertionResult Site::every_file_is_there_once() const {
  auto const ledger = emulator_->ledger();
  std::multimap<std::string, std::string> there;  // SHA-256 by filename
  for (auto const& object : ledger.at("objects"))
    there.emplace(object.at("filename").get<std::string>(), object.at("sha256").get<std::string>());
  std::multimap<std::string, std::string> wanted;
  for (auto const& [name, sha256] : made_) wanted.emplace(last_of(name), sha256);
  auto failure = testing::AssertionFailure();
  if (!ledger.at("duplicates").empty()) return failure << "duplicates: " << ledger.at("duplicates").dump(1);
  if (ledger.at("key_leaks") != 0) return failure << "the key was sent to the object store";
  if (ledger.at("assets").size() != made_.size())
    return failure << made_.size() << " files made " << ledger.at("assets").size() << " assets";
  for (auto const& [name, sha256] : wanted) {
    auto const [first, last] = there.equal_range(name);
    if (std::none_of(first, last, [&](auto const& pair) { return pair.second == sha256; }))
      return failure << name << " is not there with the SHA-256 " << sha256;
  }
  return testing::AssertionSuccess();
}

Finished Site::sluice(std::vector<std::string> const& words, Millis patience) const {
  Command command{.words = {program("sluice")},
                  .environment = {{"NO_COLOR", "1"}, {"HOME", folder()}},
                  .out_file = {},
                  .err_file = {}};
  command.words.insert(command.words.end(), words.begin(), words.end());
  if (words.front() != "ingest") command.environment["SLUICE_SOCKET"] = home().socket();
  return run(folder(), command, patience);
}

std::string Site::all_output() const {
  auto all = daemon_.log();
  for (auto const& entry : fs::directory_iterator(folder()))
    if (entry.path().extension() == ".out" || entry.path().extension() == ".err")
      all += read_text(entry.path().string());
  return all;
}

}  // namespace sluice::e2e

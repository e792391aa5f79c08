// temp_folder.h - a folder of its own for one test, removed at its end, and ways to fill it.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace sluice::daemon {

class TempFolder {
 public:
  TempFolder() {
    auto pattern = testing::TempDir() + "sluice_XXXXXX";
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(TempFolder const&) = delete;
  TempFolder& operator=(TempFolder const&) = delete;

  std::string const& path() const { return path_; }
  std::string at(std::string const& relative) const { return path_ + "/" + relative; }

  void write(std::string const& relative, std::string const& bytes) const {
    std::ofstream(at(relative), std::ios::binary) << bytes;
  }
  void folder(std::string const& relative) const { std::filesystem::create_directories(at(relative)); }
  void link(std::string const& target, std::string const& relative) const {
    std::filesystem::create_symlink(target, at(relative));
  }
  void rename(std::string const& from, std::string const& to) const { std::filesystem::rename(at(from), at(to)); }
  void remove(std::string const& relative) const { std::filesystem::remove_all(at(relative)); }

 private:
  std::string path_;
};

}  // namespace sluice::daemon

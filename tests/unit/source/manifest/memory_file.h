// memory_file.h - a folder of texts, for what reads manifests.
#pragma once

#include <zlib.h>

#include <cassert>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/files.h"

namespace sluice::source::manifest {

struct MemoryFile {
  std::string text;
  std::uint64_t inode = 1;
  std::int64_t mtime_ns = 1;
};

// Like files on a disk: one that is open stays the same one when another takes its name.
class MemoryFiles final : public ports::Files {
 public:
  void write(std::string const& name, std::string text) {  // in place, as `>` does
    auto& file = named(name);
    file.text = std::move(text);
    file.mtime_ns = ++time_;
  }
  void append(std::string const& name, std::string_view text) { write(name, named(name).text + std::string(text)); }
  void replace(std::string const& name, std::string text) {  // by another file, as `mv` does
    files_[name] = std::make_shared<MemoryFile>(std::move(text), ++inode_, ++time_);
  }
  void put(std::string const& name, MemoryFile file) { files_[name] = std::make_shared<MemoryFile>(std::move(file)); }
  void remove(std::string const& name) { files_.erase(name); }

  Result<std::shared_ptr<ports::OpenFile>> open(std::string const&, std::string const& name) override {
    auto const found = files_.find(name);
    if (found == files_.end()) return fail(Fault::kGone, name + ": there is no such file");
    ++opens;
    if (open_error) return std::unexpected(*open_error);
    return std::make_shared<Opened>(found->second);
  }
  Result<ports::FilePrint> stat(std::string const&, std::string const& name) override {
    auto const found = files_.find(name);
    if (found == files_.end()) return fail(Fault::kGone, name + ": there is no such file");
    return print_of(*found->second);
  }
  Result<std::unique_ptr<ports::Listing>> list(std::string const&, std::string const&) override {
    if (list_error) return std::unexpected(*list_error);
    std::vector<ports::DirEntry> entries;
    for (auto const& [name, file] : files_)
      entries.push_back({.name = name,
                         .type = folders.contains(name) ? ports::FileType::kDirectory : ports::FileType::kRegular,
                         .print = lists_prints ? print_of(*file) : ports::FilePrint{},
                         .has_print = lists_prints});
    for (auto const& name : vanishing)
      entries.push_back({.name = name, .type = ports::FileType::kRegular, .print = {}, .has_print = false});
    return std::make_unique<ports::WholeListing>(std::move(entries));
  }
  Result<std::string> sniff(ports::OpenFile const&) override { return std::string(); }

  std::optional<Error> open_error = {};
  std::optional<Error> list_error = {};
  bool lists_prints = true;              // else stat() tells them, as behind the first thousands of a folder
  std::set<std::string> folders = {};    // names that are listed as such
  std::set<std::string> vanishing = {};  // listed, and gone when they are looked at
  int opens = 0;

 private:
  static ports::FilePrint print_of(MemoryFile const& file) {
    return {.size_bytes = file.text.size(), .mtime_ns = file.mtime_ns, .inode = file.inode};
  }
  class Opened final : public ports::OpenFile {
   public:
    explicit Opened(std::shared_ptr<MemoryFile> file) : file_(std::move(file)) {}
    Result<ports::FilePrint> print() const override { return print_of(*file_); }
    Result<std::size_t> read_at(std::span<std::byte> into, std::uint64_t offset) const override {
      if (offset >= file_->text.size()) return 0;
      auto const n = std::min(into.size(), file_->text.size() - static_cast<std::size_t>(offset));
      std::memcpy(into.data(), file_->text.data() + offset, n);
      return n;
    }
    ports::Writer writer() const override { return ports::Writer::kUnknown; }

   private:
    std::shared_ptr<MemoryFile> file_;
  };
  MemoryFile& named(std::string const& name) {
    auto& file = files_[name];
    if (!file) file = std::make_shared<MemoryFile>(std::string(), ++inode_, ++time_);
    return *file;
  }

  std::map<std::string, std::shared_ptr<MemoryFile>> files_;
  std::uint64_t inode_ = 100;
  std::int64_t time_ = 0;
};

inline std::string gzipped(std::string_view text) {
  z_stream z{};
  auto const begun = ::deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  assert(begun == Z_OK);
  static_cast<void>(begun);
  std::string out(::deflateBound(&z, static_cast<uLong>(text.size())), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  ::deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  ::deflateEnd(&z);
  return out;
}

}  // namespace sluice::source::manifest

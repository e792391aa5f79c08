// Any bytes as a manifest of any format, read in steps of any size: nothing crashes, and steps make no difference.
//
// The first byte chooses the format, the second how many lines a step takes. What whole reading finds, a reader that is
// lost after each step and made anew from its mark must find too.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "core/source/manifest/reader.h"

namespace {

using namespace sluice;
using source::manifest::Reader;

constexpr char const* kNames[] = {"a.txt", "a.csv", "a.tsv", "a.jsonl", "a.txt.gz", "a.csv.gz", "a.jsonl.gz"};

class OneFile final : public ports::Files {
 public:
  explicit OneFile(std::string_view text) : text_(text) {}
  Result<std::shared_ptr<ports::OpenFile>> open(std::string const&, std::string const&) override {
    return std::make_shared<Opened>(text_);
  }
  Result<ports::FilePrint> stat(std::string const&, std::string const&) override {
    return ports::FilePrint{.size_bytes = text_.size(), .inode = 1};
  }
  Result<std::unique_ptr<ports::Listing>> list(std::string const&, std::string const&) override { std::abort(); }
  Result<std::string> sniff(ports::OpenFile const&) override { return std::string(); }

 private:
  class Opened final : public ports::OpenFile {
   public:
    explicit Opened(std::string_view text) : text_(text) {}
    Result<ports::FilePrint> print() const override { return ports::FilePrint{}; }
    Result<std::size_t> read_at(std::span<std::byte> into, std::uint64_t offset) const override {
      if (offset >= text_.size()) return 0;
      auto const n = std::min(into.size(), text_.size() - static_cast<std::size_t>(offset));
      std::memcpy(into.data(), text_.data() + offset, n);
      return n;
    }
    ports::Writer writer() const override { return ports::Writer::kNone; }

   private:
    std::string_view text_;
  };
  std::string_view text_;
};

struct Seen {
  std::vector<std::string> keys;
  bool whole = true;  // it was read to its end
};

Seen read(ports::Files& files, char const* name, std::size_t lines, bool lose_reader) {
  Seen seen;
  std::uint64_t lost_at = 0;
  auto reader = std::make_unique<Reader>("/", name, source::manifest::Mark{});
  for (;;) {
    auto const batch = reader->step(files, lines, true);
    if (!batch || batch->found.refused) return seen.whole = false, seen;
    if (batch->began_anew) {
      std::fprintf(stderr, "manifest_fuzz: the mark was not found in the file that it is of\n");
      std::abort();
    }
    for (auto const& entry : batch->found.entries) seen.keys.push_back(entry.item_key);
    if (batch->at_end) return seen;
    if (!lose_reader || batch->mark.place.offset == lost_at) continue;
    lost_at = batch->mark.place.offset;
    reader = std::make_unique<Reader>("/", name, batch->mark);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* input, std::size_t size) {
  if (size < 2) return 0;
  auto const* const name = kNames[input[0] % std::size(kNames)];
  OneFile files(std::string_view(reinterpret_cast<char const*>(input) + 2, size - 2));
  auto const whole = read(files, name, 1 << 20, false);
  auto const steps = read(files, name, 1 + input[1] % 16u, false);
  if (whole.whole && steps.whole && whole.keys != steps.keys) {
    std::fprintf(stderr, "manifest_fuzz: %zu entries at once, %zu in steps\n", whole.keys.size(), steps.keys.size());
    std::abort();
  }
  read(files, name, 200 + input[1], true);
  return 0;
}

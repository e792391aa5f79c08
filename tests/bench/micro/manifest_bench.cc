// manifest_bench - how fast lines become entries: the reader alone, over a file in memory that has no end.
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>

#include "core/source/manifest/reader.h"

namespace sluice::source::manifest {
namespace {

constexpr int kLines = 100'000;

class OneFile final : public ports::Files {
 public:
  explicit OneFile(std::string text) : text_(std::make_shared<std::string>(std::move(text))) {}
  Result<std::shared_ptr<ports::OpenFile>> open(std::string const&, std::string const&) override {
    return std::make_shared<Opened>(text_);
  }
  Result<ports::FilePrint> stat(std::string const&, std::string const&) override {
    return ports::FilePrint{.size_bytes = text_->size(), .inode = 1};
  }
  Result<std::unique_ptr<ports::Listing>> list(std::string const&, std::string const&) override { std::abort(); }
  Result<std::string> sniff(ports::OpenFile const&) override { return std::string(); }

 private:
  class Opened final : public ports::OpenFile {
   public:
    explicit Opened(std::shared_ptr<std::string> text) : text_(std::move(text)) {}
    Result<ports::FilePrint> print() const override { std::abort(); }
    Result<std::size_t> read_at(std::span<std::byte> into, std::uint64_t offset) const override {
      auto const n = std::min(into.size(), text_->size() - static_cast<std::size_t>(offset));
      std::memcpy(into.data(), text_->data() + offset, n);
      return n;
    }
    ports::Writer writer() const override { return ports::Writer::kNone; }

   private:
    std::shared_ptr<std::string> text_;
  };
  std::shared_ptr<std::string> text_;
};

void read_all(benchmark::State& state, std::string const& name, std::string text) {
  OneFile files(std::move(text));
  for (auto _ : state) {
    Reader reader("/", name, {});
    std::size_t entries = 0;
    for (;;) {
      auto const batch = reader.step(files, 4'000, true);
      entries += batch->found.entries.size();
      if (batch->at_end) break;
    }
    if (entries != kLines) std::abort();
  }
  state.SetItemsProcessed(state.iterations() * kLines);
}

std::string lines(std::string const& head, std::string const& before, std::string const& behind) {
  std::string text = head;
  for (int i = 0; i < kLines; ++i)
    text += before + "https://media.example.net/partner/2026/11/clip-" + std::to_string(1'000'000 + i) + ".mp4" +
            behind + "\n";
  return text;
}

void bm_txt(benchmark::State& state) { read_all(state, "a.txt", lines("", "", "")); }
void bm_csv(benchmark::State& state) {
  read_all(state, "a.csv", lines("url,name,size,site\n", "", ",clip.mp4,123456,north"));
}
void bm_jsonl(benchmark::State& state) {
  read_all(state, "a.jsonl", lines("", R"({"url":")", R"(","name":"clip.mp4","size":123456,"site":"north"})"));
}
BENCHMARK(bm_txt)->Unit(benchmark::kMillisecond);
BENCHMARK(bm_csv)->Unit(benchmark::kMillisecond);
BENCHMARK(bm_jsonl)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sluice::source::manifest

// main.cc - the program sluice-bench-backlog: fills a new journal with items, as a long life would have.
//
// `--done` items are at their end; `--open` ones have an upload session of four chunks and a sparse file in the
// folder; `--sent` ones have waited long for their asset: their polls have come to the longest interval.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <stdexcept>

#include "core/base/ids.h"
#include "core/journal/journal.h"
#include "core/stage/plan.h"

namespace {

using namespace sluice;
using journal::ItemRow;
using journal::ItemState;

constexpr int kRowsPerCommit = 10'000;
constexpr std::uint64_t kChunkBytes = 5ULL << 20U;
constexpr std::uint32_t kChunks = 4;
constexpr std::uint32_t kTriesLong = 20;  // polled so often that the interval is at its longest

WallTime now() { return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now()); }

class Backlog {
 public:
  Backlog(std::filesystem::path const& file, std::filesystem::path root)
      : journal_(file), root_(std::move(root)), begun_(now()) {}

  void add_done(std::int64_t count) {
    repeat(count, [&](std::int64_t) {
      auto row = next_item(ItemState::kDone);
      row.finished_at = begun_;
      journal_.insert(row);
    });
  }

  void add_sent(std::int64_t count) {
    repeat(count, [&](std::int64_t) {
      auto row = next_item(ItemState::kSent);
      row.effort.tries = kTriesLong;
      row.effort.due_at.reset();  // asked about in rounds (core/stage/poll_round.h)
      journal_.insert(row);
    });
  }

  void add_open(std::int64_t count) {
    repeat(count, [&](std::int64_t) {
      auto row = next_item(ItemState::kOpened);
      row.method = "multipart";
      row.asset_id.clear();
      row.print = make_file(row.path);
      row.bytes_acked = 0;
      journal::SessionRow session;
      session.item_id = journal_.insert(row);
      session.upload_id = "upload-" + row.ulid;
      session.asset_id = "asset-" + row.ulid;
      session.file_bytes = row.print.size_bytes;
      session.chunk_size_bytes = kChunkBytes;
      session.total_chunks = kChunks;
      session.upload_headers = {{"Content-Type", "application/octet-stream"}};
      session.opened_at = begun_;
      session.expires_at = begun_ + std::chrono::hours(24);
      session.due_at = begun_;
      journal_.insert_chunks(journal_.insert(session), kChunks, begun_);
    });
  }

  void finish() { journal_.checkpoint(); }

 private:
  template <class Add>
  void repeat(std::int64_t count, Add add) {
    for (std::int64_t i = 0; i < count; ++i) {
      if (!journal_.in_transaction()) journal_.begin();
      add(i);
      if ((i + 1) % kRowsPerCommit == 0) journal_.commit();
    }
    if (journal_.in_transaction()) journal_.commit();
  }

  ItemRow next_item(ItemState state) {
    ++number_;
    auto const name = "clip-" + std::to_string(number_) + ".mp4";
    ItemRow row;
    row.ulid = make_ulid(begun_, number_, number_ * 0x9E3779B97F4A7C15ULL);
    row.source = "drop";
    row.root = root_.string();
    row.path = "reel-" + std::to_string(number_ / 1000) + '/' + name;
    row.kind = "video";
    row.pipeline = "asset";
    row.state = state;
    row.method = "direct";
    row.print = {.size_bytes = 262'144, .mtime_ns = 1, .ctime_ns = 1, .inode = number_, .device = 1};
    row.quiet_since = begun_;
    row.plan = stage::Plan{.filename = name}.to_json();
    row.content_type = "video/mp4";
    row.client_op = row.ulid + "-1";
    row.asset_id = "asset-" + row.ulid;
    row.bytes_sent = row.bytes_acked = row.print.size_bytes;
    row.created_at = begun_;
    return row;
  }

  ports::FilePrint make_file(std::string const& path) const {
    auto const file = root_ / path;
    std::filesystem::create_directories(file.parent_path());
    auto const fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    struct stat facts {};
    bool const made = fd >= 0 && ::ftruncate(fd, kChunks * kChunkBytes) == 0 && ::fstat(fd, &facts) == 0;
    if (fd >= 0) ::close(fd);
    if (!made) throw std::runtime_error("cannot make " + file.string());
    auto const ns = [](timespec at) { return at.tv_sec * 1'000'000'000L + at.tv_nsec; };
    return {.size_bytes = static_cast<std::uint64_t>(facts.st_size),
            .mtime_ns = ns(facts.st_mtim),
            .ctime_ns = ns(facts.st_ctim),
            .inode = facts.st_ino,
            .device = facts.st_dev};
  }

  journal::Journal journal_;
  std::filesystem::path root_;
  WallTime begun_;
  std::uint64_t number_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  std::filesystem::path file;
  std::filesystem::path root;
  std::int64_t done = 0;
  std::int64_t open = 0;
  std::int64_t sent = 0;
  CLI::App app("Fills a new journal.", "sluice-bench-backlog");
  app.add_option("--journal", file, "the file to make")->required();
  app.add_option("--root", root, "the source's folder")->required();
  app.add_option("--done", done, "items at their end");
  app.add_option("--open", open, "items with an open upload session");
  app.add_option("--sent", sent, "items that wait for their asset");
  CLI11_PARSE(app, argc, argv);
  try {
    Backlog backlog(file, root);
    backlog.add_done(done);
    backlog.add_open(open);
    backlog.add_sent(sent);
    backlog.finish();
    return 0;
  } catch (std::exception const& error) {
    std::fprintf(stderr, "sluice-bench-backlog: %s\n", error.what());
    return 1;
  }
}

// fetch_fixture.h - a spool in memory, and hosts that answer what the test says, for the stage FETCH_PIECE.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/source/spool_blocks.h"
#include "core/stage/fetch_piece.h"
#include "core/stage/moves.h"
#include "core/stage/send_url.h"
#include "core/stage/spooling.h"
#include "core/stage/take_url.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {

using Headers = std::vector<std::pair<std::string, std::string>>;

// Files that the folder of the fixture then shows as well.
class PlayedSpool final : public ports::Spool {
 public:
  explicit PlayedSpool(PlayedFiles& shown) : shown_(shown) {}
  std::optional<Error> trouble = {};
  std::vector<std::string> strays = {};
  std::vector<std::string> removed = {};

  Result<void> write(std::string const&, std::string const& name, ports::SpoolPart const& part) override {
    if (trouble) return std::unexpected(*trouble);
    if (!part.is_first && !shown_.files.contains(name)) return fail(Fault::kLocal, "it is gone", ports::kSpoolLost);
    auto& file = shown_.files[name];
    if (!file.bytes || file.bytes->size() != part.total_bytes) file.bytes = std::string(part.total_bytes, '?');
    file.bytes->replace(part.offset_bytes, part.bytes.size(), part.bytes);
    file.print = {.size_bytes = part.total_bytes, .mtime_ns = ++writes_, .ctime_ns = 2, .inode = 7, .device = 8};
    return {};
  }
  Result<void> remove(std::string const&, std::string const& name) override {
    removed.push_back(name);
    shown_.files.erase(name);
    return {};
  }
  Result<std::vector<std::string>> names(std::string const&) override { return strays; }

 private:
  PlayedFiles& shown_;
  std::int64_t writes_ = 0;
};

class FetchPiece : public StageTest {
 protected:
  FetchPiece() {
    policy.hand = {.name = "hand", .pipelines = {"footage"}, .fetch = FetchPolicy::kRelay};
    policy.pipelines.push_back({.name = "footage", .kinds = {"video"}, .filename = *parse_template("{name}")});
    policy.spool_folder = "/state/spool";
  }

  template <class Act>
  void turn(Act&& act) {
    within([&](Context& ctx) {
      ctx.spooling = &spooling;
      act(ctx);
    });
    spooling.committed();
  }
  void choose_some() {
    turn([](Context& ctx) { choose_fetch_piece(ctx); });
  }
  // What is queued by the lane is settled by the next turn.
  void choose_twice() {
    choose_some();
    auto first = left;
    choose_some();
    left.insert(left.begin(), first.begin(), first.end());
  }
  RowId add(UrlWish wish) {
    RowId id = 0;
    turn([&](Context& ctx) {
      auto const added = add_url(ctx, policy.hand, wish, {}, false);
      ASSERT_TRUE(added) << added.error().text;
      id = added->item.id;
    });
    return id;
  }
  RowId add(std::string const& url = "https://media.example/a.mp4?token=1") {
    return add(UrlWish{.url = *parse_url(url)});
  }

  // The oldest call of the item in the air lands with this answer.
  void answer(RowId id, Result<ports::Reply> reply) {
    std::uint64_t ticket = 0;
    for (auto const& [number, flight] : traffic.flights(budget::Errand::kFetchPiece))
      if (flight.item == id && ticket == 0) ticket = number;
    ASSERT_NE(ticket, 0u) << "nothing of it is in the air";
    turn([&](Context& ctx) {
      auto const flight = *traffic.flight(ticket);
      traffic.landed(ticket);
      settle_fetch_piece(ctx, {.flight = flight, .reply = std::move(reply), .bytes_sent = 0});
    });
  }
  static ports::Reply piece(std::uint64_t first, std::string bytes, std::uint64_t total,
                            Headers more = {{"etag", "\"1\""}}) {
    more.emplace_back("content-range", "bytes " + std::to_string(first) + "-" +
                                           std::to_string(first + bytes.size() - 1) + "/" + std::to_string(total));
    return {.status = 206,
            .headers = std::move(more),
            .body = {},
            .payload = std::make_shared<std::string>(std::move(bytes))};
  }
  static ports::Reply whole(std::string bytes, Headers headers = {}) {
    return {.status = 200,
            .headers = std::move(headers),
            .body = {},
            .payload = std::make_shared<std::string>(std::move(bytes))};
  }
  static ports::Reply status(int code, Headers headers = {}) {
    return {.status = code, .headers = std::move(headers), .body = {}, .payload = std::make_shared<std::string>()};
  }
  // The pieces of a file of that many MiB come one after the other, until nothing is asked for any more.
  void fetch_all(RowId id, std::uint64_t mib, Headers const& headers = {{"etag", "\"1\""}}) {
    for (int guard = 0; guard < 100; ++guard) {
      choose_twice();
      auto const flights = traffic.flights(budget::Errand::kFetchPiece);
      if (flights.empty()) return;
      auto const& flight = flights.front().second;
      auto const first = flight.chunk_index * kMiB;
      answer(id, piece(first, std::string(std::min(flight.mode * kMiB, mib * kMiB - first), 'x'), mib * kMiB, headers));
    }
    FAIL() << "it never ends";
  }
  journal::DownloadRow download(RowId id) const { return *journal.download_of(id); }
  static std::string header(ports::Call const& call, std::string_view name) {
    for (auto const& [key, value] : call.headers)
      if (key == name) return value;
    return "";
  }

  PlayedSpool spool{files};
  Spooling spooling{&spool};
};

}  // namespace sluice::stage

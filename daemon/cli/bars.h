// bars.h - shows how `sluice ingest` goes: bars on a terminal, plain lines elsewhere, JSON if asked.
//
// The engine's news come in through Progress; what is drawn from them is made by pure functions. On a
// terminal the bars stand below the lines that stay: each new frame is drawn over the last one. JSON is
// written as it comes, so that a million items need no memory: {"items": [...], "error": ...}.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "daemon/cli/look.h"
#include "daemon/cli/render.h"
#include "daemon/ingest.h"

namespace sluice::cli {

// How fast a count grows, smoothed over some five seconds.
class RateMeter {
 public:
  void add(Millis at, std::uint64_t bytes);  // `bytes` is the count so far; one that shrinks starts anew
  std::uint64_t bytes_per_s() const;         // 0 until two counts are known

 private:
  std::optional<Millis> last_at_;
  std::uint64_t last_bytes_ = 0;
  double rate_ = 0.0;
  bool known_ = false;
};

// "32 s", or "-" when no end can be foretold.
std::string eta_words(std::uint64_t left_bytes, std::uint64_t bytes_per_s);

using Rates = std::map<std::string, std::uint64_t>;  // bytes per second by item id

// The lines of one frame: the first files at work, and a line for the whole. None is wider than the look.
std::vector<std::string> frame(daemon::IngestSnapshot const& snapshot, Rates const& rates, std::uint64_t total_rate,
                               Look const& look);

// "12 of 40 files, 3.2 GB of 10 GB, 35 MB/s, 3 min left"
std::string summary(daemon::IngestSnapshot const& snapshot, std::uint64_t total_rate);

// "done    clip.mp4" with what is to be said of it.
std::string end_line(daemon::IngestEnd const& end, Look const& look);

class Bars : public daemon::Progress {
 public:
  enum class Style : std::uint8_t { kTerminal, kPlain, kJson };
  struct Places {
    std::ostream& out;
    std::ostream& err;
    Look look;
    Look err_look;
    std::function<Millis()> elapsed;
  };
  Bars(Style style, Places places);

  void show(daemon::IngestSnapshot const& snapshot) override;
  void ended(daemon::IngestEnd const& end) override;
  void note(std::string const& line) override;
  void stopped(std::string const& text, std::string const& remedy) override;

  // After the run: takes the bars away, says what came of it, closes the JSON.
  void finish(int exit_code);

 private:
  void clear_frame();
  void draw_frame();
  void say(std::string const& line);

  Style style_;
  Places places_;
  std::map<std::string, RateMeter> meters_;
  RateMeter total_;
  std::vector<std::string> frame_;
  std::size_t drawn_lines_ = 0;
  std::optional<Millis> last_summary_;
  std::map<std::string, std::uint64_t> ends_;  // how many came to which end
  bool any_json_ = false;
  std::optional<Trouble> trouble_;
};

}  // namespace sluice::cli

#include "daemon/cli/bars.h"

#include <algorithm>
#include <cmath>
#include <ostream>
#include <utility>

#include "core/base/json.h"
#include "core/base/text.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/json_fields.h"

namespace sluice::cli {

using daemon::IngestEnd;
using daemon::IngestItem;
using daemon::IngestSnapshot;

namespace {

constexpr std::size_t kFilesShown = 8;
constexpr Millis kSummaryEvery{10'000};
constexpr double kSmoothing_s = 5.0;
constexpr std::size_t kBarColumns = 22;

// "  asset 66f1..., indexed asset 66f2..." as far as the platform gave ids; "" where it gave none.
std::string ids_of(std::string const& item_json) {
  auto const item = parse_json(item_json);
  if (!item) return {};
  std::string made;
  auto const add = [&made](std::string_view what, std::string const& id) {
    if (!id.empty()) made += (made.empty() ? "  " : ", ") + std::string(what) + " " + id;
  };
  add("asset", text_at(*item, "asset_id"));
  for (auto const& indexed : list_at(*item, "indexed_assets")) add("indexed asset", text_at(indexed, "id"));
  for (auto const& entity : list_at(*item, "entities")) add("entity", text_at(entity, "id"));
  return made;
}

std::string fitted(std::string text, std::size_t columns) {
  text = shortened(text, columns);
  text.append(columns - std::min(columns, columns_of(text)), ' ');
  return text;
}

std::string right(std::string const& text, std::size_t columns) {
  return std::string(columns - std::min(columns, columns_of(text)), ' ') + text;
}

// One file: name, bar, share, rate, time left, stage, and why it waits where there is room.
std::string file_line(IngestItem const& item, std::uint64_t rate, Look const& look) {
  auto const there = std::min(item.size_bytes, item.bytes_acked + item.bytes_in_air);
  bool const going_up = there < item.size_bytes;  // afterwards neither rate nor time left means anything
  auto const facts = bar(there, item.size_bytes, kBarColumns) + right(percent(there, item.size_bytes), 6) +
                     right(going_up ? rate_words(rate) : "", 11) +
                     right(going_up ? eta_words(item.size_bytes - there, rate) : "", 12) + "  " + item.stage;
  auto const room = look.width > columns_of(facts) + 2 ? look.width - columns_of(facts) - 2 : 0;
  auto const name_columns = std::clamp<std::size_t>(room, 12, 32);
  auto line = fitted(safe(item.name), name_columns) + "  " + facts;
  auto const used = columns_of(line);
  if (!item.why.empty() && look.width > used + 12) line += ": " + shortened(safe(item.why), look.width - used - 2);
  return shortened(line, look.width);
}

std::uint64_t there_of(IngestSnapshot const& snapshot) {
  return std::min(snapshot.bytes_total, snapshot.bytes_acked + snapshot.bytes_in_air);
}

std::string count_words(std::map<std::string, std::uint64_t> const& ends) {
  std::string text;
  for (auto const* const stage : {"done", "skipped", "cancelled", "failed"})
    if (auto const found = ends.find(stage); found != ends.end())
      text += (text.empty() ? "" : ", ") + std::to_string(found->second) + " " + stage;
  return text;
}

}  // namespace

void RateMeter::add(Millis at, std::uint64_t bytes) {
  if (!last_at_ || bytes < last_bytes_) {
    last_at_ = at;
    last_bytes_ = bytes;
    return;
  }
  auto const passed_s = static_cast<double>((at - *last_at_).count()) / 1000.0;
  if (passed_s < 0.05) return;  // too short to say anything
  auto const lately = static_cast<double>(bytes - last_bytes_) / passed_s;
  auto const weight = known_ ? 1.0 - std::exp(-passed_s / kSmoothing_s) : 1.0;
  rate_ += weight * (lately - rate_);
  known_ = true;
  last_at_ = at;
  last_bytes_ = bytes;
}

std::uint64_t RateMeter::bytes_per_s() const { return static_cast<std::uint64_t>(std::max(0.0, rate_)); }

std::string eta_words(std::uint64_t left_bytes, std::uint64_t bytes_per_s) {
  if (left_bytes == 0) return "0 s";
  if (bytes_per_s == 0 || left_bytes / bytes_per_s > 30 * 86'400) return "-";
  return to_words(std::chrono::seconds(left_bytes / bytes_per_s + 1));
}

std::string summary(IngestSnapshot const& snapshot, std::uint64_t total_rate) {
  auto const there = there_of(snapshot);
  auto text = std::to_string(snapshot.items_ended) + " of " + std::to_string(snapshot.items_total) + " files, " +
              to_words_bytes(there) + " of " + to_words_bytes(snapshot.bytes_total);
  if (there < snapshot.bytes_total && total_rate > 0)
    text += ", " + rate_words(total_rate) + ", " + eta_words(snapshot.bytes_total - there, total_rate) + " left";
  return text;
}

std::vector<std::string> frame(IngestSnapshot const& snapshot, Rates const& rates, std::uint64_t total_rate,
                               Look const& look) {
  std::vector<std::string> lines;
  for (auto const& item : snapshot.active) {
    if (lines.size() == kFilesShown) break;
    auto const rate = rates.find(item.id);
    lines.push_back(file_line(item, rate == rates.end() ? 0 : rate->second, look));
  }
  if (snapshot.active.size() > kFilesShown)
    lines.push_back("... and " + std::to_string(snapshot.active.size() - kFilesShown) + " more at work");
  auto const there = there_of(snapshot);
  auto const total = bar(there, snapshot.bytes_total, kBarColumns) + right(percent(there, snapshot.bytes_total), 6) +
                     "  " + summary(snapshot, total_rate);
  lines.push_back(shortened(total, look.width));
  return lines;
}

std::string end_line(IngestEnd const& end, Look const& look) {
  auto line = painted(end.stage, tone_of_stage(end.stage), look) + "  " + safe(end.path) + ids_of(end.json);
  if (end.from_before) line += "  (by an earlier run)";
  if (!end.text.empty()) line += ": " + safe(end.text);
  if (!end.remedy.empty()) line += "\n  next: " + safe(end.remedy);
  return line;
}

Bars::Bars(Style style, Places places) : style_(style), places_(std::move(places)) {}

void Bars::show(IngestSnapshot const& snapshot) {
  if (style_ == Style::kJson) return;
  auto const now = places_.elapsed();
  total_.add(now, snapshot.bytes_acked + snapshot.bytes_in_air);
  std::map<std::string, RateMeter> meters;
  Rates rates;
  for (auto const& item : snapshot.active) {  // meters of items that are over are dropped
    auto meter = meters_[item.id];
    meter.add(now, item.bytes_acked + item.bytes_in_air);
    rates[item.id] = meter.bytes_per_s();
    meters[item.id] = meter;
  }
  meters_ = std::move(meters);
  if (style_ == Style::kTerminal) {
    clear_frame();
    frame_ = frame(snapshot, rates, total_.bytes_per_s(), places_.look);
    draw_frame();
    return;
  }
  if (!last_summary_) last_summary_ = now;
  if (now - *last_summary_ < kSummaryEvery) return;
  last_summary_ = now;
  places_.out << summary(snapshot, total_.bytes_per_s()) << "\n" << std::flush;
}

void Bars::ended(IngestEnd const& end) {
  ++ends_[end.stage];
  if (style_ != Style::kJson) return say(end_line(end, places_.look));
  places_.out << (any_json_ ? ",\n" : "{\"items\": [\n") << (end.json.empty() ? "null" : end.json);
  any_json_ = true;
}

void Bars::note(std::string const& line) {
  if (style_ == Style::kJson)
    places_.err << safe(line) << "\n" << std::flush;
  else
    say(safe(line));
}

void Bars::stopped(std::string const& text, std::string const& remedy) {
  trouble_ = Trouble{.code = "stopped", .text = safe(text), .next = safe(remedy), .exit_code = kInternalError};
}

void Bars::finish(int exit_code) {
  clear_frame();
  frame_.clear();
  if (trouble_) places_.err << render_trouble(trouble_->text, trouble_->next, places_.err_look);
  if (style_ == Style::kJson) {
    places_.out << (any_json_ ? "\n]" : "{\"items\": []") << ", \"exit_code\": " << exit_code
                << ", \"error\": " << (trouble_ ? trouble_json(*trouble_).find("error")->dump() : std::string("null"))
                << "}\n";
  } else if (!ends_.empty()) {
    places_.out << count_words(ends_) << "\n";
  }
  places_.out << std::flush;
  if (exit_code == kSomeFailed && !trouble_)
    places_.err << render_trouble("some items failed", "run the same command again once the causes are mended",
                                  places_.err_look);
}

void Bars::say(std::string const& line) {
  clear_frame();
  places_.out << line << "\n";
  draw_frame();
}

void Bars::clear_frame() {
  if (drawn_lines_ == 0) return;
  places_.out << "\x1b[" << drawn_lines_ << "A\x1b[J";  // up to its first line, and erase to the end
  drawn_lines_ = 0;
}

void Bars::draw_frame() {
  for (auto const& line : frame_) places_.out << line << "\n";
  drawn_lines_ = frame_.size();
  places_.out << std::flush;
}

}  // namespace sluice::cli

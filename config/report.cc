#include "config/report.h"

#include <algorithm>
#include <tuple>

namespace sluice::config {

std::string ConfigError::to_text() const {
  std::string place = file;
  if (line > 0) place += ":" + std::to_string(line) + ":" + std::to_string(column);
  if (!key.empty()) place += ": " + key;
  return place + ": " + text;
}

void Report::add(Origin const& origin, Mark mark, std::string text) {
  if (errors_.size() >= kErrorsMax) return;
  if (std::ranges::find(files_, origin.file) == files_.end()) files_.push_back(origin.file);
  errors_.push_back({origin.file, mark.line, mark.column, origin.key, std::move(text)});
}

void Report::remember(Origin const& origin, Mark mark) { marks_[{origin.file, origin.key}] = mark; }

void Report::add_at(Origin const& origin, std::string text) {
  std::string key = origin.key;
  while (true) {
    if (auto const found = marks_.find({origin.file, key}); found != marks_.end()) {
      return add(origin, found->second, std::move(text));
    }
    if (key.empty()) return add(origin, {}, std::move(text));
    auto const cut = key.find_last_of(".[");
    key.resize(cut == std::string::npos ? 0 : cut);
  }
}

bool Report::has(Origin const& origin) const {
  return std::ranges::any_of(
      errors_, [&](ConfigError const& error) { return error.file == origin.file && error.key == origin.key; });
}

std::vector<ConfigError> Report::take() {
  auto const place = [&](ConfigError const& error) {
    return std::tuple(std::ranges::find(files_, error.file) - files_.begin(), error.line, error.column);
  };
  std::ranges::stable_sort(errors_, {}, place);
  return std::move(errors_);
}

Origin inside(Origin const& origin, std::string const& key) {
  return {origin.file, origin.key.empty() ? key : origin.key + "." + key};
}

Origin inside(Origin const& origin, std::size_t index) {
  return {origin.file, origin.key + "[" + std::to_string(index) + "]"};
}

}  // namespace sluice::config

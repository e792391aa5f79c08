// report.h - collects what is wrong with a configuration, with the place of each.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "config/load.h"
#include "core/base/yaml_tree.h"

namespace sluice::config {

using yaml::Mark;
using yaml::Node;

// Where a part of the configuration was written: the file, and the path of its key in there.
struct Origin {
  std::string file;
  std::string key;  // "sources[0]"
};

class Report {
 public:
  // Adds an error, up to kErrorsMax; what comes after is dropped.
  void add(Origin const& origin, Mark mark, std::string text);

  // Keeps the mark of a key, so that add_at() finds it when whole parts are compared later.
  void remember(Origin const& origin, Mark mark);

  // The same as add(), at the remembered mark of that key, or of the nearest key around it.
  void add_at(Origin const& origin, std::string text);

  bool empty() const { return errors_.empty(); }
  // Whether something is wrong with that very key.
  bool has(Origin const& origin) const;
  // All errors: file by file in the order they came, each file from top to bottom.
  std::vector<ConfigError> take();

 private:
  std::vector<ConfigError> errors_;
  std::vector<std::string> files_;
  std::map<std::pair<std::string, std::string>, Mark> marks_;
};

// The key inside that part: {file, "sources[0]"} and "folder" give {file, "sources[0].folder"}.
Origin inside(Origin const& origin, std::string const& key);
Origin inside(Origin const& origin, std::size_t index);

}  // namespace sluice::config

// sim_hosts.h - servers that are not the platform's: media behind URLs, given piece by piece as RFC 9110 has it.
//
// A medium may be replaced by another content at any time, which changes its ETag, and may have moved to another URL.
// A host of which nothing is known refuses everybody but the platform.
// What is behind a URL is a function of its seed, as the files of SimFiles are.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/ports/wire.h"
#include "tests/sim/sim_files.h"

namespace sluice::sim {

class SimHosts {
 public:
  // URLs are without their queries.
  void put(std::string const& url, Content content) { media_[url].push_back(content); }
  void move(std::string const& url, std::string const& to) { moved_[url] = to; }

  ports::Reply serve(ports::Call const& call);

  // Every content that was ever behind a URL.
  std::map<std::string, std::vector<Content>> const& media() const { return media_; }
  std::map<std::string, std::uint64_t> const& fired() const { return fired_; }

 private:
  bool plays(std::string const& host) const;

  std::map<std::string, std::vector<Content>> media_ = {};
  std::map<std::string, std::string> moved_ = {};
  std::map<std::string, std::uint64_t> fired_ = {};
};

std::string without_query(std::string const& url);

}  // namespace sluice::sim

// emulator.h - sluice-emulator as a child process, and its ledger: what the platform really did.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "http.h"
#include "process.h"

namespace sluice::e2e {

class Emulator {
 public:
  // Starts it with its files in `folder`, which need not exist, and waits until it listens.
  Emulator(std::string const& folder, std::vector<std::string> const& flags, std::string const& key);

  std::string const& base_url() const { return base_url_; }
  std::uint16_t api_port() const { return place_.port; }
  std::uint16_t store_port() const { return store_port_; }
  Json ledger() const { return ask(place_, "GET", "/__ledger").json(); }
  // What happened, one object per effect, from sequence number `from` on.
  Json events(std::uint64_t from = 1) const;
  // Replaces the fault rules (tests/emulator/scenario.h).
  void arm(Json const& rules) const;
  // What the API answers of a thing: "assets/66f0...".
  Json thing(std::string const& path) const;
  // Deletes an asset as a person would, by the API: "assets/66f0..." Its references go with it.
  void forget(std::string const& path) const;
  // How often this endpoint was called, cut calls included: "POST /assets".
  std::uint64_t calls(std::string const& endpoint) const;
  std::uint64_t cut_calls(std::string const& endpoint) const;

 private:
  Json count_of(std::string const& endpoint) const;

  std::unique_ptr<Process> process_;
  std::string base_url_;
  std::uint16_t store_port_ = 0;
  Place place_;
  std::string key_;
};

}  // namespace sluice::e2e

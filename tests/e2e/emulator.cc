#include "emulator.h"

#include <filesystem>
#include <stdexcept>

#include "programs.h"

namespace sluice::e2e {

Emulator::Emulator(std::string const& folder, std::vector<std::string> const& flags, std::string const& key)
    : key_(key) {
  auto const ready_file = folder + ".ready";
  Command command{.words = {program("sluice-emulator"), "--dir", folder, "--ready-file", ready_file, "--api-key", key},
                  .environment = {},
                  .out_file = folder + ".log",
                  .err_file = {}};
  command.words.insert(command.words.end(), flags.begin(), flags.end());
  process_ = std::make_unique<Process>(command);
  bool const ready = until(30s, [&] { return std::filesystem::exists(ready_file) || process_->wait(0ms).has_value(); });
  if (!ready || !std::filesystem::exists(ready_file))
    throw std::runtime_error("the emulator did not start: " + read_text(command.out_file));
  auto const ready_with = Json::parse(read_text(ready_file));
  base_url_ = ready_with.at("base_url").get<std::string>();
  store_port_ = port_of(ready_with.at("store_url").get<std::string>());
  place_.port = port_of(base_url_);
}

Json Emulator::events(std::uint64_t from) const {
  return ask(place_, "GET", "/__ledger/events?from=" + std::to_string(from)).json();
}

void Emulator::arm(Json const& rules) const {
  auto const answer = ask(place_, "POST", "/__scenario", Json{{"rules", rules}}.dump());
  if (answer.status != 204) throw std::runtime_error("the emulator refuses the rules: " + answer.body);
}

Json Emulator::thing(std::string const& path) const {
  return ask(place_, "GET", "/v1.3/" + path, "", "x-api-key: " + key_ + "\r\n").json();
}

void Emulator::forget(std::string const& path) const {
  auto const answer = ask(place_, "DELETE", "/v1.3/" + path, "", "x-api-key: " + key_ + "\r\n");
  if (answer.status != 204) throw std::runtime_error("the emulator does not delete " + path + ": " + answer.body);
}

Json Emulator::count_of(std::string const& endpoint) const {
  auto const requests = ledger().at("requests");
  auto const found = requests.find(endpoint);
  return found == requests.end() ? Json{{"count", 0}, {"cut", 0}} : *found;
}

std::uint64_t Emulator::calls(std::string const& endpoint) const { return count_of(endpoint).at("count"); }
std::uint64_t Emulator::cut_calls(std::string const& endpoint) const { return count_of(endpoint).at("cut"); }

}  // namespace sluice::e2e

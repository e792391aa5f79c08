#include "tests/sim/sim_listeners.h"

#include <algorithm>
#include <utility>

#include "core/base/json.h"
#include "tests/sim/sim_hosts.h"

namespace sluice::sim {

// One id stands for one event, however often it is told.
void SimListeners::hear(std::string const& hook, std::string const& id, std::string payload) {
  if (payload.ends_with('\n')) payload.pop_back();
  auto const json = parse_json(payload);
  auto const told = json ? json->text("event_id") : std::nullopt;
  if (!told || told->value_or("") != id) complaints_.push_back(hook + ": an event's id is not that of its payload");
  auto const [found, is_new] = heard_[hook].try_emplace(id, payload);
  if (is_new) return;
  ++fired_["hook.told_again"];
  if (found->second != payload) complaints_.push_back(hook + ": event " + id + " is told in other words");
}

ports::Reply SimListeners::serve(ports::Call const& call) {
  auto const url = without_query(std::get<SecretUrl>(call.target).reveal_for_wire());
  auto const value = [&](std::string_view name) {
    auto const found = std::ranges::find(call.headers, name, &std::pair<std::string, std::string>::first);
    return found == call.headers.end() ? std::string() : found->second;
  };
  if (value("Sluice-Signature").empty()) complaints_.push_back(url + " is told without a signature");
  hear(url.substr(url.rfind('/') + 1), value("Sluice-Event-Id"), call.text_body);
  return {.status = 204, .headers = {}, .body = {}};
}

Result<ports::Ended> SimListeners::run(ports::Program const& program) {
  static constexpr std::string_view kId = "SLUICE_EVENT_ID=";
  auto const id = std::ranges::find_if(program.environment, [](auto const& each) { return each.starts_with(kId); });
  auto const fails = left_ > 0 && dice_.chance(probability_);
  auto const works = !fails || dice_.chance(0.5);
  std::pair const told(program.argv.at(1), id->substr(kId.size()));
  if (ended_well_.contains(told))
    complaints_.push_back(told.first + ": its program is started again for event " + told.second + ", which it took");
  if (moment_) moment_();
  if (works) hear(told.first, told.second, program.input);
  if (moment_) moment_();
  if (!fails) ended_well_.insert(told);
  if (!fails) return ports::Ended{};
  --left_;
  ++fired_[works ? "hook.failed_after" : "hook.failed_before"];
  return ports::Ended{.exit_code = 1};
}

}  // namespace sluice::sim

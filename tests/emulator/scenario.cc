#include "scenario.h"

#include <map>
#include <nlohmann/json.hpp>

namespace sluice::emulator {

using nlohmann::json;

namespace {

std::map<std::string, Action, std::less<>> const kActions{
    {"status", Action::kStatus},        {"throttle", Action::kThrottle},    {"delay", Action::kDelay},
    {"stall", Action::kStall},          {"cut_before", Action::kCutBefore}, {"cut_after", Action::kCutAfter},
    {"cut_body", Action::kCutBody},     {"expire", Action::kExpire},        {"fail_asset", Action::kFailAsset},
    {"fail_chunk", Action::kFailChunk}, {"wrong_etag", Action::kWrongEtag}, {"opaque_etag", Action::kOpaqueEtag}};

std::string text_of(json const& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

}  // namespace

// Reads one rule, key by key; an unknown key is an error, so that a misspelt fault cannot pass for a good run.
struct RuleReader {
  static Scenario::Rule read(json const& from, std::size_t number) {
    if (!from.is_object()) throw BadScenario("rule " + std::to_string(number) + ": not an object");
    Scenario::Rule rule;
    for (auto const& [key, value] : from.items()) {
      try {
        if (!which(rule, key, value) && !what(rule.then, key, value)) throw BadScenario("unknown key");
      } catch (std::exception const& error) {
        throw BadScenario("rule " + std::to_string(number) + ", \"" + key + "\": " + error.what());
      }
    }
    if (rule.then.action == Action::kNone) throw BadScenario("rule " + std::to_string(number) + ": no \"action\"");
    if (rule.nth > 0 && !rule.times) rule.times = 1;
    return rule;
  }

 private:
  static bool which(Scenario::Rule& rule, std::string const& key, json const& value) {
    if (key == "method")
      rule.method = value.get<std::string>();
    else if (key == "path")
      rule.path = value.get<std::string>();
    else if (key == "nth")
      rule.nth = value.get<std::uint64_t>();
    else if (key == "every")
      rule.every = value.get<std::uint64_t>();
    else if (key == "probability")
      rule.probability = value.get<double>();
    else if (key == "times")
      rule.times = value.get<std::uint64_t>();
    else if (key == "reused_only")
      rule.reused_only = value.get<bool>();
    else
      return false;
    return true;
  }

  static bool what(Verdict& then, std::string const& key, json const& value) {
    if (key == "action") {
      auto const at = kActions.find(value.get<std::string>());
      if (at == kActions.end()) throw BadScenario("unknown action '" + value.get<std::string>() + "'");
      then.action = at->second;
    } else if (key == "status")
      then.status = value.get<int>();
    else if (key == "body")
      then.body = text_of(value);
    else if (key == "code")
      then.code = value.get<std::string>();
    else if (key == "message")
      then.message = value.get<std::string>();
    else if (key == "retry_after")
      then.retry_after = text_of(value);
    else if (key == "ms")
      then.delay_ms = then.stall_ms = value.get<std::int64_t>();
    else if (key == "after_bytes")
      then.after_bytes = value.get<std::uint64_t>();
    else if (key == "after_effect")
      then.after_effect = value.get<bool>();
    else if (key == "empty_body")
      then.empty_body = value.get<bool>();
    else if (key == "kms_header")
      then.kms_header = value.get<bool>();
    else if (key == "headers") {
      for (auto const& [name, text] : value.items()) then.headers.emplace_back(name, text_of(text));
    } else
      return false;
    return true;
  }
};

void Scenario::arm(std::string const& json_text) {
  std::vector<Rule> rules;
  try {
    auto const whole = json::parse(json_text);
    auto const& list = whole.is_array() ? whole : whole.at("rules");
    if (!list.is_array()) throw BadScenario("\"rules\" is not an array");
    for (auto const& entry : list) rules.push_back(RuleReader::read(entry, rules.size() + 1));
  } catch (json::exception const& error) {
    throw BadScenario(error.what());
  }
  std::lock_guard const lock(mutex_);
  rules_ = std::move(rules);
}

Verdict Scenario::judge(std::string_view method, std::string_view path, bool reused_connection) {
  std::lock_guard const lock(mutex_);
  Verdict verdict;
  std::int64_t delay_ms = 0;
  for (auto& rule : rules_) {
    if (!rule.method.empty() && rule.method != "*" && rule.method != method) continue;
    if (rule.reused_only && !reused_connection) continue;
    if (!glob_match(rule.path, path)) continue;
    if (!fires(rule)) continue;
    if (rule.then.action == Action::kDelay) {
      delay_ms += rule.then.delay_ms;
    } else if (verdict.action == Action::kNone) {
      verdict = rule.then;
    }
  }
  verdict.delay_ms = delay_ms;
  return verdict;
}

bool Scenario::fires(Rule& rule) {
  ++rule.seen;
  if (rule.times && rule.fired >= *rule.times) return false;
  // "nth" with more than one firing goes on with the requests that follow.
  if (rule.nth > 0 && rule.seen < rule.nth) return false;
  if (rule.every > 0 && rule.seen % rule.every != 0) return false;
  if (rule.probability && std::uniform_real_distribution<>(0.0, 1.0)(dice_) >= *rule.probability) return false;
  ++rule.fired;
  return true;
}

}  // namespace sluice::emulator

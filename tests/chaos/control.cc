#include "tests/chaos/control.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <map>
#include <sstream>
#include <stdexcept>
#include <utility>
#include <vector>

namespace sluice::chaos {

namespace {

struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using Unit = std::pair<std::string_view, double>;
constexpr std::array<Unit, 3> kDurations{{{"ms", 1}, {"s", 1'000}, {"m", 60'000}}};
constexpr std::array<Unit, 5> kSizes{{{"B", 1}, {"KiB", 1024}, {"MiB", 1 << 20}, {"KB", 1'000}, {"MB", 1'000'000}}};

double number(std::string_view text) {
  double value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0)
    throw Refused("'" + std::string(text) + "' is no number");
  return value;
}

template <std::size_t N>
double with_unit(std::string_view text, std::array<Unit, N> const& units) {
  auto const digits = std::min(text.find_first_not_of("0123456789."), text.size());
  for (auto const& [unit, factor] : units)
    if (text.substr(digits) == unit) return number(text.substr(0, digits)) * factor;
  throw Refused("'" + std::string(text) + "' has no unit that fits");
}

std::uint64_t whole(std::string_view text) { return static_cast<std::uint64_t>(number(text)); }

Millis duration(std::string_view text) { return Millis(static_cast<std::int64_t>(with_unit(text, kDurations))); }

std::uint64_t size(std::string_view text) { return static_cast<std::uint64_t>(with_unit(text, kSizes)); }

std::uint64_t rate(std::string_view text) {
  if (!text.ends_with("/s")) throw Refused("'" + std::string(text) + "' is no rate");
  return size(text.substr(0, text.size() - 2));
}

using Words = std::vector<std::string>;
using Setter = std::function<void(std::string_view value)>;

// Takes each `key=value` from the words at `from` on to the setter of its key.
void set_keys(Words const& words, std::size_t from, std::map<std::string_view, Setter> const& setters) {
  for (auto i = from; i < words.size(); ++i) {
    std::string_view const word = words[i];
    auto const equals = word.find('=');
    auto const setter = setters.find(word.substr(0, equals));
    if (equals == std::string_view::npos || setter == setters.end()) throw Refused("'" + words[i] + "' is not known");
    setter->second(word.substr(equals + 1));
  }
}

void set_course(Words const& words, Course& course) {
  set_keys(words, 2,
           {{"delay", [&](auto value) { course.delay = duration(value); }},
            {"jitter", [&](auto value) { course.jitter = duration(value); }},
            {"rate", [&](auto value) { course.bytes_per_s = rate(value); }},
            {"all-rate", [&](auto value) { course.all_bytes_per_s = rate(value); }}});
}

Fault::Kind kind_of(std::string const& word) {
  static std::map<std::string, Fault::Kind> const kWords{{"reset", Fault::Kind::kReset},
                                                         {"stall", Fault::Kind::kStall},
                                                         {"half-close", Fault::Kind::kHalfClose},
                                                         {"corrupt", Fault::Kind::kCorrupt},
                                                         {"black-hole", Fault::Kind::kBlackHole}};
  auto const found = kWords.find(word);
  if (found == kWords.end()) throw Refused("'" + word + "' is no fault");
  return found->second;
}

Fault fault_of(Words const& words) {
  if (words.size() < 3) throw Refused("which fault?");
  Fault fault{.kind = kind_of(words[2])};
  std::size_t next = 3;
  if (next < words.size() && (words[next] == "there" || words[next] == "back"))
    fault.way = words[next++] == "there" ? Way::kThere : Way::kBack;
  if (next < words.size() && words[next] == "connection") {
    fault.of_connection = true;
    ++next;
  }
  set_keys(words, next,
           {{"after", [&](auto value) { fault.after_bytes = size(value); }},
            {"within", [&](auto value) { fault.within_bytes = size(value); }},
            {"lasts", [&](auto value) { fault.lasts = duration(value); }},
            {"flip", [&](auto value) { fault.flip = static_cast<std::uint8_t>(whole(value)); }},
            {"nth", [&](auto value) { fault.nth = whole(value); }},
            {"every", [&](auto value) { fault.every = whole(value); }},
            {"share", [&](auto value) { fault.share = number(value); }},
            {"per-mib", [&](auto value) { fault.per_mib = number(value); }},
            {"times", [&](auto value) { fault.times = whole(value); }}});
  if (fault.per_mib > 0 && !fault.of_connection) throw Refused("per-mib is of a connection");
  return fault;
}

Outage outage_of(Words const& words) {
  if (words.size() < 3 || (words[2] != "refuse" && words[2] != "silence")) throw Refused("refuse or silence?");
  Outage outage{.kind = words[2] == "refuse" ? Outage::Kind::kRefuse : Outage::Kind::kSilence};
  set_keys(words, 3, {{"lasts", [&](auto value) { outage.lasts = duration(value); }}, {"every", [&](auto value) {
                                                                                         outage.every = duration(value);
                                                                                       }}});
  if (outage.every != Millis(0) && outage.lasts > outage.every) throw Refused("it lasts longer than its period");
  return outage;
}

std::string counts_text(Counts const& counts) {
  std::ostringstream text;
  text << "connections=" << counts.connections << " turns=" << counts.turns << " bytes-there=" << counts.bytes_there
       << " bytes-back=" << counts.bytes_back << " resets=" << counts.resets << " stalls=" << counts.stalls
       << " half-closes=" << counts.half_closes << " corruptions=" << counts.corruptions
       << " black-holes=" << counts.black_holes << " outages=" << counts.outages;
  return text.str();
}

std::string carry_out(Proxy& proxy, Words const& words) {
  if (words.size() < 2) throw Refused("a line's name and a command");
  auto const& name = words[0];
  auto const& command = words[1];
  if (command == "counts") return counts_text(proxy.counts(name));
  if (command == "cut") return proxy.cut(name), "ok";
  if (command == "to" && words.size() == 3) return proxy.lead(name, static_cast<std::uint16_t>(whole(words[2]))), "ok";
  auto rules = proxy.rules(name);
  if (command == "there" || command == "back")
    set_course(words, command == "there" ? rules.there : rules.back);
  else if (command == "fault")
    rules.faults.push_back(fault_of(words));
  else if (command == "outage")
    rules.outage = outage_of(words);
  else if (command == "clear")
    rules = {};
  else
    throw Refused("'" + command + "' is no command");
  proxy.set(name, std::move(rules));
  return "ok";
}

}  // namespace

std::string obey(Proxy& proxy, std::string_view command) {
  std::istringstream text{std::string(command)};
  Words words;
  for (std::string word; text >> word;) words.push_back(word);
  try {
    return carry_out(proxy, words);
  } catch (std::exception const& error) {
    return std::string("error: ") + error.what();
  }
}

}  // namespace sluice::chaos

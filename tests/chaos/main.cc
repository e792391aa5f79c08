// main.cc - the program sluice-chaos: a chaos proxy that is told what to do by lines of text (control.h).
//
//   sluice-chaos --line store:8081 --rule "store there delay=200ms jitter=150ms" < commands
//
// It says where each line listens, then answers each line of standard input with one line. It ends by SIGTERM, with its
// parent, and after its longest life; the end of its input does not end it.

#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "tests/chaos/control.h"

namespace {

using sluice::chaos::Instant;
using sluice::chaos::Proxy;

struct Options {
  std::vector<std::string> lines;
  std::vector<std::string> rules;
  std::uint64_t seed = 0;
  int life_s = 3600;  // nobody looks for a proxy that was forgotten
};

void say(std::string const& text) {
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

// NAME:TO_PORT or NAME:TO_PORT:AT_PORT. Returns what is to be said of it.
std::string open_line(Proxy& proxy, std::string const& text) {
  auto const first = text.find(':');
  auto const second = text.find(':', first + 1);
  if (first == std::string::npos) throw std::runtime_error("--line NAME:TO_PORT[:AT_PORT], not " + text);
  auto const to = std::stoi(text.substr(first + 1, second - first - 1));
  auto const at = second == std::string::npos ? 0 : std::stoi(text.substr(second + 1));
  auto const name = text.substr(0, first);
  auto const port = proxy.open(name, static_cast<std::uint16_t>(to), static_cast<std::uint16_t>(at));
  return name + " 127.0.0.1:" + std::to_string(port);
}

void take_commands(Proxy& proxy, Instant end) {
  std::string text;
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  while (true) {
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return;
    if (::poll(&input, 1, static_cast<int>(left.count())) <= 0) continue;
    std::array<char, 4096> buffer{};
    auto const got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got <= 0) input.fd = -1;  // poll passes over it from now on
    if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
    for (auto at = text.find('\n'); at != std::string::npos; at = text.find('\n')) {
      say(obey(proxy, text.substr(0, at)));
      text.erase(0, at + 1);
    }
  }
}

int run(Options const& options) {
  auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(options.life_s);
  say("seed " + std::to_string(options.seed));
  Proxy proxy(options.seed);
  std::vector<std::string> open;
  for (auto const& line : options.lines) open.push_back(open_line(proxy, line));
  for (auto const& rule : options.rules) {
    auto const answer = obey(proxy, rule);
    if (answer != "ok") throw std::runtime_error(rule + ": " + answer);
  }
  for (auto const& line : open) say(line);  // whoever reads it meets the rules
  take_commands(proxy, end);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  auto const parent = ::getppid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) return 0;  // it died before we could ask to be told
  Options options;
  options.seed = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()) % 1'000'000;
  CLI::App app("A proxy that makes a line bad, on loopback.", "sluice-chaos");
  app.add_option("--line", options.lines, "NAME:TO_PORT[:AT_PORT]; several may be given")->required();
  app.add_option("--rule", options.rules, "a command, as on standard input; several may be given");
  app.add_option("--seed", options.seed, "of all that is random; else the clock's, and printed");
  app.add_option("--life", options.life_s, "seconds after which it ends by itself")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    return run(options);
  } catch (std::exception const& error) {
    std::fprintf(stderr, "sluice-chaos: %s\n", error.what());
    return 1;
  }
}

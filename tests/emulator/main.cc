// main.cc - the program sluice-emulator: command line, ready file, and a wait for SIGTERM or SIGINT.

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "command_line.h"
#include "emulator.h"

namespace {

// Whoever waits for the file sees it whole or not at all.
void write_ready_file(std::filesystem::path const& path, sluice::emulator::Emulator const& emulator) {
  if (path.empty()) return;
  auto const temporary = path.string() + ".tmp";
  {
    std::ofstream file(temporary);
    nlohmann::json const content{
        {"base_url", emulator.base_url()}, {"store_url", emulator.store_url()}, {"pid", getpid()}};
    file << content.dump() << '\n';
    if (!file.flush()) throw std::runtime_error("cannot write " + temporary);
  }
  std::filesystem::rename(temporary, path);
}

int run(sluice::emulator::Options const& options, sigset_t const& endings) {
  sluice::emulator::Emulator const emulator(options, sluice::emulator::system_clock());
  write_ready_file(options.ready_file, emulator);
  if (!options.quiet) {
    std::printf("sluice-emulator: API at %s, store at %s, key \"%s\"; Ctrl-C ends it\n", emulator.base_url().c_str(),
                emulator.store_url().c_str(), options.api_key.c_str());
    std::fflush(stdout);
  }
  int signal = 0;
  sigwait(&endings, &signal);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  auto const parsed = sluice::emulator::parse_command_line(argc, argv);
  if (auto const* const code = std::get_if<int>(&parsed)) return *code;
  // Blocked before any thread exists, so that the signals reach sigwait and nothing else.
  sigset_t endings;
  sigemptyset(&endings);
  sigaddset(&endings, SIGTERM);
  sigaddset(&endings, SIGINT);
  pthread_sigmask(SIG_BLOCK, &endings, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run(std::get<sluice::emulator::Options>(parsed), endings);
  } catch (std::exception const& error) {
    std::fprintf(stderr, "sluice-emulator: %s\n", error.what());
    return 1;
  }
}

// main.cc - the program sluice-bench-sink: a platform that takes uploads as fast as the kernel gives them.

#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "server.h"

namespace {

using sluice::bench::Options;

void add_options(CLI::App& app, Options& options) {
  app.add_option("--ready-file", options.ready_file, "JSON with base_url, store_url and pid")->required();
  app.add_option("--certificate", options.certificate, "PEM; with it both ports speak TLS 1.3 alone");
  app.add_option("--private-key", options.private_key, "PEM, of the certificate");
  app.add_option("--chunk-bytes", options.chunk_bytes, "bytes per chunk")->capture_default_str();
  app.add_option("--initial-urls", options.initial_urls, "URLs in a new session")->capture_default_str();
  app.add_option("--connection-rate", options.connection_bytes_per_s, "bytes/s of each connection; 0: no limit");
  app.add_option("--line-rate", options.line_bytes_per_s, "bytes/s of all connections together; 0: no limit");
  app.add_option("--answer-delay", options.answer_delay_ms, "ms before each answer");
  app.add_option("--connect-delay", options.connect_delay_ms, "ms before a new connection is read from");
  app.add_option("--stall-every", options.stall_every, "each so-manieth PUT stands still halfway; 0: none does");
  app.add_option("--stall", options.stall_ms, "ms for which it does");
  app.add_flag("--never-ready", options.never_ready, "assets stay `processing`");
}

// Whoever waits for the file sees it whole or not at all.
void write_ready_file(std::filesystem::path const& path, sluice::bench::Server const& server) {
  auto const temporary = path.string() + ".tmp";
  {
    std::ofstream file(temporary);
    nlohmann::json const content{{"base_url", server.base_url()}, {"store_url", server.store_url()}, {"pid", getpid()}};
    file << content.dump() << '\n';
    if (!file.flush()) throw std::runtime_error("cannot write " + temporary);
  }
  std::filesystem::rename(temporary, path);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("A platform for measurements: bodies are read and dropped, ETags are no MD5.", "sluice-bench-sink");
  add_options(app, options);
  CLI11_PARSE(app, argc, argv);
  sigset_t endings;
  sigemptyset(&endings);
  sigaddset(&endings, SIGTERM);
  sigaddset(&endings, SIGINT);
  sigprocmask(SIG_BLOCK, &endings, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    sluice::bench::Platform platform(options);
    sluice::bench::Server server(options, platform);
    platform.listens_at(server.base_url(), server.store_url());
    write_ready_file(options.ready_file, server);
    server.run(signalfd(-1, &endings, SFD_CLOEXEC));
    return 0;
  } catch (std::exception const& error) {
    std::fprintf(stderr, "sluice-bench-sink: %s\n", error.what());
    return 1;
  }
}

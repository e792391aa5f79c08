// main.cc - the program sluice-bench-send: PUTs parts of files, one thread for each connection.
//
// It is the bound that others are held against: `sendfile` is the least a byte can cost, `md5` is what the
// usual digest and an ordinary loop cost. The parts come from a file of lines: path, file, offset, length,
// with tabs between them.

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "connection.h"

namespace {

using sluice::bench::Connection;
using sluice::bench::Part;
using sluice::bench::Way;

struct ContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using Context = std::unique_ptr<SSL_CTX, ContextFree>;

std::vector<Part> read_parts(std::string const& name) {
  std::ifstream file(name);
  std::vector<Part> parts;
  Part part;
  while (std::getline(file, part.path, '\t') && std::getline(file, part.file, '\t') &&
         file >> part.offset_bytes >> part.length_bytes) {
    parts.push_back(part);
    file.ignore(1);
  }
  if (parts.empty()) throw std::runtime_error("no parts in " + name);
  return parts;
}

Context client_context(std::string const& ca_file) {
  if (ca_file.empty()) return {};
  Context context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (SSL_CTX_load_verify_file(context.get(), ca_file.c_str()) != 1) throw std::runtime_error("cannot use " + ca_file);
  return context;
}

}  // namespace

int main(int argc, char** argv) {
  std::string parts_file;
  std::string ca_file;
  std::uint16_t port = 0;
  unsigned connections = 1;
  Way way = Way::kSendfile;
  std::map<std::string, Way> const ways{{"sendfile", Way::kSendfile}, {"copy", Way::kCopy}, {"md5", Way::kMd5}};
  CLI::App app("PUTs parts of files over some connections of 127.0.0.1.", "sluice-bench-send");
  app.add_option("--parts", parts_file, "lines of path, file, offset and length, with tabs between")->required();
  app.add_option("--port", port)->required();
  app.add_option("--connections", connections)->capture_default_str();
  app.add_option("--way", way)->transform(CLI::CheckedTransformer(ways));
  app.add_option("--ca-file", ca_file, "PEM; with it TLS 1.3 is spoken");
  CLI11_PARSE(app, argc, argv);
  try {
    auto const parts = read_parts(parts_file);
    auto const context = client_context(ca_file);
    if (context && way == Way::kSendfile) throw std::runtime_error("sendfile cannot encrypt");
    std::atomic<std::size_t> next = 0;
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < connections; ++i) {
      threads.emplace_back([&] {
        try {
          Connection connection(port, context.get());
          for (auto at = next++; at < parts.size(); at = next++) connection.put(parts[at], way);
        } catch (std::exception const& error) {
          std::fprintf(stderr, "sluice-bench-send: %s\n", error.what());
          std::_Exit(1);
        }
      });
    }
    threads.clear();
    return 0;
  } catch (std::exception const& error) {
    std::fprintf(stderr, "sluice-bench-send: %s\n", error.what());
    return 1;
  }
}

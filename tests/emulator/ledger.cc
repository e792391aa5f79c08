#include "ledger.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace sluice::emulator {

using nlohmann::json;

Ledger::Ledger(std::filesystem::path const& dir, Clock clock)
    : path_(dir / "ledger.jsonl"),
      clock_(std::move(clock)),
      fd_(open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
  if (fd_ < 0) throw std::runtime_error("cannot open " + path_.string() + ": " + std::strerror(errno));
}

Ledger::~Ledger() { close(fd_); }

void Ledger::write(std::string const& event, json fields) {
  std::lock_guard const lock(mutex_);
  fields["seq"] = ++seq_;
  fields["at_ms"] = clock_();
  fields["event"] = event;
  // Texts from clients may hold broken UTF-8; the ledger replaces what it cannot write.
  auto const line = fields.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
  auto const written = ::write(fd_, line.data(), line.size());  // one call: a line is never torn
  if (written != static_cast<ssize_t>(line.size())) {
    throw std::runtime_error("cannot write the ledger: " + std::string(std::strerror(errno)));
  }
}

std::string Ledger::events_from(std::uint64_t from) const {
  std::lock_guard const lock(mutex_);
  std::ifstream file(path_);
  std::string out = "[";
  std::uint64_t seq = 0;
  for (std::string line; std::getline(file, line);) {
    if (++seq < from) continue;
    if (out.size() > 1) out += ",\n";
    out += line;
  }
  return out + "]";
}

std::uint64_t Ledger::count(std::string const& endpoint, int status) {
  std::lock_guard const lock(mutex_);
  auto& row = counts_[endpoint];
  ++row.total;
  if (status == 0)
    ++row.cut;
  else if (status < 400)
    ++row.good;
  else if (status < 500)
    ++row.client_error;
  else
    ++row.server_error;
  return ++requests_;
}

json Ledger::requests() const {
  std::lock_guard const lock(mutex_);
  auto out = json::object();
  for (auto const& [endpoint, row] : counts_) {
    out[endpoint] = {{"count", row.total},
                     {"2xx", row.good},
                     {"4xx", row.client_error},
                     {"5xx", row.server_error},
                     {"cut", row.cut}};
  }
  return out;
}

}  // namespace sluice::emulator

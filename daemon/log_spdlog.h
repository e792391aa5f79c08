// log_spdlog.h - the log goes to stderr, one line an event, in the form its reader wants.
//
// Written by the calling thread, unbuffered, never dropped. A line can never become two: control bytes
// and invalid UTF-8 in it are escaped (D42, F8). Who hands a secret to it has a bug elsewhere: nothing
// is redacted here.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/ports/log.h"

namespace sluice::daemon {

enum class LogFormat : std::uint8_t {
  kAuto,     // kJournal under systemd, kText on a terminal, else kJson
  kJournal,  // "<4>event key=value": the syslog priority in front, as sd-daemon(3) reads it; no time
  kText,     // "03:04:05.123 warning event key=value", local time
  kJson,     // {"time":"2026-11-22T03:04:05.123Z","level":"warning","line":"event key=value"}, UTC
};

class LogSpdlog final : public ports::Log {
 public:
  // Lines below `least` are not written.
  explicit LogSpdlog(ports::Level least = ports::Level::kInfo, LogFormat format = LogFormat::kAuto);
  ~LogSpdlog() override;
  LogSpdlog(LogSpdlog const&) = delete;
  LogSpdlog& operator=(LogSpdlog const&) = delete;

  void write(ports::Level level, std::string_view line) override;
  void set_least(ports::Level least);  // on reload

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What kAuto means for this process's stderr. It is the journal when $JOURNAL_STREAM names the very
// device and inode of stderr (systemd.exec(5)); a child whose stderr was put elsewhere is not fooled.
LogFormat chosen_format();

}  // namespace sluice::daemon

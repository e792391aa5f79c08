#include "daemon/log_spdlog.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "core/base/text.h"

namespace sluice::daemon {
namespace {

spdlog::level::level_enum to_spdlog(ports::Level level) {
  switch (level) {
    case ports::Level::kDebug: return spdlog::level::debug;
    case ports::Level::kInfo: return spdlog::level::info;
    case ports::Level::kWarning: return spdlog::level::warn;
    case ports::Level::kError: return spdlog::level::err;
  }
  std::abort();
}

// The syslog priorities of sd-daemon(3).
std::string_view priority_of(ports::Level level) {
  switch (level) {
    case ports::Level::kDebug: return "<7>";
    case ports::Level::kInfo: return "<6>";
    case ports::Level::kWarning: return "<4>";
    case ports::Level::kError: return "<3>";
  }
  std::abort();
}

// A line without control bytes, in valid UTF-8. Nearly always it is so already.
std::string one_line(std::string_view line) {
  auto const is_control = [](char byte) { return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f; };
  if (std::ranges::any_of(line, is_control) || !is_utf8(line)) return printable(line);
  return std::string(line);
}

std::string json_escaped(std::string_view line) {  // of one_line(), so only these two are left
  std::string escaped;
  for (auto const byte : line) {
    if (byte == '"' || byte == '\\') escaped += '\\';
    escaped += byte;
  }
  return escaped;
}

}  // namespace

LogFormat chosen_format() {
  struct stat about {};
  auto const* stream = ::getenv("JOURNAL_STREAM");
  if (stream != nullptr && ::fstat(STDERR_FILENO, &about) == 0 &&
      std::to_string(about.st_dev) + ":" + std::to_string(about.st_ino) == stream) {
    return LogFormat::kJournal;
  }
  return ::isatty(STDERR_FILENO) == 1 ? LogFormat::kText : LogFormat::kJson;
}

struct LogSpdlog::Impl {
  LogFormat format;
  spdlog::logger logger;
};

LogSpdlog::LogSpdlog(ports::Level least, LogFormat format)
    : impl_(new Impl{format == LogFormat::kAuto ? chosen_format() : format,
                     spdlog::logger("sluice", std::make_shared<spdlog::sinks::stderr_sink_mt>())}) {
  switch (impl_->format) {
    case LogFormat::kJournal: impl_->logger.set_pattern("%v"); break;
    case LogFormat::kText: impl_->logger.set_pattern("%H:%M:%S.%e %l %v"); break;
    case LogFormat::kAuto:
    case LogFormat::kJson:
      impl_->logger.set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","line":"%v"})",
                                spdlog::pattern_time_type::utc);
      break;
  }
  set_least(least);
}

LogSpdlog::~LogSpdlog() = default;

void LogSpdlog::set_least(ports::Level least) { impl_->logger.set_level(to_spdlog(least)); }

void LogSpdlog::write(ports::Level level, std::string_view line) {
  auto const at = to_spdlog(level);
  if (!impl_->logger.should_log(at)) return;
  auto text = one_line(line);
  if (impl_->format == LogFormat::kJson) text = json_escaped(text);
  if (impl_->format == LogFormat::kJournal) text.insert(0, priority_of(level));
  impl_->logger.log(at, spdlog::string_view_t(text));
}

}  // namespace sluice::daemon

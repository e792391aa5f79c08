// log.h - the way out to the log. One line per transition; a line nobody would act on is debug.
//
// A line is `event key=value ...`; values with spaces are quoted by the caller through printable().
// Lines never hold a secret: URLs come without their query, the key never.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::ports {

enum class Level : std::uint8_t { kDebug, kInfo, kWarning, kError };

class Log {
 public:
  virtual ~Log() = default;
  virtual void write(Level level, std::string_view line) = 0;

  void debug(std::string_view line) { write(Level::kDebug, line); }
  void info(std::string_view line) { write(Level::kInfo, line); }
  void warning(std::string_view line) { write(Level::kWarning, line); }
  void error(std::string_view line) { write(Level::kError, line); }
};

}  // namespace sluice::ports

#include "daemon/cli/surroundings.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string_view>

#include "config/config.h"
#include "config/load.h"
#include "daemon/cli/exit_codes.h"

namespace sluice::cli {
namespace {

constexpr std::size_t kWidthPiped = 4000;

std::optional<std::string> environment(std::string const& name) {
  auto const* const value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): one thread, nobody writes it
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

}  // namespace

bool is_terminal(int fd) { return ::isatty(fd) == 1; }

Look look_at(int fd) {
  Look look;
  if (!is_terminal(fd)) {
    look.width = kWidthPiped;
    return look;
  }
  look.color = !environment("NO_COLOR") && environment("TERM").value_or("dumb") != "dumb";
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) look.width = std::max<std::size_t>(size.ws_col, 40);
  return look;
}

std::expected<std::string, Trouble> find_socket(Arguments const& arguments) {
  if (!arguments.socket.empty()) return arguments.socket;
  if (auto const named = environment("SLUICE_SOCKET")) return *named;
  auto const file = config::find_config(arguments.config, environment);
  bool const asked_for = !arguments.config.empty() || environment("SLUICE_CONFIG");
  if (!asked_for && ::access(file.c_str(), R_OK) != 0) return config::Config{}.control_socket;
  auto const loaded = config::load(file, {.needs_source = false, .needs_key = false});
  if (loaded) return loaded->control_socket;
  std::string text = "the configuration is invalid";
  for (auto const& error : loaded.error()) text += "\n  " + error.to_text();
  return std::unexpected(
      Trouble{.code = "bad_config",
              .text = std::move(text),
              .next = "sluiced --check-config --config " + file.string() + ", or name the socket with --socket",
              .exit_code = kBadConfig});
}

}  // namespace sluice::cli

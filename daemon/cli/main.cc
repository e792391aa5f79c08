// main.cc - the `sluice` command: reads the line, finds the daemon, runs one verb.

#include <unistd.h>

#include <chrono>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "core/base/json.h"
#include "daemon/cli/arguments.h"
#include "daemon/cli/bars.h"
#include "daemon/cli/exit_codes.h"
#include "daemon/cli/journal_verbs.h"
#include "daemon/cli/socket_client.h"
#include "daemon/cli/surroundings.h"
#include "daemon/cli/verbs.h"
#include "daemon/ingest.h"

namespace sluice::cli {
namespace {

Millis elapsed() { return std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now().time_since_epoch()); }

WallTime wall_now() { return std::chrono::floor<Millis>(std::chrono::system_clock::now()); }

int print_version(bool json) {
  if (json)
    std::cout << Json::object({{"name", "sluice"}, {"version", SLUICE_VERSION}}).dump(2) << "\n";
  else
    std::cout << "sluice " SLUICE_VERSION "\n";
  return kFine;
}

int ingest(Arguments const& arguments) {
  auto const style = arguments.json               ? Bars::Style::kJson
                     : is_terminal(STDOUT_FILENO) ? Bars::Style::kTerminal
                                                  : Bars::Style::kPlain;
  Bars bars(style, {.out = std::cout,
                    .err = std::cerr,
                    .look = look_at(STDOUT_FILENO),
                    .err_look = look_at(STDERR_FILENO),
                    .elapsed = elapsed});
  daemon::IngestOptions const options{.paths = arguments.words,
                                      .config_file = arguments.config,
                                      .state_dir = arguments.state_dir,
                                      .name = arguments.name,
                                      .pipeline = arguments.pipeline,
                                      .index = arguments.index,
                                      .collection = arguments.collection,
                                      .entity = arguments.entity,
                                      .dry_run = arguments.dry_run};
  auto const exit_code = daemon::run_ingest(options, bars);
  bars.finish(exit_code);
  return exit_code;
}

int ask_the_daemon(Arguments const& arguments, std::string const& socket) {
  SocketClient client(socket);
  std::error_code ignored;
  Stand stand{.client = client,
              .out = std::cout,
              .err = std::cerr,
              .look = look_at(STDOUT_FILENO),
              .err_look = look_at(STDERR_FILENO),
              .now = wall_now,
              .elapsed = elapsed,
              .sleep = [](Millis span) { std::this_thread::sleep_for(span); },
              .folder = std::filesystem::current_path(ignored).string()};
  if (arguments.verb == "status") return run_status(arguments, stand);
  if (arguments.verb == "ls") return run_ls(arguments, stand);
  if (arguments.verb == "show") return run_show(arguments, stand);
  if (arguments.verb == "add") return run_add(arguments, stand);
  if (arguments.verb == "wait") return run_wait(arguments, stand);
  if (arguments.verb == "retry") return run_retry(arguments, stand);
  if (arguments.verb == "explain") return run_explain(arguments, stand);
  if (arguments.verb == "rescan") return run_rescan(arguments, stand);
  return run_cancel(arguments, stand);
}

int end_early(std::string const& text, std::string const& next, int exit_code) {
  std::cerr << render_trouble(text, next, look_at(STDERR_FILENO));
  return exit_code;
}

int run(std::vector<std::string> const& words) {
  auto const arguments = read_arguments(words);
  if (!arguments) {
    auto const& end = arguments.error();
    std::cout << end.out;
    return end.trouble.empty() ? end.exit_code : end_early(end.trouble, end.next, end.exit_code);
  }
  if (is_for_later(arguments->verb, arguments->action))
    return end_early(
        arguments->verb + (arguments->action.empty() ? "" : " " + arguments->action) + " is not supported yet",
        "see what is: sluice --help", kUsage);
  if (arguments->verb == "version") return print_version(arguments->json);
  if (arguments->verb == "ingest") return ingest(*arguments);
  if (arguments->verb == "journal") return run_journal(*arguments, std::cout, std::cerr, look_at(STDERR_FILENO));
  auto const socket = find_socket(*arguments);
  if (!socket) {
    if (arguments->json) std::cout << trouble_json(socket.error()).dump(2) << "\n";
    return end_early(socket.error().text, socket.error().next, socket.error().exit_code);
  }
  return ask_the_daemon(*arguments, *socket);
}

}  // namespace
}  // namespace sluice::cli

int main(int argc, char** argv) {
  try {
    auto const exit_code = sluice::cli::run(std::vector<std::string>(argv + 1, argv + argc));
    std::cout << std::flush;
    return exit_code;
  } catch (std::exception const& broken) {
    std::cerr << "sluice: internal error: " << broken.what() << "\n  next: run it again; if it stays, report it\n";
    return sluice::cli::kInternalError;
  }
}

// arguments.h - the command line, read once into plain values. The one home of CLI11.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "core/base/time.h"

namespace sluice::cli {

struct Arguments {
  // "status", "ls", "show", "explain", "add", "wait", "retry", "cancel", "rescan", "ingest", "journal", "version", or
  // one of kLater
  std::string verb;
  std::string action = {};  // journal: "check", "rebuild", or one of kJournalLater
  bool json = false;        // --json
  std::string socket = {};  // --socket; "": SLUICE_SOCKET, else the configuration
  std::string config = {};  // --config

  std::vector<std::string> words =
      {};  // ids of show, wait, retry, cancel; paths and URLs of add, ingest; paths of journal rebuild

  std::string stage = {};   // ls
  std::string state = {};   // ls
  std::string source = {};  // ls, rescan
  int limit = 100;          // ls; 0: all

  bool all = false;                    // wait
  std::optional<Millis> timeout = {};  // wait; nothing: for ever
  bool failed = false;                 // retry

  std::string pipeline = {};                   // add, ingest
  std::optional<std::string> index = {};       // add, ingest
  std::optional<std::string> collection = {};  // add, ingest
  std::optional<std::string> entity = {};      // add, ingest
  std::string name = {};                       // add, ingest: of a single URL
  bool dry_run = false;                        // add, ingest, journal rebuild
  bool force = false;                          // journal rebuild
  std::string state_dir = {};                  // ingest, journal
};

// What is printed instead of running a verb: help, the version, or what is wrong with the line.
struct ParseEnd {
  int exit_code;        // kFine for help, kUsage for errors
  std::string out;      // for the standard output
  std::string trouble;  // what is wrong; "" for help
  std::string next;     // the next command
};

// Verbs that the product has and this release lacks; `action` is journal's, else "".
bool is_for_later(std::string const& verb, std::string const& action = {});

std::expected<Arguments, ParseEnd> read_arguments(std::vector<std::string> const& words);

// "90", "30s", "10m", "1h", "2d", "500ms"; a bare number counts seconds. Nothing for other text.
std::optional<Millis> read_duration(std::string const& text);

}  // namespace sluice::cli

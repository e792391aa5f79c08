// verbs.h - what each verb asks the daemon, prints, and ends with.
//
// A verb returns its exit code. Everything it touches comes in through Stand, so that a test can stand
// in for the daemon, the terminal and the clock.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>

#include "core/base/time.h"
#include "daemon/cli/arguments.h"
#include "daemon/cli/client.h"
#include "daemon/cli/look.h"
#include "daemon/cli/render.h"

namespace sluice::cli {

struct Stand {
  Client& client;
  std::ostream& out;
  std::ostream& err;
  Look look;      // of the standard output; its `now` is set anew by each verb
  Look err_look;  // of the standard error
  std::function<WallTime()> now;
  std::function<Millis()> elapsed;  // since some fixed moment; never jumps
  std::function<void(Millis)> sleep;
  std::string folder;  // where relative paths begin: the current one
};

int run_status(Arguments const& arguments, Stand& stand);
int run_ls(Arguments const& arguments, Stand& stand);
int run_show(Arguments const& arguments, Stand& stand);
int run_add(Arguments const& arguments, Stand& stand);
int run_retry(Arguments const& arguments, Stand& stand);
int run_cancel(Arguments const& arguments, Stand& stand);
int run_explain(Arguments const& arguments, Stand& stand);
int run_rescan(Arguments const& arguments, Stand& stand);

// Polls until all named items, or all there are, are at an end. A daemon that goes away meanwhile is
// waited for too, for a minute.
// Returns  kFine: none failed (skipped and cancelled ones count as ended); kSomeFailed; kTimedOut;
//          kNoDaemon; kNoSuchItem.
int run_wait(Arguments const& arguments, Stand& stand);

// Prints the trouble: for people on the standard error, and as JSON on the standard output if asked.
int end_with(Trouble const& trouble, bool json, Stand& stand);

// Asks, and reads the JSON of a 200.
std::expected<Json, Trouble> ask_json(Stand& stand, Question const& question);

// "/v1/items/<id or path>", percent-encoded; a relative path that exists here is made absolute.
std::string item_target(std::string const& word, Stand const& stand);

}  // namespace sluice::cli

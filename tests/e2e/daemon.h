// daemon.h - sluiced as a child process: its configuration, its life, and its control socket.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "http.h"
#include "process.h"

namespace sluice::e2e {

// Every pipeline of the tests: footage goes into an index, pictures into an entity named for their folder.
inline constexpr char kPipelines[] = R"(
  footage:
    kinds: [video, audio]
    asset: {user_metadata: {site: north}}
    index: {name: footage, create: {models: [{name: marengo3.0, options: [visual, audio]}]}}
  cast:
    kinds: [image]
    entity: {collection: Cast, name: "{dir}"}
)";

// What a test may want to have otherwise. Times are short, so that looks, polls and retries are quick.
struct Settings {
  std::string pipelines = kPipelines;
  std::string key_file = {};      // "": the site's own
  std::string base_url = {};      // "": the emulator's own
  std::string platform = {};      // more lines of the section platform, two spaces before each: "  ca_file: /x\n"
  std::string limits = {};        // more lines beneath platform.limits, "multipart_video: 3MiB"
  std::string more_sources = {};  // whole list entries
  std::string more = {};          // whole sections
  std::string log_level = "info";
  std::string settle = "0s";
  std::string direct_max = "16MiB";
  std::string bandwidth = "~";
  std::string transfer = {};       // more keys of transfer, "stall: {below: 64KiB/s, for: 1s}"
  std::string list_lag = "1s";     // over which lost answers are looked for,
  std::string late_effect = "0s";  // ... added to this
  std::string retry = "{initial: 100ms, max: 1s}";
  std::string poll = "{min: 100ms, max: 500ms}";
  int chunks_max = 8;
};

// Where one daemon lives: everything is beneath `folder`.
struct Home {
  std::string folder;
  std::string config_file() const { return folder + "/sluice.yaml"; }
  std::string key_file() const { return folder + "/key"; }
  std::string drop() const { return folder + "/drop"; }
  std::string state() const { return folder + "/state"; }
  std::string socket() const { return folder + "/control.sock"; }
  std::string notify_socket() const { return folder + "/notify.sock"; }
  std::string log_file() const { return folder + "/sluiced.log"; }  // of all lives of the daemon
};

// The configuration of these settings, as YAML.
std::string config_text(Home const& home, Settings const& settings, std::string const& base_url);
void write_config(Home const& home, Settings const& settings, std::string const& base_url);
// A key file, mode 0600.
void write_key(std::string const& path, std::string const& key);

class Daemon {
 public:
  explicit Daemon(Home home) : home_(std::move(home)) {}

  // More environment for the starts to come: a fault to preload (faulty.h), a watchdog to feed.
  void set_environment(std::map<std::string, std::string> environment) { environment_ = std::move(environment); }

  // The words of a program that becomes the daemon: it is given the daemon's own words as more arguments.
  void run_within(std::vector<std::string> words) { within_ = std::move(words); }

  // Starts it and waits until it says that it is ready (sd_notify). Throws when it ends instead.
  void start();
  // The same, but an early end is no surprise: returns its exit code then, nothing when it is ready.
  std::optional<int> start_or_end();
  // Starts it, and asks nothing of it.
  void start_unwatched() { process_ = spawn(""); }
  // Starts it, expecting that it will not become ready. Returns its exit code, or -1 when it runs on.
  int start_and_end();
  void kill_at_once();  // SIGKILL; returns when it is gone
  // SIGTERM. Returns its exit code, or -1 when it does not end in time.
  int stop(Millis patience = Millis(20'000));
  // Looks for `span` whether it ends by itself. Returns whether it still runs.
  bool lives_for(Millis span);
  // Its exit code once it has ended by itself, or by a signal (128 and its number).
  std::optional<int> ended(Millis patience = Millis(0)) { return process_->wait(patience); }
  void send(int signal) const { process_->send(signal); }

  Home const& home() const { return home_; }
  pid_t pid() const { return process_->pid(); }
  std::string log() const { return read_text(home_.log_file()); }

  Answer get(std::string const& target) const;
  Answer post(std::string const& target, std::string const& body = "") const;
  Json status() const { return get("/v1/status").json(); }
  std::uint64_t total(std::string const& end) const { return status().at("totals").at(end); }
  // All items, over all pages.
  Json items() const;
  // The item of that file name. Throws when there is none.
  Json item(std::string const& name) const;
  Json story(std::string const& name) const;

 private:
  std::unique_ptr<Process> spawn(std::string const& notify_socket) const;

  Home home_;
  std::map<std::string, std::string> environment_;
  std::vector<std::string> within_;
  std::unique_ptr<Process> process_;
};

}  // namespace sluice::e2e

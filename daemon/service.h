// service.h - sluiced itself: the engine, its hints, its orders, and what it tells systemd.
//
// Built top to bottom, one owner each; run() is the loop. What ends it is said by exit codes alone
// (product page, section 8): everything else is degraded, said, and lived through.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "daemon/control_server.h"
#include "daemon/desk.h"
#include "daemon/engine.h"
#include "daemon/key_place.h"
#include "daemon/notify_systemd.h"
#include "daemon/signals_linux.h"
#include "daemon/state_lock.h"
#include "daemon/watch_threads.h"

namespace sluice::daemon {

class Service {
 public:
  // Takes the state directory's lock and opens the journal and the control socket.
  // Fails   kLocal with the code "locked" or "state_dir" (exit 10), "key_missing" or "key_unusable" of a hook's secret
  //         (exit 7), "route" (exit 78), or the control socket's (exit 1).
  // Throws  journal::JournalError (exit 10).
  static Result<std::unique_ptr<Service>> open(config::Config const& config, ApiKey key, ports::Log& log);

  // Until SIGTERM or SIGINT. The first drains: nothing new starts, what is in the air gets a bounded
  // time; the second leaves at once. The next start takes up what was left.
  // Returns  the exit code.
  // Throws   journal::JournalError (exit 10).
  int run();

 private:
  Service(config::Config const& config, ApiKey key, WireRoute route, std::vector<HookSecret> secrets, ports::Log& log,
          StateLock lock, std::unique_ptr<ControlServer> control);

  void take_signals();
  void take_hints();
  void note_watching();
  void look_for_key(bool asked);
  void reload();
  void serve_requests();
  struct Waiting {  // a request, and what is known of the files that it names
    ControlRequest request;
    Spots spots = {};
  };
  void serve_in_turn(std::vector<Waiting>& requests);
  void answer_without_turn(std::vector<Waiting> const& requests);
  StatusFacts facts() const;
  void add_sources(StatusFacts& facts) const;
  void add_manifests(StatusFacts& facts) const;
  void add_outages(std::vector<HealthReason>& reasons) const;
  void add_acts(std::vector<HealthReason>& reasons) const;
  void add_limits(std::vector<HealthReason>& reasons) const;
  void tell_systemd();
  void look_at_state(bool at_end);
  void drain();
  bool drained();
  void save_journal();
  void sleep();

  config::Config const& config_;
  ports::Log& log_;
  StateLock lock_;
  stage::Policy policy_;
  KeyPlace key_place_;
  std::unique_ptr<ControlServer> control_;
  SignalsLinux signals_;
  NotifySystemd notify_;
  Engine engine_;
  WatchThreads watch_;
  WallTime started_at_;
  int stops_ = 0;
  bool signal_came_ = true;  // what the last sleep saw; at first everything is looked at
  bool control_called_ = true;
  std::vector<Waiting> waiting_;  // for answers of the file system
  BootTime next_waiting_look_{};
  bool watch_called_ = true;
  std::optional<BootTime> drain_until_;
  BootTime next_state_look_{};
  std::optional<std::filesystem::path> journal_gone_;  // the file that is not what was opened any more
  std::optional<WallTime> journal_gone_since_;
  bool journal_saved_ = false;
  BootTime next_save_{};  // once a try has failed
  BootTime next_watch_{};
  BootTime next_key_look_{};
  BootTime next_alive_{};
  BootTime next_status_{};
  std::map<std::string, std::pair<Coverage, bool>> watching_said_;  // by source; and whether its folder was silent
  std::string last_status_;
  std::string config_hash_ = config_.hash;  // of what was read last
  std::uint64_t status_rows_ = UINT64_MAX;  // rows written by then, and whether it said paused
  bool status_paused_ = false;
};

}  // namespace sluice::daemon

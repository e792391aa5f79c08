#include "daemon.h"

#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <stdexcept>

#include "notify_socket.h"
#include "programs.h"

namespace sluice::e2e {

namespace {
constexpr Millis kStartPatience(40'000);
}

std::string config_text(Home const& home, Settings const& settings, std::string const& base_url) {
  auto const key_file = settings.key_file.empty() ? home.key_file() : settings.key_file;
  auto const& url = settings.base_url.empty() ? base_url : settings.base_url;
  std::string text = "platform:\n  base_url: " + url + "\n  api_key: {file: " + key_file + "}\n" + settings.platform;
  text += "  limits:\n    list_lag: " + settings.list_lag + "\n    late_effect: " + settings.late_effect + "\n";
  if (!settings.limits.empty()) text += "    " + settings.limits + "\n";
  text += "state_dir: " + home.state() + "\npipelines:" + settings.pipelines;
  text += "sources:\n- name: drop\n  folder: " + home.drop() + "\n  settle: " + settings.settle + "\n" +
          settings.more_sources;
  text += "transfer: {max_chunks: " + std::to_string(settings.chunks_max) + ", direct_max: " + settings.direct_max +
          ", bandwidth: " + settings.bandwidth + (settings.transfer.empty() ? "" : ", " + settings.transfer) + "}\n";
  text += "retry: " + settings.retry + "\npoll: " + settings.poll + "\n";
  text += "control: {socket: " + home.socket() + "}\n";
  text += "log: {level: " + settings.log_level + ", format: text}\n";
  return text + settings.more;
}

void write_config(Home const& home, Settings const& settings, std::string const& base_url) {
  std::ofstream(home.config_file()) << config_text(home, settings, base_url);
}

void write_key(std::string const& path, std::string const& key) {
  std::ofstream(path) << key << "\n";
  ::chmod(path.c_str(), 0600);
}

std::unique_ptr<Process> Daemon::spawn(std::string const& notify_socket) const {
  Command command{.words = {program("sluiced"), "--config", home_.config_file()},
                  .environment = environment_,
                  .out_file = home_.log_file(),
                  .err_file = {}};
  command.words.insert(command.words.begin(), within_.begin(), within_.end());
  if (!notify_socket.empty()) command.environment["NOTIFY_SOCKET"] = notify_socket;
  return std::make_unique<Process>(command);
}

void Daemon::start() {
  if (start_or_end()) throw std::runtime_error("sluiced does not become ready:\n" + log());
}

std::optional<int> Daemon::start_or_end() {
  NotifySocket const notify(home_.notify_socket());
  process_ = spawn(home_.notify_socket());
  if (notify.hears("READY=1", kStartPatience, process_->descriptor())) return std::nullopt;
  return process_->wait(10s).value_or(-1);
}

int Daemon::start_and_end() {
  process_ = spawn("");
  auto const code = process_->wait(30s).value_or(-1);
  process_->kill_at_once();
  return code;
}

void Daemon::kill_at_once() { process_->kill_at_once(); }

int Daemon::stop(Millis patience) {
  process_->send(SIGTERM);
  return process_->wait(patience).value_or(-1);
}

bool Daemon::lives_for(Millis span) { return !process_->wait(span).has_value(); }

Answer Daemon::get(std::string const& target) const { return ask({.unix_socket = home_.socket()}, "GET", target); }

Answer Daemon::post(std::string const& target, std::string const& body) const {
  return ask({.unix_socket = home_.socket()}, "POST", target, body);
}

Json Daemon::items() const {
  auto all = Json::array();
  std::string target = "/v1/items?limit=500";
  while (true) {
    auto const page = get(target).json();
    for (auto const& item : page.at("items")) all.push_back(item);
    if (page.at("next").is_null()) return all;
    target = "/v1/items?limit=500&cursor=" + page.at("next").get<std::string>();
  }
}

Json Daemon::item(std::string const& name) const {
  for (auto const& item : items())
    if (item.at("name") == name) return item;
  throw std::runtime_error("there is no item named " + name);
}

Json Daemon::story(std::string const& name) const {
  return get("/v1/items/" + item(name).at("id").get<std::string>()).json();
}

}  // namespace sluice::e2e

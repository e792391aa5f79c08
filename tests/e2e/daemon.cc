#include "daemon.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "programs.h"

namespace sluice::e2e {

namespace {

constexpr int kStartMs = 40'000;

// The service supervisor's end of sd_notify. It lives until READY only: a socket that nobody reads
// would in the end stop the daemon in its sd_notify.
class NotifySocket {
 public:
  explicit NotifySocket(std::string path) : path_(std::move(path)) {
    ::unlink(path_.c_str());
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) throw std::runtime_error("the notify socket's path is too long");
    std::memcpy(address.sun_path, path_.data(), path_.size());
    if (::bind(fd_, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0)
      throw std::runtime_error("cannot bind " + path_);
  }
  ~NotifySocket() {
    ::close(fd_);
    ::unlink(path_.c_str());
  }
  NotifySocket(NotifySocket const&) = delete;
  NotifySocket& operator=(NotifySocket const&) = delete;

  // Returns false when the process ended, or said nothing for too long.
  bool wait_for_ready(Process const& process) const {
    std::array<pollfd, 2> ways{
        {{.fd = fd_, .events = POLLIN, .revents = 0}, {.fd = process.descriptor(), .events = POLLIN, .revents = 0}}};
    while (::poll(ways.data(), ways.size(), kStartMs) > 0) {
      if (ways[0].revents == 0) return false;
      std::array<char, 4096> text{};
      auto const got = ::recv(fd_, text.data(), text.size(), 0);
      if (got > 0 && std::string(text.data(), static_cast<std::size_t>(got)).find("READY=1") != std::string::npos)
        return true;
    }
    return false;
  }

 private:
  std::string path_;
  int fd_ = -1;
};

}  // namespace

std::string config_text(Home const& home, Settings const& settings, std::string const& base_url) {
  auto const key_file = settings.key_file.empty() ? home.key_file() : settings.key_file;
  std::string text = "platform:\n  base_url: " + base_url + "\n  api_key: {file: " + key_file + "}\n";
  text += "  limits:\n    list_lag: " + settings.list_lag + "\n    late_effect: 0s\n";
  if (!settings.limits.empty()) text += "    " + settings.limits + "\n";
  text += "state_dir: " + home.state() + "\npipelines:" + settings.pipelines;
  text += "sources:\n- name: drop\n  folder: " + home.drop() + "\n  settle: 0s\n" + settings.more_sources;
  text +=
      "transfer: {max_chunks: " + std::to_string(settings.chunks_max) + ", direct_max: " + settings.direct_max + "}\n";
  text += "retry: {initial: 100ms, max: 1s}\npoll: {min: 100ms, max: 500ms}\n";
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
                  .environment = {},
                  .out_file = home_.log_file(),
                  .err_file = {}};
  if (!notify_socket.empty()) command.environment["NOTIFY_SOCKET"] = notify_socket;
  return std::make_unique<Process>(command);
}

void Daemon::start() {
  NotifySocket const notify(home_.folder + "/notify.sock");
  process_ = spawn(home_.folder + "/notify.sock");
  if (!notify.wait_for_ready(*process_)) throw std::runtime_error("sluiced does not become ready:\n" + log());
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

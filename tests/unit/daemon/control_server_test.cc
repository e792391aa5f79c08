// The server over a real socket: the test thread is the loop, a second thread is the client.
#include "daemon/control_server.h"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <thread>

#include "daemon/cli/socket_client.h"
#include "daemon/unique_fd.h"
#include "tests/unit/daemon/temp_folder.h"

namespace sluice::daemon {
namespace {

using cli::Answer;
using cli::SocketClient;
using testing::HasSubstr;

class ControlServerTest : public testing::Test {
 protected:
  void open(ControlLimits limits = {}) {
    auto opened = ControlServer::open(path_, limits);
    ASSERT_TRUE(opened) << opened.error().text;
    server_ = std::move(*opened);
  }

  void pump() {
    pollfd entry{.fd = server_->fd(), .events = POLLIN, .revents = 0};
    auto const most = server_->sleep_at_most().value_or(Millis(50));
    ::poll(&entry, 1, static_cast<int>(std::min(most, Millis(50)).count()));
    server_->run();
  }

  // Runs the client in a thread and the loop in this one, until the client is through.
  void while_running(std::function<void()> client, std::function<void(ControlRequest)> on_request) {
    std::atomic<bool> over = false;
    std::thread thread([&] {
      client();
      over = true;
    });
    while (!over) {
      pump();
      for (auto& request : server_->collect()) on_request(std::move(request));
    }
    thread.join();
  }

  // Answers every request with what it was: method, path, query and body.
  std::function<void(ControlRequest)> echo() {
    return [this](ControlRequest request) {
      auto text = request.method + " " + request.path;
      for (auto const& [key, value] : request.query) text += " " + key + "=" + value;
      text += " " + request.body;
      peers_.push_back(request.peer);
      server_->answer(request.id, {.status = 200, .content_type = "text/plain", .body = text});
    };
  }

  Result<Answer> ask(cli::Question const& question) {
    Result<Answer> answer = fail(Fault::kLocal, "not asked");
    while_running([&] { answer = SocketClient(path_, Millis(5000)).ask(question); }, echo());
    return answer;
  }

  UniqueFd connected() const {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address), 0);
    return fd;
  }

  // Sends raw bytes, and reads until the server closes or `enough` is there.
  std::string exchange(UniqueFd const& fd, std::string const& bytes, std::string const& enough = {}) {
    std::string got;
    while_running(
        [&] {
          ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
          char buffer[4096];
          while (enough.empty() || got.find(enough) == std::string::npos) {
            auto const count = ::recv(fd.get(), buffer, sizeof buffer, 0);
            if (count <= 0) break;
            got.append(buffer, static_cast<std::size_t>(count));
          }
        },
        echo());
    return got;
  }

  TempFolder folder_;
  std::string path_ = folder_.path() + "/control.sock";
  std::unique_ptr<ControlServer> server_;
  std::vector<Peer> peers_;
};

TEST_F(ControlServerTest, HandsOutWholeRequestsAndSendsTheAnswer) {
  open();
  auto const answer =
      ask({.method = "POST", .target = "/v1/items/%2Fa%2Fb/retry?a=x%20y&b=1%262", .body = "{\"n\":1}"});
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "POST /v1/items/%2Fa%2Fb/retry a=x y b=1&2 {\"n\":1}");
}

TEST_F(ControlServerTest, KnowsItsPeer) {
  open();
  ASSERT_TRUE(ask({.target = "/"}));
  ASSERT_EQ(peers_.size(), 1u);
  EXPECT_TRUE(peers_[0].known);
  EXPECT_EQ(peers_[0].uid, ::getuid());
  EXPECT_EQ(peers_[0].gid, ::getgid());
}

TEST_F(ControlServerTest, KeepsTheConnectionOpenForTheNextRequest) {
  open();
  auto const fd = connected();
  EXPECT_THAT(exchange(fd, "GET /one HTTP/1.1\r\nHost: x\r\n\r\n", "GET /one"), HasSubstr("200 OK"));
  EXPECT_THAT(exchange(fd, "GET /two HTTP/1.1\r\nHost: x\r\n\r\n", "GET /two"), HasSubstr("200 OK"));
}

TEST_F(ControlServerTest, HoldsARequestUntilItIsAnswered) {
  open({.timeout = Millis(1000)});  // a held request outlives every timeout
  Result<Answer> answer = fail(Fault::kLocal, "not asked");
  std::optional<std::uint64_t> held;
  int turns = 0;
  std::atomic<bool> over = false;
  std::thread client([&] {
    answer = SocketClient(path_, Millis(10'000)).ask({.target = "/v1/events"});
    over = true;
  });
  auto const began = std::chrono::steady_clock::now();
  while (!over) {
    pump();
    for (auto const& request : server_->collect()) held = request.id;
    if (held && std::chrono::steady_clock::now() - began > std::chrono::milliseconds(2200)) {
      server_->answer(*held, {.body = "{}"});
      ++turns;
    }
  }
  client.join();
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(answer->body, "{}");
  EXPECT_GE(turns, 1);
}

TEST_F(ControlServerTest, RefusesABodyThatIsTooLargeUnread) {
  open({.body_bytes = 1000});
  auto const answer = ask({.method = "POST", .target = "/v1/items", .body = std::string(100'000, 'x')});
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(answer->status, 413);
  EXPECT_THAT(answer->body, HasSubstr("body_too_large"));
  EXPECT_TRUE(peers_.empty());
}

TEST_F(ControlServerTest, RefusesABodyThatGrowsTooLargeInChunks) {
  open({.body_bytes = 10});
  auto const got =
      exchange(connected(),
               "POST /v1/items HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
               "8\r\nabcdefgh\r\n8\r\nabcdefgh\r\n0\r\n\r\n");
  EXPECT_THAT(got, HasSubstr("413"));
  EXPECT_TRUE(peers_.empty());
}

TEST_F(ControlServerTest, RefusesMethodsBeforeAnybodySeesThem) {
  open();
  EXPECT_EQ(ask({.method = "DELETE", .target = "/v1/items"}).value().status, 405);
  EXPECT_EQ(ask({.method = "PUT", .target = "/v1/items"}).value().status, 405);
  EXPECT_TRUE(peers_.empty());
}

TEST_F(ControlServerTest, SurvivesBytesThatAreNoHttp) {
  open();
  EXPECT_THAT(exchange(connected(), "\x16\x03\x01 nonsense\r\n\r\n"), testing::Not(HasSubstr("200 OK")));
  EXPECT_TRUE(ask({.target = "/"}));
}

TEST_F(ControlServerTest, ClosesAConnectionThatSendsNoWholeRequestInTime) {
  open({.timeout = Millis(1000)});
  EXPECT_EQ(exchange(connected(), "GET / HTTP/1.1\r\nHos"), "");  // returns only because the server closes
}

TEST_F(ControlServerTest, IgnoresAnAnswerWhosePeerHasGone) {
  open();
  std::vector<std::uint64_t> ids;
  {
    auto const fd = connected();
    std::string const bytes = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    ASSERT_GT(::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), 0);
    while (ids.empty()) {
      pump();
      for (auto const& request : server_->collect()) ids.push_back(request.id);
    }
  }
  server_->answer(ids[0], {.body = "{}"});
  server_->answer(ids[0], {.body = "{}"});
  server_->answer(4711, {.body = "{}"});
  EXPECT_TRUE(ask({.target = "/"}));
}

TEST_F(ControlServerTest, AnswersWhatIsPendingWhenItStops) {
  open();
  Result<Answer> answer = fail(Fault::kLocal, "not asked");
  std::thread client([&] { answer = SocketClient(path_, Millis(5000)).ask({.target = "/v1/status"}); });
  std::size_t seen = 0;
  while (seen == 0) {
    pump();
    seen = server_->collect().size();
  }
  server_.reset();
  client.join();
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(answer->status, 503);
}

TEST_F(ControlServerTest, AnswersWhatComesInWhileItStops) {
  open();
  auto const peer = connected();
  std::string const request = "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n";
  ASSERT_EQ(::send(peer.get(), request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
  server_.reset();  // it was never run: the request is read on the way out
  std::array<char, 4096> got{};
  auto const count = ::recv(peer.get(), got.data(), got.size(), 0);
  ASSERT_GT(count, 0);
  EXPECT_TRUE(std::string_view(got.data(), static_cast<std::size_t>(count)).starts_with("HTTP/1.1 503"));
}

TEST_F(ControlServerTest, ServesManyConnectionsAtOnceAndNoMoreThanItsLimit) {
  open({.connections = 4});
  std::atomic<int> fine = 0;
  while_running(
      [&] {
        std::vector<std::thread> clients;
        for (int i = 0; i < 12; ++i)
          clients.emplace_back([&] {
            if (auto const answer = SocketClient(path_, Millis(10'000)).ask({.target = "/"});
                answer && answer->status == 200)
              ++fine;
          });
        for (auto& client : clients) client.join();
      },
      echo());
  EXPECT_EQ(fine, 12);
}

TEST_F(ControlServerTest, GivesItsSocketTheModeWhateverTheUmask) {
  auto const before = ::umask(0);
  open();
  ::umask(before);
  struct stat facts {};
  ASSERT_EQ(::lstat(path_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0660u);
}

TEST_F(ControlServerTest, TakesItsSocketAwayAtTheEnd) {
  open();
  server_.reset();
  EXPECT_NE(::access(path_.c_str(), F_OK), 0);
}

TEST_F(ControlServerTest, LeavesASocketAloneThatIsNoLongerItsOwn) {
  open();
  ASSERT_EQ(::rename(path_.c_str(), (path_ + ".old").c_str()), 0);
  folder_.write("control.sock", "somebody's file");
  server_.reset();
  EXPECT_EQ(::access(path_.c_str(), F_OK), 0);
}

TEST_F(ControlServerTest, ReplacesAStaleSocket) {
  {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    ASSERT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address), 0);
  }
  open();
  EXPECT_TRUE(ask({.target = "/"}));
}

TEST_F(ControlServerTest, RefusesToReplaceALivingSocketOrAnythingElse) {
  open();
  auto const second = ControlServer::open(path_);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().text, HasSubstr("another process listens"));

  folder_.write("file", "mine");
  auto const on_file = ControlServer::open(folder_.path() + "/file");
  ASSERT_FALSE(on_file);
  EXPECT_THAT(on_file.error().text, HasSubstr("no socket"));
  EXPECT_EQ(::access((folder_.path() + "/file").c_str(), F_OK), 0);
}

TEST_F(ControlServerTest, NamesWhatIsWrongWithThePath) {
  EXPECT_THAT(ControlServer::open(folder_.path() + "/none/control.sock").error().text,
              HasSubstr("folder does not exist"));
  EXPECT_THAT(ControlServer::open("/tmp/" + std::string(200, 'x')).error().text, HasSubstr("too long"));
  EXPECT_THAT(ControlServer::open("control.sock").error().text, HasSubstr("absolute"));
}

}  // namespace
}  // namespace sluice::daemon

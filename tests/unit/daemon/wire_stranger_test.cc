// The wire calls no stranger that it must not, whatever the URL looks like, and takes no more of one than was asked
// for.
#include <gmock/gmock.h>

#include <atomic>
#include <cstdlib>

#include "tests/unit/daemon/wire_fixture.h"

namespace sluice::daemon {
namespace {

using testing::HasSubstr;

std::shared_ptr<AllowedHosts const> allowing(std::initializer_list<std::string_view> entries) {
  auto allowed = std::make_shared<AllowedHosts>();
  for (auto const entry : entries) EXPECT_EQ(allowed->add(entry), "");
  return allowed;
}

ports::Call stranger_call(std::string url, std::shared_ptr<AllowedHosts const> allowed = nullptr,
                          std::size_t bytes_max = 1000) {
  ports::Call call;
  call.ticket = 1;
  call.target = SecretUrl(std::move(url));
  call.stall_limit = Millis(3'000);
  call.stranger = ports::Stranger{.allowed = std::move(allowed), .body_bytes_max = bytes_max};
  return call;
}

// Without the environment's proxies, which would come before all else.
class WireStranger : public testing::Test {
 protected:
  WireStranger() {
    for (auto const* name : {"https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY"}) ::unsetenv(name);
  }
};

// P stands for the port at which somebody listens on every address of this host.
constexpr std::string_view kEvasions[] = {
    "http://127.0.0.1:P/",
    "https://127.0.0.1:P/",
    "HTTPS://127.0.0.1:P/",
    "hTTp://127.0.0.1:P/",
    // numbers of other bases, and fewer of them
    "https://127.1:P/",
    "https://127.0.1:P/",
    "https://2130706433:P/",
    "https://0x7f000001:P/",
    "https://0x7F.1:P/",
    "https://0x7f.0x0.0x0.0x1:P/",
    "https://0177.0.0.1:P/",
    "https://0177.1:P/",
    "https://017700000001:P/",
    "https://127.0.0.0x1:P/",
    "https://00127.0.0.1:P/",
    "https://127.0.00000.1:P/",
    "https://0:P/",
    "https://0.0.0.0:P/",
    "https://0x0:P/",
    "https://127.0.0.2:P/",
    "https://127.255.255.254:P/",
    "https://4294967295:P/",
    // names
    "https://localhost:P/",
    "https://LOCALHOST:P/",
    "https://localhost.:P/",
    "https://x.localhost:P/",
    "https://ip6-localhost:P/",
    "https://127.0.0.1.:P/",
    // IPv6
    "https://[::1]:P/",
    "https://[::]:P/",
    "https://[0:0:0:0:0:0:0:1]:P/",
    "https://[0000::0001]:P/",
    "https://[::ffff:127.0.0.1]:P/",
    "https://[::ffff:7f00:1]:P/",
    "https://[::FFFF:7F00:1]:P/",
    "https://[0:0:0:0:0:ffff:127.0.0.1]:P/",
    "https://[::127.0.0.1]:P/",
    "https://[64:ff9b::127.0.0.1]:P/",
    "https://[64:ff9b::7f00:1]:P/",
    "https://[2002:7f00:1::1]:P/",
    "https://[::1%25lo]:P/",
    "https://[::1%lo]:P/",
    "https://[fe80::1%25lo]:P/",
    "https://[::1:P/",
    "https://::1:P/",
    // somebody in front of the host
    "https://user@127.0.0.1:P/",
    "https://user:pw@127.0.0.1:P/",
    "https://media.invalid@127.0.0.1:P/",
    "https://media.invalid:443@127.0.0.1:P/",
    "https://media.invalid%2f@127.0.0.1:P/",
    "https://@127.0.0.1:P/",
    "https://media.invalid\\@127.0.0.1:P/",
    "https://127.0.0.1:P\\@media.invalid/",
    "https://127.0.0.1:P#@media.invalid/",
    "https://127.0.0.1:P?@media.invalid/",
    // other schemes, or none
    "file:///etc/passwd",
    "file://127.0.0.1:P/",
    "ftp://127.0.0.1:P/",
    "ftps://127.0.0.1:P/",
    "gopher://127.0.0.1:P/_GET",
    "dict://127.0.0.1:P/info",
    "ldap://127.0.0.1:P/",
    "telnet://127.0.0.1:P/",
    "tftp://127.0.0.1:P/x",
    "smb://127.0.0.1:P/x",
    "scp://127.0.0.1:P/x",
    "rtsp://127.0.0.1:P/",
    "mqtt://127.0.0.1:P/",
    "imap://127.0.0.1:P/",
    "smtp://127.0.0.1:P/",
    "ws://127.0.0.1:P/",
    "data:text/plain,x",
    "127.0.0.1:P/",
    "//127.0.0.1:P/",
    "https:127.0.0.1:P/",
    "https:/127.0.0.1:P/",
    "https:///127.0.0.1:P/",
    "https:////127.0.0.1:P/",
    "http:127.0.0.1:P",
    "\\\\127.0.0.1\\share",
    "https:\\\\127.0.0.1:P\\",
    "javascript:1",
    "url:https://127.0.0.1:P/",
    "jar:https://127.0.0.1:P/!/",
    "",
    // bytes that some readers drop or turn into others
    "https://127\xE3\x80\x82"
    "0\xE3\x80\x82"
    "0\xE3\x80\x82"
    "1:P/",
    "https://127\xEF\xBC\x8E"
    "0.0.1:P/",
    "https://\xE2\x91\xA0\xE2\x91\xA1\xE2\x91\xA6.0.0.1:P/",
    "https://\xE2\x93\x9B"
    "ocalhost:P/",
    "https://loc\xC2\xAD"
    "alhost:P/",
    "https://\xEF\xBC\x91\xEF\xBC\x92\xEF\xBC\x97.0.0.1:P/",
    "https://%31%32%37.0.0.1:P/",
    "https://127.0.0.1%00.media.invalid:P/",
    "https://127.0.0.1%0d%0a:P/",
    "https://127.0.0.1%20:P/",
    "https://127.0.0.1 :P/",
    "https:// 127.0.0.1:P/",
    " https://127.0.0.1:P/",
    "https://127.0.0.1:P/ HTTP/1.1",
    "https://127.0.0.1:P/\r\nHost: media.invalid",
    "https://127.0.0.1\r\n:P/",
    "https://127.0.0.1\t:P/",
    "https://127.0.0.1\n.media.invalid:P/",
    "\nhttps://127.0.0.1:P/",
    "https://127.0.0.1:0P/",
    "https://127.0.0.1:+P/",
    "https://127.0.0.1:P:443/",
    "https://[127.0.0.1]:P/",
    "https://127.0.0.1,media.invalid:P/",
};
static_assert(std::size(kEvasions) >= 100);

TEST_F(WireStranger, NoFormOfAUrlReachesThisHost) {
  std::atomic<int> accepted = 0;
  LoopbackServer server([&](LoopbackServer::Connection&) { ++accepted; });
  auto const port = server.url().substr(server.url().rfind(':') + 1);
  auto wire = make_wire("https://platform.invalid");
  for (auto const evasion : kEvasions) {
    std::string url(evasion);
    if (auto const at = url.find(":P"); at != std::string::npos) url.replace(at + 1, 1, port);
    if (auto const at = url.find(":+P"); at != std::string::npos) url.replace(at + 2, 1, port);
    if (auto const at = url.find(":0P"); at != std::string::npos) url.replace(at + 2, 1, port);
    auto const outcome = run(wire, stranger_call(url));
    EXPECT_FALSE(outcome.answer) << evasion;
    if (outcome.answer) continue;
    EXPECT_EQ(outcome.answer.error().phase, ports::WireFailure::Phase::kBeforeSend) << evasion;
  }
  server.stop();
  EXPECT_EQ(accepted, 0);
}

TEST_F(WireStranger, IsToldWhyAndHowToOpenIt) {
  auto wire = make_wire("https://platform.invalid");
  auto const denied = run(wire, stranger_call("https://127.0.0.1:9/")).answer.error();
  EXPECT_EQ(denied.code, ports::kAddressDenied);
  EXPECT_THAT(denied.text, HasSubstr("127.0.0.1 is a loopback address; allow_hosts can open it"));
  EXPECT_EQ(run(wire, stranger_call("http://127.0.0.1:9/")).answer.error().code, ports::kHttpDenied);
}

TEST_F(WireStranger, IsCalledByHttpWhereItIsNamedOrInAnAllowedNetworkAndWithoutTheKey) {
  LoopbackServer server(answering("bytes"));
  auto const port = server.url().substr(server.url().rfind(':') + 1);
  auto const at_port = "127.0.0.1:" + port;
  auto wire = std::make_unique<WireCurl>("https://platform.invalid", ApiKey("tlk_canary"), "sluice/test");
  for (auto const& entry : {std::string("127.0.0.1"), at_port, std::string("127.0.0.0/8")}) {
    auto const outcome = run(*wire, stranger_call(server.url() + "/x", allowing({entry})));
    ASSERT_TRUE(outcome.answer) << entry << ": " << outcome.answer.error().text;
    EXPECT_EQ(*outcome.answer->payload, "bytes");
    EXPECT_EQ(outcome.answer->body, "");
    EXPECT_FALSE(outcome.answer->is_cut);
  }
  for (auto const* entry : {"127.0.0.2", "127.0.0.1:9", "10.0.0.0/8", "localhost"})
    EXPECT_FALSE(run(*wire, stranger_call(server.url() + "/x", allowing({entry}))).answer) << entry;
  wire.reset();
  auto const seen = server.stop();
  ASSERT_EQ(seen.size(), 3u);
  for (auto const& request : seen) {
    EXPECT_FALSE(request.has("tlk_canary")) << request.head;
    EXPECT_FALSE(request.has("Cookie")) << request.head;
    EXPECT_FALSE(request.has("Referer")) << request.head;
  }
}

TEST_F(WireStranger, IsNotCalledThroughAProxyUnlessItIsNamed) {
  std::atomic<int> accepted = 0;
  LoopbackServer proxy([&](LoopbackServer::Connection&) { ++accepted; });
  WireCurl wire("https://platform.invalid", ApiKey("k"), "sluice/test", WireRoute{.ca_file = {}, .proxy = proxy.url()});
  auto const outcome = run(wire, stranger_call("https://media.invalid/"));
  EXPECT_EQ(outcome.answer.error().code, ports::kProxyDenied);
  EXPECT_EQ(accepted, 0);
  EXPECT_FALSE(run(wire, stranger_call("https://media.invalid/", allowing({"media.invalid"}))).answer);
  proxy.stop();
  EXPECT_EQ(accepted, 1) << "the proxy was asked, and hung up";
}

TEST_F(WireStranger, GivesNoMoreThanWasAskedForAndSaysSo) {
  LoopbackServer server(answering(std::string(5'000, 'x')));
  auto wire = make_wire("https://platform.invalid");
  auto const outcome = run(wire, stranger_call(server.url(), allowing({"127.0.0.1"}), 1'234));
  ASSERT_TRUE(outcome.answer) << outcome.answer.error().text;
  EXPECT_TRUE(outcome.answer->is_cut);
  EXPECT_EQ(outcome.answer->status, 200);
  EXPECT_EQ(outcome.answer->payload->size(), 1'234u);
}

TEST_F(WireStranger, GivesWhatCameOfAPieceBeforeItsConnectionBroke) {
  LoopbackServer server([](LoopbackServer::Connection& connection) {
    if (!connection.read_request()) return;
    connection.write("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-99/500\r\nContent-Length: 100\r\n\r\n" +
                     std::string(60, 'x'));
  });
  auto wire = make_wire("https://platform.invalid");
  auto const outcome = run(wire, stranger_call(server.url(), allowing({"127.0.0.1"})));
  ASSERT_TRUE(outcome.answer) << outcome.answer.error().text;
  EXPECT_TRUE(outcome.answer->is_cut);
  EXPECT_EQ(outcome.answer->payload->size(), 60u);
}

TEST_F(WireStranger, OfAWholeAnswerThatBrokeOffGivesNothing) {
  LoopbackServer server([](LoopbackServer::Connection& connection) {
    if (!connection.read_request()) return;
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + std::string(60, 'x'));
  });
  auto wire = make_wire("https://platform.invalid");
  EXPECT_FALSE(run(wire, stranger_call(server.url(), allowing({"127.0.0.1"}))).answer);
}

TEST_F(WireStranger, IsNotFollowedWhereItRedirectsAndMayNotSendEndlessHeaders) {
  LoopbackServer server([](LoopbackServer::Connection& connection) {
    auto const request = connection.read_request();
    if (!request) return;
    if (request->has("/many")) return connection.answer("", "X: " + std::string(70'000, 'x') + "\r\n");
    connection.write("HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n");
  });
  auto wire = make_wire("https://platform.invalid");
  auto const redirect = run(wire, stranger_call(server.url(), allowing({"127.0.0.1"})));
  ASSERT_TRUE(redirect.answer);
  EXPECT_EQ(redirect.answer->status, 302);
  EXPECT_EQ(redirect.answer->header("location"), "https://127.0.0.1:9/");
  auto const many = run(wire, stranger_call(server.url() + "/many", allowing({"127.0.0.1"})));
  ASSERT_FALSE(many.answer);
  EXPECT_THAT(many.answer.error().text, HasSubstr("headers are larger"));
}

}  // namespace
}  // namespace sluice::daemon

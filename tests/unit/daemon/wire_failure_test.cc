// How calls fail: sent once and never again by the library, before or after the first byte, and in
// words that hold no secret.
#include <gmock/gmock.h>

#include <cerrno>

#include "daemon/wire_rules.h"
#include "daemon/wire_words.h"
#include "tests/unit/daemon/wire_fixture.h"

namespace sluice::daemon {
namespace {

using ports::Method;
using ports::WireFailure;
using testing::HasSubstr;
using testing::Not;
using Phase = ports::WireFailure::Phase;

// A reused connection that dies after the whole request was read, without a byte of an answer: libcurl
// would send the request again by itself.
struct OnceCase {
  char const* name;
  Method method;
  std::size_t body_bytes;
  bool streamed;
};

class SentOnce : public testing::TestWithParam<OnceCase> {};

TEST_P(SentOnce, OnAKeptAliveConnectionThatDies) {
  auto const& once = GetParam();
  LoopbackServer server([](LoopbackServer::Connection& connection) {
    if (!connection.read_request()) return;
    connection.answer();
    if (connection.number > 0) return;
    connection.read_request();  // and close without a byte
  });
  {
    auto wire = make_wire(server.url());
    ASSERT_TRUE(run(wire, api_call(1, Method::kGet, "/first")).answer);

    auto call = api_call(2, once.method, "/second");
    if (once.streamed) {
      call.body = std::make_shared<PatternBody>(once.body_bytes);
    } else {
      call.text_body = std::string(once.body_bytes, 'x');
    }
    call.repeatable = once.method == Method::kPut;
    auto const outcome = run(wire, std::move(call));
    ASSERT_FALSE(outcome.answer);
    EXPECT_EQ(outcome.answer.error().phase, Phase::kAfterSend);
    EXPECT_EQ(outcome.answer.error().text, "the kept-alive connection died before an answer came");

    ASSERT_TRUE(run(wire, api_call(3, Method::kGet, "/third")).answer);
  }
  auto const seen = server.stop();
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].connection, 0);
  EXPECT_EQ(seen[1].connection, 0);  // it was reused: else this test would show nothing
  EXPECT_TRUE(seen[1].has(" /second "));
  EXPECT_EQ(seen[1].body.size(), once.body_bytes);
  EXPECT_TRUE(seen[2].has(" /third "));
}

INSTANTIATE_TEST_SUITE_P(Wire, SentOnce,
                         testing::Values(OnceCase{"PostWithText", Method::kPost, 30, false},
                                         OnceCase{"PostWithoutBody", Method::kPost, 0, false},
                                         OnceCase{"PostWithStream", Method::kPost, 300'000, true},
                                         OnceCase{"PutWithStream", Method::kPut, 300'000, true},
                                         OnceCase{"PutWithText", Method::kPut, 5, false},
                                         OnceCase{"PutWithoutBody", Method::kPut, 0, false},
                                         OnceCase{"PatchWithText", Method::kPatch, 30, false},
                                         OnceCase{"DeleteWithoutBody", Method::kDelete, 0, false}),
                         [](auto const& case_info) { return case_info.param.name; });

// The trap is there in this libcurl: the same death repeats a call that may be repeated.
TEST(WireFailure, ARepeatableReadMayBeRepeatedByTheLibrary) {
  LoopbackServer server([](LoopbackServer::Connection& connection) {
    if (!connection.read_request()) return;
    connection.answer();
    if (connection.number == 0) connection.read_request();
  });
  {
    auto wire = make_wire(server.url());
    ASSERT_TRUE(run(wire, api_call(1, Method::kGet, "/first")).answer);
    ASSERT_TRUE(run(wire, api_call(2, Method::kGet, "/second")).answer);
  }
  EXPECT_EQ(server.stop().size(), 3u);
}

TEST(WireFailure, SaysThatNoByteLeftWhenNobodyListens) {
  std::string url;
  {
    LoopbackServer gone([](LoopbackServer::Connection&) {});
    url = gone.url();
  }
  auto wire = make_wire(url);
  auto const outcome = run(wire, put_call(1, url + "/bucket?X-Amz-Signature=canary", 10));
  ASSERT_FALSE(outcome.answer);
  EXPECT_EQ(outcome.answer.error().phase, Phase::kBeforeSend);
  EXPECT_EQ(outcome.answer.error().text, "connect to 127.0.0.1: Connection refused");
  EXPECT_EQ(outcome.body_bytes_sent, 0u);
}

TEST(WireFailure, SaysThatNoByteLeftWhenTheHandshakeFailed) {
  LoopbackServer server([](LoopbackServer::Connection& connection) {
    connection.write("this is no TLS at all\r\n\r\n");
    connection.wait_until_client_leaves();
  });
  auto wire = make_wire("https" + server.url().substr(4));
  auto const outcome = run(wire, api_call(1, Method::kPost, "/a?token=canary", "{}"));
  ASSERT_FALSE(outcome.answer);
  EXPECT_EQ(outcome.answer.error().phase, Phase::kBeforeSend);
  EXPECT_THAT(outcome.answer.error().text, HasSubstr("TLS with 127.0.0.1: "));
  EXPECT_THAT(outcome.answer.error().text, Not(HasSubstr("canary")));
}

TEST(WireFailure, RefusesWhatMayNotLeave) {
  auto const text_of = [](std::string const& base, std::string const& path) {
    auto wire = make_wire(base);
    auto const outcome = run(wire, api_call(1, Method::kGet, path));
    EXPECT_FALSE(outcome.answer);
    EXPECT_EQ(outcome.answer.error().phase, Phase::kBeforeSend);
    return outcome.answer.error().text;
  };
  EXPECT_THAT(text_of("http://api.example", "/a"), HasSubstr("refused: plain http to api.example"));
  EXPECT_THAT(text_of("http://10.0.0.1", "/a"), HasSubstr("only loopback"));
  EXPECT_THAT(text_of("http://127.0.0.1.example", "/a"), HasSubstr("only loopback"));
  EXPECT_THAT(text_of("http://127.0.0.1@api.example", "/a"), HasSubstr("plain http to api.example"));
  EXPECT_EQ(text_of("ftp://127.0.0.1", "/a"), "refused: a URL that is not https");
  EXPECT_EQ(text_of("file://", "/etc/passwd"), "refused: a URL that is not https");
  EXPECT_EQ(text_of("https://api.example", "/a\r\nHost: x"), "refused: not a URL");
}

TEST(WireFailure, RefusesALineBreakInAHeader) {
  auto wire = make_wire("http://127.0.0.1:1");
  auto call = api_call(1, Method::kGet, "/a");
  call.headers = {{"X-Name", "a\r\nx-api-key: other"}};
  auto const outcome = run(wire, std::move(call));
  ASSERT_FALSE(outcome.answer);
  EXPECT_EQ(outcome.answer.error().phase, Phase::kBeforeSend);
  EXPECT_EQ(outcome.answer.error().text, "refused: the header X-Name cannot be sent");
}

TEST(WireFailure, EndsABodyThatStalls) {
  // Nothing is read: the sockets' buffers fill, and then nothing moves.
  std::mutex until_done;
  until_done.lock();
  LoopbackServer server([&](LoopbackServer::Connection&) { std::lock_guard const wait(until_done); });
  {
    auto wire = make_wire(server.url());
    auto call = put_call(1, server.url() + "/c?sig=canary", 64 * 1024 * 1024);
    call.stall_limit = Millis(400);
    auto const outcome = run(wire, std::move(call));
    EXPECT_FALSE(outcome.answer);
    EXPECT_EQ(outcome.answer.error().phase, Phase::kAfterSend);
    EXPECT_THAT(outcome.answer.error().text, HasSubstr("stalled: less than "));
    EXPECT_GT(outcome.body_bytes_sent, 0u);
    EXPECT_LT(outcome.body_bytes_sent, 64u * 1024 * 1024);
  }
  until_done.unlock();
}

TEST(WireFailure, LetsASlowBodyLiveAboveItsOwnFloor) {
  std::mutex until_seen;
  until_seen.lock();
  LoopbackServer server([&](LoopbackServer::Connection& connection) {
    std::lock_guard const wait(until_seen);
    if (connection.read_request()) connection.answer();
  });
  auto wire = make_wire(server.url());
  auto call = put_call(1, server.url() + "/c", 64 * 1024 * 1024);
  call.stall_limit = Millis(200);
  call.stall_below_bytes_per_s = 0;
  wire.send(std::move(call));
  auto const long_enough = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  while (std::chrono::steady_clock::now() < long_enough) {
    wire.pump();
    wire.wait({}, Millis(50));
  }
  until_seen.unlock();
  EXPECT_TRUE(run(wire).answer);
}

TEST(WireFailure, EndsACallThatIsNotAnswered) {
  LoopbackServer server([](LoopbackServer::Connection& connection) { connection.wait_until_client_leaves(); });
  auto wire = make_wire(server.url());
  auto call = api_call(1, Method::kPost, "/a", "{}");
  call.stall_limit = Millis(300);
  auto const outcome = run(wire, std::move(call));
  ASSERT_FALSE(outcome.answer);
  EXPECT_EQ(outcome.answer.error().phase, Phase::kAfterSend);
  EXPECT_THAT(outcome.answer.error().text, HasSubstr("timed out after "));
}

// A way that went dead without a word must not swallow one call after the other: with HTTP/2 it would (docs/adr/0008).
TEST(WireFailure, LeavesAConnectionOnWhichACallWasNotAnswered) {
  LoopbackServer server([](LoopbackServer::Connection& connection) {
    if (!connection.read_request()) return;
    connection.answer();
    if (connection.number == 0) return connection.wait_until_client_leaves();
    while (connection.read_request()) connection.answer();
  });
  {
    auto wire = make_wire(server.url());
    ASSERT_TRUE(run(wire, api_call(1, Method::kGet, "/first")).answer);
    auto call = api_call(2, Method::kPost, "/second", "{}");
    call.stall_limit = Millis(300);
    ASSERT_FALSE(run(wire, std::move(call)).answer);
    ASSERT_TRUE(run(wire, api_call(3, Method::kPost, "/third", "{}")).answer);
  }
  auto const seen = server.stop();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[1].connection, 1);
}

TEST(WireFailure, HandsBackARefusalThatCameBeforeTheBodyWasSent) {
  LoopbackServer server([](LoopbackServer::Connection& connection) {
    connection.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\nConnection: close\r\n\r\nexpired");
    connection.wait_until_client_leaves();
  });
  auto wire = make_wire(server.url());
  auto const outcome = run(wire, put_call(1, server.url() + "/c", 64 * 1024 * 1024));
  ASSERT_TRUE(outcome.answer) << outcome.answer.error().text;
  EXPECT_EQ(outcome.answer->status, 403);
  EXPECT_EQ(outcome.answer->body, "expired");
  EXPECT_LT(outcome.body_bytes_sent, 64u * 1024 * 1024);
}

TEST(WireFailure, SaysThatTheAnswerWasCut) {
  LoopbackServer server([](LoopbackServer::Connection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  });
  auto wire = make_wire(server.url());
  auto const outcome = run(wire, api_call(1, Method::kGet, "/a"));
  ASSERT_FALSE(outcome.answer);
  EXPECT_EQ(outcome.answer.error().phase, Phase::kAfterSend);
  EXPECT_EQ(outcome.answer.error().text, "the connection was closed in the middle of the answer");
}

class BrokenBody : public testing::TestWithParam<bool> {};

TEST_P(BrokenBody, AbortsTheCallBeforeItsLastByte) {
  LoopbackServer server([](LoopbackServer::Connection& connection) { connection.read_request(); });
  {
    auto wire = make_wire(server.url());
    auto body = std::make_shared<PatternBody>(1'000'000);
    body->breaks_at = 999'999;
    body->breaks_short = GetParam();
    auto call = put_call(1, server.url() + "/c", 1);
    call.body = body;
    auto const outcome = run(wire, std::move(call));
    ASSERT_FALSE(outcome.answer);
    ASSERT_TRUE(outcome.body_error);
    EXPECT_EQ(outcome.body_error->fault, Fault::kSourceChanged);
    EXPECT_THAT(outcome.answer.error().text, HasSubstr("the source failed: "));
    EXPECT_LT(outcome.body_bytes_sent, 1'000'000u);
  }
  EXPECT_TRUE(server.stop().empty());  // no request was ever whole
}

INSTANTIATE_TEST_SUITE_P(Wire, BrokenBody, testing::Bool());

TEST(WireRules, KnowLoopbackAddresses) {
  for (auto const* host : {"127.0.0.1", "127.255.0.9", "[::1]", "localhost"})
    EXPECT_TRUE(is_loopback_host(host)) << host;
  for (auto const* host : {"128.0.0.1", "127.1", "[::2]", "localhost.example", "", "[::ffff:10.0.0.1]"}) {
    EXPECT_FALSE(is_loopback_host(host)) << host;
  }
}

TEST(WireWords, CutTheQueryOutOfALibraryText) {
  EXPECT_EQ(without_secrets("bad URL https://u:p@host/path?X-Amz-Signature=abc here"),
            "bad URL https://host/path here");
  EXPECT_EQ(without_secrets("/chunk?sig=abc"), "/chunk");
  EXPECT_EQ(without_secrets("line\nbreak"), "line\\x0abreak");
  EXPECT_LE(without_secrets(std::string(5000, 'x')).size(), 300u);
}

TEST(WireWords, PreferTheFixedTextWhereTheLibraryQuotes) {
  EXPECT_EQ(failure_words({.code = 8, .host = "h", .words = "Weird server reply", .detail = "sig=abc"}),
            "Weird server reply");
  EXPECT_EQ(failure_words({.code = 60, .host = "h", .words = "", .detail = "SSL certificate problem: expired"}),
            "TLS with h: SSL certificate problem: expired");
  EXPECT_EQ(failure_words({.code = 56, .host = "h", .words = "", .detail = "Recv failure", .os_error = 104}),
            "the connection was lost: Connection reset by peer");
}

TEST(WireWords, NameTheLimitWhenThisHostHasNoDescriptorLeft) {
  auto const connect = [](int error) {
    return failure_words({.code = 7, .host = "h", .words = "", .detail = "", .os_error = error});
  };
  EXPECT_EQ(connect(EMFILE), "connect to h: Too many open files; raise LimitNOFILE of the service");
  EXPECT_EQ(connect(ENFILE), "connect to h: Too many open files in system; raise the sysctl fs.file-max");
  EXPECT_EQ(connect(ECONNREFUSED), "connect to h: Connection refused");
}

}  // namespace
}  // namespace sluice::daemon

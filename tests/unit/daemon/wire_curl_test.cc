// What the wire sends and what it hands back. Its failures: wire_failure_test.cc.
#include "daemon/wire_curl.h"

#include <gmock/gmock.h>
#include <sys/eventfd.h>

#include "tests/unit/daemon/wire_fixture.h"

namespace sluice::daemon {
namespace {

using ports::Method;
using testing::HasSubstr;
using testing::Not;

TEST(WireCurl, SendsACallBeneathTheBaseUrlWithTheKey) {
  LoopbackServer server(answering("{\"ok\":1}", "X-Request-Id:  abc \r\n"));
  std::vector<SeenRequest> seen;
  {
    auto wire = make_wire(server.url() + "/v1.3/");
    auto const outcome = run(wire, api_call(7, Method::kGet, "/assets?page=1"));
    EXPECT_EQ(outcome.ticket, 7u);
    ASSERT_TRUE(outcome.answer) << outcome.answer.error().text;
    EXPECT_EQ(outcome.answer->status, 200);
    EXPECT_EQ(outcome.answer->body, "{\"ok\":1}");
    EXPECT_EQ(outcome.answer->header("x-request-id"), "abc");
  }
  seen = server.stop();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_THAT(seen[0].head, testing::StartsWith("GET /v1.3/assets?page=1 HTTP/1.1\r\n"));
  EXPECT_THAT(seen[0].head, HasSubstr("x-api-key: tlk_canary\r\n"));
  EXPECT_THAT(seen[0].head, HasSubstr("User-Agent: sluice/test\r\n"));
  EXPECT_THAT(seen[0].head, Not(HasSubstr("Expect")));
  EXPECT_THAT(seen[0].head, Not(HasSubstr("Accept-Encoding")));
}

TEST(WireCurl, SendsTextBodiesByEveryMethodWithTheTypeOfTheCallOnly) {
  LoopbackServer server(answering());
  {
    auto wire = make_wire(server.url());
    for (auto const method : {Method::kPost, Method::kPatch, Method::kDelete, Method::kPut}) {
      auto call = api_call(1, method, "/x", "{}");
      call.headers = {{"Content-Type", "application/json"}, {"X-Empty", ""}};
      EXPECT_TRUE(run(wire, std::move(call)).answer);
    }
    EXPECT_TRUE(run(wire, api_call(2, Method::kPost, "/x", "")).answer);
    EXPECT_TRUE(run(wire, api_call(2, Method::kDelete, "/x", "")).answer);
  }
  auto const seen = server.stop();
  ASSERT_EQ(seen.size(), 6u);
  char const* const names[] = {"POST ", "PATCH ", "DELETE ", "PUT "};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_THAT(seen[i].head, testing::StartsWith(names[i]));
    EXPECT_THAT(seen[i].head, HasSubstr("Content-Type: application/json\r\n"));
    EXPECT_THAT(seen[i].head, HasSubstr("X-Empty:\r\n"));
    EXPECT_EQ(seen[i].body, "{}");
  }
  EXPECT_THAT(seen[4].head, Not(HasSubstr("Content-Type")));
  EXPECT_THAT(seen[4].head, HasSubstr("Content-Length: 0\r\n"));
  EXPECT_THAT(seen[5].head, testing::StartsWith("DELETE /x "));
}

TEST(WireCurl, PutsAChunkWithoutTheKeyAndWithItsPathAsItWasSigned) {
  LoopbackServer server(answering("", "ETag: \"e1\"\r\n"));
  std::string sent;
  {
    auto wire = make_wire(server.url());
    EXPECT_TRUE(
        run(wire, api_call(1, Method::kGet, "/first")).answer);  // so that the key's connection is there to reuse
    auto call = put_call(2, server.url() + "/bucket/a/../b?X-Amz-Signature=s%2Fg", 3 * 1024 * 1024 + 17);
    sent = static_cast<PatternBody&>(*call.body).text();
    auto const outcome = run(wire, std::move(call));
    ASSERT_TRUE(outcome.answer) << outcome.answer.error().text;
    EXPECT_EQ(outcome.answer->header("etag"), "\"e1\"");
    EXPECT_EQ(outcome.body_bytes_sent, sent.size());
  }
  auto const seen = server.stop();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_THAT(seen[1].head, testing::StartsWith("PUT /bucket/a/../b?X-Amz-Signature=s%2Fg HTTP/1.1\r\n"));
  EXPECT_THAT(seen[1].head, Not(HasSubstr("api-key")));
  EXPECT_THAT(seen[1].head, Not(HasSubstr("Expect")));
  EXPECT_THAT(seen[1].head, Not(HasSubstr("Content-Type")));
  EXPECT_TRUE(seen[1].body == sent);
}

TEST(WireCurl, UsesANewKeyForCallsSentAfterIt) {
  LoopbackServer server(answering());
  {
    auto wire = make_wire(server.url());
    run(wire, api_call(1, Method::kGet, "/a"));
    wire.set_key(ApiKey("tlk_second"));
    run(wire, api_call(2, Method::kGet, "/b"));
  }
  auto const seen = server.stop();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_TRUE(seen[0].has("x-api-key: tlk_canary\r\n"));
  EXPECT_TRUE(seen[1].has("x-api-key: tlk_second\r\n"));
}

TEST(WireCurl, HandsARedirectBackInsteadOfFollowingIt) {
  LoopbackServer server([](LoopbackServer::Connection& connection) {
    while (connection.read_request()) {
      connection.write("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
    }
  });
  {
    auto wire = make_wire(server.url());
    auto const outcome = run(wire, api_call(1, Method::kGet, "/a"));
    ASSERT_TRUE(outcome.answer);
    EXPECT_EQ(outcome.answer->status, 302);
    EXPECT_EQ(outcome.answer->header("location"), "/elsewhere");
  }
  EXPECT_EQ(server.stop().size(), 1u);
}

TEST(WireCurl, ForgetsTheHeadersOfAnInterimAnswer) {
  LoopbackServer server([](LoopbackServer::Connection& connection) {
    while (connection.read_request()) {
      connection.write("HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n");
      connection.answer("late", "ETag: x\r\n");
    }
  });
  auto wire = make_wire(server.url());
  auto const outcome = run(wire, api_call(1, Method::kGet, "/a"));
  ASSERT_TRUE(outcome.answer);
  EXPECT_EQ(outcome.answer->status, 200);
  EXPECT_FALSE(outcome.answer->header("link"));
  EXPECT_EQ(outcome.answer->header("etag"), "x");
}

TEST(WireCurl, TakesALargeAnswerFromTheApiButNotFromTheStorage) {
  LoopbackServer server(answering(std::string(1024 * 1024, 'x')));
  auto wire = make_wire(server.url());
  auto const api = run(wire, api_call(1, Method::kGet, "/a"));
  ASSERT_TRUE(api.answer);
  EXPECT_EQ(api.answer->body.size(), 1024u * 1024);

  auto const storage = run(wire, put_call(2, server.url() + "/chunk", 10));
  ASSERT_FALSE(storage.answer);
  EXPECT_EQ(storage.answer.error().phase, ports::WireFailure::Phase::kAfterSend);
  EXPECT_EQ(storage.answer.error().text, "the answer is larger than 64 KiB");
}

TEST(WireCurl, RefusesEndlessHeaders) {
  LoopbackServer server(
      answering("", "X-Long: " + std::string(60'000, 'x') + "\r\nY-Long: " + std::string(9'000, 'y') + "\r\n"));
  auto wire = make_wire(server.url());
  auto const outcome = run(wire, api_call(1, Method::kGet, "/a"));
  ASSERT_FALSE(outcome.answer);
  EXPECT_EQ(outcome.answer.error().text, "the answer's headers are larger than 64 KiB");
}

TEST(WireCurl, RunsManyCallsAtOnce) {
  LoopbackServer server([](LoopbackServer::Connection& connection) {
    if (connection.read_request()) connection.answer("", "Connection: close\r\n");
  });
  auto wire = make_wire(server.url());
  for (std::uint64_t ticket = 1; ticket <= 40; ++ticket) wire.send(put_call(ticket, server.url() + "/c", 1000));
  std::size_t answered = 0;
  for (int turns = 0; answered < 40 && turns < 10'000; ++turns) {
    wire.pump();
    for (auto const& outcome : wire.collect()) {
      EXPECT_TRUE(outcome.answer) << outcome.answer.error().text;
      ++answered;
    }
    if (answered < 40) wire.wait({}, Millis(1000));
  }
  EXPECT_EQ(answered, 40u);
}

TEST(WireCurl, EndsACancelledCallWithoutAnOutcome) {
  LoopbackServer server([](LoopbackServer::Connection& connection) {
    if (!connection.read_request()) return;
    if (connection.number == 0) return connection.wait_until_client_leaves();
    connection.answer();
  });
  auto wire = make_wire(server.url());
  wire.send(api_call(1, Method::kGet, "/never"));
  wire.pump();
  wire.cancel(1);
  wire.cancel(99);
  wire.send(api_call(3, Method::kGet, std::string("/no header")));
  wire.cancel(3);
  EXPECT_EQ(run(wire, api_call(2, Method::kGet, "/b")).ticket, 2u);
  EXPECT_EQ(wire.progress_bytes(1), 0u);
}

TEST(WireCurl, CountsThePayloadThatHasLeft) {
  LoopbackServer server([](LoopbackServer::Connection& connection) { connection.wait_until_client_leaves(); });
  auto wire = make_wire(server.url());
  wire.send(put_call(1, server.url() + "/c", 200'000));
  EXPECT_EQ(wire.progress_bytes(1), 0u);
  for (int turns = 0; wire.progress_bytes(1) < 200'000 && turns < 10'000; ++turns) {
    wire.pump();
    wire.wait({}, Millis(20));
  }
  EXPECT_EQ(wire.progress_bytes(1), 200'000u);
  wire.cancel(1);
}

TEST(WireCurl, SaysWhichExtraDescriptorHasSomething) {
  UniqueFd const quiet(::eventfd(0, EFD_CLOEXEC));
  UniqueFd const loud(::eventfd(1, EFD_CLOEXEC));
  auto wire = make_wire("http://127.0.0.1:1");
  ExtraFd fds[] = {{quiet.get()}, {-1}, {loud.get()}};
  wire.wait(fds, Millis(20'000));
  EXPECT_FALSE(fds[0].readable);
  EXPECT_FALSE(fds[1].readable);
  EXPECT_TRUE(fds[2].readable);
}

TEST(WireCurl, IsWokenByAnotherThread) {
  auto wire = make_wire("http://127.0.0.1:1");
  auto const begun = std::chrono::steady_clock::now();
  std::thread waker([&] { wire.wakeup(); });
  wire.wait({}, Millis(20'000));  // a wakeup that came before counts too
  waker.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(15));
}

TEST(WireCurl, WaitsForABodyWhoseBytesAreStillBeingRead) {
  std::string got;
  LoopbackServer server([&](LoopbackServer::Connection& connection) {
    while (auto const request = connection.read_request()) {
      got = request->body;
      connection.answer("", "ETag: \"e\"\r\n");
    }
  });
  auto wire = make_wire(server.url());
  auto const body = std::make_shared<HesitantBody>(20'500, false);
  auto call = put_call(1, server.url() + "/chunk", 1);
  call.body = body;
  auto const outcome = run(wire, std::move(call));
  ASSERT_TRUE(outcome.answer) << outcome.answer.error().text;
  EXPECT_EQ(outcome.answer->status, 200);
  EXPECT_EQ(got, body->text());
}

TEST(WireCurl, TakesADiskThatGivesNothingForAFolderThatIsDown) {
  LoopbackServer server(answering());
  auto wire = make_wire(server.url());
  auto call = put_call(1, server.url() + "/chunk", 1);
  call.body = std::make_shared<HesitantBody>(20'500, true);
  call.stall_limit = Millis(400);
  auto const outcome = run(wire, std::move(call));
  EXPECT_FALSE(outcome.answer);
  ASSERT_TRUE(outcome.body_error);
  EXPECT_EQ(outcome.body_error->fault, Fault::kLocal) << "nobody is charged";
  EXPECT_EQ(outcome.body_error->code, "source_down");
  EXPECT_THAT(outcome.body_error->text, HasSubstr("the disk gave no byte"));
}

TEST(WireCurl, CountsWhatWaitsToBeCollected) {
  auto wire = make_wire("http://elsewhere.example");
  EXPECT_EQ(wire.outcomes(), 0u);
  wire.send(api_call(1, Method::kGet, "/a"));
  EXPECT_EQ(wire.outcomes(), 1u);
  EXPECT_EQ(wire.in_air(), 0u);
  EXPECT_EQ(wire.collect().size(), 1u);
  EXPECT_EQ(wire.outcomes(), 0u);
}

}  // namespace
}  // namespace sluice::daemon

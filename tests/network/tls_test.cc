// Every way in which TLS may go wrong: whether anything left, who pays, what a person is told, and who saw the key.
#include <gmock/gmock.h>

#include <cstdio>

#include "core/platform/faults.h"
#include "tests/network/acceptor.h"
#include "tests/network/relay.h"
#include "tests/network/tls_rows.h"
#include "tests/unit/daemon/temp_folder.h"
#include "tests/unit/daemon/wire_fixture.h"

namespace sluice::network {
namespace {

using daemon::TempFolder;
using daemon::WireCurl;
using platform::CallKind;
using ports::Method;
using testing::HasSubstr;
using testing::Not;

constexpr char kKey[] = "tlk_canary_of_tls";

std::string ca_file(TempFolder const& folder, Certificate const& root) {
  folder.write("root.pem", root.pem());
  return folder.at("root.pem");
}

class TlsFault : public testing::TestWithParam<TlsRow> {
 protected:
  // The outcome of one call to the row's server.
  ports::Outcome outcome_of(CallKind kind) {
    auto const& row = GetParam();
    ground_.requests = 0;
    Acceptor server([&](int fd) { row.serve(fd, ground_); });
    WireCurl wire("https://localhost:" + std::to_string(server.port()), ApiKey(kKey), "sluice/test",
                  {.ca_file = ca_file(folder_, ground_.root)});
    auto call = daemon::api_call(1, kind == CallKind::kCreate ? Method::kPost : Method::kGet, "/assets",
                                 kind == CallKind::kCreate ? "{}" : "");
    call.repeatable = kind == CallKind::kRead;
    call.stall_limit = Millis(row.patience_ms);
    return daemon::run(wire, std::move(call));
  }

  TempFolder folder_;
  TlsGround ground_;
};

TEST_P(TlsFault, IsSortedAndSaidAndShowsNobodyTheKey) {
  auto const& row = GetParam();
  for (auto const kind : {CallKind::kRead, CallKind::kCreate}) {
    auto outcome = outcome_of(kind);
    if (!row.phase) {
      ASSERT_TRUE(outcome.answer) << outcome.answer.error().text;
      EXPECT_THAT(outcome.answer->body, HasSubstr(row.text));
      continue;
    }
    ASSERT_FALSE(outcome.answer) << outcome.answer->status;
    EXPECT_EQ(outcome.answer.error().phase, *row.phase);
    if (*row.phase == ports::WireFailure::Phase::kBeforeSend) {
      EXPECT_EQ(ground_.requests, 0);
    }
    auto const sorted = platform::sort_outcome(kind, std::move(outcome), {});
    ASSERT_FALSE(sorted);
    auto const after = kind == CallKind::kCreate ? Fault::kOutcomeUnknown : Fault::kTransient;
    EXPECT_EQ(sorted.error().fault, *row.phase == ports::WireFailure::Phase::kBeforeSend ? Fault::kOffline : after);
    EXPECT_THAT(sorted.error().text, HasSubstr(row.text));
    EXPECT_THAT(sorted.error().text, Not(HasSubstr(kKey)));
    if (kind == CallKind::kRead) std::printf("%s: %s\n", row.name, sorted.error().text.c_str());
  }
}

INSTANTIATE_TEST_SUITE_P(All, TlsFault, testing::ValuesIn(tls_rows()),
                         [](auto const& of) { return std::string(of.param.name); });

TEST(Tls, SaysTheDayOnWhichACertificateExpired) {
  TempFolder const folder;
  TlsGround ground;
  Wish old;
  old.ends_s = -2 * 86'400L;
  old.begins_s = 2 * old.ends_s;
  auto const leaf = issued_by(ground.root, old);
  auto const day = day_from_now(old.ends_s);
  TlsEnd const end({.chain = {&leaf}});
  Acceptor server([&](int fd) { Stream const stream(fd, end); });
  WireCurl wire("https://localhost:" + std::to_string(server.port()), ApiKey(kKey), "sluice/test",
                {.ca_file = ca_file(folder, ground.root)});
  auto const outcome = daemon::run(wire, daemon::api_call(1, Method::kGet, "/assets"));
  ASSERT_FALSE(outcome.answer);
  EXPECT_THAT(outcome.answer.error().text, HasSubstr("expired on " + day + "; check this host's clock"));
}

// One connection carries one call, so that no stall holds up others (docs/adr/0008).
TEST(Tls, OffersHttp11AloneToAServerThatSpeaksBoth) {
  TempFolder const folder;
  TlsGround ground;
  auto const leaf = issued_by(ground.root, {});
  TlsEnd const end({.chain = {&leaf}});
  Acceptor server([&](int fd) {
    Stream stream(fd, end);
    stream.read_request();
    stream.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  WireCurl wire("https://localhost:" + std::to_string(server.port()), ApiKey(kKey), "sluice/test",
                {.ca_file = ca_file(folder, ground.root)});
  EXPECT_TRUE(daemon::run(wire, daemon::api_call(1, Method::kGet, "/assets")).answer);
  EXPECT_EQ(end.offered(), "http/1.1");
}

class Redirected : public testing::TestWithParam<int> {};

TEST_P(Redirected, ToAnotherHostIsNotFollowedAndTheKeyStaysHere) {
  daemon::LoopbackServer elsewhere(daemon::answering());
  daemon::LoopbackServer server([&](daemon::LoopbackServer::Connection& connection) {
    while (connection.read_request())
      connection.write("HTTP/1.1 " + std::to_string(GetParam()) + " Elsewhere\r\nLocation: " + elsewhere.url() +
                       "/assets\r\nContent-Length: 0\r\n\r\n");
  });
  {
    WireCurl wire(server.url(), ApiKey(kKey), "sluice/test");
    for (auto const method : {Method::kGet, Method::kPost}) {
      auto outcome = daemon::run(wire, daemon::api_call(1, method, "/assets", method == Method::kGet ? "" : "{}"));
      ASSERT_TRUE(outcome.answer);
      EXPECT_EQ(outcome.answer->status, GetParam());
      auto const sorted = platform::sort_outcome(CallKind::kRead, std::move(outcome), {});
      ASSERT_FALSE(sorted);
      EXPECT_EQ(sorted.error().fault, Fault::kProtocol);
    }
  }
  EXPECT_TRUE(elsewhere.stop().empty());
  EXPECT_EQ(server.stop().size(), 2u);
}

INSTANTIATE_TEST_SUITE_P(Wire, Redirected, testing::Values(301, 302, 303, 307, 308));

}  // namespace
}  // namespace sluice::network

// Every way in which the name of the platform may not be found, and addresses that lead nowhere.
//
// In a network of the test's own, with a name server of its own: root only. The platform listens on 127.0.0.2; what
// else of 127.0.0.0/8 is named refuses connections.
#include <gmock/gmock.h>
#include <netdb.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <memory>

#include "core/platform/faults.h"
#include "tests/network/acceptor.h"
#include "tests/network/dns_server.h"
#include "tests/network/own_network.h"
#include "tests/network/stream.h"
#include "tests/unit/daemon/temp_folder.h"
#include "tests/unit/daemon/wire_fixture.h"

namespace sluice::network {
namespace {

using daemon::TempFolder;
using daemon::WireCurl;
using ports::Method;
using testing::HasSubstr;
using testing::Not;
using Phase = ports::WireFailure::Phase;

constexpr char kKey[] = "tlk_canary_of_dns";
constexpr char kName[] = "api.fault.example";
// A question is asked once and given up after a second: the least that the resolver knows.
constexpr char kResolver[] = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n";

// The platform: says on which address it was reached, and hangs up, so that each call needs the name anew.
class Platform {
 public:
  Platform(TlsEnd const& end, std::string address, std::uint16_t port)
      : end_(end), address_(std::move(address)), acceptor_([this](int fd) { serve(fd); }, address_, port) {}
  std::uint16_t port() const { return acceptor_.port(); }
  int reached() const { return acceptor_.accepted(); }

 private:
  void serve(int fd) {
    Stream stream(fd, end_);
    if (stream.read_request().empty()) return;
    stream.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(address_.size()) +
                 "\r\n\r\n" + address_);
  }
  TlsEnd const& end_;
  std::string address_;
  Acceptor acceptor_;
};

// Entered once, by the first test, and not left: libcurl's threads for names may outlive a test, and they share what
// this thread would go back to.
struct Surroundings {
  Surroundings() : network(made(folder)) {}
  static std::string made(TempFolder const& folder) {
    folder.write("resolv.conf", kResolver);
    return folder.at("resolv.conf");
  }
  TempFolder folder;
  OwnNetwork network;
};

class Dns : public testing::Test {
 protected:
  void SetUp() override {
    static Surroundings const surroundings;
    if (!surroundings.network.is_made()) GTEST_SKIP() << "no network and mount namespace without privileges";
    surroundings.folder.write("resolv.conf", kResolver);
    resolver_ = surroundings.folder.at("resolv.conf");
    folder_.write("root.pem", root_.pem());
    platform_ = std::make_unique<Platform>(end_, "127.0.0.2", std::uint16_t{0});
  }

  std::unique_ptr<WireCurl> wire() const {
    return std::make_unique<WireCurl>("https://" + std::string(kName) + ":" + std::to_string(platform_->port()),
                                      ApiKey(kKey), "sluice/test",
                                      daemon::WireRoute{.ca_file = folder_.at("root.pem")});
  }

  static ports::Call call(Millis patience = Millis(20'000)) {
    auto made = daemon::api_call(1, Method::kPost, "/assets", "{}");
    made.repeatable = false;
    made.stall_limit = patience;
    return made;
  }

  // What people are told of a call that failed before its first byte.
  static std::string failure(ports::Outcome outcome) {
    EXPECT_FALSE(outcome.answer);
    if (outcome.answer) return {};
    EXPECT_EQ(outcome.answer.error().phase, Phase::kBeforeSend);
    auto const sorted = platform::sort_outcome(platform::CallKind::kCreate, std::move(outcome), {});
    EXPECT_EQ(sorted.error().fault, Fault::kOffline);
    EXPECT_THAT(sorted.error().text, Not(HasSubstr(kKey)));
    return sorted.error().text;
  }

  // The first of the addresses as the resolver orders them.
  static std::string first_address() {
    addrinfo* found = nullptr;
    addrinfo const wanted{.ai_flags = 0,
                          .ai_family = AF_UNSPEC,
                          .ai_socktype = SOCK_STREAM,
                          .ai_protocol = 0,
                          .ai_addrlen = 0,
                          .ai_addr = nullptr,
                          .ai_canonname = nullptr,
                          .ai_next = nullptr};
    if (::getaddrinfo(kName, nullptr, &wanted, &found) != 0) return {};
    char text[NI_MAXHOST] = {};
    ::getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
    ::freeaddrinfo(found);
    return text;
  }

  void resolve_with(std::string const& text) const { std::ofstream(resolver_) << text; }

  TempFolder folder_;
  std::string resolver_;
  Certificate root_ = self_signed(authority("Sluice's test root"));
  Certificate leaf_ = issued_by(root_, {.common_name = kName, .names = std::string("DNS:") + kName});
  TlsEnd end_{TlsManner{.chain = {&leaf_}}};
  std::unique_ptr<Platform> platform_;
};

// ---- names that are not found

constexpr char kNoAddress[] = "resolve api.fault.example: no address for that name, or no name server reachable";

struct NameRow {
  char const* name;
  DnsServer::Answer answer;
  char const* text;
  long patience_ms = 20'000;
};
void PrintTo(NameRow const& row, std::ostream* out) { *out << row.name; }

std::optional<std::string> never(Question const&) { return std::nullopt; }

std::optional<std::string> with_another_id(Question const& question) {
  auto other = question;
  other.id[0] = static_cast<char>(other.id[0] ^ 0x55);
  return addresses(other, {"127.0.0.2"});
}

std::optional<std::string> around_in_a_circle(Question const& question) {
  return alias(question, question.name == kName ? "other.fault.example" : kName);
}

DnsServer::Answer refusing(Rcode code) {
  return [code](Question const& question) { return refusal(question, code); };
}

DnsServer::Answer naming(std::vector<std::string> const& all) {
  return [all](Question const& question) { return addresses(question, all); };
}

std::vector<NameRow> name_rows() {
  return {
      {"Nxdomain", refusing(Rcode::kNxdomain), kNoAddress},
      {"Servfail", refusing(Rcode::kServfail), kNoAddress},
      {"Refused", refusing(Rcode::kRefused), kNoAddress},
      {"NoSuchRecord", refusing(Rcode::kGood), kNoAddress},
      {"Silence", never, kNoAddress},
      {"SilenceForLongerThanTheCallHasTime", never, "resolve api.fault.example: no answer after 300 ms", 300},
      {"TruncatedAndNobodyOnTcp", [](Question const& question) { return truncated(question); }, kNoAddress},
      {"Garbage", [](Question const&) { return std::string(40, '\xa5'); }, kNoAddress},
      {"Nothing", [](Question const&) { return std::string(); }, kNoAddress},
      {"AnotherId", with_another_id, kNoAddress},
      {"AliasesInACircle", around_in_a_circle, kNoAddress},
      {"AddressWhereNobodyListens", naming({"127.0.0.9"}), "connect to api.fault.example: Connection refused"},
      {"NoAddressAtAll", naming({"0.0.0.0"}), "connect to api.fault.example: Connection refused"},
      {"AddressThatCannotBeReached", naming({"192.0.2.1"}), "connect to api.fault.example: Network is unreachable"},
  };
}

class NameFault : public Dns, public testing::WithParamInterface<NameRow> {};

TEST_P(NameFault, IsOfflineAndNoByteLeaves) {
  DnsServer const server(GetParam().answer);
  auto const text = failure(daemon::run(*wire(), call(Millis(GetParam().patience_ms))));
  EXPECT_THAT(text, HasSubstr(GetParam().text));
  EXPECT_GE(server.asked(kName), 1);
  std::printf("%s: %s\n", GetParam().name, text.c_str());
}

INSTANTIATE_TEST_SUITE_P(All, NameFault, testing::ValuesIn(name_rows()),
                         [](auto const& of) { return std::string(of.param.name); });

TEST_F(Dns, WithoutANameServerIsOffline) {
  EXPECT_THAT(failure(daemon::run(*wire(), call())), HasSubstr("no name server reachable"));
}

TEST_F(Dns, AProxyWithoutAnAddressIsOfflineAndSaidAsSuch) {
  DnsServer const server(refusing(Rcode::kNxdomain));
  WireCurl wire("https://api.fault.example", ApiKey(kKey), "sluice/test", {.proxy = "http://proxy.fault.example:3128"});
  EXPECT_EQ(failure(daemon::run(wire, call())),
            "resolve the proxy's name: no address for it, or no name server reachable");
  EXPECT_EQ(server.asked(kName), 0);  // names of hosts are the proxy's matter
}

// ---- addresses of which some lead nowhere

struct AddressRow {
  char const* name;
  std::vector<std::string> addresses;
  std::string first;  // what is tried first: a case where it is the good one would show nothing
  bool is_silent;     // it drops what comes, in place of refusing it
};
void PrintTo(AddressRow const& row, std::ostream* out) { *out << row.name; }

class AddressFault : public Dns, public testing::WithParamInterface<AddressRow> {};

TEST_P(AddressFault, IsPassedOver) {
  auto const& row = GetParam();
  DnsServer const server(naming(row.addresses));
  std::unique_ptr<BlackHole> hole;
  if (row.is_silent) hole = std::make_unique<BlackHole>(row.first, platform_->port());
  ASSERT_EQ(first_address(), row.first);
  // A silent address has half of what time there is when another one of its family follows.
  auto const outcome = daemon::run(*wire(), call(Millis(3'000)));
  ASSERT_TRUE(outcome.answer) << outcome.answer.error().text;
  EXPECT_EQ(outcome.answer->body, "127.0.0.2");
}

INSTANTIATE_TEST_SUITE_P(All, AddressFault,
                         testing::Values(AddressRow{"Dead", {"127.0.0.1", "127.0.0.2"}, "127.0.0.1", false},
                                         AddressRow{"Silent", {"127.0.0.1", "127.0.0.2"}, "127.0.0.1", true},
                                         AddressRow{"DeadIpv6", {"::1", "127.0.0.2"}, "::1", false},
                                         AddressRow{"SilentIpv6", {"::1", "127.0.0.2"}, "::1", true}),
                         [](auto const& of) { return std::string(of.param.name); });

TEST_F(Dns, AllAddressesSilentIsOfflineAfterTheTimeToConnect) {
  BlackHole const hole("127.0.0.1", platform_->port());
  DnsServer const server(naming({"127.0.0.1"}));
  EXPECT_THAT(failure(daemon::run(*wire(), call(Millis(300)))),
              HasSubstr("connect to api.fault.example: timed out after 300 ms"));
}

// ---- a name over time

TEST_F(Dns, AQuestionThatWasLostIsAskedAgain) {
  resolve_with("nameserver 127.0.0.1\noptions timeout:1 attempts:2\n");
  DnsServer const server([](Question const& question) -> std::optional<std::string> {
    if (question.nth == 1) return std::nullopt;
    return addresses(question, {"127.0.0.2"});
  });
  auto const outcome = daemon::run(*wire(), call());
  ASSERT_TRUE(outcome.answer) << outcome.answer.error().text;
  EXPECT_GE(server.asked(kName), 2);
}

TEST_F(Dns, ASlowNameHoldsUpNobodyElse) {
  resolve_with("nameserver 127.0.0.1\noptions timeout:20 attempts:1\n");
  std::atomic<bool> may_answer{false};
  DnsServer const server([&](Question const& question) -> std::optional<std::string> {
    may_answer.wait(false);
    return addresses(question, {"127.0.0.2"});
  });
  daemon::LoopbackServer quick(daemon::answering("quick"));
  auto const slow = wire();
  slow->send(call());
  auto other = daemon::put_call(2, quick.url() + "/chunk", 10);
  auto const outcome = daemon::run(*slow, std::move(other));
  EXPECT_EQ(outcome.ticket, 2u);
  EXPECT_TRUE(outcome.answer);
  EXPECT_EQ(slow->in_air(), 1u);
  may_answer = true;
  may_answer.notify_all();
  EXPECT_TRUE(daemon::run(*slow).answer);
}

// What a name led to is kept for a minute (kNamesKeptSeconds), and dropped with the ways to the hosts.
TEST_F(Dns, ANameThatLeadsElsewhereIsFollowedOnceTheWaysAreForgotten) {
  Platform const second(end_, "127.0.0.3", platform_->port());
  std::atomic<bool> has_moved{false};
  DnsServer const server(
      [&](Question const& question) { return addresses(question, {has_moved ? "127.0.0.3" : "127.0.0.2"}); });
  auto const wire = this->wire();
  EXPECT_EQ(daemon::run(*wire, call()).answer->body, "127.0.0.2");
  auto const asked = server.asked(kName);
  EXPECT_EQ(daemon::run(*wire, call()).answer->body, "127.0.0.2");
  EXPECT_EQ(server.asked(kName), asked);
  has_moved = true;
  EXPECT_EQ(daemon::run(*wire, call()).answer->body, "127.0.0.2");
  wire->forget_ways();
  EXPECT_EQ(daemon::run(*wire, call()).answer->body, "127.0.0.3");
  EXPECT_GT(server.asked(kName), asked);
}

// ---- names of strangers (M21): what counts is the address that is connected to

class StrangerName : public Dns {
 protected:
  ports::Call stranger_call(std::initializer_list<std::string_view> allowed, std::uint16_t port) const {
    AllowedHosts hosts;
    for (auto const entry : allowed) EXPECT_EQ(hosts.add(entry), "");
    ports::Call made;
    made.ticket = 1;
    made.target = SecretUrl("https://" + std::string(kName) + ":" + std::to_string(port) + "/a.mp4");
    made.stranger = ports::Stranger{.allowed = std::make_shared<AllowedHosts const>(hosts), .body_bytes_max = 1000};
    return made;
  }
  ports::Call stranger_call(std::initializer_list<std::string_view> allowed) const {
    return stranger_call(allowed, platform_->port());
  }
};

TEST_F(StrangerName, ThatLeadsWithinIsNotConnectedTo) {
  for (auto const& where : {std::vector<std::string>{"127.0.0.2"}, {"::1", "127.0.0.2"}, {"0.0.0.0"}, {"::"}}) {
    DnsServer const server(naming(where));
    auto const outcome = daemon::run(*wire(), stranger_call({}));
    ASSERT_FALSE(outcome.answer) << where.front();
    EXPECT_EQ(outcome.answer.error().code, ports::kAddressDenied) << outcome.answer.error().text;
    EXPECT_GE(server.asked(kName) + server.asked(kName, kTypeAaaa), 1);
  }
  EXPECT_EQ(platform_->reached(), 0);
}

TEST_F(StrangerName, ThatLeadsElsewhereTheSecondTimeIsJudgedAnew) {
  Platform const inside(end_, "127.0.0.3", platform_->port());
  std::atomic<bool> has_moved{false};
  DnsServer const server(
      [&](Question const& question) { return addresses(question, {has_moved ? "127.0.0.3" : "127.0.0.2"}); });
  auto const wire = this->wire();
  auto const first = daemon::run(*wire, stranger_call({"127.0.0.2/32"}));
  ASSERT_TRUE(first.answer) << first.answer.error().text;
  has_moved = true;
  wire->forget_ways();
  auto const second = daemon::run(*wire, stranger_call({"127.0.0.2/32"}));
  ASSERT_FALSE(second.answer);
  EXPECT_EQ(second.answer.error().code, ports::kAddressDenied);
  EXPECT_EQ(inside.reached(), 0);
}

TEST_F(StrangerName, GoesToTheAddressesThatAreAllowedAmongOthers) {
  Platform const inside(end_, "127.0.0.3", platform_->port());
  DnsServer const server(naming({"127.0.0.3", "127.0.0.2"}));
  auto const outcome = daemon::run(*wire(), stranger_call({"127.0.0.2/32"}));
  ASSERT_TRUE(outcome.answer) << outcome.answer.error().text;
  EXPECT_EQ(*outcome.answer->payload, "127.0.0.2");
  EXPECT_EQ(inside.reached(), 0);
}

TEST_F(StrangerName, IsNotCalledByAConnectionThatWasOpenedForThePlatform) {
  std::atomic<int> requests{0};
  Acceptor acceptor(
      [&](int fd) {
        Stream stream(fd, end_);
        while (!stream.read_request().empty()) {
          ++requests;  // before the answer, with which the test may go on
          if (!stream.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) break;
        }
      },
      "127.0.0.2");
  DnsServer const server(naming({"127.0.0.2"}));
  WireCurl wire("https://" + std::string(kName) + ":" + std::to_string(acceptor.port()), ApiKey(kKey), "sluice/test",
                daemon::WireRoute{.ca_file = folder_.at("root.pem")});
  ASSERT_TRUE(daemon::run(wire, call()).answer);
  ASSERT_TRUE(daemon::run(wire, stranger_call({kName}, acceptor.port())).answer);
  EXPECT_EQ(acceptor.accepted(), 1) << "the connection is kept, and used again where it may be";
  auto const denied = daemon::run(wire, stranger_call({}, acceptor.port()));
  ASSERT_FALSE(denied.answer);
  EXPECT_EQ(denied.answer.error().code, ports::kAddressDenied);
  EXPECT_EQ(requests, 2);
}

}  // namespace
}  // namespace sluice::network

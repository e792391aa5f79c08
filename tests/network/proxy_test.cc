// What goes wrong at a proxy: no byte has left, the text says that it was the proxy, and its password stays secret.
#include "tests/network/proxy.h"

#include <gmock/gmock.h>

#include <cstdio>

#include "core/platform/faults.h"
#include "tests/unit/daemon/wire_fixture.h"

namespace sluice::network {
namespace {

using daemon::WireCurl;
using testing::HasSubstr;
using testing::Not;

constexpr char kKey[] = "tlk_canary_of_proxies";

// What people are told of a call by way of this proxy to a platform that it does not know.
std::string failure_by(std::string const& proxy) {
  WireCurl wire("https://api.platform.test/v1.3", ApiKey(kKey), "sluice/test", {.proxy = proxy});
  auto call = daemon::api_call(1, ports::Method::kPost, "/assets", "{}");
  call.repeatable = false;
  auto outcome = daemon::run(wire, std::move(call));
  EXPECT_FALSE(outcome.answer);
  if (outcome.answer) return {};
  EXPECT_EQ(outcome.answer.error().phase, ports::WireFailure::Phase::kBeforeSend);
  auto const sorted = platform::sort_outcome(platform::CallKind::kCreate, std::move(outcome), {});
  EXPECT_EQ(sorted.error().fault, Fault::kOffline);
  EXPECT_THAT(sorted.error().text, Not(HasSubstr(Proxy::kPassword)));
  std::printf("%s\n", sorted.error().text.c_str());
  return sorted.error().text;
}

std::string with_a_wrong_password(Proxy const& proxy) {
  auto url = proxy.url();
  return url.replace(url.find(Proxy::kPassword), 1, "X");
}

class ProxyFault : public testing::TestWithParam<Proxy::Kind> {
 protected:
  bool is_connect() const { return GetParam() == Proxy::Kind::kConnect; }
  std::string url_to(std::uint16_t port) const {
    return (is_connect() ? "http://127.0.0.1:" : "socks5h://127.0.0.1:") + std::to_string(port);
  }
  Proxy proxy_{GetParam()};
};

TEST_P(ProxyFault, AWrongPasswordIsSaid) {
  auto const text = failure_by(with_a_wrong_password(proxy_));
  EXPECT_THAT(text, HasSubstr("the proxy refused the way to api.platform.test: "));
  EXPECT_THAT(text, HasSubstr(is_connect() ? "HTTP 407" : "rejected"));
  EXPECT_EQ(proxy_.admitted(), 0);
}

TEST_P(ProxyFault, AHostThatItDoesNotReachIsSaid) {
  auto const text = failure_by(proxy_.url());
  EXPECT_THAT(text, HasSubstr("the proxy refused the way to api.platform.test: "));
  EXPECT_EQ(count_of(proxy_.greetings() + proxy_.passed(), kKey), 0u);
}

TEST_P(ProxyFault, AProxyThatIsNotThereIsSaid) {
  EXPECT_THAT(failure_by(url_to(unused_port())), HasSubstr("connect to the proxy: Connection refused"));
}

TEST_P(ProxyFault, AProxyThatHangsUpIsOffline) {
  Acceptor const silent([](int fd) { receive(fd); });
  failure_by(url_to(silent.port()));
}

INSTANTIATE_TEST_SUITE_P(Each, ProxyFault, testing::Values(Proxy::Kind::kConnect, Proxy::Kind::kSocks5),
                         [](auto const& of) { return of.param == Proxy::Kind::kConnect ? "Connect" : "Socks5"; });

}  // namespace
}  // namespace sluice::network

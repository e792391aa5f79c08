// The way to the platform: what is read at the start, and what is said when it cannot be had.
#include "daemon/wire_route.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/unit/daemon/temp_folder.h"
#include "tests/unit/daemon/wire_fixture.h"

namespace sluice::daemon {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using From = config::KeySource::From;

class RouteFrom : public testing::Test {
 protected:
  std::string file(std::string const& name, std::string const& text) {
    folder.write(name, text);
    ::chmod(folder.at(name).c_str(), 0400);
    return folder.at(name);
  }
  static std::string refusal(config::Platform const& platform) {
    auto const route = wire_route_from(platform);
    EXPECT_FALSE(route);
    if (route) return {};
    EXPECT_EQ(route.error().code, "route");
    return route.error().text;
  }
  TempFolder folder;
};

TEST_F(RouteFrom, AnEmptyConfigurationIsTheSystemsOwn) {
  auto const route = wire_route_from({}).value();
  EXPECT_EQ(route.ca_file, "");
  EXPECT_EQ(route.proxy, "");
}

TEST_F(RouteFrom, ReadsTheProxyWithItsPasswordFromItsPlace) {
  config::Platform platform;
  platform.proxy_from = {From::kFile, file("proxy", "http://me:SECRET@p:3128\n")};
  EXPECT_EQ(wire_route_from(platform).value().proxy, "http://me:SECRET@p:3128");
  platform.proxy_from = {From::kFile, file("wrong", "me:SECRET@p\n")};
  EXPECT_THAT(refusal(platform),
              AllOf(HasSubstr("platform.proxy: what is there must begin"), Not(HasSubstr("SECRET"))));
  platform.proxy_from = {From::kFile, folder.at("none")};
  EXPECT_THAT(refusal(platform), AllOf(HasSubstr("does not exist"), HasSubstr("holding the proxy's URL")));
}

TEST_F(RouteFrom, SaysAtOnceThatATrustRootIsMissingOrNone) {
  config::Platform platform;
  platform.ca_file = folder.at("none.pem");
  EXPECT_THAT(refusal(platform), AllOf(HasSubstr("platform.ca_file"), HasSubstr("No such file")));
  platform.ca_file = file("empty.pem", "no certificate\n");
  EXPECT_THAT(refusal(platform), HasSubstr("holds no certificate"));
  platform.ca_file = file("ca.pem", "# ours\n-----BEGIN CERTIFICATE-----\nMIIB\n");
  EXPECT_EQ(wire_route_from(platform).value().ca_file, platform.ca_file);
}

// ---- by a proxy; the host is one of RFC 5737 that nobody has

TEST(AProxy, IsAskedForATunnelWithItsPasswordAndWithoutTheKey) {
  LoopbackServer proxy([](LoopbackServer::Connection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
  });
  auto const place = proxy.url().substr(std::string("http://").size());
  {
    WireCurl wire("https://192.0.2.1/v1.3", ApiKey("tlk_canary"), "sluice/test",
                  {.proxy = "http://me:SECRET@" + place});
    auto const outcome = run(wire, api_call(1, ports::Method::kGet, "/assets"));
    ASSERT_FALSE(outcome.answer);
    EXPECT_EQ(outcome.answer.error().phase, ports::WireFailure::Phase::kBeforeSend);
    EXPECT_EQ(outcome.answer.error().text, "the proxy refused the way to 192.0.2.1: HTTP 407");
  }
  auto const seen = proxy.stop();
  ASSERT_EQ(seen.size(), 1u);
  auto const& asked = seen.front();
  EXPECT_TRUE(asked.head.starts_with("CONNECT 192.0.2.1:443 ")) << asked.head;
  EXPECT_TRUE(asked.has("Proxy-Authorization: Basic bWU6U0VDUkVU\r\n")) << asked.head;
  EXPECT_FALSE(asked.has("tlk_canary"));
}

TEST(AProxy, IsLeftOutForLoopbackAddresses) {
  LoopbackServer proxy(answering()), server(answering());
  {
    WireCurl wire(server.url(), ApiKey("tlk_canary"), "sluice/test", {.proxy = proxy.url()});
    EXPECT_TRUE(run(wire, api_call(1, ports::Method::kGet, "/assets")).answer);
  }
  EXPECT_EQ(server.stop().size(), 1u);
  EXPECT_TRUE(proxy.stop().empty());
}

}  // namespace
}  // namespace sluice::daemon

// What allow_hosts opens, and that it opens nothing else.
#include "core/base/allowed_hosts.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

AllowedHosts with(std::initializer_list<std::string_view> entries) {
  AllowedHosts allowed;
  for (auto const entry : entries) EXPECT_EQ(allowed.add(entry), "") << entry;
  return allowed;
}

TEST(AllowedHosts, NameAHostAtAnyPortOrAtOne) {
  auto const allowed = with({"Media.LAN", "other.lan:8080", "[fd00::7]:8443", "127.0.0.1:81"});
  EXPECT_TRUE(allowed.names("media.lan", 443));
  EXPECT_TRUE(allowed.names("media.lan", 80));
  EXPECT_TRUE(allowed.names("other.lan", 8080));
  EXPECT_FALSE(allowed.names("other.lan", 443));
  EXPECT_TRUE(allowed.names("[fd00:0::7]", 8443)) << "another way to write the same address";
  EXPECT_TRUE(allowed.names("127.0.0.1", 81));
  EXPECT_FALSE(allowed.names("127.0.0.1", 80));
  for (auto const* host : {"evil.media.lan", "media.lan.evil.net", "media", "xmedia.lan", "media.lan.", ""})
    EXPECT_FALSE(allowed.names(host, 443)) << host;
  EXPECT_FALSE(allowed.opens(*read_ip_address("127.0.0.1"))) << "a name opens no address for others";
}

TEST(AllowedHosts, OpenTheAddressesOfANetwork) {
  auto const allowed = with({"10.20.0.0/16", "fd00:1::/32"});
  EXPECT_TRUE(allowed.opens(*read_ip_address("10.20.3.4")));
  EXPECT_FALSE(allowed.opens(*read_ip_address("10.21.3.4")));
  EXPECT_TRUE(allowed.opens(*read_ip_address("fd00:1::9")));
  EXPECT_TRUE(allowed.names("10.20.3.4", 80)) << "an address of it may stand in the URL";
  EXPECT_FALSE(allowed.names("media.lan", 80));
}

TEST(AllowedHosts, RefuseWhatIsNoHost) {
  for (auto const* entry : {"", "/", "https://media.lan", "media.lan/x", "*.lan", "a b", "media.lan:", "media.lan:x",
                            "media.lan:70000", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "fd00::/129", "[fd00::7",
                            "fd00::7", ".lan", "lan.", "user@host", "[media.lan]"})
    EXPECT_NE(AllowedHosts().add(entry), "") << entry;
}

TEST(AllowedHosts, ReadSchemeHostAndPortOfAUrl) {
  EXPECT_EQ(url_place("https://a.net/x").port, 443);
  EXPECT_EQ(url_place("http://a.net").port, 80);
  EXPECT_EQ(url_place("https://[fd00::7]:8443/x:1").host, "[fd00::7]");
  EXPECT_EQ(url_place("https://[fd00::7]:8443/x").port, 8443);
  EXPECT_FALSE(url_place("http://a.net?b=https://").is_https);
  EXPECT_EQ(url_place("https://a.net?b=c:1").host, "a.net");
}

}  // namespace
}  // namespace sluice

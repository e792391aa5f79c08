// Which addresses are nobody's public ones, whatever form they come in.
#include "core/base/ip_address.h"

#include <gtest/gtest.h>

#include <iterator>
#include <string>

namespace sluice {
namespace {

IpAddress read(std::string_view text) {
  auto const address = read_ip_address(text);
  EXPECT_TRUE(address) << text;
  return address.value_or(IpAddress{});
}

constexpr char const* kNotPublic[] = {
    "0.0.0.0",
    "0.0.0.1",
    "0.1.2.3",
    "10.0.0.1",
    "169.254.0.1",
    "0.255.255.255",  // this network
    "10.0.0.0",
    "10.1.2.3",
    "10.255.255.255",  // private
    "100.64.0.0",
    "100.100.100.200",
    "100.127.255.255",  // carriers, and a metadata host
    "127.0.0.0",
    "127.0.0.1",
    "127.1.2.3",
    "127.255.255.255",  // loopback
    "169.254.0.0",
    "169.254.169.254",
    "169.254.170.2",
    "169.254.255.255",  // metadata hosts
    "172.16.0.0",
    "172.20.10.1",
    "172.31.255.255",  // private
    "192.0.0.0",
    "192.0.0.170",
    "192.0.0.192",
    "192.0.0.255",  // protocols
    "192.0.2.0",
    "192.0.2.77",
    "192.88.99.1",
    "192.88.99.255",  // documentation, relays
    "192.168.0.0",
    "192.168.1.1",
    "192.168.255.255",  // private
    "198.18.0.0",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.254",  // benchmarks, documentation
    "224.0.0.0",
    "224.0.0.251",
    "239.255.255.250",  // multicast
    "240.0.0.0",
    "250.1.2.3",
    "255.255.255.254",
    "255.255.255.255",  // reserved, broadcast
    "::",
    "::1",
    "::2",
    "::127.0.0.1",
    "::7f00:1",
    "::8.8.8.8",
    "::ffff:0:7f00:1",  // none of them global
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "0:0:0:0:0:ffff:7f00:0001",  // mapped
    "::ffff:10.0.0.1",
    "::ffff:a9fe:a9fe",
    "::ffff:0.0.0.0",
    "::ffff:192.168.1.1",  //
    "64:ff9b::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::a9fe:a9fe",  // NAT64
    "64:ff9b:1::1",
    "64:ff9b:1::8.8.8.8",  // local NAT64
    "2002:7f00:1::",
    "2002:7f00:1::1",
    "2002:a00:1::",
    "2002:c0a8:101::5",
    "2002:a9fe:a9fe::",  // 6to4
    "2001::",
    "2001:0:7f00:1::",
    "2001:0:808:808::f5ff:fffe",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::",
    "2001:db8:ffff::1",
    "3fff::1",
    "3fff:fff::1",  // documentation
    "fc00::",
    "fc00::1",
    "fd00::1",
    "fd12:3456:789a::1",
    "fdff:ffff::1",  // unique local
    "fe80::",
    "fe80::1",
    "fe80::5efe:7f00:1",
    "febf::1",  // link-local
    "fec0::",
    "fec0::1",
    "feff::1",  // site-local
    "ff00::",
    "ff02::1",
    "ff0e::1",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",  // multicast
    "100::1",
    "5f00::1",
    "4000::1",
    "1fff::1",
    "e000::1",  // not given out
};
static_assert(std::size(kNotPublic) >= 100);

TEST(IpAddress, IsDeniedWhereItIsNotPublic) {
  for (auto const* text : kNotPublic) EXPECT_FALSE(denied_range(read(text)).empty()) << text;
}

TEST(IpAddress, IsPublicRightBesideTheRangesThatAreNot) {
  for (auto const* text : {"1.0.0.0",         "9.255.255.255",   "11.0.0.0",         "100.63.255.255",
                           "100.128.0.0",     "126.255.255.255", "128.0.0.0",        "169.253.255.255",
                           "169.255.0.0",     "172.15.255.255",  "172.32.0.0",       "192.0.1.0",
                           "192.0.3.0",       "192.88.98.255",   "192.88.100.0",     "192.167.255.255",
                           "192.169.0.0",     "198.17.255.255",  "198.20.0.0",       "198.51.99.255",
                           "198.51.101.0",    "203.0.112.255",   "203.0.114.0",      "223.255.255.255",
                           "8.8.8.8",         "2000::1",         "2001:200::1",      "2001:4860:4860::8888",
                           "2606:4700::1111", "2002:808:808::1", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8",
                           "3ffe:ffff::1",    "3fff:1000::1",    "2003::1"})
    EXPECT_EQ(denied_range(read(text)), "") << text;
}

TEST(IpAddress, IsReadInItsPlainFormsOnly) {
  for (auto const* text : {"",
                           "1",
                           "1.2.3",
                           "1.2.3.4.5",
                           "127.1",
                           "2130706433",
                           "0x7f000001",
                           "0177.0.0.1",
                           "0x7f.0.0.1",
                           "127.0.0.01",
                           "256.1.1.1",
                           "1.2.3.",
                           ".1.2.3",
                           "1..2.3",
                           "1.2.3.4 ",
                           " 1.2.3.4",
                           "1.2.3.4/8",
                           "+1.2.3.4",
                           "1.2.3.-4",
                           ":",
                           ":::",
                           "1::2::3",
                           "12345::",
                           "::g",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1:2:3:4:5:6:7:8::",
                           "::1.2.3",
                           "::1.2.3.4:5",
                           "1.2.3.4::",
                           "fe80::1%eth0",
                           "[::1]",
                           "::1 ",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           "1:",
                           "::1:"})
    EXPECT_FALSE(read_ip_address(text)) << text;
  EXPECT_EQ(read("1:2:3:4:5:6:1.2.3.4"), read("1:2:3:4:5:6:102:304"));
  EXPECT_EQ(read("::"), (IpAddress{.is_v6 = true}));
  EXPECT_EQ(to_text(read("::ffff:127.0.0.1")), "0:0:0:0:0:ffff:7f00:1");
  EXPECT_EQ(to_text(read("192.0.2.1")), "192.0.2.1");
}

TEST(IpAddress, LiesWithinANetworkOfItsOwnFamily) {
  EXPECT_TRUE(is_within(read("10.1.2.3"), read("10.0.0.0"), 8));
  EXPECT_FALSE(is_within(read("11.1.2.3"), read("10.0.0.0"), 8));
  EXPECT_FALSE(is_within(read("10.128.0.1"), read("10.64.0.0"), 9));
  EXPECT_TRUE(is_within(read("10.65.0.1"), read("10.64.0.0"), 10));
  EXPECT_TRUE(is_within(read("8.8.8.8"), read("0.0.0.0"), 0));
  EXPECT_FALSE(is_within(read("::1"), read("0.0.0.0"), 0));
  EXPECT_TRUE(is_within(read("fd00::1"), read("fd00::1"), 128));
}

}  // namespace
}  // namespace sluice

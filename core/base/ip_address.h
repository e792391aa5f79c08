// ip_address.h - an address of the Internet Protocol as bytes, and whether it belongs to somebody else's public host.
//
// Addresses are judged as the bytes that are connected to, never as text: text has decimal, octal, hexadecimal and
// shortened forms, and names lead anywhere (M21). What is not known to be public is denied: of IPv6 only global unicast
// is public, less what carries a denied IPv4 address within. Pure. Source: the special-purpose registries of IANA
// (RFC 6890 and its updates), read 2026-08.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

struct IpAddress {
  bool is_v6 = false;
  std::array<std::uint8_t, 16> bytes = {};  // in the order of the network; of IPv4 the first four

  friend bool operator==(IpAddress const&, IpAddress const&) = default;
};

// Reads "192.0.2.1" (four decimal numbers, nothing else) or an IPv6 address without brackets and zone. Nothing for any
// other text.
std::optional<IpAddress> read_ip_address(std::string_view text);

// "192.0.2.1"; an IPv6 address in eight groups. For people.
std::string to_text(IpAddress const& address);

// What the address is in place of a public one: "a loopback address"; "" if it is public.
std::string_view denied_range(IpAddress const& address);

// Whether the two agree in their first `bits` bits, and are of one family.
bool is_within(IpAddress const& address, IpAddress const& network, unsigned bits);

}  // namespace sluice

#include "core/base/ip_address.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace sluice {
namespace {

struct Range {
  IpAddress network;
  unsigned bits;
  std::string_view name;
};

constexpr IpAddress v4(std::uint8_t a, std::uint8_t b = 0, std::uint8_t c = 0) {
  return {.is_v6 = false, .bytes = {a, b, c}};
}
constexpr IpAddress v6(std::uint16_t a, std::uint16_t b = 0, std::uint16_t c = 0) {
  IpAddress address{.is_v6 = true};
  std::uint16_t const groups[] = {a, b, c};
  for (std::size_t i = 0; i < 3; ++i) {
    address.bytes[2 * i] = static_cast<std::uint8_t>(groups[i] >> 8);
    address.bytes[2 * i + 1] = static_cast<std::uint8_t>(groups[i] & 0xFF);
  }
  return address;
}

constexpr Range kDenied[] = {
    {v4(0), 8, "an address of this very network"},
    {v4(10), 8, "a private address"},
    {v4(100, 64), 10, "an address behind a carrier's NAT"},
    {v4(127), 8, "a loopback address"},
    {v4(169, 254), 16, "a link-local address"},
    {v4(172, 16), 12, "a private address"},
    {v4(192, 0, 0), 24, "an address for protocols"},
    {v4(192, 0, 2), 24, "an address for documentation"},
    {v4(192, 88, 99), 24, "an address of 6to4 relays"},
    {v4(192, 168), 16, "a private address"},
    {v4(198, 18), 15, "an address for benchmarks"},
    {v4(198, 51, 100), 24, "an address for documentation"},
    {v4(203, 0, 113), 24, "an address for documentation"},
    {v4(224), 4, "a multicast address"},
    {v4(240), 4, "a reserved address"},
    {v6(0x2001, 0), 23, "an address for protocols"},  // Teredo among them, which leads to any IPv4 address
    {v6(0x2001, 0xDB8), 32, "an address for documentation"},
    {v6(0x3FFF), 20, "an address for documentation"},
};

// Those that are not global unicast, by their better names.
constexpr Range kNamed[] = {
    {v6(0xFC00), 7, "a unique local address"},
    {v6(0xFE80), 10, "a link-local address"},
    {v6(0xFEC0), 10, "a site-local address"},
    {v6(0xFF00), 8, "a multicast address"},
    {v6(0x64, 0xFF9B, 1), 48, "an address of a local NAT64"},
};

constexpr Range kGlobalUnicast{v6(0x2000), 3, ""};

std::string_view name_in(IpAddress const& address, auto const& ranges) {
  for (auto const& range : ranges)
    if (is_within(address, range.network, range.bits)) return range.name;
  return {};
}

IpAddress v4_at(IpAddress const& address, std::size_t at) {
  IpAddress inner;
  std::copy_n(address.bytes.begin() + static_cast<std::ptrdiff_t>(at), 4, inner.bytes.begin());
  return inner;
}

// The IPv4 address that a v4-mapped, a NAT64 or a 6to4 address leads to.
std::optional<IpAddress> embedded(IpAddress const& address) {
  IpAddress mapped{.is_v6 = true};
  mapped.bytes[10] = mapped.bytes[11] = 0xFF;
  if (is_within(address, mapped, 96) || is_within(address, v6(0x64, 0xFF9B), 96)) return v4_at(address, 12);
  if (is_within(address, v6(0x2002), 16)) return v4_at(address, 2);
  return std::nullopt;
}

std::optional<unsigned> read_number(std::string_view text, int base, std::size_t digits_max, unsigned most) {
  unsigned value = 0;
  if (text.empty() || text.size() > digits_max) return std::nullopt;
  auto const read = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

std::optional<IpAddress> read_v4(std::string_view text) {
  IpAddress address;
  for (std::size_t i = 0; i < 4; ++i) {
    auto const dot = i < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return std::nullopt;
    auto const part = text.substr(0, dot);
    auto const value = read_number(part, 10, 3, 255);
    if (!value || (part.size() > 1 && part.front() == '0')) return std::nullopt;  // an octal number, to some
    address.bytes[i] = static_cast<std::uint8_t>(*value);
    if (i < 3) text.remove_prefix(dot + 1);
  }
  return address;
}

// One side of a "::", or the whole; IPv4 may stand at the end of all. Returns how many bytes were written; nothing if
// it is none.
std::optional<std::size_t> read_groups(std::string_view text, std::array<std::uint8_t, 16>& into, bool is_end) {
  std::size_t size = 0;
  while (!text.empty()) {
    auto const colon = std::min(text.find(':'), text.size());
    auto const part = text.substr(0, colon);
    if (part.contains('.')) {
      auto const inner = read_v4(part);
      if (!inner || !is_end || colon != text.size() || size > 12) return std::nullopt;
      std::copy_n(inner->bytes.begin(), 4, into.begin() + static_cast<std::ptrdiff_t>(size));
      return size + 4;
    }
    auto const value = read_number(part, 16, 4, 0xFFFF);
    if (!value || size > 14) return std::nullopt;
    into[size++] = static_cast<std::uint8_t>(*value >> 8);
    into[size++] = static_cast<std::uint8_t>(*value & 0xFF);
    if (colon + 1 == text.size()) return std::nullopt;  // a colon at its end
    text.remove_prefix(std::min(colon + 1, text.size()));
  }
  return size;
}

std::optional<IpAddress> read_v6(std::string_view text) {
  IpAddress address{.is_v6 = true};
  auto const gap = text.find("::");
  auto const head = read_groups(text.substr(0, gap), address.bytes, gap == std::string_view::npos);
  if (!head) return std::nullopt;
  if (gap == std::string_view::npos) return *head == 16 ? std::optional(address) : std::nullopt;
  std::array<std::uint8_t, 16> behind{};
  auto const tail = read_groups(text.substr(gap + 2), behind, true);
  if (!tail || *head + *tail > 14) return std::nullopt;
  std::copy_n(behind.begin(), *tail, address.bytes.end() - static_cast<std::ptrdiff_t>(*tail));
  return address;
}

}  // namespace

bool is_within(IpAddress const& address, IpAddress const& network, unsigned bits) {
  if (address.is_v6 != network.is_v6) return false;
  for (std::size_t i = 0; i < address.bytes.size() && bits > 0; ++i) {
    auto const here = std::min(bits, 8U);
    auto const mask = static_cast<std::uint8_t>(0xFF << (8 - here));
    if ((address.bytes[i] & mask) != (network.bytes[i] & mask)) return false;
    bits -= here;
  }
  return true;
}

std::string_view denied_range(IpAddress const& address) {
  if (!address.is_v6) return name_in(address, kDenied);
  if (auto const inner = embedded(address)) return denied_range(*inner);
  if (auto const name = name_in(address, kDenied); !name.empty()) return name;
  if (is_within(address, kGlobalUnicast.network, kGlobalUnicast.bits)) return {};
  if (auto const name = name_in(address, kNamed); !name.empty()) return name;
  IpAddress loopback{.is_v6 = true};
  loopback.bytes[15] = 1;
  return address == loopback ? "a loopback address" : "no public address";
}

std::optional<IpAddress> read_ip_address(std::string_view text) {
  return text.contains(':') ? read_v6(text) : read_v4(text);
}

std::string to_text(IpAddress const& address) {
  std::string text;
  if (!address.is_v6) {
    for (std::size_t i = 0; i < 4; ++i) text.append(i == 0 ? "" : ".").append(std::to_string(address.bytes[i]));
    return text;
  }
  for (std::size_t i = 0; i < 16; i += 2) {
    std::array<char, 4> group{};
    auto const value = static_cast<unsigned>(address.bytes[i]) << 8 | address.bytes[i + 1];
    auto const end = std::to_chars(group.data(), group.data() + group.size(), value, 16);
    text.append(i == 0 ? "" : ":").append(group.data(), end.ptr);
  }
  return text;
}

}  // namespace sluice

#include "tests/network/dns_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace sluice::network {
namespace {

constexpr std::size_t kHeadBytes = 12;  // RFC 1035, 4.1.1

std::string two_bytes(std::size_t number) {
  return {static_cast<char>(number >> 8U & 0xffU), static_cast<char>(number & 0xffU)};
}

std::string head(Question const& question, unsigned char flags, Rcode code, std::size_t answers) {
  // An answer (0x80) to a query that wanted recursion (1), which is to be had (0x80).
  std::string made = question.id;
  made += static_cast<char>(0x81U | flags);
  made += static_cast<char>(0x80U | static_cast<unsigned char>(code));
  return made + two_bytes(1) + two_bytes(answers) + two_bytes(0) + two_bytes(0) + question.text;
}

std::string record(std::uint16_t type, std::string const& value) {
  std::string const of_the_question("\xc0\x0c", 2);
  return of_the_question + two_bytes(type) + two_bytes(1) + two_bytes(0) + two_bytes(600) + two_bytes(value.size()) +
         value;
}

std::optional<Question> parse(std::string_view datagram) {
  Question question;
  auto at = kHeadBytes;
  while (at < datagram.size() && datagram[at] != '\0') {
    auto const size = static_cast<unsigned char>(datagram[at]);
    if (!question.name.empty()) question.name += '.';
    for (char const c : datagram.substr(at + 1, size))
      question.name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    at += 1U + size;
  }
  if (at + 5 > datagram.size()) return std::nullopt;
  question.type = static_cast<std::uint16_t>(static_cast<unsigned char>(datagram[at + 1]) * 256 +
                                             static_cast<unsigned char>(datagram[at + 2]));
  question.id = datagram.substr(0, 2);
  question.text = datagram.substr(kHeadBytes, at + 5 - kHeadBytes);
  return question;
}

}  // namespace

std::string addresses(Question const& question, std::vector<std::string> const& addresses) {
  std::string records;
  std::size_t count = 0;
  for (auto const& text : addresses) {
    std::array<char, 16> bytes{};
    bool const is_v6 = text.find(':') != std::string::npos;
    if (::inet_pton(is_v6 ? AF_INET6 : AF_INET, text.c_str(), bytes.data()) != 1) throw std::runtime_error(text);
    if (question.type != (is_v6 ? kTypeAaaa : kTypeA)) continue;
    records += record(question.type, std::string(bytes.data(), is_v6 ? 16 : 4));
    ++count;
  }
  return head(question, 0, Rcode::kGood, count) + records;
}

std::string refusal(Question const& question, Rcode code) { return head(question, 0, code, 0); }

std::string truncated(Question const& question) { return head(question, 2, Rcode::kGood, 0); }

std::string alias(Question const& question, std::string const& target) {
  std::string name;
  for (std::size_t at = 0; at < target.size();) {
    auto const dot = std::min(target.find('.', at), target.size());
    name += static_cast<char>(dot - at);
    name += target.substr(at, dot - at);
    at = dot + 1;
  }
  name += '\0';
  return head(question, 0, Rcode::kGood, 1) + record(kTypeCname, name);
}

DnsServer::DnsServer(Answer answer)
    : answer_(std::move(answer)),
      socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
      end_(::eventfd(0, EFD_CLOEXEC)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(53);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error(std::string("port 53: ") + std::strerror(errno));
  thread_ = std::thread([this] { serve(); });
}

DnsServer::~DnsServer() {
  ::eventfd_write(end_, 1);
  thread_.join();
  ::close(end_);
  ::close(socket_);
}

int DnsServer::asked(std::string const& name, std::uint16_t type) const {
  std::lock_guard const lock(mutex_);
  auto const found = asked_.find({name, type});
  return found == asked_.end() ? 0 : found->second;
}

void DnsServer::serve() {
  std::array<pollfd, 2> both{
      {{.fd = socket_, .events = POLLIN, .revents = 0}, {.fd = end_, .events = POLLIN, .revents = 0}}};
  while (::poll(both.data(), both.size(), -1) > 0 && both[1].revents == 0) {
    std::array<char, 2048> datagram{};
    sockaddr_in from{};
    socklen_t size = sizeof from;
    auto const got =
        ::recvfrom(socket_, datagram.data(), datagram.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
    auto question = got < 0 ? std::nullopt : parse({datagram.data(), static_cast<std::size_t>(got)});
    if (!question) continue;
    {
      std::lock_guard const lock(mutex_);
      question->nth = ++asked_[{question->name, question->type}];
    }
    if (auto const reply = answer_(*question))
      ::sendto(socket_, reply->data(), reply->size(), 0, reinterpret_cast<sockaddr*>(&from), size);
  }
}

}  // namespace sluice::network

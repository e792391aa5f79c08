// dns_server.h - a name server of a test: UDP, one thread, and what it answers is the test's function.
//
// The answers below are the ones that a resolver may meet; each takes the question as it came.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace sluice::network {

struct Question {
  std::string name = {};  // in lower case, without a dot at its end
  std::uint16_t type = 0;
  std::string id = {};    // two bytes
  std::string text = {};  // the question section as it came
  int nth = 0;            // of this name and type, from 1
};

inline constexpr std::uint16_t kTypeA = 1;
inline constexpr std::uint16_t kTypeCname = 5;
inline constexpr std::uint16_t kTypeAaaa = 28;

enum class Rcode : unsigned char { kGood = 0, kServfail = 2, kNxdomain = 3, kRefused = 5 };

// Those of `addresses` that are of the type asked for, in this order, to be kept for ten minutes.
std::string addresses(Question const& question, std::vector<std::string> const& addresses);
std::string refusal(Question const& question, Rcode code);  // kGood: no such record
std::string truncated(Question const& question);            // "ask by TCP"
std::string alias(Question const& question, std::string const& target);

class DnsServer {
 public:
  using Answer = std::function<std::optional<std::string>(Question const&)>;  // nothing: silence
  // On port 53 of 127.0.0.1, which takes a network of one's own.
  explicit DnsServer(Answer answer);
  ~DnsServer();
  DnsServer(DnsServer const&) = delete;
  DnsServer& operator=(DnsServer const&) = delete;

  int asked(std::string const& name, std::uint16_t type = kTypeA) const;

 private:
  void serve();

  Answer answer_;
  int socket_ = -1;
  int end_ = -1;
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::uint16_t>, int> asked_;
  std::thread thread_;
};

}  // namespace sluice::network

// lanes.h - the way out for file calls that may take long: work that is done beside the loop.
//
// A mount that hangs holds up whoever touches it, for minutes or for ever, so the loop never touches a source's files
// itself. Work of one lane is done in order, one piece at a time; lanes do not wait for one another. A lane is named by
// the root whose files it is about, or by a word and that root, such as "digest /srv/drop": work of these may take
// long, since whole files are read or copied, and they leave threads to the others. Production: daemon/lanes_linux,
// threads. Tests: done at once, or in virtual time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::ports {

inline bool may_take_long(std::string_view lane) { return !lane.starts_with('/'); }

class Lanes {
 public:
  virtual ~Lanes() = default;

  // Takes up a piece of work, which touches nothing that the loop touches before collect() has named its ticket, and
  // throws nothing.
  // Returns  true if it is done already; collect() then does not name it.
  virtual bool start(std::string const& lane, std::uint64_t ticket, std::function<void()> work) = 0;

  // The tickets of what was done since the last time. Never waits.
  virtual std::vector<std::uint64_t> collect() = 0;
};

// Where nobody minds waiting, or nothing can hang: each piece is done where it is started.
class AtOnce final : public Lanes {
 public:
  bool start(std::string const&, std::uint64_t, std::function<void()> work) override {
    work();
    return true;
  }
  std::vector<std::uint64_t> collect() override { return {}; }
};

}  // namespace sluice::ports

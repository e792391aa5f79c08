// platform_lists.h - reads whole lists of the platform, one page after the other, and waits for them.
//
// For `sluice journal rebuild`, which has no turns: it only reads, so every call may be repeated freely. A
// refused, throttled or lost answer is tried again with backoff, a bounded number of times, and no sooner
// than the platform asks.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/platform/replies.h"
#include "core/ports/random.h"
#include "core/stage/policy.h"
#include "daemon/clock_linux.h"
#include "daemon/wire_curl.h"

namespace sluice::daemon {

class PlatformLists {
 public:
  // `told` gets a line for people when something has to be waited for. All must outlive this.
  PlatformLists(WireCurl& wire, ports::Random& random, stage::Policy const& policy,
                std::function<void(std::string const&)> told);

  // Every asset of the account, each once. Rows move between pages when somebody else deletes or adds some
  // meanwhile: then the list is read again, three times at the most, and what any reading had counts (R7); it says so
  // where no two pages of a reading ever fitted together.
  // Fails  kOffline, kKeyRefused, or what the platform refuses, after the last try.
  Result<std::vector<platform::Asset>> assets();

  // The upload sessions that have not finished; none where the platform does not know that call.
  Result<std::vector<platform::IncompleteUpload>> incomplete_uploads();

  Millis clock_offset() const { return clock_offset_; }  // the platform's clock less ours, by its last answer

 private:
  Result<ports::Reply> ask(std::function<ports::Call()> const& make_call);
  Result<ports::Reply> ask_once(ports::Call call);

  WireCurl& wire_;
  ports::Random& random_;
  stage::Policy const& policy_;
  std::function<void(std::string const&)> told_;
  ClockLinux clock_;
  std::uint64_t tickets_ = 0;
  Millis clock_offset_{0};
};

}  // namespace sluice::daemon

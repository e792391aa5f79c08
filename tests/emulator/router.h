// router.h - from a request of the API port to the exchange that answers it.

#pragma once

#include <memory>
#include <vector>

#include "api.h"

namespace sluice::emulator {

class Router {
 public:
  explicit Router(Context& context);

  // Begins an exchange for whatever was asked: a call of the API, or one of the control endpoints
  // (/__ledger, /__ledger/events, /__scenario), which need no key and are not counted.
  std::unique_ptr<Exchange> begin(Request request);

 private:
  Context& context_;
  std::vector<Route> routes_;
};

}  // namespace sluice::emulator

// ledger_view.h - the summary that GET /__ledger answers: what exists, what arrived, what is double.

#pragma once

#include <string>

#include "api.h"

namespace sluice::emulator {

// Waits for objects that are still being hashed, then renders the whole ledger as JSON text.
// Requires: the world is not locked by the caller.
std::string ledger_json_text(Context& context);

}  // namespace sluice::emulator

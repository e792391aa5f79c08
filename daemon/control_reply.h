// control_reply.h - the one shape of answers and errors of the control interface.
#pragma once

#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/base/json.h"
#include "daemon/control_server.h"

namespace sluice::daemon {

ControlReply json_reply(int status, Json const& body);

// {"code", "text", "remedy"}, with the remedy null when there is none.
Json error_object(std::string_view code, std::string_view text, std::string_view remedy);
ControlReply error_reply(int status, std::string_view code, std::string_view text, std::string_view remedy = {});

// An Error of Operations: its code, else its fault's word; the remedy that belongs to the code.
Json error_object(Error const& error);
// 404 for kGone, 503 for what may heal, `refused` for kRejected and kSourceIo.
int status_of(Error const& error, int refused);

}  // namespace sluice::daemon

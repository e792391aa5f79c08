// policy.h - the configuration in core's own terms.
//
// Core never includes config, so this is where a checked Config becomes the Policy that the stages read.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "core/stage/policy.h"
#include "daemon/api_key.h"

namespace sluice::daemon {

// `host` is what {host} stands for. The hooks have no secrets yet.
stage::Policy policy_from(config::Config const& config, std::string host);

// Reads what the hooks that are URLs sign with: one for each of config.hooks, in their order.
Result<std::vector<HookSecret>> read_hook_secrets(config::Config const& config);

KeySource key_source_from(config::KeySource const& source);

// This host's name, for templates and status.
std::string host_name();

}  // namespace sluice::daemon

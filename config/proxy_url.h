// proxy_url.h - what a proxy's URL may look like. Pure.
#pragma once

#include <string>
#include <string_view>

namespace sluice::config {

// What is wrong with it, to follow its name: "must begin with http://, ..."; "" if nothing. It never quotes the URL.
// User name and password are secrets, so they are allowed only where the URL is not written in the configuration.
std::string complaint_of_proxy(std::string_view url, bool may_hold_password);

}  // namespace sluice::config

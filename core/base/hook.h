// hook.h - who is to be told when items come to their ends (D69).
//
// A hook is a program, started with these arguments and no shell, or a URL. What it is told is on its standard input,
// or the body: nothing of an item's name ever becomes an argument.
#pragma once

#include <chrono>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "core/base/secret.h"
#include "core/base/time.h"

namespace sluice {

inline constexpr std::size_t kHooksMax = 16;

struct Hook {
  std::string name = {};                              // unique; by it the journal knows the hook
  std::set<std::string> events = {"done", "failed"};  // the ends that it is told of: also "skipped", "cancelled"
  std::vector<std::string> exec = {};                 // the program's absolute path and its arguments; empty: a URL
  std::string url = {};
  Millis timeout = std::chrono::seconds(30);  // of one try
  friend bool operator==(Hook const&, Hook const&) = default;
};

using HookSecret = Secret<struct HookSecretTag>;  // what a URL's calls are signed with

}  // namespace sluice

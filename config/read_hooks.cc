// The list `hooks`.
#include <algorithm>
#include <array>
#include <set>

#include "config/parts.h"
#include "core/base/text.h"

namespace sluice::config {
namespace {

constexpr char kSecretForms[] =
    "write {credential: NAME}, {file: /path} or {env: NAME} where the secret is that calls are signed with; never the "
    "secret itself";
constexpr std::size_t kArgumentsMax = 64;

std::set<std::string> read_events(At const& at) {
  static constexpr std::array<std::string_view, 4> kEvents = {"done", "failed", "skipped", "cancelled"};
  std::set<std::string> events;
  auto const list = read_list(at);
  for (auto const& element : list) {
    auto const word = read_text(element);
    if (!word) continue;
    if (std::ranges::find(kEvents, *word) == kEvents.end()) complain_of_word(element, {kEvents.begin(), kEvents.end()});
    events.insert(*word);
  }
  if (list.empty()) at.complain("is empty; write one or more of done, failed, skipped and cancelled");
  return events;
}

// No shell: what stands in an argument is passed on as it is.
std::vector<std::string> read_exec(At const& at) {
  auto const list = read_list(at);
  if (list.empty()) at.complain("is a list: the program's absolute path, then its arguments");
  if (list.size() > kArgumentsMax) at.complain("has more than 64 elements");
  std::vector<std::string> argv;
  for (auto const& element : list) {
    auto text = argv.empty() ? read_path(element) : read_text(element);
    if (text && text->find('\0') != std::string::npos) element.complain("holds a NUL byte");
    argv.push_back(std::move(text).value_or(""));
  }
  return argv;
}

std::string read_hook_url(At const& at) {
  auto const url = read_text(at);
  if (!url) return {};
  if (complaint_of_url(*url).empty()) return *url;
  at.complain(
      "must be a URL that begins with https://, without query, user name and password; http:// is allowed for loopback "
      "addresses only");
  return {};
}

// What tells hooks apart where the file gives no name.
std::string name_by_target(Hook const& hook) {
  return hook.exec.empty() ? host_of(hook.url) : std::string(basename_of(hook.exec.front()));
}

HookStep read_hook(At const& at) {
  HookStep step;
  Section section(at);
  auto const exec = section.find_unless_null("exec");
  auto const url = section.find_unless_null("url");
  if (exec && url) url->complain("stands beside exec; a hook is one of the two: write another one");
  if (!exec && !url) at.complain("has neither exec: [/path/of/program] nor url: https://...; write one of them");
  if (exec) step.hook.exec = read_exec(*exec);
  if (url && !exec) step.hook.url = read_hook_url(*url);
  if (auto key = section.find("events")) step.hook.events = read_events(*key);
  if (auto key = section.find("timeout"))
    assign(step.hook.timeout, read_duration(*key, std::chrono::seconds(1), std::chrono::minutes(10)));
  if (url && !exec) {
    if (auto key = section.require("secret", kSecretForms)) step.secret = read_key_source(*key, kSecretForms);
  } else if (auto key = section.find_unless_null("secret")) {
    key->complain("is for a url: a program is not given one; remove the line");
  }
  if (auto key = section.find("name"))
    assign(step.hook.name, read_name(*key));
  else
    step.hook.name = name_by_target(step.hook);
  section.finish();
  return step;
}

}  // namespace

std::vector<HookStep> read_hooks(At const& at) {
  std::vector<HookStep> hooks;
  std::set<std::string> names;
  for (auto const& element : read_list(at)) {
    auto hook = read_hook(element);
    if (!hook.hook.name.empty() && !names.insert(hook.hook.name).second)
      element.complain("has the name of another hook, " + printable(hook.hook.name) +
                       "; give it one of its own: `name: ...`");
    hooks.push_back(std::move(hook));
  }
  if (hooks.size() > kHooksMax) at.complain("has more than 16 hooks; let one program tell several");
  return hooks;
}

}  // namespace sluice::config

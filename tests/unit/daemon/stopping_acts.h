// stopping_acts.h - another port's steps, of which the n-th is the last one: the process dies before it or after it; or
// one of which fails.
#pragma once

#include <functional>
#include <string>
#include <type_traits>

#include "core/ports/acts.h"

namespace sluice::daemon {

struct Died {};

class StoppingActs final : public ports::Acts {
 public:
  explicit StoppingActs(ports::Acts& real) : real_(real) {}

  std::size_t dies_at = 0;   // moments from 1; each step has one before and one after it
  std::size_t moments = 0;   // passed so far
  std::size_t fails_at = 0;  // the step from 1 that does nothing and fails
  std::size_t steps = 0;     // so far
  std::function<void(std::string const& step)> meanwhile = {};  // what others do before a step

  Result<std::optional<ports::Standing>> look(ports::Place const& at) override {
    return step("look", [&] { return real_.look(at); });
  }
  Result<bool> rename(ports::Place const& from, ports::Place const& to) override {
    return step("rename", [&] { return real_.rename(from, to); });
  }
  Result<void> replace(ports::Place const& from, ports::Place const& to) override {
    return step("replace", [&] { return real_.replace(from, to); });
  }
  Result<void> remove(ports::Place const& at) override {
    return step("remove", [&] { return real_.remove(at); });
  }
  Result<void> stands_apart(ports::Place const& to) override {
    return step("stands_apart", [&] { return real_.stands_apart(to); });
  }
  Result<void> make_way(ports::Place const& to) override {
    return step("make_way", [&] { return real_.make_way(to); });
  }
  Result<void> copy(ports::Place const& from, ports::FilePrint const& print, ports::Place const& to) override {
    return step("copy", [&] { return real_.copy(from, print, to); });
  }
  Result<bool> same_bytes(ports::Place const& one, ports::Place const& other) override {
    return step("same_bytes", [&] { return real_.same_bytes(one, other); });
  }
  Result<void> write(ports::Place const& to, std::string_view text) override {
    return step("write", [&] { return real_.write(to, text); });
  }
  Result<std::string> head(ports::Place const& at, std::size_t bytes_max) override {
    return step("head", [&] { return real_.head(at, bytes_max); });
  }
  Result<void> sync(ports::Place const& at) override {
    return step("sync", [&] { return real_.sync(at); });
  }
  Result<bool> any_beside(ports::Place const& at, std::function<bool(std::string_view name)> const& fits) override {
    return step("any_beside", [&] { return real_.any_beside(at, fits); });
  }

 private:
  template <class Do>
  std::invoke_result_t<Do const&> step(std::string const& name, Do const& do_it) {
    pass();
    if (meanwhile) meanwhile(name);
    if (++steps == fails_at) return fail(Fault::kSourceIo, name + ": Input/output error", "io");
    auto done = do_it();
    pass();
    return done;
  }
  void pass() {
    if (++moments == dies_at) throw Died{};
  }

  ports::Acts& real_;
};

}  // namespace sluice::daemon

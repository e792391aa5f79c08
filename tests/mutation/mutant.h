// mutant.h - switches one flip on, in a build that holds all of them (tests/mutation/mutate).
//
// Included by force into every source of that build, and by nothing else. Each condition that can be
// flipped goes through here with its number. SLUICE_MUTANT=12 switches number 12 on; without it the program
// does what its sources say. SLUICE_MUTANT_REACHED names a file of kIdsMax bytes in which a 1 is left for
// every number that was come by; it is mapped, so that it holds also after a crash.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <type_traits>
#include <utility>

namespace sluice_mutant {

inline constexpr int kIdsMax = 1 << 18;

inline unsigned char* reached_table() {
  static unsigned char nowhere[kIdsMax];
  auto const* const file = std::getenv("SLUICE_MUTANT_REACHED");
  if (file == nullptr) return nowhere;
  int const fd = ::open(file, O_RDWR | O_CLOEXEC);
  if (fd < 0) std::abort();
  auto* const mapped = ::mmap(nullptr, kIdsMax, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (mapped == MAP_FAILED) std::abort();
  return static_cast<unsigned char*>(mapped);
}

inline int chosen() {
  auto const* const text = std::getenv("SLUICE_MUTANT");
  return text == nullptr ? -1 : std::atoi(text);
}

inline unsigned char* const kReached = reached_table();
inline int const kChosen = chosen();

inline bool on_now(int id) {
  kReached[id] = 1;
  return id == kChosen;
}

// What the compiler works out stays as it is: static_assert, sizes, constants.
constexpr bool on(int id) { return !__builtin_is_constant_evaluated() && on_now(id); }

// The truth of `x`, or its opposite.
template <class T>
constexpr bool flip(int id, T&& x) {
  return on(id) != static_cast<bool>(std::forward<T>(x));
}

// The four comparisons with a bound: with the flip on, the bound itself is on the other side.
template <class A, class B>
constexpr bool less(int id, A const& a, B const& b) {
  return on(id) ? a <= b : a < b;
}
template <class A, class B>
constexpr bool less_equal(int id, A const& a, B const& b) {
  return on(id) ? a < b : a <= b;
}
template <class A, class B>
constexpr bool greater(int id, A const& a, B const& b) {
  return on(id) ? a >= b : a > b;
}
template <class A, class B>
constexpr bool greater_equal(int id, A const& a, B const& b) {
  return on(id) ? a > b : a >= b;
}

}  // namespace sluice_mutant

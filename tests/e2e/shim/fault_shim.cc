// fault_shim.cc - a library to preload: the n-th call of a kind fails, does half, or is the process's last.
//
// Told by the environment:
//   SLUICE_FAULT         PLACE.WHAT:NTH:ACTION, in the words of fault_board.h; PLACE may be "journal" (db or
//                        log) or "any"; NTH counts from 1. None: calls are counted and nothing else.
//   SLUICE_FAULT_HOME    the folder that has state/ and drop/ in it
//   SLUICE_FAULT_BOARD   the file of the FaultBoard, made by the test
//
//   ACTION   kill_before      SIGKILL instead of the call
//            kill_after       SIGKILL when the call has been done
//            kill_within      SIGKILL when half of a write or a send has been done
//            fail=ERRNO       the call fails, once; ERRNO is a number
//            fail_on=ERRNO    it fails, and so does every later one until the fault is lifted
//            short            half of a read, write or send is done, once
//            short_on         ... and from then on
//
// The wall clock (CLOCK_REALTIME, by any of its names) is ahead by what the board says; the steady ones are left.
//
// It allocates nothing, and asks the kernel who a descriptor is at each call, so that it keeps no table
// that a close unseen by it would make wrong.

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string_view>

#include "fault_board.h"

namespace sluice::shim {
namespace {

// What is found behind this library: the C library's, or a sanitizer's on its way there.
template <class Function>
Function real(char const* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

enum class Action { kNone, kKillBefore, kKillAfter, kKillWithin, kFail, kShort };

struct Rule {
  std::array<bool, kPlaces> places{};
  What what = kWhats;
  std::uint64_t nth = 0;
  Action action = Action::kNone;
  bool stays = false;
  int error = 0;
};

Rule rule;
FaultBoard* board = nullptr;
std::string_view home;

[[noreturn]] void refuse(char const* what) {
  std::fprintf(stderr, "fault shim: cannot use %s\n", what);
  ::_exit(125);
}

[[noreturn]] void die() {
  ::kill(::getpid(), SIGKILL);
  while (true) ::pause();
}

void read_places(std::string_view word) {
  if (word == "any") rule.places.fill(true);
  if (word == "journal") rule.places[kDatabase] = rule.places[kLog] = true;
  for (std::size_t i = 0; i < kPlaces; ++i)
    if (kPlaceNames[i] == word) rule.places[i] = true;
}

void read_action(std::string_view word) {
  auto const equals = word.find('=');
  auto const verb = word.substr(0, equals);
  if (equals != std::string_view::npos)
    std::from_chars(word.data() + equals + 1, word.data() + word.size(), rule.error);
  rule.stays = verb.ends_with("_on");
  if (verb == "kill_before") rule.action = Action::kKillBefore;
  if (verb == "kill_after") rule.action = Action::kKillAfter;
  if (verb == "kill_within") rule.action = Action::kKillWithin;
  if (verb == "fail" || verb == "fail_on") rule.action = Action::kFail;
  if (verb == "short" || verb == "short_on") rule.action = Action::kShort;
  if (rule.action == Action::kNone || (rule.action == Action::kFail) != (rule.error > 0)) refuse("the action");
}

void read_rule(std::string_view text) {
  auto const dot = text.find('.');
  auto const first = text.find(':');
  auto const second = text.find(':', first + 1);
  if (dot > first || second == std::string_view::npos) refuse("SLUICE_FAULT");
  read_places(text.substr(0, dot));
  auto const what = std::find(kWhatNames.begin(), kWhatNames.end(), text.substr(dot + 1, first - dot - 1));
  if (what == kWhatNames.end()) refuse("the word after the dot");
  rule.what = static_cast<What>(what - kWhatNames.begin());
  std::from_chars(text.data() + first + 1, text.data() + second, rule.nth);
  read_action(text.substr(second + 1));
}

// Runs before main and before any other thread. What is called earlier passes uncounted.
[[gnu::constructor]] void begin() {
  auto const* const file = std::getenv("SLUICE_FAULT_BOARD");
  auto const* const folder = std::getenv("SLUICE_FAULT_HOME");
  if (file == nullptr || folder == nullptr) return;
  if (auto const* const text = std::getenv("SLUICE_FAULT")) read_rule(text);
  int const fd = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC));
  auto* const mapped = ::mmap(nullptr, sizeof(FaultBoard), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) refuse("SLUICE_FAULT_BOARD");
  ::close(fd);
  home = folder;
  board = static_cast<FaultBoard*>(mapped);
}

Place place_of_path(std::string_view path) {
  if (!path.starts_with(home)) return kOther;
  path.remove_prefix(home.size());
  if (path == "/state/journal.db") return kDatabase;
  if (path == "/state/journal.db-wal") return kLog;
  if (path.starts_with("/state")) return kState;
  return path.starts_with("/drop") ? kSource : kOther;
}

Place place_of(int fd) {
  std::array<char, 64> name{};
  std::array<char, 4096> path{};
  std::snprintf(name.data(), name.size(), "/proc/self/fd/%d", fd);
  auto const length = ::readlink(name.data(), path.data(), path.size());
  std::string_view const shown(path.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  if (!shown.starts_with("socket:")) return place_of_path(shown);
  int domain = 0;
  socklen_t size = sizeof domain;
  ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
  return domain == AF_INET || domain == AF_INET6 ? kNetwork : kOther;
}

// Of a name that may be relative to a descriptor: what is beneath a source is a source.
Place place_at(int dir, char const* name) {
  if (name != nullptr && name[0] == '/') return place_of_path(name);
  return dir == AT_FDCWD ? kOther : place_of(dir);
}

// Counts the call; kills the process where that is the rule.
Action judge(Place place, What what) {
  board->counts[place][what].fetch_add(1);
  if (what != rule.what || !rule.places[place]) return Action::kNone;
  auto const number = board->named.fetch_add(1) + 1;
  if (board->lifted.load() != 0 || (rule.stays ? number < rule.nth : number != rule.nth)) return Action::kNone;
  board->fired.fetch_add(1);
  if (rule.action == Action::kKillBefore) die();
  return rule.action;
}

std::time_t ahead() { return board == nullptr ? 0 : board->clock_s.load(); }

// A call that is done or not. `find` says where it goes; it is asked only when somebody counts.
template <class Result, class Find, class Call>
Result whole(What what, Result failure, Find find, Call call) {
  if (board == nullptr) return call();
  auto const saved = errno;
  auto const action = judge(find(), what);
  errno = saved;
  if (action == Action::kFail) {
    errno = rule.error;
    return failure;
  }
  auto const result = call();
  if (action == Action::kKillAfter || action == Action::kKillWithin) die();
  return result;
}

// A call that moves `count` bytes, or fewer.
template <class Call>
ssize_t moving(What what, int fd, std::size_t count, Call call) {
  if (board == nullptr) return call(count);
  auto const saved = errno;
  auto const action = judge(place_of(fd), what);
  errno = saved;
  if (action == Action::kFail) {
    errno = rule.error;
    return -1;
  }
  auto const halved = action == Action::kShort || action == Action::kKillWithin;
  auto const result = call(halved && count > 1 ? count / 2 : count);
  if (action == Action::kKillAfter || action == Action::kKillWithin) die();
  return result;
}

mode_t mode_of(int flags, va_list arguments) {
  return (flags & O_CREAT) != 0 ? static_cast<mode_t>(va_arg(arguments, int)) : 0;
}

}  // namespace
}  // namespace sluice::shim

using namespace sluice::shim;

// Each of these stands in front of the C library's function of its name.
extern "C" {

int open(char const* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  auto const mode = mode_of(flags, arguments);
  va_end(arguments);
  static auto const next = real<int (*)(char const*, int, ...)>("open");
  return whole(
      kOpen, -1, [&] { return place_at(AT_FDCWD, path); }, [&] { return next(path, flags, mode); });
}

int open64(char const* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  auto const mode = mode_of(flags, arguments);
  va_end(arguments);
  static auto const next = real<int (*)(char const*, int, ...)>("open64");
  return whole(
      kOpen, -1, [&] { return place_at(AT_FDCWD, path); }, [&] { return next(path, flags, mode); });
}

int openat(int dir, char const* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  auto const mode = mode_of(flags, arguments);
  va_end(arguments);
  static auto const next = real<int (*)(int, char const*, int, ...)>("openat");
  return whole(
      kOpen, -1, [&] { return place_at(dir, path); }, [&] { return next(dir, path, flags, mode); });
}

// openat2 has no function of its own yet; every other number passes.
long syscall(long number, ...) noexcept {
  va_list arguments;
  va_start(arguments, number);
  std::array<long, 6> words{};
  for (auto& word : words) word = va_arg(arguments, long);
  va_end(arguments);
  static auto const next = real<long (*)(long, ...)>("syscall");
  auto const call = [&] { return next(number, words[0], words[1], words[2], words[3], words[4], words[5]); };
  if (number != SYS_openat2) return call();
  auto const find = [&] { return place_at(static_cast<int>(words[0]), reinterpret_cast<char const*>(words[1])); };
  return whole(kOpen, -1L, find, call);
}

int socket(int domain, int type, int protocol) noexcept {
  static auto const next = real<int (*)(int, int, int)>("socket");
  auto const find = [&] { return domain == AF_INET || domain == AF_INET6 ? kNetwork : kOther; };
  return whole(kOpen, -1, find, [&] { return next(domain, type, protocol); });
}

ssize_t read(int fd, void* into, std::size_t count) {
  static auto const next = real<ssize_t (*)(int, void*, std::size_t)>("read");
  return moving(kRead, fd, count, [&](std::size_t some) { return next(fd, into, some); });
}

ssize_t pread(int fd, void* into, std::size_t count, off_t at) {
  static auto const next = real<ssize_t (*)(int, void*, std::size_t, off_t)>("pread");
  return moving(kRead, fd, count, [&](std::size_t some) { return next(fd, into, some, at); });
}

ssize_t pread64(int fd, void* into, std::size_t count, off64_t at) {
  static auto const next = real<ssize_t (*)(int, void*, std::size_t, off64_t)>("pread64");
  return moving(kRead, fd, count, [&](std::size_t some) { return next(fd, into, some, at); });
}

ssize_t write(int fd, void const* from, std::size_t count) {
  static auto const next = real<ssize_t (*)(int, void const*, std::size_t)>("write");
  return moving(kWrite, fd, count, [&](std::size_t some) { return next(fd, from, some); });
}

ssize_t pwrite(int fd, void const* from, std::size_t count, off_t at) {
  static auto const next = real<ssize_t (*)(int, void const*, std::size_t, off_t)>("pwrite");
  return moving(kWrite, fd, count, [&](std::size_t some) { return next(fd, from, some, at); });
}

ssize_t pwrite64(int fd, void const* from, std::size_t count, off64_t at) {
  static auto const next = real<ssize_t (*)(int, void const*, std::size_t, off64_t)>("pwrite64");
  return moving(kWrite, fd, count, [&](std::size_t some) { return next(fd, from, some, at); });
}

int fsync(int fd) {
  static auto const next = real<int (*)(int)>("fsync");
  return whole(
      kSync, -1, [&] { return place_of(fd); }, [&] { return next(fd); });
}

int fdatasync(int fd) {
  static auto const next = real<int (*)(int)>("fdatasync");
  return whole(
      kSync, -1, [&] { return place_of(fd); }, [&] { return next(fd); });
}

int ftruncate(int fd, off_t size) noexcept {
  static auto const next = real<int (*)(int, off_t)>("ftruncate");
  return whole(
      kTruncate, -1, [&] { return place_of(fd); }, [&] { return next(fd, size); });
}

int ftruncate64(int fd, off64_t size) noexcept {
  static auto const next = real<int (*)(int, off64_t)>("ftruncate64");
  return whole(
      kTruncate, -1, [&] { return place_of(fd); }, [&] { return next(fd, size); });
}

int stat(char const* path, struct stat* into) noexcept {
  static auto const next = real<int (*)(char const*, struct stat*)>("stat");
  return whole(
      kStat, -1, [&] { return place_at(AT_FDCWD, path); }, [&] { return next(path, into); });
}

int stat64(char const* path, struct stat64* into) noexcept {
  static auto const next = real<int (*)(char const*, struct stat64*)>("stat64");
  return whole(
      kStat, -1, [&] { return place_at(AT_FDCWD, path); }, [&] { return next(path, into); });
}

int lstat(char const* path, struct stat* into) noexcept {
  static auto const next = real<int (*)(char const*, struct stat*)>("lstat");
  return whole(
      kStat, -1, [&] { return place_at(AT_FDCWD, path); }, [&] { return next(path, into); });
}

int lstat64(char const* path, struct stat64* into) noexcept {
  static auto const next = real<int (*)(char const*, struct stat64*)>("lstat64");
  return whole(
      kStat, -1, [&] { return place_at(AT_FDCWD, path); }, [&] { return next(path, into); });
}

int fstat(int fd, struct stat* into) noexcept {
  static auto const next = real<int (*)(int, struct stat*)>("fstat");
  return whole(
      kStat, -1, [&] { return place_of(fd); }, [&] { return next(fd, into); });
}

int fstat64(int fd, struct stat64* into) noexcept {
  static auto const next = real<int (*)(int, struct stat64*)>("fstat64");
  return whole(
      kStat, -1, [&] { return place_of(fd); }, [&] { return next(fd, into); });
}

int fstatat(int dir, char const* path, struct stat* into, int flags) noexcept {
  static auto const next = real<int (*)(int, char const*, struct stat*, int)>("fstatat");
  return whole(
      kStat, -1, [&] { return place_at(dir, path); }, [&] { return next(dir, path, into, flags); });
}

int fstatat64(int dir, char const* path, struct stat64* into, int flags) noexcept {
  static auto const next = real<int (*)(int, char const*, struct stat64*, int)>("fstatat64");
  return whole(
      kStat, -1, [&] { return place_at(dir, path); }, [&] { return next(dir, path, into, flags); });
}

dirent* readdir(DIR* folder) {
  static auto const next = real<dirent* (*)(DIR*)>("readdir");
  return whole<dirent*>(
      kList, nullptr, [&] { return place_of(::dirfd(folder)); }, [&] { return next(folder); });
}

dirent64* readdir64(DIR* folder) {
  static auto const next = real<dirent64* (*)(DIR*)>("readdir64");
  return whole<dirent64*>(
      kList, nullptr, [&] { return place_of(::dirfd(folder)); }, [&] { return next(folder); });
}

int clock_gettime(clockid_t clock, timespec* now) noexcept {
  static auto const next = real<int (*)(clockid_t, timespec*)>("clock_gettime");
  auto const result = next(clock, now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += ahead();
  return result;
}

int gettimeofday(timeval* now, void* zone) noexcept {
  static auto const next = real<int (*)(timeval*, void*)>("gettimeofday");
  auto const result = next(now, zone);
  if (result == 0) now->tv_sec += ahead();
  return result;
}

std::time_t time(std::time_t* into) noexcept {
  static auto const next = real<std::time_t (*)(std::time_t*)>("time");
  auto const now = next(nullptr) + ahead();
  if (into != nullptr) *into = now;
  return now;
}

int rename(char const* from, char const* to) noexcept {
  static auto const next = real<int (*)(char const*, char const*)>("rename");
  return whole(
      kName, -1, [&] { return place_at(AT_FDCWD, to); }, [&] { return next(from, to); });
}

int unlink(char const* path) noexcept {
  static auto const next = real<int (*)(char const*)>("unlink");
  return whole(
      kName, -1, [&] { return place_at(AT_FDCWD, path); }, [&] { return next(path); });
}

int mkdir(char const* path, mode_t mode) noexcept {
  static auto const next = real<int (*)(char const*, mode_t)>("mkdir");
  return whole(
      kName, -1, [&] { return place_at(AT_FDCWD, path); }, [&] { return next(path, mode); });
}

ssize_t send(int fd, void const* from, std::size_t count, int flags) {
  static auto const next = real<ssize_t (*)(int, void const*, std::size_t, int)>("send");
  return moving(kSend, fd, count, [&](std::size_t some) { return next(fd, from, some, flags); });
}

ssize_t sendto(int fd, void const* from, std::size_t count, int flags, sockaddr const* to, socklen_t length) {
  static auto const next = real<ssize_t (*)(int, void const*, std::size_t, int, sockaddr const*, socklen_t)>("sendto");
  return moving(kSend, fd, count, [&](std::size_t some) { return next(fd, from, some, flags, to, length); });
}

ssize_t recv(int fd, void* into, std::size_t count, int flags) {
  static auto const next = real<ssize_t (*)(int, void*, std::size_t, int)>("recv");
  return moving(kReceive, fd, count, [&](std::size_t some) { return next(fd, into, some, flags); });
}

ssize_t recvfrom(int fd, void* into, std::size_t count, int flags, sockaddr* from, socklen_t* length) {
  static auto const next = real<ssize_t (*)(int, void*, std::size_t, int, sockaddr*, socklen_t*)>("recvfrom");
  return moving(kReceive, fd, count, [&](std::size_t some) { return next(fd, into, some, flags, from, length); });
}

}  // extern "C"

#include "daemon/real_folders.h"

#include <pthread.h>
#include <sys/stat.h>

#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

namespace sluice::daemon {
namespace {

struct Board {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, config::RealFolder> found;
};

}  // namespace

config::RealFolder real_folder(std::string const& folder) {
  std::error_code error;
  auto const path = std::filesystem::weakly_canonical(folder, error);
  config::RealFolder real{.path = error ? folder : path.string()};
  struct stat about {};
  if (::stat(folder.c_str(), &about) != 0) return real;
  real.device = about.st_dev;
  real.inode = about.st_ino;
  return real;
}

std::map<std::string, config::RealFolder> real_folders(std::vector<std::string> const& folders, Millis at_most,
                                                       LookUp const& look_up) {
  auto const board = std::make_shared<Board>();
  std::set<std::string> const wanted(folders.begin(), folders.end());
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, &before);  // signals are not theirs, also when they are left behind
  for (auto const& folder : wanted)
    std::thread([board, folder, look_up] {
      auto real = look_up(folder);
      std::lock_guard const lock(board->mutex);
      board->found.emplace(folder, std::move(real));
      board->changed.notify_one();
    }).detach();
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  std::unique_lock lock(board->mutex);
  board->changed.wait_for(lock, at_most, [&] { return board->found.size() == wanted.size(); });
  return board->found;
}

}  // namespace sluice::daemon

#include "faulty.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace sluice::e2e {

namespace {

std::string board_file(Site const& site) { return site.folder() + "/fault.board"; }

bool is_meant(std::string_view places, std::string_view place) {
  if (places == "any" || places == place) return true;
  return places == "journal" && (place == "db" || place == "log");
}

}  // namespace

Faulty::Faulty(Site& site) : site_(site) {
  int const fd = ::open(board_file(site).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ::ftruncate(fd, sizeof(shim::FaultBoard)) != 0) throw std::runtime_error("cannot make the fault board");
  auto* const mapped = ::mmap(nullptr, sizeof(shim::FaultBoard), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (mapped == MAP_FAILED) throw std::runtime_error("cannot map the fault board");
  board_ = static_cast<shim::FaultBoard*>(mapped);
}

Faulty::~Faulty() { ::munmap(board_, sizeof(shim::FaultBoard)); }

void Faulty::arm(std::string const& rule, std::map<std::string, std::string> more) {
  std::memset(static_cast<void*>(board_), 0, sizeof(shim::FaultBoard));
  // A sanitizer's runtime must come first; the product's own calls pass through it into the shim.
  std::map<std::string, std::string> environment{
      {"LD_PRELOAD", std::string(SANITIZER_RUNTIME) + (*SANITIZER_RUNTIME == '\0' ? "" : ":") + FAULT_SHIM},
      {"SLUICE_FAULT_BOARD", board_file(site_)},
      {"SLUICE_FAULT_HOME", site_.folder()}};
  environment.merge(more);
  if (!rule.empty()) environment["SLUICE_FAULT"] = rule;
  site_.daemon().set_environment(std::move(environment));
}

void Faulty::disarm() { site_.daemon().set_environment({}); }

std::uint64_t Faulty::count(std::string_view place_and_what) const {
  auto const dot = place_and_what.find('.');
  auto const what = std::ranges::find(shim::kWhatNames, place_and_what.substr(dot + 1));
  if (what == shim::kWhatNames.end()) throw std::runtime_error("no such call: " + std::string(place_and_what));
  std::uint64_t sum = 0;
  for (std::size_t place = 0; place < shim::kPlaces; ++place)
    if (is_meant(place_and_what.substr(0, dot), shim::kPlaceNames[place]))
      sum += board_->counts[place][static_cast<std::size_t>(what - shim::kWhatNames.begin())];
  return sum;
}

}  // namespace sluice::e2e

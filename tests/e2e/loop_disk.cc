#include "loop_disk.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "process.h"
#include "until.h"

namespace sluice::e2e {

namespace {

// From fs/ext4/ext4.h; no header of the C library has them. The flag: do not flush the log.
constexpr unsigned long kExt4Shutdown = _IOR('X', 125, std::uint32_t);
constexpr std::uint32_t kNoLogFlush = 2;

constexpr char kMkfs[] = "/usr/sbin/mkfs.ext4";

[[noreturn]] void failed(std::string const& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

struct Fd {
  explicit Fd(int opened) : fd(opened) {}
  ~Fd() {
    if (fd >= 0) ::close(fd);
  }
  Fd(Fd const&) = delete;
  Fd& operator=(Fd const&) = delete;
  int fd;
};

// Takes a free loop device for the image. Another process may take the same number first: then the next.
// The device frees itself when it is unmounted.
std::string attach(std::string const& image) {
  Fd const file(::open(image.c_str(), O_RDWR | O_CLOEXEC));
  Fd const control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  if (file.fd < 0 || control.fd < 0) failed("open the image or /dev/loop-control");
  for (int tries = 0; tries < 50; ++tries) {
    auto const number = ::ioctl(control.fd, LOOP_CTL_GET_FREE);
    if (number < 0) failed("get a loop device");
    auto device = "/dev/loop" + std::to_string(number);
    Fd const loop(::open(device.c_str(), O_RDWR | O_CLOEXEC));
    if (loop.fd < 0) failed("open " + device);
    loop_config config{};
    config.fd = static_cast<std::uint32_t>(file.fd);
    if (::ioctl(loop.fd, LOOP_CONFIGURE, &config) == 0) return device;
    if (errno != EBUSY) failed("set up " + device);
  }
  throw std::runtime_error("every loop device is taken");
}

void detach(std::string const& device) {
  Fd const loop(::open(device.c_str(), O_RDWR | O_CLOEXEC));
  if (loop.fd >= 0) ::ioctl(loop.fd, LOOP_CLR_FD);
}

// Whether this host lets us do it at all, tried once.
std::string tried() {
  if (::geteuid() != 0) return "power cuts need root, for a loop mount";
  if (::access(kMkfs, X_OK) != 0) return "power cuts need mkfs.ext4 (tools/install-packages)";
  std::string folder = "/tmp/sluice-disk-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) return "no temporary folder can be made";
  std::string why;
  try {
    LoopDisk const disk(folder + "/image", folder + "/disk");
    disk.cut();
  } catch (std::exception const& error) {
    why = std::string("power cuts need loop mounts and ext4's shutdown, which are not to be had here: ") + error.what();
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return why;
}

}  // namespace

std::string LoopDisk::why_not() {
  static auto const why = tried();
  return why;
}

LoopDisk::LoopDisk(std::string image, std::string folder, std::uint64_t bytes)
    : image_(std::move(image)), folder_(std::move(folder)) {
  Fd const file(::open(image_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file.fd < 0 || ::ftruncate(file.fd, static_cast<off_t>(bytes)) != 0) failed("make " + image_);
  if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) failed("make " + folder_);
  device_ = attach(image_);
  try {
    format();
  } catch (...) {
    detach(device_);
    throw;
  }
}

LoopDisk::~LoopDisk() {
  ::umount2(folder_.c_str(), MNT_DETACH);
  detach(device_);
}

void LoopDisk::format() {
  ::umount2(folder_.c_str(), 0);
  auto const made = run(image_.substr(0, image_.rfind('/')),
                        {.words = {kMkfs, "-q", "-F", "-E", "lazy_itable_init=1,lazy_journal_init=1", device_},
                         .environment = {},
                         .out_file = {},
                         .err_file = {}});
  if (made.code != 0) throw std::runtime_error("mkfs.ext4: " + made.err);
  mount();
}

void LoopDisk::mount() const {
  // errors=continue: a shut down file system must not stop the machine.
  if (::mount(device_.c_str(), folder_.c_str(), "ext4", MS_NOATIME, "errors=continue") != 0) failed("mount " + device_);
  ::chmod(folder_.c_str(), 0700);
}

void LoopDisk::unmount() const {
  // The kernel may hold a dead program's files a moment longer.
  if (!until(Millis(10'000), [&] { return ::umount2(folder_.c_str(), 0) == 0 || errno != EBUSY; }))
    failed("unmount " + folder_);
}

void LoopDisk::cut() const {
  Fd const root(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (root.fd < 0 || ::ioctl(root.fd, kExt4Shutdown, &kNoLogFlush) != 0) failed("shut down " + folder_);
}

void LoopDisk::power_on() {
  unmount();
  mount();
}

}  // namespace sluice::e2e

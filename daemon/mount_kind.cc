#include "daemon/mount_kind.h"

#include <sys/vfs.h>

namespace sluice::daemon {
namespace {

struct Kind {
  unsigned long type;
  std::string_view name;
};

constexpr Kind kRemoteKinds[] = {
    {0x6969, "NFS"},      {0x517b, "SMB"},      {0xff534d42, "SMB"},    {0xfe534d42, "SMB"},
    {0x65735546, "FUSE"}, {0x01021997, "9p"},   {0x786f4256, "vboxsf"}, {0x0187, "autofs"},
    {0x00c36400, "Ceph"}, {0x5346414f, "AFS"},  {0x6b414653, "AFS"},    {0x0bd00bd0, "Lustre"},
    {0x47504653, "GPFS"}, {0x01161970, "GFS2"}, {0x7461636f, "OCFS2"},  {0x73757245, "Coda"},
};

}  // namespace

std::string_view remote_kind_of_type(unsigned long type) {
  for (auto const& kind : kRemoteKinds) {
    if (kind.type == (type & 0xffffffffUL)) return kind.name;  // f_type is signed and 32 bits wide on some ports
  }
  return {};
}

std::string_view remote_kind(int fd) {
  struct statfs about {};
  if (::fstatfs(fd, &about) != 0) return {};
  return remote_kind_of_type(static_cast<unsigned long>(about.f_type));
}

}  // namespace sluice::daemon

// Paths are cut before they are decoded.
#include "daemon/control_uri.h"

#include <gtest/gtest.h>

namespace sluice::daemon {
namespace {

using Segments = std::vector<std::string>;

TEST(ControlUri, KeepsAnEncodedSlashInsideItsSegment) {
  EXPECT_EQ(path_segments("/v1/items/%2Fsrv%2Fdrop%2Fa.mp4/retry"),
            (Segments{"v1", "items", "/srv/drop/a.mp4", "retry"}));
}

TEST(ControlUri, IgnoresOneSlashAtTheEnd) {
  EXPECT_EQ(path_segments("/"), Segments{});
  EXPECT_EQ(path_segments("/v1/status/"), (Segments{"v1", "status"}));
}

TEST(ControlUri, RefusesEmptySegmentsAndBrokenEscapes) {
  for (auto const* path : {"", "v1", "//", "/v1//items", "/v1/items/%", "/v1/items/%2", "/v1/items/%zz"})
    EXPECT_FALSE(path_segments(path)) << path;
}

}  // namespace
}  // namespace sluice::daemon

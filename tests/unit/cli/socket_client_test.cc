// The bounded reader of answers, and what is said when nobody answers.
#include "daemon/cli/socket_client.h"

#include <gmock/gmock.h>

#include "tests/unit/daemon/temp_folder.h"

namespace sluice::cli {
namespace {

TEST(SocketClient, ReadsAHead) {
  auto const head = read_head("HTTP/1.1 404 Not Found\r\nX: y\r\ncontent-length:  12 ");
  ASSERT_TRUE(head) << head.error().text;
  EXPECT_EQ(head->status, 404);
  EXPECT_EQ(head->body_bytes, 12u);
}

TEST(SocketClient, RefusesAHeadThatIsNotTheDaemons) {
  for (auto const* head :
       {"", "SSH-2.0-OpenSSH", "HTTP/1.1", "HTTP/1.1 2xx OK\r\nContent-Length: 1", "HTTP/1.1 200 OK",
        "HTTP/1.1 200 OK\r\nContent-Length: -1", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2",
        "HTTP/1.1 200 OK\r\nContent-Length: 67108865", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked",
        "HTTP/1.1 200 OK\r\nnonsense", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999"})
    EXPECT_FALSE(read_head(head)) << head;
}

TEST(SocketClient, SaysWhyNobodyAnswers) {
  daemon::TempFolder folder;
  auto const missing = SocketClient(folder.at("none.sock")).ask({.target = "/v1/status"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, "no_socket");
  EXPECT_EQ(missing.error().fault, Fault::kOffline);
  folder.write("file", "");
  EXPECT_EQ(SocketClient(folder.at("file")).ask({.target = "/"}).error().code, "nobody_listens");
  EXPECT_EQ(SocketClient("/tmp/" + std::string(200, 'x')).ask({.target = "/"}).error().code, "no_socket");
}

}  // namespace
}  // namespace sluice::cli

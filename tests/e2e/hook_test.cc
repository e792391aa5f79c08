// hook_test.cc - who is told of the ends: programs and URLs, at least once, whatever dies in between.

#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "site.h"
#include "tests/unit/daemon/loopback_server.h"

namespace sluice::e2e {
namespace {

namespace fs = std::filesystem;
using daemon::LoopbackServer;

std::vector<Json> lines_of(std::string const& file) {
  std::vector<Json> lines;
  std::istringstream text(fs::exists(file) ? read_text(file) : "");
  for (std::string line; std::getline(text, line);) lines.push_back(Json::parse(line));
  return lines;
}

// A program that adds what it is told to FILE; `more` comes behind it.
std::string program(std::string const& file, std::string const& more = "") {
  return "exec: [/bin/sh, -c, 'cat >> " + file + more + "']";
}

TEST(AHook, IsToldOfEveryEndWithItsIds) {
  Site site;
  auto const told = site.folder() + "/told";
  site.configure({.more = "hooks:\n- {" + program(told) + "}\n"});
  for (int n = 0; n < 6; ++n) site.drop("f" + std::to_string(n) + ".mp4", 50'000, std::uint64_t(n) + 1);
  std::ofstream(site.home().drop() + "/empty.mp4");
  site.daemon().start();
  ASSERT_TRUE(site.wait_until("all are told", [&] { return lines_of(told).size() == 7; }));
  std::set<std::string> ids;
  for (auto const& line : lines_of(told)) {
    auto const item = site.daemon().item(line.at("name"));
    ids.insert(line.at("event_id").get<std::string>());
    EXPECT_EQ(line.at("id"), item.at("id"));
    EXPECT_EQ(line.at("event"), item.at("state"));
    EXPECT_EQ(line.at("asset_id"), item.at("asset_id"));
    EXPECT_EQ(line.at("indexed_assets"), item.at("indexed_assets"));
  }
  EXPECT_EQ(ids.size(), 7u);
  ASSERT_TRUE(
      site.wait_until("the journal knows", [&] { return site.daemon().status().at("hooks").at("waiting") == 0; }));
  EXPECT_NE(site.sluice({"show", "empty.mp4"}).out.find("hook sh"), std::string::npos);
}

// The program itself kills the daemon once it has done its work: the journal cannot know that it was done.
TEST(AHook, IsToldAgainByTheSameIdWhenTheDaemonDiesBeforeItKnows) {
  Site site;
  auto const told = site.folder() + "/told", once = site.folder() + "/once";
  site.configure({.more = "hooks:\n- {" +
                          program(told, "; test -e " + once + " || { touch " + once + "; kill -9 $PPID; }") + "}\n"});
  site.drop("a.mp4", 50'000, 1);
  site.daemon().start();
  EXPECT_EQ(site.daemon().ended(Millis(45'000)), 128 + 9);
  auto const before = lines_of(told);
  ASSERT_EQ(before.size(), 1u);
  site.daemon().start();
  ASSERT_TRUE(site.wait_until("it is told again", [&] { return lines_of(told).size() == 2; }));
  ASSERT_TRUE(
      site.wait_until("the journal knows", [&] { return site.daemon().status().at("hooks").at("waiting") == 0; }));
  EXPECT_EQ(lines_of(told), (std::vector<Json>{before[0], before[0]})) << "the same id and the same text";
}

TEST(AHook, ThatHangsHoldsUpNothing) {
  Site site;
  auto const told = site.folder() + "/told";
  site.configure(
      {.more = "hooks:\n- {name: hangs, exec: [/bin/sleep, '3600'], timeout: 10m}\n- {" + program(told) + "}\n"});
  for (int n = 0; n < 12; ++n) site.drop("f" + std::to_string(n) + ".mp4", 50'000, std::uint64_t(n) + 1);
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 12));
  ASSERT_TRUE(site.wait_until("all are told", [&] { return lines_of(told).size() == 12; }));
  EXPECT_EQ(site.daemon().stop(), 0);
}

TEST(AHook, ThatFailsSaysSoAndIsTriedAgain) {
  Site site;
  auto const told = site.folder() + "/told";
  site.configure(
      {.more = "hooks:\n- {name: late, exec: [/bin/sh, -c, 'echo no such door; cat >> " + told + "/in']}\n"});
  site.drop("a.mp4", 50'000, 1);
  site.daemon().start();
  ASSERT_TRUE(site.wait_until("it says so", [&] {
    return site.sluice({"show", "a.mp4"}).out.find("no such door") != std::string::npos;
  }));
  fs::create_directories(told);
  ASSERT_TRUE(site.wait_until("it is told", [&] { return lines_of(told + "/in").size() == 1; }));
}

std::string hmac_of(std::string const& secret, std::string const& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<unsigned char const*>(text.data()), text.size(), digest.data(), &size);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += "0123456789abcdef"[digest.at(i) >> 4];
    hex += "0123456789abcdef"[digest.at(i) & 15];
  }
  return hex;
}

std::string header(daemon::SeenRequest const& request, std::string const& name) {
  auto const at = request.head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  auto const begin = at + name.size() + 4;
  return request.head.substr(begin, request.head.find("\r\n", begin) - begin);
}

// The first is answered with a redirect, the second with a failure, the third with more than anybody reads.
TEST(AWebhook, IsSignedRepeatedByTheSameIdAndNeverHasTheKey) {
  LoopbackServer server([](LoopbackServer::Connection& connection) {
    if (!connection.read_request()) return;
    if (connection.number == 0)
      connection.write("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    else if (connection.number == 1)
      connection.write("HTTP/1.1 500 Oops\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    else
      connection.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 200000\r\n\r\n" +
                       std::string(200'000, 'x'));
  });
  Site site;
  write_key(site.folder() + "/secret", "a-shared-secret");
  site.configure({.more = "hooks:\n- {name: far, url: \"" + server.url() + "/hook\", secret: {file: " + site.folder() +
                          "/secret}}\n"});
  site.drop("a.mp4", 50'000, 1);
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 1));
  ASSERT_TRUE(site.wait_until("it is told", [&] {
    auto const acts = site.daemon().item("a.mp4").at("acts");
    return acts.size() == 1 && acts.at(0).at("state") == "done";
  }));
  auto const item = site.daemon().item("a.mp4");
  site.daemon().stop();
  auto const seen = server.stop();
  ASSERT_EQ(seen.size(), 3u);
  for (auto const& request : seen) {
    EXPECT_TRUE(request.head.starts_with("POST /hook HTTP/1.1\r\n")) << request.head;
    EXPECT_EQ(request.body, seen.front().body);
    EXPECT_EQ(header(request, "Sluice-Event-Id"), item.at("id").get<std::string>() + ".1");
    EXPECT_EQ(header(request, "Content-Type"), "application/json");
    auto const signature = header(request, "Sluice-Signature");
    auto const time = signature.substr(2, signature.find(',') - 2);
    EXPECT_EQ(signature, "t=" + time + ",v1=" + hmac_of("a-shared-secret", time + "." + request.body));
    EXPECT_EQ(request.head.find("x-api-key"), std::string::npos);
    EXPECT_EQ(request.head.find(site.key()), std::string::npos);
  }
  EXPECT_EQ(Json::parse(seen.front().body).at("asset_id"), item.at("asset_id"));
  EXPECT_EQ(site.all_output().find("a-shared-secret"), std::string::npos);
}

}  // namespace
}  // namespace sluice::e2e

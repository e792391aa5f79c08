// A URL is taken as it is or refused; what is said of a refused one holds no secret.
#include "core/base/url_text.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

std::string canonical(std::string_view text) {
  auto const url = parse_url(text);
  return url ? url->whole.reveal_for_wire() : "refused: " + url.error().text;
}

TEST(UrlText, LowersSchemeAndHostAndKeepsPathAndQueryAsTheyAre) {
  EXPECT_EQ(canonical("HTTPS://Media.Example.NET/A/%2f/b.MP4?Sig=a%2Bb&X"),
            "https://media.example.net/A/%2f/b.MP4?Sig=a%2Bb&X");
}

TEST(UrlText, DropsTheFragmentAndTheDefaultPortAndNamesTheRoot) {
  EXPECT_EQ(canonical("https://h.example:443/a.mp4?q=1#t=10"), "https://h.example/a.mp4?q=1");
  EXPECT_EQ(canonical("https://h.example:8443"), "https://h.example:8443/");
  EXPECT_EQ(canonical("https://h.example?id=7"), "https://h.example/?id=7");
  EXPECT_EQ(canonical("https://h.example#x"), "https://h.example/");
}

TEST(UrlText, ShowsEverythingButTheQuery) {
  EXPECT_EQ(parse_url("https://h.example/a.mp4?X-Amz-Signature=secret")->shown, "https://h.example/a.mp4");
  EXPECT_EQ(parse_url("https://h.example?token=secret")->shown, "https://h.example/");
}

TEST(UrlText, TakesHttpWithItsOwnPort) {
  EXPECT_EQ(canonical("http://127.0.0.1:80/a.mp4"), "http://127.0.0.1/a.mp4");
  EXPECT_EQ(canonical("http://[::1]:9000/a.mp4"), "http://[::1]:9000/a.mp4");
  EXPECT_EQ(canonical("HTTP://Media.lan:443/a.mp4"), "http://media.lan:443/a.mp4");
}

TEST(UrlText, RefusesWhatIsNoHttpsUrl) {
  for (auto const* url :
       {"", "media.example.net/a.mp4", "//media.example.net/a", "/srv/a.mp4", "file:///etc/passwd",
        "ftp://h.example/a.mp4", "data:video/mp4;base64,AAAA", "javascript://h.example/a", R"(\\server\share\a.mp4)",
        "https:h.example/a", "https://", "https:///a.mp4", "https://?q=1", "https://:443/a"})
    EXPECT_FALSE(parse_url(url)) << url;
}

TEST(UrlText, RefusesUserNamesAndPasswordsEvenEmptyOnes) {
  for (auto const* url : {"https://user:pass@h.example/a", "https://@h.example/a", "https://a@b@h.example/a"})
    EXPECT_FALSE(parse_url(url)) << url;
  EXPECT_TRUE(parse_url("https://h.example/a@b?c@d")) << "only before the host";
}

TEST(UrlText, RefusesBytesThatNoUrlHasAndSaysWhere) {
  for (auto const byte : {'\0', '\r', '\n', '\t', ' ', '\x7f', '\\', '"', '<', '>', '^', '`', '{', '|', '}', '\xc3'}) {
    auto const url = std::string("https://h.example/a") + byte + "b";
    auto const refused = parse_url(url);
    ASSERT_FALSE(refused) << static_cast<int>(byte);
    EXPECT_NE(refused.error().text.find("at byte 20"), std::string::npos) << refused.error().text;
  }
}

TEST(UrlText, RefusesAPercentWithoutTwoHexDigits) {
  for (auto const* url : {"https://h.example/a%", "https://h.example/a%2", "https://h.example/a%zz", "https://h%41/"})
    EXPECT_FALSE(parse_url(url)) << url;
}

TEST(UrlText, RefusesAHostBeyondAsciiAndSaysHowToWriteIt) {
  EXPECT_NE(canonical("https://m\xc3\xbcller.example/a.mp4").find("xn--"), std::string::npos);
  EXPECT_EQ(canonical("https://xn--mller-kva.example/a.mp4"), "https://xn--mller-kva.example/a.mp4");
}

TEST(UrlText, RefusesHostsAndPortsThatAreNone) {
  for (auto const* url :
       {"https://h..example/", "https://.example/", "https://h.example./", "https://h,example/", "https://[::1/",
        "https://[]/", "https://[abc]/", "https://[::1]x/", "https://h.example:/", "https://h.example:0/",
        "https://h.example:65536/", "https://h.example:080/", "https://h.example:8a/"})
    EXPECT_FALSE(parse_url(url)) << url;
  EXPECT_FALSE(parse_url("https://" + std::string(64, 'a') + ".example/"));
  EXPECT_TRUE(parse_url("https://" + std::string(63, 'a') + ".example:65535/"));
}

TEST(UrlText, RefusesMoreThanEightKilobytes) {
  std::string const host = "https://h.example/";
  EXPECT_TRUE(parse_url(host + std::string(kUrlBytesMax - host.size(), 'a')));
  EXPECT_FALSE(parse_url(host + std::string(kUrlBytesMax - host.size() + 1, 'a')));
}

TEST(UrlText, NeverRepeatsTheQueryOfARefusedUrl) {
  for (auto const* url : {"https://h.example/a?secret b", "https://u@h.example/?secret", "ftp://h.example/?secret",
                          "https://h.example/?secret%", "https://h.example:x/?secret"}) {
    auto const refused = parse_url(url);
    ASSERT_FALSE(refused) << url;
    EXPECT_EQ(refused.error().text.find("secret"), std::string::npos) << refused.error().text;
    EXPECT_EQ(refused.error().code, "bad_url");
  }
}

TEST(UrlText, TellsAUrlFromAPath) {
  for (auto const* text : {"https://h.example/", "HTTP://h", "ftp://h/a", "s3+x://b"})
    EXPECT_TRUE(looks_like_url(text));
  for (auto const* text : {"/srv/a://b", "a.mp4", "://b", "./x://y", "", "1://x"}) EXPECT_FALSE(looks_like_url(text));
}

}  // namespace
}  // namespace sluice

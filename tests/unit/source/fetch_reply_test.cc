// What the answer to a ranged GET says, and where a redirect may lead.
#include "core/source/fetch_reply.h"

#include <gtest/gtest.h>

namespace sluice::source {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

ports::Reply with(Headers headers) { return {.status = 206, .headers = std::move(headers), .body = {}}; }

TEST(FetchReply, SaysWhichBytesOfHowMany) {
  auto const range = read_content_range("bytes 1048576-2097151/9000000");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first, 1048576u);
  EXPECT_EQ(range->last, 2097151u);
  EXPECT_EQ(range->total, 9000000u);
  for (auto const* value :
       {"", "bytes", "bytes 0-1/*", "bytes */5", "bytes 5-1/9", "bytes 0-9/9", "items 0-1/5", "bytes 0-1", "bytes -1/5",
        "bytes 0-/5", "bytes 0-1/5x", "bytes 0-1/5, bytes 2-3/5", "bytes 0-1/99999999999999999999"})
    EXPECT_FALSE(read_content_range(value)) << value;
  EXPECT_EQ(read_unsatisfied_range("bytes */0"), 0u);
  EXPECT_FALSE(read_unsatisfied_range("bytes 0-1/2"));
}

TEST(FetchReply, TellsContentsApartByStrongETagsElseByTheDate) {
  auto const strong = validators_of(with({{"etag", "\"a\""}, {"last-modified", "Mon"}}));
  EXPECT_EQ(strong.if_range(), "\"a\"");
  auto const weak = validators_of(with({{"etag", "W/\"a\""}, {"last-modified", "Mon"}}));
  EXPECT_EQ(weak.if_range(), "Mon") << "a weak one says that bytes may differ";
  EXPECT_TRUE(validators_of(with({{"etag", "a"}})).empty());
  EXPECT_TRUE(validators_of(with({{"etag", "\"" + std::string(300, 'x') + "\""}})).empty());
  EXPECT_TRUE(is_same_content({"\"a\"", "Mon"}, {"\"a\"", "Tue"}));
  EXPECT_FALSE(is_same_content({"\"a\"", "Mon"}, {"\"b\"", "Mon"}));
  EXPECT_FALSE(is_same_content({"\"a\"", "Mon"}, {"", "Mon"}));
  EXPECT_FALSE(is_same_content({"", "Mon"}, {"", "Tue"}));
  EXPECT_TRUE(is_same_content({"", "Mon"}, {"", "Mon"}));
}

TEST(FetchReply, IsNoFileWhereItIsAPageOrEncoded) {
  EXPECT_NE(why_no_file(with({{"content-type", "Text/HTML; charset=utf-8"}})), "");
  EXPECT_NE(why_no_file(with({{"content-type", "multipart/byteranges; boundary=x"}})), "");
  EXPECT_NE(why_no_file(with({{"content-encoding", "gzip"}})), "");
  EXPECT_EQ(why_no_file(with({{"content-type", "video/mp4"}, {"content-encoding", "identity"}})), "");
  EXPECT_EQ(why_no_file(with({})), "");
}

TEST(FetchReply, TakesAHeaderOf256BytesAndNoLongerOne) {
  auto const etag_of = [](std::size_t bytes) {
    return validators_of(with({{"etag", "\"" + std::string(bytes - 2, 'x') + "\""}})).etag.size();
  };
  EXPECT_EQ(etag_of(256), 256u);
  EXPECT_EQ(etag_of(257), 0u);
  EXPECT_EQ(etag_of(2), 2u);
  for (auto const* no_etag : {"\"", "\"a", "a\"", ""})
    EXPECT_EQ(validators_of(with({{"etag", no_etag}})).etag, "") << no_etag;
}

TEST(FetchReply, TakesARangeOfOneByteAndTheLastByte) {
  EXPECT_EQ(read_content_range("bytes 5-5/9")->last, 5u);
  EXPECT_EQ(read_content_range(" Bytes 0-8/9 ")->total, 9u);
  EXPECT_FALSE(read_content_range("bytes 6-5/9"));
  EXPECT_FALSE(read_content_range("bytes 0/5-9"));
  EXPECT_FALSE(read_unsatisfied_range("items */5"));
  EXPECT_FALSE(read_unsatisfied_range("bytes */"));
  EXPECT_FALSE(read_unsatisfied_range("bytes */5x"));
}

TEST(FetchReply, TellsTheLengthOfTheWholeByItsStatus) {
  auto const bytes = [](int status, Headers headers) {
    return whole_bytes({.status = status, .headers = std::move(headers), .body = {}});
  };
  EXPECT_EQ(bytes(206, {{"content-range", "bytes 0-0/9"}, {"content-length", "1"}}), 9u);
  EXPECT_EQ(bytes(206, {{"content-length", "1"}}), std::nullopt);
  EXPECT_EQ(bytes(200, {{"content-range", "bytes 0-0/9"}, {"content-length", "7"}}), 7u);
  EXPECT_EQ(bytes(200, {}), std::nullopt);
  EXPECT_EQ(bytes(200, {{"content-length", "99999999999999999999"}}), std::nullopt);
  EXPECT_EQ(bytes(200, {{"content-length", "7 "}}), 7u);
}

TEST(FetchReply, FollowsTheFiveRedirectsAndNoOtherAnswer) {
  for (int status = 200; status < 400; ++status) {
    auto const follows = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    EXPECT_EQ(is_redirect({.status = status, .headers = {}, .body = {}}), follows) << status;
  }
}

TEST(FetchReply, KnowsBothKindsOfPage) {
  EXPECT_TRUE(is_web_page(with({{"content-type", "text/html"}})));
  EXPECT_TRUE(is_web_page(with({{"content-type", "application/xhtml+xml"}})));
  EXPECT_FALSE(is_web_page(with({{"content-type", "application/octet-stream"}})));
}

std::string led(std::string_view from, std::string_view location, AllowedHosts const& allowed = {}) {
  auto const target =
      redirect_target(SecretUrl(std::string(from)), with({{"location", std::string(location)}}), allowed);
  return target ? target->whole.reveal_for_wire() : target.error().code;
}

TEST(FetchReply, RedirectsToWhatIsMeant) {
  constexpr char kFrom[] = "https://a.net/x/y/z.mp4?sig=1";
  EXPECT_EQ(led(kFrom, "https://b.net/w.mp4?t=2#f"), "https://b.net/w.mp4?t=2");
  EXPECT_EQ(led(kFrom, "//b.net/w.mp4"), "https://b.net/w.mp4");
  EXPECT_EQ(led(kFrom, "/w.mp4?u=https://c.net/"), "https://a.net/w.mp4?u=https://c.net/");
  EXPECT_EQ(led(kFrom, "w.mp4"), "https://a.net/x/y/w.mp4");
  EXPECT_EQ(led(kFrom, "../w.mp4"), "https://a.net/x/w.mp4");
  EXPECT_EQ(led(kFrom, "../../../../w.mp4"), "https://a.net/w.mp4");
  EXPECT_EQ(led(kFrom, "./w/./v.mp4"), "https://a.net/x/y/w/v.mp4");
  EXPECT_EQ(led(kFrom, "?sig=2"), "https://a.net/x/y/z.mp4?sig=2");
  EXPECT_EQ(led(kFrom, ".."), "https://a.net/x/");
  EXPECT_EQ(led(kFrom, "w/.."), "https://a.net/x/y/");
  EXPECT_EQ(led(kFrom, "."), "https://a.net/x/y/");
  EXPECT_EQ(led(kFrom, "..."), "https://a.net/x/y/...");
  EXPECT_EQ(led(kFrom, "w?to=https://c.net/../v"), "https://a.net/x/y/w?to=https://c.net/../v");
  EXPECT_EQ(led("https://a.net", "w"), "https://a.net/w");
  EXPECT_EQ(led("https://a.net?q=/r/", "w"), "https://a.net/w");
}

TEST(FetchReply, RedirectsNowhereThatNoUrlMayLead) {
  constexpr char kFrom[] = "https://a.net/x";
  for (auto const* location :
       {"", " ", "file:///etc/passwd", "gopher://b.net/", "ftp://b.net/", "https://user@b.net/",
        "https://user:pw@b.net/", "https://b.net\\@c.net/", "https:\\\\b.net", "https://b.net/a b",
        "https://b.net/\x01", "https://", "https:///x", "https://b\xc3\xa4.net/", "https://b.net:0/",
        "https://b.net:99999/", "https://b.net./", "https://[::1%25lo]/"})
    EXPECT_EQ(led(kFrom, location), "bad_redirect") << location;
  EXPECT_EQ(led(kFrom, "http://a.net/x"), "http_denied") << "from https to http";
  AllowedHosts allowed;
  allowed.add("b.lan");
  EXPECT_EQ(led(kFrom, "http://b.lan/x", allowed), "http_denied") << "also to a host that is named";
  EXPECT_EQ(led("http://b.lan/x", "http://c.lan/x", allowed), "http_denied");
  EXPECT_EQ(led("http://b.lan/x", "http://b.lan/y", allowed), "http://b.lan/y");
}

}  // namespace
}  // namespace sluice::source

#include "core/platform/form_body.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace sluice::platform {
namespace {

struct FakeBody final : ports::Body {
  std::string content;
  std::uint64_t promised_bytes;
  std::optional<Error> failure_at_end;
  std::size_t done = 0;

  explicit FakeBody(std::string text) : content(std::move(text)), promised_bytes(content.size()) {}
  std::uint64_t size_bytes() const override { return promised_bytes; }
  Result<std::optional<std::size_t>> read(std::span<std::byte> into) override {
    auto const count = std::min(into.size(), content.size() - done);
    if (count == 0 && failure_at_end) return std::unexpected(*failure_at_end);
    if (count > 0) std::memcpy(into.data(), content.data() + done, count);
    done += count;
    return count;
  }
};

// Reads to the end by pieces; `sent` gets what was handed out before a failure, too.
Result<void> drain(FormBody& form, std::size_t piece, std::string& sent) {
  std::string buffer(piece, '\0');
  while (true) {
    SLUICE_TRY(got, form.read(std::as_writable_bytes(std::span(buffer))));
    if (got == 0u) return {};
    sent.append(buffer, 0, got.value());
  }
}

TEST(FormBody, PutsTheFileBetweenItsTexts) {
  for (std::size_t const piece : {1, 3, 100}) {
    FormBody form("before|", std::make_shared<FakeBody>("file"), "|after");
    std::string sent;
    EXPECT_TRUE(drain(form, piece, sent));
    EXPECT_EQ(sent, "before|file|after");
    EXPECT_EQ(form.size_bytes(), sent.size());
  }
}

TEST(FormBody, WithholdsItsEndWhenTheFileFails) {
  auto file = std::make_shared<FakeBody>("file");
  file->failure_at_end = Error{Fault::kSourceChanged, "changed"};
  FormBody form("before|", file, "|after");
  std::string sent;
  EXPECT_EQ(drain(form, 5, sent).error().text, "changed");
  EXPECT_EQ(sent, "before|file");
  file->failure_at_end.reset();
  EXPECT_FALSE(drain(form, 5, sent));  // once failed, always failed
  EXPECT_EQ(sent, "before|file");
}

TEST(FormBody, WithholdsItsEndWhenTheFileGivesTooFewOrTooManyBytes) {
  for (std::uint64_t const promised : {3, 5}) {
    auto file = std::make_shared<FakeBody>("file");
    file->promised_bytes = promised;
    FormBody form("before|", file, "|after");
    std::string sent;
    auto const end = drain(form, 100, sent);
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().fault, Fault::kSourceChanged);
    EXPECT_EQ(sent.find("|after"), std::string::npos);
  }
}

}  // namespace
}  // namespace sluice::platform

#include "form.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::emulator {
namespace {

struct Seen {
  std::string text;  // "name(filename)=data;" for each part
  bool good = true;
  bool complete = false;
};

// Feeds the form in pieces of `step` bytes.
Seen read(std::string const& form, std::size_t step) {
  Seen seen;
  FormReader reader("XX",
                    {[&](FormPart const& part) { seen.text += part.name + '(' + part.filename.value_or("-") + ")="; },
                     [&](std::string_view data) { seen.text += data; }, [&] { seen.text += ';'; }});
  for (std::size_t at = 0; at < form.size() && seen.good; at += step) seen.good = reader.feed(form.substr(at, step));
  seen.complete = reader.complete();
  return seen;
}

std::string const kForm =
    "--XX\r\nContent-Disposition: form-data; name=\"method\"\r\n\r\ndirect\r\n"
    "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\".mp4\"\r\n"
    "Content-Type: video/mp4\r\n\r\nbytes\r\n--X and \r\n\r\n--\r\n"
    "--XX\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--XX--\r\n";

TEST(FormReader, ReadsTheSameHoweverTheBytesArrive) {
  for (std::size_t step = 1; step <= kForm.size(); ++step) {
    auto const seen = read(kForm, step);
    EXPECT_EQ(seen.text, "method(-)=direct;file(a \"b\".mp4)=bytes\r\n--X and \r\n\r\n--;empty(-)=;")
        << "step " << step;
    EXPECT_TRUE(seen.good && seen.complete) << "step " << step;
  }
}

TEST(FormReader, IsNotCompleteBeforeTheClosingBoundary) {
  auto const cut = kForm.substr(0, kForm.rfind("--XX--"));
  EXPECT_FALSE(read(cut, 7).complete);
}

TEST(FormReader, RefusesABrokenBoundaryAndANamelessPart) {
  EXPECT_FALSE(read("--XXgarbage\r\n\r\n", 5).good);
  EXPECT_FALSE(read("--XX\r\nContent-Disposition: form-data\r\n\r\nx\r\n--XX--", 5).good);
}

TEST(FormReader, FindsTheBoundary) {
  EXPECT_EQ(form_boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(form_boundary("multipart/form-data; charset=utf-8; boundary=\"a b;c\""), "a b;c");
  EXPECT_EQ(form_boundary("multipart/form-data"), std::nullopt);
  EXPECT_EQ(form_boundary("multipart/form-data; boundary="), std::nullopt);
}

}  // namespace
}  // namespace sluice::emulator

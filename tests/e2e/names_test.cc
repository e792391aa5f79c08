// names_test.cc - file names that nobody would choose: bytes that are no text, controls, right-to-left, 255 bytes.
//
// Each goes through the journal, the control interface and the log, and is the very same bytes in all of them (D42).

#include <openssl/evp.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "site.h"

namespace sluice::e2e {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kNamesPerFolder = 500;
constexpr std::size_t kNameBytesMax = 255;
constexpr std::string_view kExtension = ".mp4";

void append_utf8(std::string& to, std::uint32_t point) {
  if (point < 0x80) {
    to += static_cast<char>(point);
  } else if (point < 0x800) {
    to += static_cast<char>(0xC0 | point >> 6);
    to += static_cast<char>(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    to += static_cast<char>(0xE0 | point >> 12);
    to += static_cast<char>(0x80 | (point >> 6 & 0x3F));
    to += static_cast<char>(0x80 | (point & 0x3F));
  } else {
    to += static_cast<char>(0xF0 | point >> 18);
    to += static_cast<char>(0x80 | (point >> 12 & 0x3F));
    to += static_cast<char>(0x80 | (point >> 6 & 0x3F));
    to += static_cast<char>(0x80 | (point & 0x3F));
  }
}

class Names {
 public:
  explicit Names(std::uint64_t seed) : dice_(seed) {}

  // One that was not given before, and that a source takes.
  std::string next() {
    while (true) {
      auto name = stem();
      name.resize(std::min(name.size(), kNameBytesMax - kExtension.size()));
      name += kExtension;
      bool const is_taken = name.front() != '.' && !name.starts_with("~");
      if (is_taken && given_.insert(name).second) return name;
    }
  }

 private:
  std::string stem() {
    static constexpr std::pair<std::uint32_t, std::uint32_t> kScripts[] = {
        {0x20, 0x7E},     {0x1, 0x1F},      {0x80, 0x24F},    {0x300, 0x36F},   {0x590, 0x6FF},    {0x2000, 0x206F},
        {0x3040, 0x30FF}, {0xAC00, 0xD7A3}, {0xE000, 0xF8FF}, {0xFE00, 0xFFFD}, {0x1F300, 0x1FAFF}};
    auto const length = dice_.between(0, 9) == 0 ? kNameBytesMax : dice_.between(1, 40);
    auto const kind = dice_.between(0, 3);
    std::string made;
    while (made.size() < length) {
      if (kind == 0 || (kind == 1 && dice_.between(0, 7) == 0)) {
        made += static_cast<char>(dice_.between(1, 255));  // no text, or a text that is broken here and there
      } else {
        auto const [first, last] = kScripts[dice_.between(0, std::size(kScripts) - 1)];
        append_utf8(made, static_cast<std::uint32_t>(dice_.between(first, last)));
      }
      if (made.back() == '/') made.back() = '"';
    }
    return made;
  }

  Dice dice_;
  std::set<std::string> given_;
};

std::string from_base64(std::string const& text) {
  std::string bytes(text.size(), '\0');
  auto const size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                    reinterpret_cast<unsigned char const*>(text.data()), static_cast<int>(text.size()));
  if (size < 0) throw std::runtime_error("no base 64: " + text);
  auto const padding = text.ends_with("==") ? 2U : text.ends_with('=') ? 1U : 0U;
  bytes.resize(static_cast<std::size_t>(size) - padding);
  return bytes;
}

std::string from_hex(std::string const& text) {
  std::string bytes;
  for (std::size_t at = 0; at + 1 < text.size(); at += 2)
    bytes += static_cast<char>(std::stoi(text.substr(at, 2), nullptr, 16));
  return bytes;
}

// What the log shows, as bytes again: "\xff" is one.
std::string from_log(std::string const& shown) {
  std::string bytes;
  for (std::size_t at = 0; at < shown.size(); ++at) {
    if (shown[at] != '\\') {
      bytes += shown[at];
      continue;
    }
    bytes += static_cast<char>(std::stoi(shown.substr(at + 2, 2), nullptr, 16));
    at += 3;
  }
  return bytes;
}

std::multiset<std::string> in_the_log(std::string const& log) {
  std::multiset<std::string> paths;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    auto const begin = line.find(" path=\"");
    auto const end = line.rfind("\" seen source=drop");
    if (begin != std::string::npos && end != std::string::npos)
      paths.insert(from_log(line.substr(begin + 7, end - begin - 7)));
  }
  return paths;
}

std::multiset<std::string> in_json(Daemon const& daemon, std::string const& drop) {
  std::multiset<std::string> paths;
  for (auto const& item : daemon.items()) {
    auto const whole =
        item.contains("path_b64") ? from_base64(item.at("path_b64")) : item.at("path").get<std::string>();
    paths.insert(whole.substr(drop.size() + 1));
  }
  return paths;
}

std::multiset<std::string> in_the_journal(JournalCopy const& journal) {
  std::multiset<std::string> paths;
  for (auto const& row : journal.rows("SELECT hex(path) FROM item")) paths.insert(from_hex(row.at(0)));
  return paths;
}

TEST(StrangeNames, AreTheSameBytesInJournalJsonAndLog) {
  auto const count = setting("SLUICE_E2E_NAMES", 1'000);
  auto const seed = run_seed();
  std::printf("seed %llu, %llu names\n", static_cast<unsigned long long>(seed), static_cast<unsigned long long>(count));
  Site site;
  auto const drop = site.home().drop();
  Names names(seed);
  std::multiset<std::string> wanted;
  for (std::uint64_t n = 0; n < count; ++n) {
    auto const folder = "day" + std::to_string(n / kNamesPerFolder);
    fs::create_directory(drop + "/" + folder);
    auto const path = folder + "/" + names.next();
    std::ofstream(drop + "/" + path, std::ios::binary) << "content " << seed << " " << n;
    wanted.insert(path);
  }
  ASSERT_EQ(wanted.size(), count);

  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", count, Millis(45'000 + count * 20)));
  EXPECT_EQ(in_json(site.daemon(), drop), wanted);
  EXPECT_EQ(site.daemon().stop(), 0);
  EXPECT_EQ(in_the_journal(site.journal()), wanted);
  EXPECT_EQ(in_the_log(site.daemon().log()), wanted);

  auto const ledger = site.emulator().ledger();
  std::set<std::string> contents;
  for (auto const& object : ledger.at("objects")) contents.insert(object.at("sha256").get<std::string>());
  EXPECT_EQ(contents.size(), count) << "each content arrived";
  EXPECT_EQ(ledger.at("assets").size(), count) << "and made one asset";
}

}  // namespace
}  // namespace sluice::e2e

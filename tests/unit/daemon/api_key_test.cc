// The API key: where it may come from, and what is said when it may not.
#include "daemon/api_key.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/unit/daemon/temp_folder.h"

namespace sluice::daemon {
namespace {

using testing::HasSubstr;
using Kind = KeySource::Kind;

class ReadApiKey : public testing::Test {
 protected:
  void TearDown() override {
    ::unsetenv("CREDENTIALS_DIRECTORY");
    ::unsetenv("SLUICE_TEST_KEY");
  }
  std::string file(std::string const& bytes, unsigned mode = 0400) {
    folder.write("key", bytes);
    ::chmod(folder.at("key").c_str(), mode);
    return folder.at("key");
  }
  Error error(KeySource const& source) {
    auto const key = read_api_key(source);
    EXPECT_FALSE(key);
    return key ? Error{} : key.error();
  }
  TempFolder folder;
};

TEST_F(ReadApiKey, TakesItFromAFileWithoutItsLineEnd) {
  EXPECT_EQ(read_api_key({Kind::kFile, file("tlk_abc\n")}).value().reveal_for_wire(), "tlk_abc");
  ::unlink(folder.at("key").c_str());
  EXPECT_EQ(read_api_key({Kind::kFile, file("tlk_abc\r\n", 0600)}).value().reveal_for_wire(), "tlk_abc");
}

TEST_F(ReadApiKey, RefusesAFileThatOthersMayRead) {
  auto const failure = error({Kind::kFile, file("tlk_abc", 0640)});
  EXPECT_EQ(failure.code, "key_unusable");
  EXPECT_EQ(failure.fault, Fault::kLocal);
  EXPECT_THAT(failure.text, HasSubstr("mode 0640"));
  EXPECT_THAT(failure.text, HasSubstr("chmod 0400"));
}

TEST_F(ReadApiKey, RefusesLinksFoldersAndOtherUsersFiles) {
  folder.link(file("tlk_abc"), "link");
  EXPECT_THAT(error({Kind::kFile, folder.at("link")}).text, HasSubstr("symbolic link"));
  EXPECT_THAT(error({Kind::kFile, folder.path()}).text, HasSubstr("not a regular file"));
  if (::geteuid() == 0 && ::chown(folder.at("key").c_str(), 65534, 65534) == 0) {
    auto const failure = error({Kind::kFile, folder.at("key")});
    EXPECT_THAT(failure.text, HasSubstr("belongs to uid 65534"));
    EXPECT_THAT(failure.text, HasSubstr("setpriv --reuid=65534")) << "root would take it from the daemon by chown";
  }
}

TEST_F(ReadApiKey, SaysThatNothingIsThere) {
  EXPECT_EQ(error({Kind::kFile, folder.at("none")}).code, "key_missing");
  EXPECT_EQ(error({Kind::kFile, file("\n")}).code, "key_missing");
  EXPECT_EQ(error({Kind::kEnvironment, "SLUICE_TEST_KEY"}).code, "key_missing");
  EXPECT_THAT(error({Kind::kCredential, "key"}).text, HasSubstr("LoadCredential=key:"));
}

TEST_F(ReadApiKey, RefusesWhatCannotBeAKeyAndDoesNotQuoteIt) {
  for (auto const* bytes : {"canary two", "canary\nline", "canary\t", "canary\xc3\xa9",
                            "\xef\xbb\xbf"
                            "canary"}) {
    ::unlink(folder.at("key").c_str());
    auto const failure = error({Kind::kFile, file(bytes)});
    EXPECT_EQ(failure.code, "key_unusable");
    EXPECT_THAT(failure.text, testing::Not(HasSubstr("canary")));
  }
  ::unlink(folder.at("key").c_str());
  EXPECT_THAT(error({Kind::kFile, file(std::string(5000, 'k'))}).text, HasSubstr("longer than 4096 bytes"));
}

TEST_F(ReadApiKey, TakesACredentialWhateverItsMode) {
  file("tlk_cred", 0440);
  ::setenv("CREDENTIALS_DIRECTORY", folder.path().c_str(), 1);
  EXPECT_EQ(read_api_key({Kind::kCredential, "key"}).value().reveal_for_wire(), "tlk_cred");
  EXPECT_EQ(read_api_key({Kind::kFile, folder.at("key")}).value().reveal_for_wire(), "tlk_cred");
  EXPECT_EQ(error({Kind::kCredential, "other"}).code, "key_missing");
  EXPECT_EQ(error({Kind::kCredential, "../key"}).code, "key_unusable");
  EXPECT_EQ(error({Kind::kCredential, ""}).code, "key_unusable");
}

TEST_F(ReadApiKey, TakesAVariable) {
  ::setenv("SLUICE_TEST_KEY", "tlk_env", 1);
  EXPECT_EQ(read_api_key({Kind::kEnvironment, "SLUICE_TEST_KEY"}).value().reveal_for_wire(), "tlk_env");
  ::setenv("SLUICE_TEST_KEY", "", 1);
  EXPECT_EQ(error({Kind::kEnvironment, "SLUICE_TEST_KEY"}).code, "key_missing");
}

}  // namespace
}  // namespace sluice::daemon

// What the list `hooks` may say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/config_text.h"

namespace sluice::config {
namespace {

using std::chrono_literals::operator""s;
using testing::ElementsAre;
using testing::HasSubstr;

std::string refusal(std::string const& hook) { return errors_of(load_with("hooks:\n- " + hook + "\n")); }

TEST(Hooks, AreProgramsAndUrls) {
  auto const loaded = load_with(R"(
hooks:
- {exec: [/usr/local/bin/notify, --quick, "{name} $HOME; rm"], events: [failed, skipped], timeout: 5s}
- {url: "https://example.net/ingest", secret: {file: /etc/sluice/hook}}
- {name: local, url: "http://127.0.0.1:8080/", secret: {env: HOOK}}
)");
  ASSERT_EQ(errors_of(loaded), "");
  auto const& [program, url, local] = std::tie(loaded->hooks.at(0), loaded->hooks.at(1), loaded->hooks.at(2));
  EXPECT_EQ(program.hook.name, "notify");
  EXPECT_THAT(program.hook.exec, ElementsAre("/usr/local/bin/notify", "--quick", "{name} $HOME; rm"));
  EXPECT_THAT(program.hook.events, ElementsAre("failed", "skipped"));
  EXPECT_EQ(program.hook.timeout, 5s);
  EXPECT_FALSE(program.secret);
  EXPECT_EQ(url.hook.name, "example.net");
  EXPECT_EQ(url.hook.url, "https://example.net/ingest");
  EXPECT_THAT(url.hook.events, ElementsAre("done", "failed"));
  EXPECT_EQ(url.hook.timeout, 30s);
  EXPECT_EQ(url.secret, (KeySource{KeySource::From::kFile, "/etc/sluice/hook"}));
  EXPECT_EQ(local.hook.name, "local");
}

TEST(Hooks, AreRefusedWithWhatToDo) {
  EXPECT_THAT(refusal("{exec: []}"), HasSubstr("s.yaml:4:10: hooks[0].exec: is a list: the program's absolute path"));
  EXPECT_THAT(refusal("{exec: [notify]}"), HasSubstr("hooks[0].exec[0]: must be an absolute path"));
  EXPECT_THAT(refusal("{exec: /bin/notify}"), HasSubstr("hooks[0].exec"));
  EXPECT_THAT(refusal("{events: [done]}"), HasSubstr("hooks[0]: has neither exec"));
  EXPECT_THAT(refusal("{exec: [/a], url: \"https://a\"}"), HasSubstr("hooks[0].url: stands beside exec"));
  EXPECT_THAT(refusal("{exec: [/a], secret: {env: A}}"), HasSubstr("hooks[0].secret: is for a url"));
  EXPECT_THAT(refusal("{exec: [/a], events: [gone]}"), HasSubstr("must be done, failed, skipped or cancelled"));
  EXPECT_THAT(refusal("{exec: [/a], events: []}"), HasSubstr("hooks[0].events: is empty"));
  EXPECT_THAT(refusal("{exec: [/a], timeout: 1h}"), HasSubstr("hooks[0].timeout"));
  EXPECT_THAT(refusal("{exec: [/a], event: [done]}"), HasSubstr("did you mean `events`?"));
  EXPECT_THAT(refusal("{exec: [/a]}\n- {exec: [/b/a]}"), HasSubstr("hooks[1]: has the name of another hook, a;"));
}

TEST(Hooks, AreToldByEncryptedAndSignedCallsOnly) {
  EXPECT_THAT(refusal("{url: \"https://example.net/a\"}"), HasSubstr("hooks[0].secret"));
  EXPECT_THAT(refusal("{url: \"https://example.net/a\", secret: tell-nobody}"), HasSubstr("never the secret itself"));
  for (auto const* url : {"http://example.net/", "ftp://example.net/", "https://me:pw@example.net/", "example.net",
                          "https://example.net/?token=1"}) {
    auto const said = refusal("{url: \"" + std::string(url) + "\", secret: {env: A}}");
    EXPECT_THAT(said, HasSubstr("hooks[0].url: must be a URL that begins with https://")) << url;
  }
}

TEST(Hooks, BelongInTheMainFile) {
  auto const loaded = load_texts({{"s.yaml", kLeast}, {"conf.d/a.yaml", "hooks: [{exec: [/a]}]\n"}}, {});
  EXPECT_THAT(errors_of(loaded), HasSubstr("belongs in the main file"));
}

}  // namespace
}  // namespace sluice::config

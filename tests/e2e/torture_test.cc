// torture_test.cc - every kind of file call of sluiced fails, once and for good: what it promises then.
//
// A failing source costs its item a retry and never the daemon; a failing journal ends the daemon with 10 and
// says so, and the next start goes on; a journal without space makes it wait, and it goes on by itself. In
// the end nothing is lost or doubled. $SLUICE_E2E_TORTURE sets at how many moments each call fails.

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <map>
#include <ostream>

#include "death.h"
#include "faulty.h"
#include "main_job.h"

namespace sluice::e2e {
namespace {

enum class Promise {
  kLives,       // whatever happens, once it has started
  kEndsWith10,  // when the fault strikes after the start
  kMayEnd,      // with 10, or it goes on: not every such failure matters
  kWaits,       // it lives, says that there is no space, and goes on by itself
};

struct Torture {
  char const* call;  // as the shim's rules name it
  char const* verb;
  int error;
  Promise promise;
  // At which of the undisturbed job's calls, of 100. What opens and reads at the start only is struck there.
  std::uint64_t first_percent = 30;
};

std::string rule_of(Torture const& torture, std::uint64_t n) {
  auto rule = std::string(torture.call) + ":" + std::to_string(n) + ":" + torture.verb;
  return torture.error == 0 ? rule : rule + "=" + std::to_string(torture.error);
}

std::string name_of(Torture const& torture) {
  std::string name(torture.call);
  name += std::string("_") + torture.verb;
  if (torture.error != 0) name += std::string("_") + ::strerrorname_np(torture.error);
  std::ranges::replace(name, '.', '_');
  return name;
}

std::ostream& operator<<(std::ostream& out, Torture const& torture) { return out << rule_of(torture, 1); }

constexpr Torture kTortures[] = {
    {"journal.write", "fail", EIO, Promise::kEndsWith10},    {"journal.write", "fail_on", EIO, Promise::kEndsWith10},
    {"journal.write", "fail", EROFS, Promise::kEndsWith10},  {"journal.write", "short_on", 0, Promise::kLives},
    {"journal.sync", "fail", EIO, Promise::kEndsWith10},     {"journal.sync", "fail_on", ENOSPC, Promise::kEndsWith10},
    {"journal.write", "fail_on", ENOSPC, Promise::kWaits},   {"journal.write", "fail_on", EDQUOT, Promise::kWaits},
    {"journal.read", "fail", EIO, Promise::kMayEnd},         {"journal.read", "short_on", 0, Promise::kMayEnd},
    {"journal.open", "fail", EMFILE, Promise::kMayEnd},      {"journal.stat", "fail", EIO, Promise::kMayEnd},
    {"state.open", "fail", EIO, Promise::kMayEnd},           {"state.name", "fail", EROFS, Promise::kMayEnd},
    {"source.open", "fail", EIO, Promise::kLives, 50},       {"source.open", "fail_on", EIO, Promise::kLives, 50},
    {"source.open", "fail_on", EMFILE, Promise::kLives, 50}, {"source.read", "fail", EIO, Promise::kLives},
    {"source.read", "fail_on", EIO, Promise::kLives, 0},     {"source.read", "short_on", 0, Promise::kLives, 0},
    {"source.stat", "fail", EIO, Promise::kLives},           {"source.stat", "fail_on", EIO, Promise::kLives},
    {"source.list", "fail", EIO, Promise::kLives},           {"source.list", "fail_on", EIO, Promise::kLives, 0},
    {"other.open", "fail_on", EMFILE, Promise::kLives},      {"other.read", "fail", EIO, Promise::kLives},
    {"net.open", "fail_on", EMFILE, Promise::kLives},        {"net.send", "short_on", 0, Promise::kLives, 0},
    {"net.send", "fail", ECONNRESET, Promise::kLives},       {"net.receive", "fail", ECONNRESET, Promise::kLives},
    {"net.receive", "short_on", 0, Promise::kLives, 0},
};

Settings torture_settings() {
  auto settings = main_job_settings();
  settings.retry = "{initial: 20ms, max: 50ms, attempts: 4}";
  return settings;
}

// How often an undisturbed job makes each call; found out once.
std::uint64_t usual_count(std::string const& call) {
  static std::map<std::string, std::uint64_t> counts;
  if (counts.empty()) {
    Site site(torture_settings(), main_job_emulator());
    Faulty faulty(site);
    faulty.arm("");
    drop_main_job(site, 1);
    site.daemon().start();
    EXPECT_TRUE(site.wait_for("done", kMainJobFiles));
    for (auto const& torture : kTortures) counts[torture.call] = faulty.count(torture.call);
  }
  return counts.at(call);
}

// A fault that stays has done what it can by now.
constexpr std::uint64_t kEnough = 12;

class Struck {
 public:
  Struck(Torture const& torture, std::uint64_t n)
      : torture_(torture), site_(torture_settings(), main_job_emulator()), faulty_(site_) {
    faulty_.arm(rule_of(torture, n));
    drop_main_job(site_, n);
  }

  // One run. Returns whether the fault struck at all.
  bool run() {
    auto const early = site_.daemon().start_or_end();
    if (early) {
      expect_a_told_end(*early);
    } else {
      until_it_matters();
      if (auto const code = site_.daemon().ended()) {
        EXPECT_TRUE(torture_.promise == Promise::kEndsWith10 || torture_.promise == Promise::kMayEnd)
            << "it ended with " << *code;
        EXPECT_EQ(*code, 10);
        expect_a_told_end(*code);
      } else {
        EXPECT_FALSE(faulty_.fired() > 0 && torture_.promise == Promise::kEndsWith10) << "it went on";
        if (faulty_.fired() > 0 && torture_.promise == Promise::kWaits) expect_waiting();
      }
    }
    auto const struck = faulty_.fired() > 0;
    finish();
    return struck;
  }

 private:
  // Until it has ended, all is done, or no more can come of the fault than is told.
  void until_it_matters() {
    auto const stays = std::string_view(torture_.verb).ends_with("_on");
    auto const told = [&] {
      if (torture_.promise == Promise::kEndsWith10) return false;
      if (torture_.promise == Promise::kWaits) return says_full();
      if (says("source_down")) return true;  // then nothing beneath it is called any more
      // Nor is a host of which no byte can be had, but for a probe after 1, 2, 4 ... 30 s (B7).
      if (says("offline") || says("storage_unreachable")) return true;
      return faulty_.fired() > 0 && (all_items(has_ended) || (faulty_.fired() >= (stays ? kEnough : 1) && all_tell()));
    };
    EXPECT_TRUE(until(30s, [&] { return has_ended_or_done_main_job(site_) || told(); }))
        << "neither an end nor a reason: " << site_.daemon().status().dump(1) << site_.daemon().items().dump(1);
  }

  bool says(std::string const& code) {
    try {
      auto const reasons = site_.daemon().status().at("health").at("reasons");
      return std::ranges::any_of(reasons, [&](Json const& reason) { return reason.at("code") == code; });
    } catch (std::exception const&) {  // it has just ended
      return false;
    }
  }
  bool says_full() { return says("journal_full"); }

  bool all_items(bool (*is_so)(Json const&)) {
    try {
      auto const items = site_.daemon().items();
      return (!items.empty() || faulty_.fired() >= kMainJobFiles) && std::ranges::all_of(items, is_so);
    } catch (std::exception const&) {
      return false;
    }
  }

  static bool has_ended(Json const& item) { return item.at("state") == "done" || item.at("state") == "failed"; }
  static bool tells(Json const& item) { return has_ended(item) || item.at("why").at("code") != "working"; }
  // Every item is at its end or says why not. An entry of a folder that cannot even be looked at is no item yet: it
  // is passed over until the next sweep.
  bool all_tell() { return all_items(tells); }

  // Exit code and a sentence that names what could not be used.
  void expect_a_told_end(int code) {
    EXPECT_TRUE(code == 7 || code == 10 || code == 78 || code == 1) << "it ended with " << code;
    auto const log = site_.daemon().log();
    EXPECT_NE(log.find(code == 10 ? site_.home().state() : site_.folder()), std::string::npos)
        << "exit " << code << " does not say what it is about: " << log;
  }

  void expect_waiting() {
    EXPECT_TRUE(says_full()) << site_.daemon().status().dump(1);
    EXPECT_EQ(site_.daemon().get("/livez").status, 200);
    EXPECT_EQ(site_.daemon().get("/v1/items").status, 200) << "what is known, if it is anything, can still be read";
  }

  // The fault goes away: in the running daemon, or for the next start. Then all must come to its end.
  void finish() {
    faulty_.lift();
    std::vector<Death> deaths;
    if (site_.daemon().ended()) {
      deaths.push_back(look_at_death(site_));
      faulty_.disarm();
      site_.daemon().start();
    }
    // A hint, as any new file gives: a folder that could not be listed is else swept within a minute.
    for (auto const* const name : {"/.hint", "/Ada/.hint"}) {
      std::string const path = site_.home().drop() + name;
      write_media(path, 1, 1);
      ::unlink(path.c_str());
    }
    EXPECT_TRUE(site_.wait_until("all ends", [&] {
      for (auto const& item : site_.daemon().items())
        if (item.at("state") == "failed") retry(item);
      return site_.daemon().total("done") == kMainJobFiles;
    }));
    EXPECT_TRUE(main_job_is_whole(site_));
    EXPECT_TRUE(none_sent_again(site_, deaths));
    if (torture_.call[0] == 's') return;  // a source that failed under way is sent again, as it must be
    if (torture_.call[0] == 'n') return;  // and so is what the network lost
    EXPECT_TRUE(sent_again_only_what_was_in_the_air(site_, deaths, kMainJobBytes, 2));
  }

  // A failed item tells why; a fault that came once, or that is this host's, fails none.
  void retry(Json const& item) {
    EXPECT_TRUE(std::string_view(torture_.verb).ends_with("_on") && torture_.error != EMFILE) << item.dump(1);
    EXPECT_NE(item.at("why").at("text").get<std::string>().find(::strerrorname_np(torture_.error)), std::string::npos)
        << item.dump(1);
    site_.daemon().post("/v1/items/" + item.at("id").get<std::string>() + "/retry");
  }

  Torture const& torture_;
  Site site_;
  Faulty faulty_;
};

class TortureOf : public testing::TestWithParam<Torture> {};

TEST_P(TortureOf, KeepsThePromise) {
  auto const& torture = GetParam();
  auto const calls = usual_count(torture.call);
  ASSERT_GT(calls, 0u) << "an undisturbed job never makes this call";
  auto const moments = std::min(calls, setting("SLUICE_E2E_TORTURE", 1));
  std::uint64_t struck = 0;
  for (std::uint64_t i = 0; i < moments; ++i) {
    auto const percent = moments == 1 ? torture.first_percent : 100 * i / moments;
    auto const n = 1 + calls * percent / 100;
    struck += Struck(torture, n).run() ? 1 : 0;
    ASSERT_FALSE(HasFailure()) << rule_of(torture, n);
  }
  EXPECT_GT(struck, 0u) << "the fault never struck: the test proves nothing";
  std::printf("torture: %s: struck at %llu of %llu moments of %llu calls; lost 0, duplicates 0\n",
              name_of(torture).c_str(), static_cast<unsigned long long>(struck),
              static_cast<unsigned long long>(moments), static_cast<unsigned long long>(calls));
}

TEST(Torture, TheFirstWriteOrFlushOfANewJournalIsNoLessImportant) {
  for (auto const* const call : {"journal.write", "journal.sync"}) {
    Site site(torture_settings(), main_job_emulator());
    Faulty faulty(site);
    faulty.arm(std::string(call) + ":1:fail=" + std::to_string(EIO));
    EXPECT_EQ(site.daemon().start_or_end(), 10) << call;
    faulty.disarm();
    site.daemon().start();
    EXPECT_EQ(site.daemon().get("/livez").status, 200);
  }
}

TEST(Torture, AFileIsNotTakenForNoMediaBecauseItsFirstReadFails) {
  Site site(torture_settings(), main_job_emulator());
  Faulty faulty(site);
  faulty.arm("source.read:1:fail=" + std::to_string(EIO));
  using namespace std::string_view_literals;
  site.drop("film", 50'000, 1,
            "\0\0\0\x18"
            "ftypmp42\0\0\0\0mp42isom"sv);  // only its content says what it is
  site.daemon().start();
  ASSERT_TRUE(site.wait_for("done", 1));
  EXPECT_EQ(faulty.fired(), 1u);
}

INSTANTIATE_TEST_SUITE_P(EachCall, TortureOf, testing::ValuesIn(kTortures),
                         [](auto const& instance) { return name_of(instance.param); });

}  // namespace
}  // namespace sluice::e2e

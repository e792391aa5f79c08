// The mark beside the journal, and the exchange of one journal for another.
#include "daemon/journal_mark.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <set>
#include <string>

#include "daemon/journal_place.h"
#include "daemon/journal_seal.h"
#include "daemon/random_linux.h"
#include "daemon/state_lock.h"
#include "tests/unit/daemon/temp_folder.h"

namespace sluice::daemon {
namespace {

namespace fs = std::filesystem;
using journal::Journal;
using journal::JournalError;
using testing::HasSubstr;

auto const kNoon = from_unix_ms(1'795'262'400'000);

class Mark : public testing::Test {
 protected:
  std::string file(std::string const& name = "journal.db") const { return folder_.path() + "/" + name; }

  // A start and an end of the daemon, with so many events.
  void live(int events) {
    JournalMark mark(file());
    mark.check_before_open();
    Journal journal(file());
    mark.adopt(journal, kNoon, random_);
    for (int i = 0; i < events; ++i) {
      journal.begin();
      journal.add_event({.at = kNoon, .subject = "item", .was = "a", .became = "b", .note = {}});
      journal.commit();
      EXPECT_TRUE(mark.note(journal.last_event()));
    }
  }

  std::string refusal() {
    try {
      live(0);
    } catch (JournalError const& error) {
      EXPECT_EQ(error.kind(), JournalError::Kind::kDamaged) << error.what();
      return error.what();
    }
    return "it started";
  }

  TempFolder folder_;
  RandomLinux random_;
};

TEST_F(Mark, LetsTheJournalThatBelongsThereGoOn) {
  live(3);
  live(2);
  live(0);
}

TEST_F(Mark, IsMadeForAJournalThatHasNone) {
  { Journal journal(file()); }
  live(1);
  fs::remove(file("journal.id"));
  live(1);
  EXPECT_TRUE(fs::exists(file("journal.id")));
}

TEST_F(Mark, SaysOnceWhetherTheJournalIsNew) {
  for (auto const is_new : {true, false}) {
    Journal journal(file());
    JournalMark mark(file());
    EXPECT_EQ(mark.adopt(journal, kNoon, random_), is_new);
    EXPECT_EQ(journal.meta(kMadeAtKey), std::to_string(to_unix_ms(kNoon)));
  }
}

TEST_F(Mark, RefusesAMissingJournalAndMakesNone) {
  live(1);
  fs::remove(file());
  EXPECT_THAT(refusal(), HasSubstr("it is not there"));
  EXPECT_THAT(refusal(), HasSubstr("sluice journal rebuild"));
  EXPECT_THAT(refusal(), HasSubstr("remove " + file("journal.id")));
  EXPECT_FALSE(fs::exists(file()));
}

TEST_F(Mark, RefusesAJournalCutToNothing) {
  live(1);
  for (auto const bytes : {0, 1, 99}) {
    fs::resize_file(file(), static_cast<std::uintmax_t>(bytes));
    EXPECT_THAT(refusal(), HasSubstr("it is empty")) << bytes;
    EXPECT_EQ(fs::file_size(file()), static_cast<std::uintmax_t>(bytes)) << "it was written to";
  }
}

TEST_F(Mark, RefusesAnOlderCopy) {
  live(3);
  fs::copy_file(file(), file("copy"));
  live(1);
  fs::copy_file(file("copy"), file(), fs::copy_options::overwrite_existing);
  EXPECT_THAT(refusal(), HasSubstr("its newest event is 3, and it had come to 4"));
}

TEST_F(Mark, RefusesAnotherJournal) {
  live(1);
  fs::remove(file());
  fs::rename(file("journal.id"), file("kept"));
  live(5);
  fs::rename(file("kept"), file("journal.id"));
  EXPECT_THAT(refusal(), HasSubstr("not the one that belongs here"));
}

TEST_F(Mark, ThatCannotBeReadRefuses) {
  live(1);
  for (auto const* text : {"", "nonsense\n", "sluice journal 01JZ8Q7KXV3N5T9A2B4C6D8E0F event 12\n"}) {
    std::ofstream(file("journal.id")) << text;
    EXPECT_THAT(refusal(), HasSubstr("remove that file alone")) << text;
  }
}

class Exchange : public Mark {
 protected:
  // A rebuild's new journal, in its workshop.
  std::string make_new(JournalPlace const& place) {
    Journal made(place.clean_workshop());
    auto const id = JournalMark::ensure_id(made, kNoon, random_);
    made.checkpoint();
    return id;
  }
};

TEST_F(Exchange, SetsTheOldFilesAsideTogether) {
  live(2);
  std::ofstream(file("journal.db-wal")) << "a log";
  JournalPlace const place(file());
  auto const id = make_new(place);
  JournalMark mark(file());
  auto const aside = place.exchange(mark, id, 0, kNoon);
  EXPECT_EQ(aside, file("journal.db.before-rebuild-20261121T120000Z"));
  EXPECT_TRUE(fs::exists(aside));
  EXPECT_TRUE(fs::exists(aside + "-wal"));
  EXPECT_FALSE(fs::exists(file("journal.db-wal"))) << "the old log would be applied to the new journal";
  EXPECT_FALSE(fs::exists(file("journal.db.rebuilding")));
  live(1);
}

TEST_F(Exchange, OverwritesNoneThatWasSetAsideBefore) {
  live(1);
  JournalPlace const place(file());
  JournalMark mark(file());
  auto const first = place.exchange(mark, make_new(place), 0, kNoon);
  auto const second = place.exchange(mark, make_new(place), 0, kNoon);
  EXPECT_NE(first, second);
  EXPECT_TRUE(fs::exists(first));
  EXPECT_TRUE(fs::exists(second));
}

TEST_F(Exchange, CutOffAnywhereIsRefusedUntilItIsRunAgain) {
  live(2);
  JournalPlace const place(file());
  make_new(place);
  JournalMark mark(file());
  mark.begin_rebuild("journal.db.before-rebuild-x");
  EXPECT_THAT(refusal(), HasSubstr("did not come to its end"));  // nothing moved yet
  fs::rename(file(), file("journal.db.before-rebuild-x"));
  EXPECT_THAT(refusal(), HasSubstr("did not come to its end"));  // the old one is away
  fs::rename(file("journal.db.rebuilding"), file());
  EXPECT_THAT(refusal(), HasSubstr("did not come to its end"));  // the new one is there, the mark is not
  place.exchange(mark, make_new(place), 0, kNoon);
  live(1);
}

TEST_F(Exchange, CutOffBetweenTheLogAndTheDatabasePutsBothUnderOneName) {
  live(2);
  std::ofstream(file("journal.db-wal")) << "a log";
  JournalPlace const place(file());
  JournalMark mark(file());
  mark.begin_rebuild("journal.db.before-rebuild-earlier");
  fs::rename(file("journal.db-wal"), file("journal.db.before-rebuild-earlier-wal"));
  EXPECT_EQ(place.exchange(mark, make_new(place), 0, kNoon), file("journal.db.before-rebuild-earlier"));
  EXPECT_TRUE(fs::exists(file("journal.db.before-rebuild-earlier-wal")));
  live(1);
}

TEST_F(Exchange, CutOffAfterTheOldOneWasAwayKeepsItApartFromTheNewOne) {
  live(2);
  JournalPlace const place(file());
  JournalMark mark(file());
  make_new(place);
  mark.begin_rebuild("journal.db.before-rebuild-earlier");
  fs::rename(file(), file("journal.db.before-rebuild-earlier"));
  fs::rename(file("journal.db.rebuilding"), file());
  auto const old = fs::file_size(file("journal.db.before-rebuild-earlier"));
  EXPECT_NE(place.exchange(mark, make_new(place), 0, kNoon), file("journal.db.before-rebuild-earlier"));
  EXPECT_EQ(fs::file_size(file("journal.db.before-rebuild-earlier")), old);
  live(1);
}

// A folder of the daemon's, and root at work in it.
class RootsHands : public Exchange {
 protected:
  static constexpr uid_t kDaemon = 65534;

  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can make what another user cannot read";
    ASSERT_EQ(::chown(folder_.path().c_str(), kDaemon, kDaemon), 0);
  }
  // What the daemon's user is told.
  std::string as_daemon(std::function<void()> const& work) const {
    EXPECT_EQ(::seteuid(kDaemon), 0);
    std::string told;
    try {
      work();
    } catch (JournalError const& error) {
      told = error.what();
    }
    EXPECT_EQ(::seteuid(0), 0);
    return told;
  }
  std::set<std::string> of_root() const {
    std::set<std::string> names;
    for (auto const& entry : fs::directory_iterator(folder_.path())) {
      struct stat facts {};
      if (::lstat(entry.path().c_str(), &facts) == 0 && facts.st_uid == 0) names.insert(entry.path().filename());
    }
    return names;
  }
};

TEST_F(RootsHands, LeaveNothingOfRoots) {
  ASSERT_TRUE(StateLock::take(folder_.path()));
  EXPECT_THAT(of_root(), testing::IsEmpty());
  JournalPlace const place(file());
  auto const id = make_new(place);
  EXPECT_THAT(of_root(), testing::IsEmpty()) << "the workshop";
  JournalMark mark(file());
  mark.begin_rebuild("journal.db.before-rebuild-x");
  EXPECT_THAT(of_root(), testing::IsEmpty()) << "a rebuild that is killed here";
  place.exchange(mark, id, 0, kNoon);
  ASSERT_TRUE(JournalSeal(file()).put([] { return false; }));
  EXPECT_THAT(of_root(), testing::IsEmpty());
  EXPECT_EQ(as_daemon([&] { live(1); }), "");
}

TEST_F(RootsHands, AreNamedWithTheFileAndTheCommandThatMendsIt) {
  ASSERT_EQ(as_daemon([&] { live(1); }), "");
  for (auto const* name : {"journal.id", "journal.db"}) {
    ASSERT_EQ(::chown(file(name).c_str(), 0, 0), 0);
    auto const told = as_daemon([&] { live(1); });
    EXPECT_THAT(told, HasSubstr(file(name) + " belongs to root"));
    EXPECT_THAT(told, testing::ContainsRegex("chown [a-z0-9]+ " + file(name)));
    ASSERT_EQ(::chown(file(name).c_str(), kDaemon, kDaemon), 0);
  }
  std::ofstream(file("lock")).close();
  ASSERT_EQ(::chmod(file("lock").c_str(), 0600), 0);
  std::string told;
  as_daemon([&] {
    auto const lock = StateLock::take(folder_.path());
    told = lock ? "" : lock.error().text;
  });
  EXPECT_THAT(told, HasSubstr(file("lock") + " belongs to root"));
}

}  // namespace
}  // namespace sluice::daemon

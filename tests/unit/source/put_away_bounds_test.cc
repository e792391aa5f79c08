// Which file is the one, how many names are tried for it, and what is left behind: core/source/put_away.h, in memory.
#include "core/source/put_away.h"

#include <gtest/gtest.h>

#include <set>

#include "core/source/companions.h"
#include "tests/unit/stage/played_acts.h"

namespace sluice::source {
namespace {

using ports::Place;
using Change = void (*)(ports::FilePrint&);

// Files in memory. Each folder is a disk of its own where `apart`.
class PlayedDisks final : public ports::Acts {
 public:
  bool apart = false;
  std::set<std::string> links = {};  // what stands there is no regular file
  std::map<std::string, stage::PlayedActs::File>& files;
  std::optional<Error>& trouble;

  PlayedDisks() : files(played_.files), trouble(played_.trouble) {}

  Result<std::optional<ports::Standing>> look(Place const& at) override {
    SLUICE_TRY(there, played_.look(at));
    if (there && links.contains(at.folder + "/" + at.path)) there->type = ports::FileType::kSymlink;
    return there;
  }
  Result<bool> rename(Place const& from, Place const& to) override {
    if (apart && from.folder != to.folder) return fail(Fault::kLocal, "another file system", ports::kOtherDevice);
    return played_.rename(from, to);
  }
  Result<void> copy(Place const& from, ports::FilePrint const& print, Place const& to) override {
    SLUICE_CHECK(played_.copy(from, print, to));
    files[to.folder + "/" + to.path].print.inode += 1'000;
    return {};
  }
  Result<void> replace(Place const& from, Place const& to) override { return played_.replace(from, to); }
  Result<void> remove(Place const& at) override { return played_.remove(at); }
  Result<void> stands_apart(Place const& to) override { return played_.stands_apart(to); }
  Result<void> make_way(Place const& to) override { return played_.make_way(to); }
  Result<bool> same_bytes(Place const& one, Place const& other) override { return played_.same_bytes(one, other); }
  Result<void> write(Place const& to, std::string_view text) override { return played_.write(to, text); }
  Result<std::string> head(Place const& at, std::size_t most) override { return played_.head(at, most); }
  Result<void> sync(Place const& at) override { return played_.sync(at); }
  Result<bool> any_beside(Place const& at, std::function<bool(std::string_view)> const& fits) override {
    return played_.any_beside(at, fits);
  }

 private:
  stage::PlayedActs played_;
};

class PutAwayBounds : public testing::Test {
 protected:
  PutAwayBounds() { put("/in/clip.mp4"); }

  void put(std::string const& path, Change change = nullptr, std::string const& text = "film") {
    auto print = file.print;
    if (change != nullptr) change(print);
    acts.files[path] = {.print = print, .text = text};
  }
  static std::string name(unsigned n) { return "/out/" + numbered("clip.mp4", n); }
  // Strangers' files at the first `count` of the names that would do.
  void take_names(unsigned count) {
    for (unsigned n = 0; n < count; ++n)
      acts.files[name(n)] = {.print = {.size_bytes = 1, .inode = 5'000}, .text = "x"};
  }
  std::string moved() {
    auto const left = move_away(acts, file, to);
    return left ? left->at.folder + "/" + left->at.path : "not: " + left.error().code;
  }
  std::string deleted() {
    auto const left = delete_away(acts, file);
    return left ? "deleted" : "not: " + left.error().code;
  }
  bool stands(std::string const& path) const { return acts.files.contains(path); }

  Leaving file{.at = {"/in", "clip.mp4"},
               .print = {.size_bytes = 4, .mtime_ns = 50'000'000'000, .ctime_ns = 7, .inode = 3, .device = 1},
               .tag = "t"};
  Place to{"/out", "clip.mp4"};
  PlayedDisks acts;
};

constexpr char kTaken[] = "/in/.sluice-t.taken";
constexpr char kPart[] = "/out/.sluice-t.part";

TEST_F(PutAwayBounds, TheLastOfAThousandNamesIsTakenAndNoMoreAreTried) {
  for (bool const apart : {false, true}) {
    acts.apart = apart;
    acts.files.clear();
    put("/in/clip.mp4");
    take_names(kNumbersMax);
    EXPECT_EQ(moved(), "not: occupied") << apart;
    EXPECT_TRUE(stands("/in/clip.mp4")) << apart;
    EXPECT_FALSE(stands(kPart));
    EXPECT_EQ(acts.files.size(), kNumbersMax + 1);
    acts.files.erase(name(kNumbersMax - 1));
    EXPECT_EQ(moved(), name(kNumbersMax - 1)) << apart;
    EXPECT_EQ(acts.files.size(), kNumbersMax);
  }
}

TEST_F(PutAwayBounds, WhatWasMovedBeforeIsFoundAtAnyNameThatItMayHaveCome) {
  for (unsigned const n : {0U, 1U, kNumbersMax - 1, kNumbersMax}) {
    acts.files.clear();
    take_names(n);
    put(name(n));
    EXPECT_EQ(moved(), n == kNumbersMax ? "not: gone" : name(n)) << n;
  }
}

TEST_F(PutAwayBounds, WhatWasTakenByMistakeGoesBackToTheNearestName) {
  for (unsigned const n : {0U, 3U, kNumbersMax - 1, kNumbersMax}) {
    acts.files.clear();
    for (unsigned k = 0; k < n; ++k) put("/in/" + numbered("clip.mp4", k), [](auto& print) { print.inode = 99; });
    put(
        kTaken, [](auto& print) { print.inode = 98; }, "another's");
    deleted();
    EXPECT_EQ(stands(kTaken), n == kNumbersMax) << n;
    if (n < kNumbersMax) {
      EXPECT_EQ(acts.files["/in/" + numbered("clip.mp4", n)].text, "another's");
    }
  }
}

TEST_F(PutAwayBounds, ANoteTakesTheLastOfAThousandNamesAndNoOther) {
  Note const note{.at = to, .text = "ours: new", .ours = "ours:", .tag = "t"};
  take_names(kNumbersMax);
  auto const none = write_note(acts, note);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, "occupied");
  EXPECT_FALSE(stands(kPart));
  acts.files[name(kNumbersMax)] = {.print = {}, .text = "ours: older"};
  ASSERT_TRUE(remove_note(acts, note));
  EXPECT_TRUE(stands(name(kNumbersMax))) << "it was never written there";
  acts.files.erase(name(kNumbersMax - 1));
  EXPECT_EQ(write_note(acts, note)->path, numbered("clip.mp4", kNumbersMax - 1));
  ASSERT_TRUE(remove_note(acts, note));
  EXPECT_FALSE(stands(name(kNumbersMax - 1)));
  EXPECT_TRUE(stands(name(0)));
}

// Each difference makes it another file.
TEST_F(PutAwayBounds, OnlyTheFileThatWasSentLeaves) {
  struct Case {
    char const* what;
    Change change;
  };
  for (auto const& [what, change] : {Case{"its size", [](auto& print) { print.size_bytes += 1; }},
                                     Case{"its mtime", [](auto& print) { print.mtime_ns += 1; }},
                                     Case{"its ctime", [](auto& print) { print.ctime_ns += 1; }},
                                     Case{"its inode", [](auto& print) { print.inode += 1; }}}) {
    acts.files.clear();
    put("/in/clip.mp4", change);
    EXPECT_EQ(deleted(), "not: changed") << what;
    EXPECT_EQ(moved(), "not: changed") << what;
    EXPECT_TRUE(stands("/in/clip.mp4")) << what;
  }
  put("/in/clip.mp4");
  acts.links = {"/in/clip.mp4"};
  EXPECT_EQ(deleted(), "not: changed") << "a link in its place";
  acts.links.clear();
  EXPECT_EQ(deleted(), "deleted");
  EXPECT_TRUE(acts.files.empty());
}

// As a life that ended between taking it and removing it leaves it: a rename changes the ctime, and nothing else.
TEST_F(PutAwayBounds, OnlyTheFileThatWasTakenIsRemovedOnTheSecondTry) {
  struct Case {
    char const* what;
    Change change;
    bool is_it;
  };
  for (auto const& [what, change, is_it] : {Case{"its size", [](auto& print) { print.size_bytes += 1; }, false},
                                            Case{"its mtime", [](auto& print) { print.mtime_ns += 1; }, false},
                                            Case{"its ctime", [](auto& print) { print.ctime_ns += 1; }, true},
                                            Case{"its inode", [](auto& print) { print.inode += 1; }, false}}) {
    acts.files.clear();
    put(kTaken, change);
    EXPECT_EQ(deleted(), is_it ? "deleted" : "not: changed") << what;
    EXPECT_FALSE(stands(kTaken)) << what;
    EXPECT_EQ(stands("/in/clip.mp4"), !is_it) << what << ": another file goes back";
  }
}

TEST_F(PutAwayBounds, OfAFileThatIsGoneACopyIsKnownBySizeAndTimeToTwoSeconds) {
  struct Case {
    std::int64_t apart_ns;
    bool is_copy;
  };
  for (auto const& [apart_ns, is_copy] : {Case{0, true}, Case{1'999'999'999, true}, Case{-1'999'999'999, true},
                                          Case{2'000'000'000, false}, Case{-2'000'000'000, false}}) {
    acts.files.clear();
    put(name(0), [](auto& print) { print.inode = 77; });
    acts.files[name(0)].print.mtime_ns += apart_ns;
    EXPECT_EQ(moved(), is_copy ? name(0) : "not: gone") << apart_ns;
  }
  acts.files.clear();
  put(name(0), [](auto& print) { print.inode = 77, print.size_bytes += 1; });
  EXPECT_EQ(moved(), "not: gone");
  put(name(0), [](auto& print) { print.inode = 77; });
  acts.links = {name(0)};
  EXPECT_EQ(moved(), "not: gone") << "a link is no copy";
}

TEST_F(PutAwayBounds, AStrangersFileAtTheTargetIsNotTakenForTheOneThatChanged) {
  acts.files.clear();
  put("/in/clip.mp4", [](auto& print) { print.mtime_ns += 1; });
  put(name(0), [](auto& print) { print.inode = 77; });
  EXPECT_EQ(moved(), "not: changed") << "that one may be a copy; but the file is there";
  put(name(0), [](auto& print) { print.inode = 77, print.size_bytes = 9; });
  EXPECT_EQ(moved(), "not: changed");
  EXPECT_EQ(acts.files.size(), 2u);
}

TEST_F(PutAwayBounds, TheNextFileOfItsNameStaysWhereItsOwnWasMovedBefore) {
  put(
      "/in/clip.mp4", [](auto& print) { print.inode = 77; }, "the next");
  put("/in/clip.mp4.json", nullptr, "of the next");
  put(name(0));
  EXPECT_EQ(moved(), name(0));
  EXPECT_EQ(acts.files["/in/clip.mp4"].text, "the next");
  EXPECT_TRUE(stands("/in/clip.mp4.json")) << "and so do its companions";
}

TEST_F(PutAwayBounds, OfTwoNamesOfOneFileTheOldOneIsRemoved) {
  put("/in/clip.mp4", [](auto& print) { print.ctime_ns += 1; });
  put("/in/clip.mp4.json", nullptr, "words");
  put(name(0), [](auto& print) { print.ctime_ns += 1; });
  EXPECT_EQ(moved(), name(0));
  EXPECT_FALSE(stands("/in/clip.mp4"));
  EXPECT_TRUE(stands("/out/clip.mp4.json"));
}

TEST_F(PutAwayBounds, ABegunCopyIsRemovedWhereNobodyWouldComeBackForIt) {
  put(kPart, nullptr, "fi");
  put("/in/clip.mp4", [](auto& print) { print.mtime_ns += 1; });
  EXPECT_EQ(moved(), "not: changed");
  EXPECT_FALSE(stands(kPart)) << "the file is another";
  put(kPart, nullptr, "fi");
  acts.files.erase("/in/clip.mp4");
  EXPECT_EQ(moved(), "not: gone");
  EXPECT_FALSE(stands(kPart)) << "the file is gone";
  put(kPart, nullptr, "fi");
  put("/in/clip.mp4");
  acts.trouble = Error{Fault::kLocal, "no space", "full"};
  EXPECT_EQ(moved(), "not: full");
  EXPECT_TRUE(stands(kPart)) << "it is tried again";
}

TEST_F(PutAwayBounds, ACopyOfAnEarlierLifeIsUsedOnlyWhereItIsTheSame) {
  acts.apart = true;
  put(
      name(0), [](auto& print) { print.inode = 77; }, "film");
  EXPECT_EQ(moved(), name(0));
  EXPECT_EQ(acts.files.size(), 1u);
  struct Case {
    char const* what;
    Change change;
    char const* text;
  };
  for (auto const& [what, change, text] : {Case{"its size", [](auto& print) { print.size_bytes += 1; }, "film"},
                                           Case{"its bytes", [](auto& print) { print.inode = 77; }, "tape"}}) {
    acts.files.clear();
    put("/in/clip.mp4");
    put(name(0), change, text);
    EXPECT_EQ(moved(), name(1)) << what;
    EXPECT_EQ(acts.files.size(), 2u);
  }
  acts.files.clear();
  put("/in/clip.mp4");
  put(name(0), [](auto& print) { print.inode = 77; });
  acts.links = {name(0)};
  EXPECT_EQ(moved(), name(1)) << "a link is no copy";
}

TEST_F(PutAwayBounds, WhatWasCopiedAndTakenIsRemovedOnlyWhereItsCopyIsThere) {
  acts.apart = true;
  acts.files.clear();
  put(kTaken);
  put(name(0), [](auto& print) { print.inode = 77; });
  EXPECT_EQ(moved(), name(0));
  EXPECT_FALSE(stands(kTaken));
  acts.files.clear();
  put(kTaken);
  put(
      name(0), [](auto& print) { print.inode = 77; }, "tape");
  EXPECT_EQ(moved(), "not: changed");
  EXPECT_TRUE(stands("/in/clip.mp4")) << "it goes back, and is copied anew by the next";
}

TEST_F(PutAwayBounds, WhatADeadLifeHadTakenOfACompanionGoesAlong) {
  acts.apart = true;
  put(
      "/in/.sluice-t.c0.taken", [](auto& print) { print.inode = 50; }, "old words");
  EXPECT_EQ(moved(), name(0));
  EXPECT_TRUE(stands("/out/clip.mp4.json")) << "what a dead life had taken of a companion went back, and along";
  EXPECT_EQ(acts.files.size(), 2u);
}

TEST_F(PutAwayBounds, EachCompanionThatStaysIsNamed) {
  put("/in/clip.mp4.json", nullptr, "words");
  put("/in/clip.mp4.md5", nullptr, "sum");
  for (unsigned n = 0; n < kNumbersMax; ++n) {
    put("/out/" + numbered("clip.mp4.json", n), nullptr, "x");
    put("/out/" + numbered("clip.mp4.md5", n), nullptr, "x");
  }
  auto const left = move_away(acts, file, to);
  ASSERT_TRUE(left);
  EXPECT_EQ(left->note,
            "clip.mp4.json stays: /out/clip.mp4.json and 999 names like it are taken; "
            "clip.mp4.md5 stays: /out/clip.mp4.md5 and 999 names like it are taken");
  EXPECT_TRUE(stands("/in/clip.mp4.json"));
}

TEST_F(PutAwayBounds, ACompanionThatIsALinkStays) {
  put("/in/clip.mp4.json", nullptr, "words");
  acts.links = {"/in/clip.mp4.json"};
  EXPECT_EQ(moved(), name(0));
  EXPECT_TRUE(stands("/in/clip.mp4.json"));
}

TEST_F(PutAwayBounds, OnlyTheSharedSidecarStaysForTheOtherFilesOfItsStem) {
  for (bool const is_shared : {true, false}) {
    acts.files.clear();
    put("/in/clip.mp4");
    put("/in/clip.mp4.done", nullptr, "");
    put("/in/clip.json", nullptr, "words");
    if (is_shared) put("/in/clip.mov");
    file.sidecar = "clip.json";
    EXPECT_EQ(moved(), name(0));
    EXPECT_TRUE(stands("/out/clip.mp4.done"));
    EXPECT_EQ(stands("/in/clip.json"), is_shared);
    EXPECT_EQ(stands("/out/clip.json"), !is_shared);
  }
}

TEST(Companions, OfANameWithoutAnExtensionAreNoSidecarsOfAStem) {
  auto const names = companions_of("clip", std::nullopt);
  auto const has = [&](char const* name) { return std::ranges::find(names, name) != names.end(); };
  EXPECT_FALSE(has("clip.json"));
  EXPECT_FALSE(has("clip.yml"));
  EXPECT_TRUE(has("clip.md5"));
  EXPECT_TRUE(has("clip.DONE"));
  auto const of_mp4 = companions_of("clip.mp4", std::nullopt);
  EXPECT_NE(std::ranges::find(of_mp4, "clip.mp4.json"), of_mp4.end());
  EXPECT_EQ(numbered(".clip", 1), ".clip~1");
}

TEST(Companions, HoldTheMarkerOnlyWhereItNamesItsFile) {
  EXPECT_EQ(companions_of("a.mp4", parse_template("{name}.ok").value()).back(), "a.mp4.ok");
  EXPECT_NE(companions_of("a.mp4", parse_template("all.ok").value()).back(), "all.ok") << "it is the folder's";
}

}  // namespace
}  // namespace sluice::source

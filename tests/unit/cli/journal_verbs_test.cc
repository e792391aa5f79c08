// What `sluice journal rebuild` tells.
#include "daemon/cli/journal_verbs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

daemon::RebuildReport report() {
  daemon::RebuildReport made;
  made.journal = "/var/lib/sluice/journal.db";
  made.set_aside = "/var/lib/sluice/journal.db.before-rebuild-20261121T120000Z";
  made.files = 4;
  made.adopted = 2;
  made.to_upload = 1;
  made.ambiguous = 1;
  made.strangers = 7;
  made.kept = 3;
  made.assets_of_files = 9;
  made.next = "systemctl start sluiced";
  made.doubts.push_back({.path = "/srv/drop/a\nb.mp4", .asset_ids = {"x1", "x2"}});
  return made;
}

TEST(RenderRebuild, NamesTheDoubtfulFilesTheOldJournalAndTheNextCommand) {
  auto const text = render_rebuild(report(), false);
  EXPECT_THAT(text, HasSubstr("2 files are on the platform already"));
  EXPECT_THAT(text, HasSubstr("1 file is not there"));
  EXPECT_THAT(text, HasSubstr("/srv/drop/a\\x0ab.mp4: assets x1 x2"));
  EXPECT_THAT(text,
              HasSubstr("7 assets belong to no file of the sources\n3 assets are kept, and adopted when their URL "
                        "or file comes\n"));
  EXPECT_THAT(text, HasSubstr("before-rebuild-20261121T120000Z"));
  EXPECT_THAT(text, HasSubstr("next: systemctl start sluiced"));
  EXPECT_THAT(render_rebuild(report(), true), HasSubstr("nothing was written"));
}

TEST(RenderRebuild, WarnsOfAnEmptySource) {
  EXPECT_THAT(render_rebuild(report(), false), Not(HasSubstr("is empty")));
  auto made = report();
  made.empty_sources = {"drop"};
  EXPECT_THAT(render_rebuild(made, false), HasSubstr("source drop is empty: if it should not be, mount it"));
}

TEST(RenderRebuild, SaysThatTheLinesOfManifestsAreAnsweredAgainElsewhere) {
  EXPECT_THAT(render_rebuild(report(), false), Not(HasSubstr("manifests")));
  auto made = report();
  made.has_manifests = true;
  EXPECT_THAT(render_rebuild(made, false), HasSubstr("answered again, in the next free name, such as NAME.results-2"));
}

TEST(RenderRebuild, NamesTheSidecarsThatCannotBeRead) {
  EXPECT_THAT(render_rebuild(report(), false), Not(HasSubstr("sidecar")));
  auto made = report();
  made.unread_sidecars = 2;
  made.unread = {{.path = "/srv/drop/a.mp4", .why = "a.mp4.json: line 2: it is no map"}};
  EXPECT_THAT(render_rebuild(made, false),
              HasSubstr("2 files have sidecars that cannot be read, and what is adopted of them goes by the pipelines "
                        "alone: mend them and run this again with --force before the daemon starts, else they may be "
                        "indexed once more\n  /srv/drop/a.mp4: a.mp4.json: line 2: it is no map\n"));
  EXPECT_EQ(rebuild_json(made, false).find("unread_sidecars")->dump(), "2");
  EXPECT_THAT(rebuild_json(made, false).find("files_of_unread_sidecars")->dump(), HasSubstr("line 2"));
}

TEST(RenderRebuild, NamesTheCommandThatGoesOnWithTheJournalThatWasMade) {
  auto made = report();
  made.next = "sluice ingest --state-dir /own PATH...";
  EXPECT_THAT(render_rebuild(made, false), HasSubstr("next: sluice ingest --state-dir /own PATH...\n"));
  EXPECT_THAT(render_rebuild(made, false), Not(HasSubstr("systemctl")));
}

TEST(RenderRebuild, SaysThatASoundJournalIsReplacedOnlyByForce) {
  EXPECT_THAT(render_rebuild(report(), true), Not(HasSubstr("--force")));
  auto made = report();
  made.was_sound = true;
  EXPECT_THAT(render_rebuild(made, true), HasSubstr("it is replaced only with --force"));
  EXPECT_THAT(render_rebuild(made, true), HasSubstr("nothing was written; next: systemctl start sluiced\n"));
}

TEST(RenderRebuild, WarnsLoudlyWhereNotOneFileIsKnown) {
  EXPECT_THAT(render_rebuild(report(), false), Not(HasSubstr("warning")));
  auto made = report();
  made.adopted = 0;
  EXPECT_THAT(render_rebuild(made, false), HasSubstr("warning: not one file is known, although 9 assets were made of "
                                                     "files by Sluice: was a folder moved in the configuration"));
  made.assets_of_files = 0;
  EXPECT_THAT(render_rebuild(made, false), Not(HasSubstr("warning"))) << "a new account";
}

TEST(RenderRebuild, SaysWhatTheReceiptsWereGoodFor) {
  EXPECT_THAT(render_rebuild(report(), false), Not(HasSubstr("receipt")));
  auto made = report();
  made.receipts = 5;
  made.decided = 2;
  EXPECT_THAT(render_rebuild(made, false),
              HasSubstr("5 receipts were read, 2 of them decided which asset a file is\n"));
  made.of_unknown = 1;
  made.unreadable = 3;
  made.unreadable_receipts = {"/srv/drop/a.mp4.sluice.json: it is no JSON"};
  EXPECT_THAT(render_rebuild(made, false),
              HasSubstr("; 1 names an asset that the platform does not have; 3 more cannot be read:\n"
                        "  /srv/drop/a.mp4.sluice.json: it is no JSON\n"));
}

TEST(RebuildJson, HoldsTheSame) {
  auto const json = rebuild_json(report(), false);
  EXPECT_EQ(json.find("adopted")->dump(), "2");
  EXPECT_EQ(json.find("ambiguous")->dump(), "1");
  EXPECT_EQ(json.find("to_upload")->dump(), "1");
  EXPECT_EQ(json.find("assets_of_no_file")->dump(), "7");
  EXPECT_EQ(json.find("assets_kept")->dump(), "3");
  EXPECT_THAT(json.find("ambiguous_files")->dump(), HasSubstr("x2"));
}

}  // namespace
}  // namespace sluice::cli

#include "core/source/names.h"

#include <gtest/gtest.h>

namespace sluice::source {
namespace {

TEST(Names, WhatSystemsLeaveIsIgnored) {
  for (auto const* name : {".DS_Store", "._clip.mp4", ".Spotlight-V100", ".Trashes", "__MACOSX", "Thumbs.db",
                           "THUMBS.DB", "desktop.ini", "~$plan.docx", "clip.mp4~", "@eaDir", "#recycle", ".snapshot",
                           "lost+found", "$RECYCLE.BIN", "System Volume Information", ".stfolder", ".sluice", ""})
    EXPECT_EQ(is_ignored_name(name), *name != '\0') << name;
}

TEST(Names, TemporaryNamesAreIgnoredUntilTheRename) {
  for (auto const* name : {"clip.mp4.part",
                           "clip.mp4.PART",
                           "clip.mp4.partial",
                           "clip.mp4.a1B2c3.partial",
                           "clip.crdownload",
                           "clip.download",
                           "clip.opdownload",
                           "clip.mp4.filepart",
                           ".in.clip.mp4.",
                           "clip.tmp",
                           "clip.temp",
                           "clip.incomplete",
                           "clip.uploading",
                           "clip.upload",
                           "clip.mkv.!ut",
                           "clip.mkv.!qB",
                           "clip.mkv.bc!",
                           "clip.!sync",
                           "clip.mkv.aria2",
                           ".~tmp~",
                           ".clip.mp4.Ab12Cd",
                           ".syncthing.clip.mp4.tmp",
                           "~syncthing~clip.mp4.tmp",
                           ".nfs000000001",
                           ".smbdelete1",
                           ".fuse_hidden0001",
                           ".clip.swp",
                           "clip.lock",
                           "clip.prlock",
                           "clip.PROCESSING",
                           "~clip.tmp",
                           "clip.wip",
                           "clip.rendering"})
    EXPECT_TRUE(is_ignored_name(name)) << name;
}

TEST(Names, OrdinaryNamesAreNotIgnored) {
  for (auto const* name : {"clip.mp4", "part.mp4", "tmp", "partial.mov", "a.part.mp4", "-rf.mp4", "100%.mp4", "wip.mp4",
                           "\xff\xfe.mp4", "new\nline.mp4", "CONTENTS", "DCIM"})
    EXPECT_FALSE(is_ignored_name(name)) << name;
}

TEST(Names, CompanionsAreNeverItems) {
  for (auto const* name :
       {"clip.mp4.error.json", "clip.mp4.sluice.json", "clip.mp4.md5", "clip.mp4.SHA256", "clip.mp4.done"})
    EXPECT_TRUE(is_companion_name(name)) << name;
  for (auto const* name : {"clip.mp4", "done", "md5.mp4", "error.json.mp4"})
    EXPECT_FALSE(is_companion_name(name)) << name;
}

TEST(Names, ChecksumFilesAndDoneMarkersAreSpelledInTwoWays) {
  EXPECT_EQ(in_capitals("Clip.mp4.md5"), "Clip.mp4.MD5");
  EXPECT_EQ(in_capitals("clip.mp4.sha256"), "clip.mp4.SHA256");
  EXPECT_EQ(in_capitals("clip.mp4.ok"), std::nullopt);
  EXPECT_EQ(in_small_letters("Clip.mp4.DONE"), "Clip.mp4.done");
  EXPECT_EQ(in_small_letters("Clip.MP4"), "Clip.MP4");
}

}  // namespace
}  // namespace sluice::source

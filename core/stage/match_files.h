// match_files.h - which asset of the platform was made of which file? For a rebuild of a lost journal.
//
// Pure: files, assets and unfinished upload sessions in, a verdict for every file out. Nothing is taken
// for granted that could send a complete file a second time; where two readings are possible, a person
// decides (docs/JOURNAL.md, "Rebuilding").
//
// By tag. An asset whose operation tag carries the file's identity was made of it; of several (a retried
// upload, an abandoned one) a ready one wins over one that is processing, that over a failed one, then the later
// item's, and then the highest generation. Without a tag (a platform that takes no user_metadata, R50): filename, size,
// and a creation not before the file's mtime; adopted only where one file and one asset fit each other alone. Where
// only an asset's tag names no file that is there, its file may have been renamed or touched since: then it has the
// asset's size and was not written after it, or its name and size. A person decides, too. The best of these assets for
// each identity is `unclaimed`: it waits for its file, or for its URL, whatever it was taken for besides, since an
// identity is exact. Sizes are known of ready assets only. The method is not compared: transfer.direct_max may have
// changed.
//
// A multipart asset that is processing may be complete, or the reservation of an upload that never ended
// (R11b, R51, U10); nothing in its record says which. It counts as a reservation only where the list of
// unfinished sessions has one of the same size, opened in the same seconds, for each asset that it could be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "core/platform/replies.h"

namespace sluice::stage {

struct SoughtFile {
  std::string identity;  // source::identity_of()
  std::string filename;  // as the platform was given it
  std::uint64_t size_bytes = 0;
  WallTime not_before;  // its mtime by the platform's clock: no asset of it is older
};

struct FileMatch {
  enum class Fate : std::uint8_t {
    kUpload,     // the platform has nothing of it: the daemon finds and uploads it
    kAdopt,      // `assets` names the one
    kAmbiguous,  // `assets` names all that may be it: a person decides
  };
  Fate fate = Fate::kUpload;
  std::vector<std::size_t> assets = {};  // indexes into the assets given; of very many that fit, the first ones
  bool by_tag = false;
};

struct Matching {
  std::vector<FileMatch> files = {};        // in the order of the files given
  std::size_t unfinished = 0;               // assets that are reservations of uploads which never ended
  std::size_t strangers = 0;                // assets that belong to no file here
  std::vector<std::size_t> unclaimed = {};  // assets to be kept; also of those that made a file ambiguous
  std::size_t of_files = 0;                 // assets that some file of ours was made into, by their tags
};

Matching match_files(std::span<SoughtFile const> files, std::span<platform::Asset const> assets,
                     std::span<platform::IncompleteUpload const> unfinished);

}  // namespace sluice::stage

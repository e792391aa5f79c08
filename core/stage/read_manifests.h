// read_manifests.h - stage READ_MANIFESTS: lines of the sources' manifests -> entries in `waiting`.
//
//   takes    manifests that are new, grew or changed; a bounded number of lines per turn
//   writes   manifest: how far it was read, in the commit that has the entries of these lines; entry: a new row for
//   each
//            key that is not known; manifest_note: lines that could not be read, or repeat another one
//   remote   nothing
//   unknown  -
//   then     TAKE_ENTRIES makes items of them; REPORT_RESULTS says how they went
//
// A crash at any moment neither loses nor doubles a line: what was read and not committed is read again, and a key is
// UNIQUE. The files are listed and read in the lane of their folder (core/source/scout.h). Memory: one reader of each
// source while it reads; all that must be remembered is in the journal.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/source/manifest/reader.h"
#include "core/stage/stage.h"

namespace sluice::stage {

class Manifests {
 public:
  static constexpr Millis kLookEvery{5'000};             // at the folder, where the source says nothing else
  static constexpr std::int64_t kNotesOpenMax = 10'000;  // not in the results yet: then nothing more is read

  static constexpr int kStepsInTurn = 16;  // of a manifest, while others of its source wait

  explicit Manifests(Policy const& policy);

  void run(Context& ctx);

  void look_now(std::string const& root);  // at that folder, since something happened in it
  // A turn failed: what its readers had read is in no row.
  void start_over();

  bool can_go_on() const;  // the next turn would go on now; else an answer or next_look() brings it on
  std::optional<WallTime> next_look() const;

  struct View {  // of one source, for status; its manifests are rows of the journal
    std::string name = {};
    std::string root = {};
    std::string pattern = {};
    std::optional<std::string> why_down = {};  // the folder cannot be listed
    std::optional<WallTime> last_look = {};
    bool too_many = false;  // more files fit the pattern than kManifestsMax: the rest is not read
  };
  std::vector<View> views() const;

 private:
  struct Listed {
    std::string name;
    ports::FilePrint print;
  };
  struct Rest {  // half of a line at the end of a file
    ports::FilePrint print;
    WallTime since;
    bool was_tried;  // it was to be taken, and cannot be as it is
  };
  struct Wanted {
    journal::RowId id;
    bool take_rest;
    ports::FilePrint print;  // as it was listed
  };
  struct Feed {
    SourcePolicy const* policy;
    View view;
    WallTime next_look = {};
    bool listing = false;
    std::deque<Wanted> wanted = {};                         // to be read, one after another
    std::shared_ptr<source::manifest::Reader> reader = {};  // of the first; the lane's while a step is under way
    std::uint64_t reader_number = 0;
    int steps = 0;  // of the first, in its turn
    bool stepping = false;
    bool held_up = false;
    std::map<journal::RowId, Rest> rests = {};
  };
  void look(Context& ctx, Feed& feed);
  static void note_listing(Context& ctx, Feed& feed, std::vector<Listed> const& listed);
  static void consider(Context& ctx, Feed& feed, journal::ManifestRow row, ports::FilePrint const& print);
  void go_on(Context& ctx, Feed& feed);
  void start_step(Context& ctx, Feed& feed);
  static void note_failure(Context& ctx, journal::ManifestRow row, ports::FilePrint const& print, Error const& error);
  static void note(Context& ctx, Feed& feed, journal::ManifestRow row, source::manifest::Batch const& batch);
  static std::optional<journal::ManifestRow> next_wanted(Context& ctx, Feed& feed);
  static void to_the_back(Feed& feed);
  static void finish_reading(Feed& feed);

  std::vector<Feed> feeds_ = {};
  std::uint64_t next_reader_ = 1;
};

}  // namespace sluice::stage

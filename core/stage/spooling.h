// spooling.h - what is on its way into the spool: pieces that are being written, files that are to go.
//
// Memory only: what the journal does not say is in the spool is fetched again. The writing is done in the spool's lane,
// in order, so that no older piece ever lands upon a newer one of the same file. Bounded by Policy::fetch_bytes, which
// counts the pieces in the air as well.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/ports/spool.h"
#include "core/source/spool_blocks.h"
#include "core/stage/hosts.h"
#include "core/stage/stage.h"

namespace sluice::stage {

class Spooling {
 public:
  explicit Spooling(ports::Spool* spool = nullptr) : spool_(spool) {}  // null: nothing is downloaded

  bool works() const { return spool_ != nullptr; }

  struct Piece {
    journal::RowId item = 0;
    source::BlockRun run = {};
  };
  // Gives the first of `bytes`, as far as the run goes, to the lane.
  // Returns  false where the spool's disk does not answer, or has too much to do: then nothing is written.
  bool write(Context& ctx, journal::ItemRow const& item, journal::DownloadRow const& row, source::BlockRun run,
             std::shared_ptr<std::string const> bytes);
  struct Written {
    Piece piece;
    Result<void> result;
  };
  std::vector<Written> collect(Context& ctx);  // what was written since the last time
  std::size_t writing() const { return writing_.size(); }
  bool is_writing(journal::RowId item) const;
  std::string coming(journal::RowId item, std::string blocks) const;  // adds the blocks that are being written

  // The item's file as it stands once it is whole; asked anew for each content.
  source::Answer<ports::FilePrint> stat(Context& ctx, journal::ItemRow const& item);

  // The item's file goes once this turn is committed, unless it is wanted again by then. What is still being written of
  // it is nobody's any more.
  void leave(journal::ItemRow const& item);
  // Removes what is to go; once after the start, files that no row owns.
  void tidy(Context& ctx);
  void committed() { left_.merge(leaving_), leaving_.clear(); }
  void start_over() { leaving_.clear(); }  // the turn did not happen

  Hosts& hosts() { return hosts_; }
  Hosts const& hosts() const { return hosts_; }

  // Of those that the spool has no room for, the first holds the door: smaller ones would else pass it for ever.
  bool is_held_up(Context const& ctx, journal::RowId item);
  void has_no_room(journal::RowId item) {
    if (!first_without_room_) first_without_room_ = item;
  }
  void gives_way(journal::RowId item) {  // it waits for something else
    if (first_without_room_ == item) first_without_room_.reset();
  }

 private:
  void find_strays(Context& ctx);

  ports::Spool* spool_;
  std::map<std::string, Piece> writing_ = {};             // by the question that was put to the lane
  std::set<std::string> leaving_ = {};                    // of this turn
  std::set<std::string> left_ = {};                       // of turns that are committed: to be removed
  std::set<std::string> removing_ = {};                   // that are with the lane
  std::uint64_t questions_ = 0;                           // so far: no answer is ever taken for that to another one
  std::map<journal::RowId, std::uint64_t> looking_ = {};  // by item: the number of the look at its whole file
  Hosts hosts_ = {};
  std::optional<journal::RowId> first_without_room_ = {};
  bool is_listed_ = false;
};

}  // namespace sluice::stage

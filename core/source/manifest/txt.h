// txt.h - a manifest of one URL a line: plain lists, the input files of aria2 and yt-dlp, and playlists of files.
//
// `#`, `;` and `]` begin comments. Mirrors of one file stand on one line, between tabs; indented lines behind it are
// its options (aria2): `out=`, `checksum=`; `dir=` and what only concerns a download are passed over; what would send
// headers or a password refuses the line (M28). A media playlist (`#EXT-X-`) lists the pieces of one video, and is
// refused whole.
#pragma once

#include "core/source/manifest/format.h"

namespace sluice::source::manifest {

class Txt final : public Format {
 public:
  void take(Line const& line, Found& found) override;
  void finish(Found& found) override;
  std::optional<Place> held() const override;

 private:
  void take_option(Line const& line, Found& found);

  std::optional<Entry> entry_ = {};  // until its options are known
  bool refused_ = false;             // an option spoiled it: its other options go the same way
};

}  // namespace sluice::source::manifest

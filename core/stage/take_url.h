// take_url.h - a URL that a person or a manifest names -> an item in `stable`.
//
// There is nothing to settle and nothing to look at: the name says the kind, the rest is the platform's to find out. So
// what cannot go is refused here, at once, to whoever asks; and the item waits for SEND_URL.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/json.h"
#include "core/base/url_text.h"
#include "core/stage/orders.h"

namespace sluice::stage {

struct UrlWish {
  UrlText url;
  std::string name = {};  // "": the last component of the URL's path
  std::string key = {};   // as core/source/entry_key.h makes it; "": made of URL, name, size and hash
  std::string hash = {};  // part of the identity, such as "md5:9e107d..."; nothing is verified by it
  std::optional<std::uint64_t> size_bytes = {};
  std::optional<std::int64_t> priority = {};  // nothing: the source's
  std::optional<WallTime> not_before = {};
  std::optional<WallTime> not_after = {};  // nothing that is not on its way by then, or done, is sent
  std::string kind = {};                   // "video", "audio", "image", whatever the name says; "": by the name
  std::string md5 = {};                    // of the bytes, in hex: verified where Sluice downloads them; "" for none
  std::string sha256 = {};
  Json metadata = {};           // an object of scalars, added to the asset's and the indexed assets'; or null
  journal::RowId corrects = 0;  // the item that this very line made before; 0 for none
};

// Whether `fresh` is the item's URL, whatever either is signed with; where that is not kept any more, as far as is
// shown.
bool is_same_url(journal::ItemRow const& item, UrlText const& fresh);

// Whether another item has its key now: its line was corrected after it had failed. It is never retried, since one line
// would come to two assets.
bool is_superseded(journal::ItemRow const& item);

// Takes a URL up, or finds the item that it already is: by its key, for ever (M2). One that is named by hand is also
// the live or failed item that a manifest's line made of it, whose key has more in it.
//
// The same URL signed anew is the same item: the later end counts, and an item that failed goes on with the new URL.
// Another URL of a known key changes nothing, whoever names it; but where the line that made an item which failed or
// was cancelled has another one now, a new item takes its key, once all else is sure that may refuse it; or the item
// that the line had made of this URL before, which goes on and is not `was_known`. One that the platform has by what a
// rebuild kept is adopted, signed as it may be and whenever it comes (adopt.h); one of whose key it kept another URL's
// asset fails, as "rebuild_ambiguous". Where the source says that Sluice downloads it (fetch_policy.h), it waits for
// FETCH_PIECE. Fails  kRejected: "too_late", "http_denied", "unknown_kind", "no_pipeline", "too_large", "needs_new_url"
// (its signature has ended),
//        "no_such_pipeline", "entity_needs_collection", "several_items".
Result<Added> add_url(Context& ctx, SourcePolicy const& source, UrlWish const& wish, Wishes const& wishes,
                      bool dry_run);

}  // namespace sluice::stage

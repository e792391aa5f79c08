// orders.h - what people ask of items: add, retry, cancel. Each inside the turn's transaction. URLs: take_url.h.
#pragma once

#include <optional>
#include <string>

#include "core/source/sidecar_look.h"
#include "core/stage/stage.h"
#include "core/stage/wishes.h"

namespace sluice::stage {

struct Found {       // a file that is there
  std::string path;  // beneath its source's root
  ports::FilePrint print = {};
  // What lies beside it, where its source reads that; nothing: not known.
  std::optional<source::SidecarLook> sidecar = {};
};

struct Added {
  journal::ItemRow item;             // id 0 when it was only checked; then with what its sidecar says
  bool was_known = false;            // the file had an item already, and this is it
  std::string sidecar_trouble = {};  // of one that was only checked: its sidecar cannot be read, and holds it back
};

// A file that only its sidecar lets in is taken: whether it says so is decided when it is admitted, for good.
// Takes a file up, or finds the item that it already is.
// Fails  kRejected: "no_such_pipeline", "no_pipeline", "no_match", "entity_needs_collection".
Result<Added> add_item(Context& ctx, SourcePolicy const& source, Found const& found, Wishes const& wishes,
                       bool dry_run);

// Takes a failed or cancelled item up again where it failed; what is done stays done. Of a done one, and of a
// duplicate, the refused acts are done after all (refusals.h); a duplicate that has none is uploaded all the same.
// Fails  kRejected: "not_failed"; "superseded": a newer item stands for the same file, or for its corrected line.
Result<void> retry_order(Context& ctx, journal::RowId id);

// Ends an item. What the platform already has stays there.
// Fails  kRejected: "at_end".
Result<void> cancel_order(Context& ctx, journal::RowId id);

}  // namespace sluice::stage

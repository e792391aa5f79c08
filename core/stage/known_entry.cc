#include "core/stage/known_entry.h"

#include <cstdlib>
#include <utility>

#include "core/base/text.h"
#include "core/base/url_text.h"
#include "core/source/url_expiry.h"
#include "core/source/url_parameters.h"
#include "core/stage/report_results.h"
#include "core/stage/take_url.h"

namespace sluice::stage {

using journal::EntryState;
using journal::ManifestRow;

namespace {

bool has_failed(journal::EntryRow const& entry) {
  return entry.state == EntryState::kEnded && entry.outcome == "failed";
}

// Nothing was made of it: there is no item that would have the key.
bool was_refused(journal::EntryRow const& entry) { return has_failed(entry) && entry.item_id == 0; }

// A person ended its item, and the results told that.
bool was_cancelled(Context const& ctx, journal::EntryRow const& entry) {
  if (entry.state != EntryState::kEnded || entry.outcome != "skipped") return false;
  auto const item = ctx.journal.item(entry.item_id);
  return item && item->state == journal::ItemState::kCancelled;
}

bool says_the_same(journal::EntryRow const& one, journal::EntryRow const& other) {
  return one.url == other.url && one.name == other.name && one.options == other.options &&
         one.priority == other.priority && one.not_before_ms == other.not_before_ms;
}

// It waits again, or on, as the line has it now. Its last answer is kept where that may be the next one, too.
void wait_as(Context& ctx, ManifestRow& row, journal::EntryRow known, journal::EntryRow fresh) {
  auto const was = known.state;
  if (was != EntryState::kWaiting) row.waiting += 1;
  if (has_failed(known)) row.failed -= 1;
  known.url = std::move(fresh.url);
  known.name = std::move(fresh.name);
  known.options = std::move(fresh.options);
  known.priority = fresh.priority;
  known.not_before_ms = fresh.not_before_ms;
  known.state = EntryState::kWaiting;
  known.outcome.clear();
  ctx.journal.update(known, was);
}

// A line that was refused is asked for anew, by whichever manifest: that one answers for it from now on.
void begin_again(Context& ctx, ManifestRow& row, journal::EntryRow known, journal::EntryRow fresh) {
  if (known.manifest_id != row.id) {
    ctx.journal.recount(known.manifest_id, 0, -1);
    row.entries += 1, row.failed += 1;
    known.reason.clear(), known.last_error.clear();
  }
  known.manifest_id = row.id;
  known.pass = fresh.pass;
  known.line = fresh.line;
  ctx.journal.replace(known);
  wait_as(ctx, row, std::move(known), std::move(fresh));
}

// Whether the entry is of that very URL, whatever it is signed with.
bool names_its_url(Context& ctx, journal::EntryRow const& known, SecretUrl const& fresh) {
  auto const url = parse_url(fresh.reveal_for_journal());
  if (!url) return false;
  if (known.url.empty()) {
    auto const item = ctx.journal.item(known.item_id);
    return item && is_same_url(*item, *url);
  }
  auto const old = parse_url(known.url.reveal_for_journal());
  return old && source::identity_text(*old) == source::identity_text(*url);
}

// What another line's URL is signed with serves where the signature of the first has ended, or will have. It must be
// that URL, and a line of the same source: else whoever writes one list could change what another asks for (M30).
void take_signature(Context& ctx, ManifestRow& row, journal::EntryRow known, SecretUrl const& fresh) {
  auto const was = known.state;
  auto const goes_on = has_failed(known);
  if ((was != EntryState::kWaiting && !goes_on) || !source::url_end(fresh) || !source::ends_later(fresh, known.url))
    return;
  auto const is_own = known.manifest_id == row.id;
  auto const owner = is_own ? std::nullopt : ctx.journal.manifest(known.manifest_id);
  if ((owner && owner->source != row.source) || !names_its_url(ctx, known, fresh)) return;
  known.url = fresh;
  known.state = EntryState::kWaiting;
  known.outcome.clear(), known.reason.clear(), known.last_error.clear();
  ctx.journal.update(known, was);
  if (!goes_on) return;
  if (is_own)
    row.waiting += 1, row.failed -= 1;
  else
    ctx.journal.recount(known.manifest_id, 1, -1);
}

// What is said of a correction that comes while the line's item has another URL.
std::string too_late_for(journal::ItemRow const& item) {
  auto const before = "item " + item.ulid + " has the URL that this line had before, and ";
  if (item.state == journal::ItemState::kDone || item.state == journal::ItemState::kSkipped)
    return before + "is " + std::string(word(item.state)) + ": for the new one, give the line another key";
  if (journal::is_end(item.state)) return before + "has just ended: for the new one, touch this manifest";
  return before + "is under way: for the new one, sluice cancel " + item.ulid + ", then touch this manifest";
}

// Its line was read before.
void read_again(Context& ctx, ManifestRow& row, journal::EntryRow known, journal::EntryRow fresh) {
  auto const has_changed = known.state == EntryState::kWaiting && !says_the_same(known, fresh);
  if (has_failed(known) || has_changed || (was_cancelled(ctx, known) && !names_its_url(ctx, known, fresh.url)))
    return wait_as(ctx, row, std::move(known), std::move(fresh));
  if (known.state != EntryState::kTaken || names_its_url(ctx, known, fresh.url)) return;
  if (auto const item = ctx.journal.item(known.item_id))
    note_once(ctx, row, {.manifest_id = row.id, .line = fresh.line, .is_error = false, .text = too_late_for(*item)});
}

std::string where_is(Context& ctx, ManifestRow const& row, journal::EntryRow const& known) {
  auto const line = "line " + std::to_string(known.line);
  if (known.manifest_id == row.id) return line + " of this manifest";
  auto const other = ctx.journal.manifest(known.manifest_id);
  return line + " of " + (other ? printable(other->root + "/" + other->path) : "another manifest");
}

}  // namespace

bool note_once(Context& ctx, ManifestRow& row, journal::NoteRow const& note) {
  if (row.pass > 1 && note.line <= row.noted_line && row.notes_kept >= ResultsReport::kNotesKept) return false;
  if (!ctx.journal.add_note(note)) return false;
  row.notes_open += 1;
  return true;
}

void meet_again(Context& ctx, ManifestRow& row, journal::EntryRow fresh) {
  auto known = ctx.journal.entry_of_key(fresh.item_key);
  if (!known) std::abort();  // it stood in the way of this one, within this transaction
  auto const is_own = known->manifest_id == row.id;
  auto const read_before = is_own && (known->pass < row.pass || known->line == fresh.line);
  if (was_refused(*known) && (read_before || !is_own))
    return begin_again(ctx, row, *std::move(known), std::move(fresh));
  if (read_before) return read_again(ctx, row, *std::move(known), std::move(fresh));
  journal::NoteRow const note{
      .manifest_id = row.id, .line = fresh.line, .is_error = false, .text = "repeats " + where_is(ctx, row, *known)};
  if (note_once(ctx, row, note)) row.duplicates += 1;
  take_signature(ctx, row, *std::move(known), fresh.url);
}

}  // namespace sluice::stage

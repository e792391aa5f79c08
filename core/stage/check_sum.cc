#include "core/stage/check_sum.h"

#include <utility>

#include "core/base/text.h"

namespace sluice::stage {
namespace {

constexpr Millis kReadingPause{1'000};
constexpr Millis kWaitPause{60'000};  // for somebody to mend it

// What the checksum file says, or what is wrong with it: the end of the text of a mismatch, by which it is known again.
std::string words_of(source::Look::Checksum const& checksum) {
  if (!checksum.digits) return printable(checksum.file) + ": " + checksum.digits.error().text;
  return printable(checksum.file) + " says " + *checksum.digits;
}

}  // namespace

source::Answer<std::string> Digests::kept_or(ByItem& kept, journal::ItemRow const& item,
                                             std::optional<source::DigestKind> kind,
                                             std::function<source::Answer<std::string>()> const& ask) {
  auto const known = kept.find(item.id);
  if (known != kept.end() && known->second.print == item.print && known->second.kind == kind)
    return known->second.digits;
  auto digits = ask();
  if (digits && *digits) {
    if (kept.size() >= kKeptMax) kept.clear();
    kept[item.id] = {item.print, kind, **digits};
  }
  return digits;
}

source::Answer<std::string> Digests::of(Context& ctx, journal::ItemRow const& item, source::DigestKind kind) {
  return kept_or(kept_, item, kind, [&] { return ctx.scout.digest(item.root, item.path, item.print, kind); });
}

source::Answer<std::string> Digests::content_key(Context& ctx, journal::ItemRow const& item) {
  return kept_or(keys_, item, {}, [&] { return ctx.scout.content_key(item.root, item.path, item.print); });
}

Held held_by_checksum(Context& ctx, journal::ItemRow const& item, SourcePolicy const& source,
                      source::Look const& look) {
  if (source.checksum == ChecksumPolicy::kIgnore) return {};
  if (!look.checksum) {
    if (source.checksum == ChecksumPolicy::kAuto) return {};
    auto const name = printable(basename_of(item.path));
    return {"waiting_for_checksum", "there is no " + name + ".md5 or " + name + ".sha256 beside it", kWaitPause};
  }
  auto const& [file, kind, wanted] = *look.checksum;
  if (!wanted) return {kChecksumMismatch, words_of(*look.checksum), kWaitPause, true};
  auto const digits = ctx.digests.of(ctx, item, kind);
  if (!digits) return {"verifying_checksum", "it is read and held against " + printable(file), kReadingPause};
  if (!*digits) return {"verifying_checksum", digits->error().text, kWaitPause};
  if (**digits == *wanted) return {};
  return {kChecksumMismatch,
          "its " + std::string(name_of(kind)) + " is " + **digits + ", and " + words_of(*look.checksum), kWaitPause,
          true};
}

bool is_still_said(journal::ItemRow const& item, source::Look const& look) {
  return look.checksum && item.effort.last_error.ends_with(words_of(*look.checksum));
}

}  // namespace sluice::stage

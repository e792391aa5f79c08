#include "core/stage/explain.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/marker.h"
#include "core/base/text.h"
#include "core/source/url_expiry.h"
#include "core/source/url_name.h"
#include "core/stage/admit.h"
#include "core/stage/discover.h"
#include "core/stage/fetch_policy.h"
#include "core/stage/next_uploads.h"
#include "core/stage/plan.h"
#include "core/stage/take_sidecar.h"

namespace sluice::stage {

using journal::ItemRow;
using journal::ItemState;
using source::Verdict;
using Says = Finding::Says;

namespace {

Finding by_name(SourcePolicy const& source, std::string const& path) {
  if (auto const kept_out = source::keeps_out_way_to_file(scope_of(source), path))
    return {"name", Says::kLeftOut, kept_out->text};
  if (!may_be_item(path)) return {"name", Says::kLeftOut, "a sidecar describes another file and is none itself"};
  return {"name", Says::kTaken, "source " + printable(source.name) + " takes files of this name"};
}

Finding by_file(Result<source::Look> const& look) {
  if (!look) {
    auto const waits = look.error().fault == Fault::kLocal || look.error().code == "io" || look.error().code == "busy";
    return {"file", waits ? Says::kWaits : Says::kLeftOut, look.error().text};
  }
  if (look->print.size_bytes == 0) return {"file", Says::kWaits, "it is empty"};
  return {"file", Says::kTaken, "it has " + to_words_bytes(look->print.size_bytes) + " and can be read"};
}

Finding by_marker(SourcePolicy const& source, std::string const& path, source::Look const& look) {
  auto const name = printable(marker_of(*source.ready_marker, basename_of(path)));
  if (look.marker == source::Marker::kThere) return {"marker", Says::kTaken, name + " is there: the file is finished"};
  return {"marker", Says::kWaits, "there is no " + name + " beside it that is as new as the file"};
}

// As the journal has it, or as if it were found now.
Verdict settled(SourcePolicy const& source, source::Look const& look, std::optional<ItemRow> const& item,
                WallTime now) {
  auto const is_known = item && item->state == ItemState::kSeen;
  return source::settle({.recorded = is_known ? item->print : look.print,
                         .fresh = look.print,
                         .writer = ports::Writer::kNone,
                         .marker = look.marker,
                         .quiet_since = is_known ? item->quiet_since : now,
                         .first_seen = is_known ? item->created_at : now,
                         .now = now,
                         .settle = source.settle,
                         .max_settle = source.max_settle});
}

Finding by_quiet(SourcePolicy const& source, source::Look const& look, std::optional<ItemRow> const& item,
                 WallTime now) {
  if (item && item->state != ItemState::kSeen) return {"quiet", Says::kTaken, "it was quiet when it was taken"};
  auto const verdict = settled(source, look, item, now);
  auto const needed = "settle is " + to_words(source.settle);
  if (verdict.reason == Verdict::Reason::kChanging) return {"quiet", Says::kWaits, "it changed just now; " + needed};
  if (verdict.reason != Verdict::Reason::kQuiet) return {"quiet", Says::kTaken, "it is quiet; " + needed};
  return {"quiet", Says::kWaits,
          "it is quiet enough in " + to_words(verdict.again_at - now) + ", if nothing changes; " + needed};
}

Finding by_writer(source::Look const& look) {
  if (!look.control_file.empty())
    return {"writer", Says::kWaits, printable(look.control_file) + " is beside it: its download is not finished"};
  switch (look.writer) {
    case ports::Writer::kNone: return {"writer", Says::kTaken, "no program has it open for writing"};
    case ports::Writer::kPresent: return {"writer", Says::kWaits, "a program has it open for writing"};
    case ports::Writer::kUnknown: break;
  }
  return {"writer", Says::kUnknown,
          "whether a program writes to it cannot be known: its file system grants no leases, or it belongs to another "
          "user than the daemon's"};
}

Finding by_checksum(SourcePolicy const& source, source::Look const& look, std::optional<ItemRow> const& item) {
  if (!look.checksum && source.checksum == ChecksumPolicy::kRequire)
    return {"checksum", Says::kWaits, "there is no checksum file beside it, and checksum: require wants one"};
  if (!look.checksum) return {"checksum", Says::kTaken, "there is no checksum file beside it"};
  auto const file = printable(look.checksum->file);
  if (!look.checksum->digits) return {"checksum", Says::kWaits, file + ": " + look.checksum->digits.error().text};
  auto const is_waiting = item && item->state == ItemState::kSeen &&
                          (item->reason == "checksum_mismatch" || item->reason == "verifying_checksum");
  if (is_waiting) return {"checksum", Says::kWaits, item->effort.last_error};
  return {"checksum", Says::kTaken, "its bytes are held against " + file};
}

Finding by_sidecar(source::SidecarLook const& look) {
  if (!look.sidecar) return {"sidecar", Says::kWaits, look.sidecar.error().text};
  std::string links;
  for (auto const& link : look.links) links += "; " + link + " is a link, and links are not followed";
  if (look.sidecar->files.empty()) return {"sidecar", Says::kTaken, "there is no sidecar beside it" + links};
  std::string files;
  for (auto const& file : look.sidecar->files) files.append(files.empty() ? "" : ", ").append(printable(file));
  auto const keys = look.sidecar->keys();
  auto text = files + (keys.empty() ? " says nothing of it" : " says its " + keys);
  for (auto const& key : look.unknown) text += "; unknown and left out: " + key;
  return {"sidecar", Says::kTaken, text + links};
}

Finding by_match(SourcePolicy const& source, ItemRow const& item) {
  auto const found = values_of(item, {}, {}, source.match).match;
  if (!found) return {"match", Says::kLeftOut, does_not_match(source).text};
  std::string text = "its path fits `match`";
  for (auto const& [group, value] : *found) text += ", " + group + " is \"" + printable(value) + "\"";
  return {"match", Says::kTaken, std::move(text)};
}

void by_content(Policy const& policy, SourcePolicy const& source, ItemRow item, source::Look const& look, WallTime now,
                std::vector<Finding>& findings) {
  if (source.match && item.plan.empty()) findings.push_back(by_match(source, item));
  auto const named = source::media_by_name(file_name(item));
  auto const media = named ? named : source::media_by_type(look.type.value_or(""));
  if (media) findings.push_back({"kind", Says::kTaken, media->kind + (named ? ", by its name" : ", by its content")});
  if (!is_of_url(item)) item.print = look.print;
  auto const plan = plan_item(policy, item, source, media, now);
  if (plan)
    findings.push_back({"pipeline", Says::kTaken, printable(item.pipeline)});
  else if (plan.error().code == kNoMatch)
    return;  // said above
  else if (item.print.size_bytes > 0 || is_of_url(item))
    findings.push_back({media ? "pipeline" : "kind", Says::kLeftOut, plan.error().text});
}

Finding by_fetch(SourcePolicy const& source, std::string const& url, ItemRow const& item) {
  auto const relayed = is_relayed(item);
  if (auto const may = may_be_called(source, url, relayed); !may) return {"url", Says::kLeftOut, may.error().text};
  if (relayed) return {"url", Says::kTaken, "this host downloads it; whether it can is not tried here"};
  return {"url", Says::kTaken, "the platform fetches it, once its host was asked for one byte; nothing was tried now"};
}

Finding by_end(SecretUrl const& url, WallTime now) {
  auto const end = source::url_end(url);
  if (!end) return {"end", Says::kTaken, "it names no end"};
  if (*end > now) return {"end", Says::kTaken, "it is signed until " + to_rfc3339(*end)};
  return {"end", Says::kLeftOut, "its signature ended at " + to_rfc3339(*end) + ": sign it anew"};
}

}  // namespace

std::string_view name_of(Says says) {
  static constexpr std::array<std::string_view, 4> kNames = {"taken", "waits", "left_out", "unknown"};
  return kNames[static_cast<std::size_t>(says)];
}

Finding const* Explanation::held_by() const {
  auto const found = std::ranges::find_if(
      findings, [](Finding const& finding) { return finding.says == Says::kWaits || finding.says == Says::kLeftOut; });
  return found == findings.end() ? nullptr : &*found;
}

Explanation explain(Policy const& policy, SourcePolicy const& source, std::string const& path,
                    Result<source::Look> const& look, std::optional<ItemRow> item, WallTime now) {
  Explanation told{.source = source.name, .item = std::move(item)};
  auto& findings = told.findings;
  findings.push_back(by_name(source, path));
  findings.push_back(by_file(look));
  if (!look) return told;
  if (source.ready_marker) findings.push_back(by_marker(source, path, *look));
  findings.push_back(by_quiet(source, *look, told.item, now));
  findings.push_back(by_writer(*look));
  if (source.checksum != ChecksumPolicy::kIgnore) findings.push_back(by_checksum(source, *look, told.item));
  auto as_item = told.item.value_or(ItemRow{.source = source.name, .root = source.root, .path = path});
  if (source.sidecars) findings.push_back(by_sidecar(look->sidecar));
  auto const is_open = !told.item || told.item->state == ItemState::kSeen;
  if (source.sidecars && is_open && look->sidecar.sidecar) take_words(policy, as_item, source, *look->sidecar.sidecar);
  by_content(policy, source, std::move(as_item), *look, now, findings);
  return told;
}

Explanation explain(Policy const& policy, SourcePolicy const& source, UrlText const& url, std::optional<ItemRow> item,
                    WallTime now) {
  Explanation told{.source = source.name, .item = std::move(item)};
  auto& findings = told.findings;
  auto as_item = told.item.value_or(ItemRow{.source = source.name, .path = url.shown});
  if (as_item.name.empty()) as_item.name = source::name_from_url(url.shown);
  if (!told.item) {
    auto const media = source::media_by_name(as_item.name);
    auto const relayed = fetches_itself(policy, source, url.shown, media ? media->kind : std::string(), std::nullopt);
    as_item.method = relayed ? kByRelay : kByUrl;
  }
  findings.push_back(by_fetch(source, url.shown, as_item));
  findings.push_back(by_end(url.whole, now));
  by_content(policy, source, std::move(as_item), {}, now, findings);
  return told;
}

}  // namespace sluice::stage

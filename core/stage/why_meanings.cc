#include "core/stage/why_meanings.h"

#include <algorithm>
#include <array>

namespace sluice::stage {
namespace {

constexpr std::array kMeanings = {
    Meaning{"empty_file", "the file is empty", "write it again", "file"},
    Meaning{"unreadable", "the file cannot be read", "give the daemon's user the right to read it", "file", true},
    Meaning{"source_io", "the file cannot be read now", "check the disk or the mount", "file", true},
    Meaning{"source_gone", "the file is not there any more", "put it back, or `sluice cancel {id}`", "file"},
    Meaning{"source_down", "its folder is not there",
            "mount it or put it back, and it goes on by itself; or `sluice cancel {id}`", "file", true},
    Meaning{"source_changed", "the file changed while it was read", "stop what writes to it", "file", true},
    Meaning{"settling", "the file must stay unchanged a while before it is read", "", ""},
    Meaning{"being_written", "another program has the file open for writing", "", ""},
    Meaning{"changing", "the file is still changing", "", ""},
    Meaning{"waiting_for_checksum", "it waits for its checksum file", "put it there, or set checksum: auto", "file",
            true},
    Meaning{"verifying_checksum", "its bytes are held against its checksum", "", "", true},
    Meaning{"checksum_mismatch", "its bytes are not those that its checksum file tells of",
            "copy the file again, or mend its checksum file", "file", true},
    Meaning{"waiting_for_marker", "it waits for its ready_marker", "make that file when this one is finished", "file",
            true},
    Meaning{"source_removed", "its source is no longer in the configuration",
            "put the source back, or `sluice cancel {id}`", "configuration"},
    Meaning{"vanished", "the file went away before it was taken", "put it there again; it is then taken anew", ""},
    Meaning{"still_changing", "the file has kept changing for longer than max_settle", "see what still writes to it",
            "file"},
    Meaning{"too_large", "the file is larger than the platform takes", "cut or re-encode it", "file"},
    Meaning{"unknown_kind", "its name does not say whether it is video, audio or image",
            "add it with --name NAME.mp4, or whatever it is", "file"},
    Meaning{"needs_new_url", "its signed URL has ended", "sign it anew and `sluice add` it: the same item goes on",
            "file", true},
    Meaning{"media_url_not_accessible", "the platform cannot fetch the URL",
            "check that anybody can download it, without signing in", "file", true},
    Meaning{"media_url_unsupported_format", "what the platform fetched by the URL is no media that it takes",
            "give the URL of the file itself, not of a page that shows it", "file", true},
    Meaning{"media_url_file_broken", "what the platform fetched by the URL cannot be read", "check that the file plays",
            "file", true},
    Meaning{"too_small", "the file is smaller than the platform takes", "check whether it is whole", "file"},
    Meaning{"not_regular", "it is not a regular file", "put a regular file in its place", "file"},
    Meaning{"symlink", "it is a symbolic link, and links are not followed", "put the file itself there", "file"},
    Meaning{"unsupported_kind", "its content is neither video, audio nor image", "", "file"},
    Meaning{"no_pipeline", "no pipeline of its source takes this kind", "add a pipeline for this kind to the source",
            "configuration"},
    Meaning{"duplicate", "the same content was taken before", "", ""},
    Meaning{"corrupt", "other bytes arrived than were sent, twice", "check this host's memory and network path",
            "network", true},
    Meaning{"corrupt_in_transit", "other bytes arrived than were sent, twice",
            "check this host's memory and network path", "network"},
    Meaning{"attempts_exhausted", "it was tried as often as retry.attempts allows", "", "platform"},
    Meaning{"asset_missing", "the platform does not show the asset any more; it is asked again", "", "platform"},
    Meaning{"length_wanted", "the platform is asked how long it plays, since rate_limits budgets that", "", ""},
    Meaning{"asset_gone", "the platform no longer has the asset", "", "platform"},
    Meaning{"rebuild_ambiguous", "the journal was rebuilt, and the platform may have this file already",
            "look at those assets: if one of them is this file, nothing is to be done; if none is", "person"},
    Meaning{"chunk_failed", "a chunk could not be stored as often as it was tried", "", "platform"},
    Meaning{"chunk_plan", "the upload session's chunks do not fit the file", "", "platform", true},
    Meaning{"refused", "the platform refused it for good", "", "platform"},
    Meaning{"asset_failed", "the platform could not prepare the asset", "check that the file plays", "platform"},
    Meaning{"indexing_failed", "the platform could not index the asset", "check that the file plays", "platform"},
    Meaning{"entity_failed", "the platform could not make the entity", "check that the picture shows one face",
            "platform"},
    Meaning{"entity_exists", "an entity of that name is there already, and `existing: fail` is configured",
            "choose another name, or `existing: attach`", "configuration"},
    Meaning{"index_missing", "the index is not there, and the pipeline does not say how to create it",
            "create it, or add `create` to the pipeline", "configuration"},
    Meaning{"bad_template", "a name or metadata text could not be made for this file", "mend the pipeline's template",
            "configuration"},
    Meaning{"crashes", "the daemon died each time that it worked on this item",
            "keep the file and the log for a report", "daemon", true},
    Meaning{"key_refused", "the platform refuses the API key", "put a working key in place", "key", true},
    Meaning{"offline", "the platform cannot be reached", "", "network", true},
    Meaning{"transient", "the platform did not answer as it should", "", "platform", true},
    Meaning{"throttled", "the platform limits how often it may be asked", "", "platform", true},
    Meaning{"url_expired", "the presigned URL expired", "", "platform", true},
    Meaning{"outcome_unknown", "the answer to a call that must not be repeated was lost", "", "network", true},
    Meaning{"gone", "the platform does not know it any more", "", "platform", true},
    Meaning{"session_expired", "the upload session expired", "", "platform"},
    Meaning{"rejected", "the platform refused it for good", "", "platform", true},
    Meaning{"protocol", "the platform's answer breaks its contract", "", "platform", true},
    Meaning{"local", "this host could not do it", "see the log: journalctl -u sluiced", "daemon", true},
    Meaning{"cancelled", "a person cancelled it", "", "person"}};

}  // namespace

Meaning const* find_meaning(std::string_view code) {
  auto const* const found =
      std::find_if(kMeanings.begin(), kMeanings.end(), [&](Meaning const& meaning) { return meaning.code == code; });
  return found == kMeanings.end() ? nullptr : found;
}

}  // namespace sluice::stage

// file_digest.h - what a whole source file holds: its MD5 or SHA-256, for comparing it with the checksum that came with
// it (D25), and its content key, for comparing it with files that were sent before (D38).
//
// Read from begin to end by whoever calls, which takes as long as the disk does: for a lane, never for the loop. The
// file must stay as it was when it was looked at (guarded_range.h). What was not in the page cache is let go of again
// (D37).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/ports/files.h"
#include "core/source/checksum_file.h"

namespace sluice::upload {

// In lower-case hex.
// Fails  kSourceChanged, kSourceIo.
Result<std::string> digest_of(std::shared_ptr<ports::OpenFile> const& file, ports::FilePrint const& print,
                              source::DigestKind kind);

// The content key (leaves.h). Fails as digest_of().
Result<std::string> content_key_of(std::shared_ptr<ports::OpenFile> const& file, ports::FilePrint const& print);

// The hash of a file's ends (leaves.h): two short reads. Fails as read_at(); kSourceChanged when it is shorter.
Result<std::int64_t> ends_hash_of(ports::OpenFile const& file, std::uint64_t size_bytes);

}  // namespace sluice::upload

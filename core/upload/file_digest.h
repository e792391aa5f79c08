// file_digest.h - the MD5 or SHA-256 of a whole source file, for comparing it with the checksum that came with it
// (D25).
//
// Read from begin to end by whoever calls, which takes as long as the disk does: for a lane, never for the loop. The
// file must stay as it was when it was looked at (guarded_range.h). What was not in the page cache is let go of again
// (D37).
#pragma once

#include <memory>
#include <string>

#include "core/ports/files.h"
#include "core/source/checksum_file.h"

namespace sluice::upload {

// In lower-case hex.
// Fails  kSourceChanged, kSourceIo.
Result<std::string> digest_of(std::shared_ptr<ports::OpenFile> const& file, ports::FilePrint const& print,
                              source::DigestKind kind);

}  // namespace sluice::upload

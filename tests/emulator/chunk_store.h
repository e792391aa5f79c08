// chunk_store.h - the object store behind the presigned URLs: it takes chunk PUTs, as S3 would.
//
// A PUT is judged when its headers are in: no API key (R2), no chunked transfer coding, a genuine and
// unexpired signature over method, path, query and the required headers, a session that is alive, a URL
// not used before (U2), and a Content-Length that is exactly the chunk's. Then the body goes to a file of
// its own, hashed on the way; only a whole body replaces the chunk. The ETag is the MD5 (R33).

#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "api.h"

namespace sluice::emulator {

// A fresh URL for one chunk; two calls never give the same one.
std::string presigned_chunk_url(Context& context, Session const& session, std::uint32_t index, std::int64_t now_ms);

// What `upload_headers` says: the headers that every PUT of this session must bring, and which are signed.
nlohmann::json upload_headers_json(Options const& options, std::string const& upload_id);

// Begins an exchange of the store.
std::unique_ptr<Exchange> begin_store_exchange(Context& context, Request request);

// An error document as S3 writes it.
Reply storage_error(int status, std::string const& code, std::string const& message);

}  // namespace sluice::emulator

// direct_upload.h - POST /assets: one file in a multipart form, or a URL, in a single request.
//
// The file streams to disk and is hashed on the way, so that the emulator's memory does not depend on
// it. Everything is judged at the end, when all fields are known: a form that was cut short, or that
// has a field too many, creates nothing (R50). A URL is noted and never fetched.

#pragma once

#include <memory>

#include "api.h"

namespace sluice::emulator {

std::unique_ptr<Exchange> begin_direct_upload(Context& context, Request request, Verdict verdict);

}  // namespace sluice::emulator

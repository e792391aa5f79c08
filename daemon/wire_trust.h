// wire_trust.h - takes note of the certificate that OpenSSL refuses. It changes nothing of what is trusted.
//
// libcurl says only that a certificate has expired, and not when; whether the platform or this host's clock is to
// blame can be told by the day. The note is shared with the connection's TLS context, which may outlive the call.
#pragma once

#include <memory>

#include "daemon/tls_words.h"

namespace sluice::daemon {

// For CURLOPT_SSL_CTX_FUNCTION, whose `context` is an SSL_CTX of OpenSSL: the days of a certificate that is refused on
// a connection of this context are written to `note`.
void note_refused_certificate(void* context, std::shared_ptr<CertificateDays> note);

}  // namespace sluice::daemon

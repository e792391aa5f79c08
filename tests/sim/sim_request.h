// sim_request.h - reads a call as a server would: method, target, headers, body bytes.
//
// Written from the API's contract alone and sharing no code with core/platform, so that a request which
// is built wrong is refused here and not understood by the same mistake. What breaks the contract is a
// Complaint: the platform answers 400, and the oracle fails the run.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/wire.h"

namespace sluice::sim {

// What a request asks for; one word per operation of the contract that Sluice may use.
enum class Ask : std::uint8_t {
  kOpenSession,
  kPresignedUrls,
  kPutChunk,
  kReportChunks,
  kSessionStatus,
  kCreateAsset,
  kListAssets,
  kReadAsset,
  kListIndexes,
  kCreateIndex,
  kCreateIndexedAsset,
  kListIndexedAssets,
  kListByAsset,
  kReadIndexedAsset,
  kListCollections,
  kCreateCollection,
  kListEntities,
  kCreateEntity,
  kCreateEntities,
  kReadEntity,
  kAddEntityAssets,
  kPatchAsset,
  kPatchIndexedAsset,
  kFetchPiece,  // these two are not the platform's
  kTellHook,
  kUnknown,
};
std::string_view name_of(Ask ask);

// Calls whose repetition makes a second thing (R48): these must have an intent, and must never be marked
// as repeatable for the wire.
bool is_create(Ask ask);
// ... and the ones that are sent like creates because no source states that a second one does no harm.
bool is_looked_for(Ask ask);
// Calls of hosts that are not the platform's.
inline bool is_elsewhere(Ask ask) { return ask == Ask::kFetchPiece || ask == Ask::kTellHook; }

struct Request {
  ports::Method method = ports::Method::kGet;
  bool presigned = false;
  std::string path = {};                               // as sent, without the query
  std::vector<std::string> segments = {};              // of the path, decoded
  std::multimap<std::string, std::string> query = {};  // decoded
  std::map<std::string, std::string> headers = {};     // names in lower case
  std::string body = {};
  Ask ask = Ask::kUnknown;

  std::string query_value(std::string const& name) const;  // the first of that name, or ""
  std::string header_value(std::string const& name) const;
};

// Reads everything but the body, which may still be on its way.
Request read_request(ports::Call const& call);

struct FormPart {
  std::string filename = {};  // of the header; "" for a field
  std::string content_type = {};
  std::string value = {};
};
// The parts of a multipart/form-data body by name; nothing, with the reason in `why`, when the framing is
// broken in any byte or a name comes twice.
std::optional<std::map<std::string, FormPart>> read_form(Request const& request, std::string& why);

}  // namespace sluice::sim

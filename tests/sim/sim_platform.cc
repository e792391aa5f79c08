#include "tests/sim/sim_platform.h"

#include <cstdio>

#include "tests/sim/sim_answer.h"

namespace sluice::sim {

std::string SimPlatform::fresh_id() {
  auto const value = mixed(seed_ * 1'000'003 + ++ids_);
  char text[25];
  std::snprintf(text, sizeof text, "%08x%016llx", static_cast<unsigned>(ids_), static_cast<unsigned long long>(value));
  return text;
}

std::string SimPlatform::shown_time(WallTime at) const { return rfc3339(at + traits_.clock_ahead); }

ports::Reply SimPlatform::refuse(int status, std::string const& code, WallTime now) const {
  auto reply = answer(status, {{"code", code}, {"message", "the simulated platform says " + code}});
  reply.headers.emplace_back("date", http_date(now + traits_.clock_ahead));
  return reply;
}

ports::Reply SimPlatform::refuse_storage(int status, std::string const& code, std::string const& message) {
  return {.status = status,
          .headers = {{"content-type", "application/xml"}},
          .body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>" + code + "</Code><Message>" + message +
                  "</Message></Error>"};
}

ports::Reply SimPlatform::refuse_metadata(WallTime now) {
  count("platform.metadata_refused");
  return refuse(400, "parameter_unknown", now);
}

ports::Reply SimPlatform::complain(std::string const& what, WallTime now) {
  complaints_.push_back(what);
  return refuse(400, "parameter_not_provided", now);
}

ports::Reply SimPlatform::serve(Request const& request, WallTime now) {
  forget_due(now);
  if (request.ask == Ask::kPutChunk) return put_chunk(request, now);
  auto reply = serve_api(request, now);
  if (!reply.header("date")) reply.headers.emplace_back("date", http_date(now + traits_.clock_ahead));
  return reply;
}

ports::Reply SimPlatform::serve_api(Request const& request, WallTime now) {
  if (request.method == ports::Method::kPost && request.ask != Ask::kCreateAsset &&
      request.header_value("content-type") != "application/json")
    return complain("a JSON body without its content type: " + request.path, now);
  switch (request.ask) {
    case Ask::kOpenSession: return open_session(request, now);
    case Ask::kPresignedUrls: return presigned_urls(request, now);
    case Ask::kPutChunk: break;
    case Ask::kReportChunks: return report_chunks(request, now);
    case Ask::kSessionStatus: return session_status(request, now);
    case Ask::kCreateAsset: return create_asset(request, now);
    case Ask::kListAssets: return list_assets(request, now);
    case Ask::kReadAsset: return read_asset(request, now);
    case Ask::kListIndexes: return list_named(indexes_, "index_name", request, now);
    case Ask::kCreateIndex: return create_index(request, now);
    case Ask::kCreateIndexedAsset: return create_indexed_asset(request, now);
    case Ask::kListIndexedAssets: return list_indexed_assets(request, now);
    case Ask::kListByAsset: return list_by_asset(request, now);
    case Ask::kReadIndexedAsset: return read_indexed_asset(request, now);
    case Ask::kPatchAsset:
    case Ask::kPatchIndexedAsset: return patch(request, now);
    case Ask::kListCollections: return list_named(collections_, "name", request, now);
    case Ask::kCreateCollection: return create_collection(request, now);
    case Ask::kListEntities: return list_entities(request, now);
    case Ask::kCreateEntity: return create_entity(request, now);
    case Ask::kCreateEntities: return create_entities(request, now);
    case Ask::kReadEntity: return read_entity(request, now);
    case Ask::kAddEntityAssets: return add_entity_assets(request, now);
    case Ask::kFetchPiece:
    case Ask::kTellHook:
    case Ask::kUnknown: break;
  }
  return complain("no such operation: " + request.path, now);
}

}  // namespace sluice::sim

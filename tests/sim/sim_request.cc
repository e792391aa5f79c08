#include "tests/sim/sim_request.h"

#include <array>
#include <cctype>

namespace sluice::sim {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> parts;
  while (true) {
    auto const at = text.find(by);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

// One row per operation: "*" stands for an id. Literal segments come before patterns (R10).
struct Route {
  ports::Method method;
  std::string_view pattern;
  Ask ask;
};
constexpr auto kRoutes = std::to_array<Route>({
    {ports::Method::kPost, "assets/multipart-uploads", Ask::kOpenSession},
    {ports::Method::kPost, "assets/multipart-uploads/*/presigned-urls", Ask::kPresignedUrls},
    {ports::Method::kPost, "assets/multipart-uploads/*", Ask::kReportChunks},
    {ports::Method::kGet, "assets/multipart-uploads/*", Ask::kSessionStatus},
    {ports::Method::kPost, "assets", Ask::kCreateAsset},
    {ports::Method::kGet, "assets", Ask::kListAssets},
    {ports::Method::kGet, "assets/*", Ask::kReadAsset},
    {ports::Method::kGet, "assets/*/indexed-assets", Ask::kListByAsset},
    {ports::Method::kGet, "indexes", Ask::kListIndexes},
    {ports::Method::kPost, "indexes", Ask::kCreateIndex},
    {ports::Method::kGet, "indexes/*/indexed-assets", Ask::kListIndexedAssets},
    {ports::Method::kPost, "indexes/*/indexed-assets", Ask::kCreateIndexedAsset},
    {ports::Method::kGet, "indexes/*/indexed-assets/*", Ask::kReadIndexedAsset},
    {ports::Method::kPatch, "indexes/*/indexed-assets/*", Ask::kPatchIndexedAsset},
    {ports::Method::kPatch, "assets/*/user-metadata", Ask::kPatchAsset},
    {ports::Method::kGet, "entity-collections", Ask::kListCollections},
    {ports::Method::kPost, "entity-collections", Ask::kCreateCollection},
    {ports::Method::kGet, "entity-collections/*/entities", Ask::kListEntities},
    {ports::Method::kPost, "entity-collections/*/entities", Ask::kCreateEntity},
    {ports::Method::kPost, "entity-collections/*/entities/bulk", Ask::kCreateEntities},
    {ports::Method::kGet, "entity-collections/*/entities/*", Ask::kReadEntity},
    {ports::Method::kPost, "entity-collections/*/entities/*/assets", Ask::kAddEntityAssets},
});

bool fits(std::string_view pattern, std::vector<std::string> const& segments) {
  auto const parts = split(pattern, '/');
  if (parts.size() != segments.size()) return false;
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (parts[i] == "*" ? segments[i].empty() : parts[i] != segments[i]) return false;
  return true;
}

Ask ask_of(Request const& request) {
  if (request.presigned && request.method == ports::Method::kPut) return Ask::kPutChunk;
  if (request.presigned && request.method == ports::Method::kPost) return Ask::kTellHook;
  if (request.presigned) return request.method == ports::Method::kGet ? Ask::kFetchPiece : Ask::kUnknown;
  for (auto const& route : kRoutes)
    if (route.method == request.method && fits(route.pattern, request.segments)) return route.ask;
  return Ask::kUnknown;
}

// The value of `name="..."` in a header line; "" if it is not there.
std::string quoted(std::string_view line, std::string const& name) {
  auto const begin = line.find(name + "=\"");
  if (begin == std::string_view::npos) return {};
  auto const from = begin + name.size() + 2;
  return decoded(line.substr(from, line.find('"', from) - from));
}

bool read_part(std::string_view part, std::map<std::string, FormPart>& parts, std::string& why) {
  auto const head_end = part.find("\r\n\r\n");
  if (head_end == std::string_view::npos) return why = "a part has no end of its headers", false;
  FormPart read{.filename = {}, .content_type = {}, .value = std::string(part.substr(head_end + 4))};
  std::string name;
  for (auto line : split(part.substr(0, head_end), '\n')) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (lower(line).starts_with("content-disposition: form-data;")) {
      name = quoted(line, " name");
      read.filename = quoted(line, "filename");
    } else if (lower(line).starts_with("content-type: ")) {
      read.content_type = std::string(line.substr(14));
    }
  }
  if (name.empty()) return why = "a part has no name", false;
  if (!parts.emplace(name, std::move(read)).second) return why = "the part " + name + " comes twice", false;
  return true;
}

}  // namespace

std::string_view name_of(Ask ask) {
  static constexpr std::string_view kNames[] = {"open_session",
                                                "presigned_urls",
                                                "put_chunk",
                                                "report_chunks",
                                                "session_status",
                                                "create_asset",
                                                "list_assets",
                                                "read_asset",
                                                "list_indexes",
                                                "create_index",
                                                "create_indexed_asset",
                                                "list_indexed_assets",
                                                "list_by_asset",
                                                "read_indexed_asset",
                                                "list_collections",
                                                "create_collection",
                                                "list_entities",
                                                "create_entity",
                                                "create_entities",
                                                "read_entity",
                                                "add_entity_assets",
                                                "patch_asset",
                                                "patch_indexed",
                                                "fetch_piece",
                                                "tell_hook",
                                                "unknown"};
  return kNames[static_cast<std::size_t>(ask)];
}

bool is_create(Ask ask) {
  return ask == Ask::kOpenSession || ask == Ask::kCreateAsset || ask == Ask::kCreateIndex ||
         ask == Ask::kCreateIndexedAsset || ask == Ask::kCreateCollection || ask == Ask::kCreateEntity ||
         ask == Ask::kCreateEntities;
}

bool is_looked_for(Ask ask) { return is_create(ask) || ask == Ask::kAddEntityAssets; }

std::string Request::query_value(std::string const& name) const {
  auto const found = query.find(name);
  return found == query.end() ? std::string() : found->second;
}

std::string Request::header_value(std::string const& name) const {
  auto const found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

Request read_request(ports::Call const& call) {
  Request request{.method = call.method};
  std::string target;
  if (auto const* url = std::get_if<SecretUrl>(&call.target)) {
    request.presigned = true;
    target = url->reveal_for_wire();
    auto const host = target.find("://");
    target = host == std::string::npos ? target : target.substr(target.find('/', host + 3));
  } else {
    target = std::get<std::string>(call.target);
  }
  auto const mark = target.find('?');
  request.path = target.substr(0, mark);
  for (auto const part : split(std::string_view(request.path).substr(request.path.starts_with('/') ? 1 : 0), '/'))
    request.segments.push_back(decoded(part));
  if (mark != std::string::npos)
    for (auto const pair : split(std::string_view(target).substr(mark + 1), '&')) {
      auto const equals = pair.find('=');
      auto const value = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
      request.query.emplace(decoded(pair.substr(0, equals)), decoded(value));
    }
  for (auto const& [name, value] : call.headers) request.headers[lower(name)] = value;
  request.body = call.text_body;
  request.ask = ask_of(request);
  return request;
}

std::optional<std::map<std::string, FormPart>> read_form(Request const& request, std::string& why) {
  auto const type = request.header_value("content-type");
  auto const at = type.find("boundary=");
  if (!type.starts_with("multipart/form-data;") || at == std::string::npos) {
    why = "not a multipart form: " + type;
    return std::nullopt;
  }
  auto const delimiter = "--" + type.substr(at + 9);
  std::string_view rest = request.body;
  if (!rest.starts_with(delimiter + "\r\n")) {
    why = "the body does not begin with its boundary";
    return std::nullopt;
  }
  rest.remove_prefix(delimiter.size() + 2);
  std::map<std::string, FormPart> parts;
  while (true) {
    auto const end = rest.find("\r\n" + delimiter);
    if (end == std::string_view::npos) {
      why = "the body has no closing boundary";
      return std::nullopt;
    }
    if (!read_part(rest.substr(0, end), parts, why)) return std::nullopt;
    rest.remove_prefix(end + 2 + delimiter.size());
    if (rest == "--\r\n") return parts;
    if (!rest.starts_with("\r\n")) {
      why = "a boundary is followed by something else";
      return std::nullopt;
    }
    rest.remove_prefix(2);
  }
}

}  // namespace sluice::sim

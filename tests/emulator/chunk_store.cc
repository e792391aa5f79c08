#include "chunk_store.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "digest.h"
#include "faulted_exchange.h"
#include "part_file.h"

namespace sluice::emulator {

using nlohmann::json;

namespace {

constexpr char const* kEndpoint = "PUT /chunk-store/{object_key}";
constexpr std::string_view kPrefix = "/chunk-store/";

Pairs required_headers(Options const& options, std::string const& upload_id) {
  if (options.upload_headers == Options::UploadHeaders::kNone) return {};
  Pairs headers{{"Content-Type", "application/octet-stream"}};
  if (options.upload_headers == Options::UploadHeaders::kStrict) headers.emplace_back("x-amz-meta-upload", upload_id);
  return headers;
}

std::string query_value(Request const& request, std::string_view name) {
  auto const at = std::ranges::find(request.query, name, &Pairs::value_type::first);
  return at == request.query.end() ? std::string{} : at->second;
}

class PutExchange final : public FaultedExchange {
 public:
  PutExchange(Context& context, Request const& request, Verdict verdict)
      : FaultedExchange(context, std::move(verdict), kEndpoint) {
    refusal_ = judge(request);
    if (refusal_) return;
    ++this->context().ledger.puts_open;
    open_ = true;
    this->context().ledger.write("put_started", {{"upload_id", upload_id_}, {"chunk_index", index_}});
  }

  ~PutExchange() override {
    if (open_) end_open("put_cut");
  }

 protected:
  void consume(std::span<std::byte const> bytes) override {
    context().rate.take(bytes.size());
    context().ledger.bytes_received += bytes.size();
    received_ += bytes.size();
    if (refusal_ || bytes.empty()) return;
    if (verdict().action == Action::kWrongEtag && !damaged_) {
      damaged_ = true;
      auto const first = bytes.front() ^ std::byte{0xFF};
      keep({&first, 1});
      bytes = bytes.subspan(1);
    }
    keep(bytes);
  }

  Reply act() override {
    if (refusal_) return *refusal_;
    file_.close();
    auto const md5 = md5_.hex();
    auto etag = verdict().action == Action::kOpaqueEtag ? md5_hex("opaque " + md5) : md5;
    auto reply = store(etag);
    if (reply.status == 200) {
      reply.headers.emplace_back("ETag", '"' + etag + '"');
      if (verdict().kms_header) reply.headers.emplace_back("x-amz-server-side-encryption", "aws:kms");
    }
    return reply;
  }

  std::optional<Reply> early() override { return refusal_; }
  char const* id_header() const override { return "x-amz-request-id"; }

  Reply canned(int status, std::string const& code, std::string const& message) const override {
    if (status < 300) return {status, {}, {}, {}};
    auto const by_status = status == 503 || status == 429 ? "SlowDown"
                           : status == 403                ? "AccessDenied"
                                                          : "InternalError";
    return storage_error(status, code.empty() ? by_status : code, message.empty() ? "Injected by a rule." : message);
  }

 private:
  Reply refused(int status, char const* code, std::string const& message) {
    context().ledger.write(
        "request_refused",
        {{"endpoint", kEndpoint}, {"code", code}, {"upload_id", upload_id_}, {"chunk_index", index_}});
    return storage_error(status, code, message);
  }

  std::optional<Reply> judge(Request const& request) {
    if (request.has_header("x-api-key")) {
      ++context().ledger.key_leaks;
      context().ledger.write("key_leaked", {{"path", request.raw_path}});
      return refused(400, "InvalidRequest", "The API key must not be sent to the object store.");
    }
    if (request.method != "PUT") return refused(405, "MethodNotAllowed", "Only PUT is offered here.");
    if (!request.raw_path.starts_with(kPrefix)) return refused(404, "NoSuchBucket", "The bucket does not exist.");
    if (request.has_header("transfer-encoding") || !request.content_length()) {
      return refused(411, "MissingContentLength", "You must provide the Content-Length HTTP header.");
    }
    if (verdict().action == Action::kExpire) return refused(403, "AccessDenied", "Request has expired");
    auto const now_ms = context().clock();
    switch (sigv4::verify(request.method, request.raw_path, request.raw_query, request.headers, now_ms,
                          context().credentials)) {
      case sigv4::Check::kGood: break;
      case sigv4::Check::kExpired: return refused(403, "AccessDenied", "Request has expired");
      case sigv4::Check::kUnknownKey:
        return refused(403, "InvalidAccessKeyId", "The access key id does not exist in our records.");
      case sigv4::Check::kMalformed: return refused(403, "AccessDenied", "The query holds no readable signature.");
      case sigv4::Check::kMismatch:
        return refused(403, "SignatureDoesNotMatch", "The request signature does not match the signature provided.");
    }
    return judge_session(request, now_ms);
  }

  std::optional<Reply> judge_session(Request const& request, std::int64_t now_ms) {
    upload_id_ = query_value(request, "uploadId");
    auto const part = query_value(request, "partNumber");
    std::from_chars(part.data(), part.data() + part.size(), index_);
    std::lock_guard const lock(context().world.mutex);
    auto* const session = context().world.sessions.find(upload_id_);
    if (session == nullptr || session->status(now_ms) != "active") {
      return refused(404, "NoSuchUpload", "The upload does not exist; it may have been completed or have expired.");
    }
    if (!session->used_urls.insert(query_value(request, "X-Amz-Signature")).second && context().options.single_use) {
      return refused(403, "AccessDenied", "This URL has been used already.");
    }
    auto const wanted = session->length_of(index_);
    auto const length = *request.content_length();
    if (length > wanted) return refused(400, "EntityTooLarge", "The chunk has " + std::to_string(wanted) + " bytes.");
    if (length < wanted) return refused(400, "IncompleteBody", "The chunk has " + std::to_string(wanted) + " bytes.");
    auto const serial = ++session->puts_begun;
    file_.open(context().options.dir / "chunks" / upload_id_, std::to_string(index_) + '.' + std::to_string(serial));
    return std::nullopt;
  }

  void keep(std::span<std::byte const> bytes) {
    md5_.update(bytes);
    file_.write(bytes);
  }

  // The body is whole and in its file: makes it the chunk. Refused if the session has ended meanwhile.
  Reply store(std::string const& etag) {
    std::lock_guard const lock(context().world.mutex);
    auto const now_ms = context().clock();
    auto* const session = context().world.sessions.find(upload_id_);
    if (session == nullptr || session->status(now_ms) != "active") {
      return refused(404, "NoSuchUpload", "The upload ended while the chunk was sent.");
    }
    auto& chunk = session->chunks[index_];
    if (!chunk.path.empty()) PartFile::remove(chunk.path);
    if (chunk.etag != etag) chunk.reported = false;  // other bytes replace the part that was reported (R32)
    chunk.path = file_.keep();
    chunk.etag = etag;
    chunk.bytes = received_;
    chunk.bytes_stored += received_;
    ++chunk.times_stored;
    chunk.updated_ms = session->updated_ms = now_ms;
    chunk.failed = false;
    chunk.fails_when_reported = verdict().action == Action::kFailChunk;
    session->bytes_received += received_;
    ++context().ledger.puts_stored;
    context().ledger.write("put_stored",
                           {{"upload_id", upload_id_}, {"chunk_index", index_}, {"bytes", received_}, {"md5", etag}});
    open_ = false;
    --context().ledger.puts_open;
    return {200, {}, {}, {}};
  }

  void end_open(char const* event) {
    open_ = false;
    --context().ledger.puts_open;
    std::lock_guard const lock(context().world.mutex);
    if (auto* const session = context().world.sessions.find(upload_id_)) session->bytes_received += received_;
    context().ledger.write(event, {{"upload_id", upload_id_}, {"chunk_index", index_}, {"bytes", received_}});
  }

  std::optional<Reply> refusal_;
  std::string upload_id_;
  std::uint32_t index_ = 0;
  std::uint64_t received_ = 0;
  PartFile file_;
  Digest md5_{Digest::Kind::kMd5};
  bool open_ = false;
  bool damaged_ = false;
};

}  // namespace

std::string presigned_chunk_url(Context& context, Session const& session, std::uint32_t index, std::int64_t now_ms) {
  sigv4::Presign what{
      "PUT",
      std::string(kPrefix) + session.asset_id,
      {{"partNumber", std::to_string(index)},
       {"uploadId", session.id},
       {"x-id", context.world.new_id()}},  // makes every URL another one
      {{"host", context.store_authority}},
      now_ms,
      static_cast<std::uint32_t>(std::max<std::int64_t>(1, (context.options.url_life_ms + 999) / 1000))};
  for (auto const& [name, value] : required_headers(context.options, session.id)) {
    what.headers.emplace_back(lower(name), value);
  }
  auto const scheme = std::string(context.options.store_tls ? "https://" : "http://");
  return scheme + context.store_authority + what.path + '?' + sigv4::presign_query(what, context.credentials);
}

json upload_headers_json(Options const& options, std::string const& upload_id) {
  auto out = json::object();
  for (auto const& [name, value] : required_headers(options, upload_id)) out[name] = value;
  return out;
}

std::unique_ptr<Exchange> begin_store_exchange(Context& context, Request request) {
  auto verdict = context.scenario.judge(request.method, request.raw_path, request.ordinal > 1);
  return std::make_unique<PutExchange>(context, request, std::move(verdict));
}

Reply storage_error(int status, std::string const& code, std::string const& message) {
  auto const body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + xml_escape(code) +
                    "</Code><Message>" + xml_escape(message) +
                    "</Message><RequestId>EMULATOR</RequestId><HostId>emulator</HostId></Error>";
  return {status, body, "application/xml", {}};
}

}  // namespace sluice::emulator

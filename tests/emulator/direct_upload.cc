#include "direct_upload.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "digest.h"
#include "faulted_exchange.h"
#include "form.h"
#include "part_file.h"

namespace sluice::emulator {

using nlohmann::json;

namespace {

constexpr char const* kEndpoint = "POST /assets";
constexpr std::size_t kFieldMax = 64U << 10U;
constexpr std::size_t kHeadBytes = 16;

class DirectUpload final : public FaultedExchange {
 public:
  DirectUpload(Context& context, Request const& request, Verdict verdict)
      : FaultedExchange(context, std::move(verdict), kEndpoint) {
    auto const type = request.header("content-type");
    if (request.header("x-api-key") != context.options.api_key) {
      refuse({401, "api_key_invalid", "The API key is invalid."});
    } else if (!lower(type).starts_with("multipart/form-data")) {
      refuse({400, "content_type_invalid", "The request must be multipart/form-data."});
    } else if (auto const boundary = form_boundary(type)) {
      form_.emplace(*boundary,
                    FormReader::Events{[this](FormPart const& part) { begin_part(part); },
                                       [this](std::string_view data) { part_data(data); }, [this] { end_part(); }});
    } else {
      refuse({400, "multipart_boundary_missing", "The Content-Type header has no boundary."});
    }
  }

 protected:
  void consume(std::span<std::byte const> bytes) override {
    context().rate.take(bytes.size());
    context().ledger.bytes_received += bytes.size();
    if (!form_) return;
    received_ += bytes.size();
    if (!form_->feed({reinterpret_cast<char const*>(bytes.data()), bytes.size()})) {
      refuse({400, "invalid_multipart", "The form cannot be read."});
    }
  }

  Reply act() override {
    try {
      if (refusal_) throw *refusal_;
      if (!form_->complete()) throw Refusal{400, "invalid_multipart", "The form ends before its last boundary."};
      return create();
    } catch (Refusal const& refusal) {
      context().ledger.write("request_refused", {{"endpoint", kEndpoint}, {"code", refusal.code}});
      return error_reply(refusal.status, refusal.code, refusal.message);
    }
  }

  std::optional<Reply> early() override {
    if (!refusal_) return std::nullopt;
    return error_reply(refusal_->status, refusal_->code, refusal_->message);
  }

  Reply canned(int status, std::string const& code, std::string const& message) const override {
    return injected_error(status, code, message);
  }

 private:
  void refuse(Refusal refusal) {
    if (!refusal_) refusal_ = std::move(refusal);
  }

  void begin_part(FormPart const& part) {
    part_ = part;
    if (part.name != "file") {
      if (!fields_.emplace(part.name, "").second) refuse({400, "parameter_invalid", part.name + " is there twice."});
      return;
    }
    if (file_part_) refuse({400, "parameter_invalid", "The file parameter is there twice."});
    file_part_ = part;
    limit_ = direct_limit_bytes(context().options, kind_of(part.filename.value_or(""), part.content_type));
    std::lock_guard const lock(context().world.mutex);
    asset_id_ = context().world.new_id();
    file_.open(context().options.dir / "objects", asset_id_);
  }

  void part_data(std::string_view data) {
    if (part_.name == "file") {
      file_bytes_ += data.size();
      if (file_bytes_ > limit_) refuse({400, "media_filesize_too_large", "The file is too large for a direct upload."});
      if (refusal_) return;
      auto const bytes = std::as_bytes(std::span(data));
      head_.append(data.substr(0, kHeadBytes - head_.size()));
      sha256_.update(bytes);
      file_.write(bytes);
      return;
    }
    auto& field = fields_[part_.name];
    field.append(data);
    if (field.size() > kFieldMax) refuse({400, "parameter_invalid", "The " + part_.name + " parameter is too long."});
  }

  void end_part() {
    if (part_.name == "file") file_.close();
  }

  std::optional<std::string> field(std::string const& name) {
    auto const at = fields_.find(name);
    if (at == fields_.end()) return std::nullopt;
    auto value = std::move(at->second);
    fields_.erase(at);
    return value;
  }

  bool flag(std::string const& name) {
    auto const text = field(name);
    if (text && *text != "true" && *text != "false") {
      throw Refusal{400, "parameter_invalid", "The " + name + " parameter must be true or false."};
    }
    return text == "true";
  }

  std::string metadata() {
    auto const text = field("user_metadata");
    check_metadata_allowed(context(), text.has_value());
    if (!text) return {};
    json const whole{{"user_metadata", json::parse(*text, nullptr, false)}};
    auto const map = Fields(whole).scalar_map("user_metadata");
    return map ? merged_metadata({}, *map, true) : std::string{};
  }

  Reply create() {
    Asset asset;
    auto const method = field("method");
    if (!method) throw Refusal{400, "parameter_not_provided", "The method parameter is required."};
    asset.method = *method;
    asset.hls = flag("enable_hls");
    asset.thumbnail = flag("enable_thumbnail");
    asset.user_metadata = metadata();
    auto const filename = field("filename");
    auto const url = field("url");
    if (!fields_.empty()) {
      throw Refusal{400, "parameter_unknown", "The parameter '" + fields_.begin()->first + "' is not known."};
    }
    if (asset.method == "direct") {
      take_file(asset, filename, url.has_value());
    } else if (asset.method == "url") {
      take_url(asset, filename, url);
    } else {
      throw Refusal{400, "parameter_invalid", "The method parameter must be direct or url."};
    }
    check_filename(asset.filename);
    return keep(std::move(asset));
  }

  void take_file(Asset& asset, std::optional<std::string> const& filename, bool has_url) {
    if (!file_part_) throw Refusal{400, "parameter_not_provided", "The file parameter is required."};
    if (has_url) throw Refusal{400, "parameter_invalid", "The url parameter belongs to the method url."};
    if (file_bytes_ == 0) throw Refusal{400, "parameter_invalid", "The file is empty."};
    asset.filename = filename.value_or(file_part_->filename.value_or(""));
    asset.type = kind_of(asset.filename, file_part_->content_type);
    asset.file_type = mime_of(asset.filename, file_part_->content_type, asset.type);
    if (file_bytes_ > direct_limit_bytes(context().options, asset.type)) {
      throw Refusal{400, "media_filesize_too_large", "The file is too large for a direct upload."};
    }
    asset.size = file_bytes_;
    asset.sha256 = sha256_.hex();
  }

  void take_url(Asset& asset, std::optional<std::string> const& filename, std::optional<std::string> const& url) {
    if (!url) throw Refusal{400, "parameter_not_provided", "The url parameter is required."};
    if (file_part_) throw Refusal{400, "parameter_invalid", "The file parameter belongs to the method direct."};
    if (!url->starts_with("http://") && !url->starts_with("https://")) {
      throw Refusal{400, "parameter_invalid", "The url parameter must be an http or https URL."};
    }
    asset.url = *url;
    auto const path = url->substr(0, url->find_first_of("?#"));
    asset.filename = filename.value_or(uri_decode(path.substr(path.rfind('/') + 1), false));
    asset.type = kind_of(asset.filename, {});
    asset.file_type = mime_of(asset.filename, {}, asset.type);
  }

  Reply keep(Asset asset) {
    auto& world = context().world;
    std::lock_guard const lock(world.mutex);
    auto const now_ms = context().clock();
    world.advance(now_ms);
    asset.id = asset_id_.empty() ? world.new_id() : asset_id_;
    asset.created_ms = now_ms;
    asset.bytes_received = file_bytes_;
    asset.doomed = verdict().action == Action::kFailAsset || World::content_dooms(head_);
    if (verdict().action == Action::kFailAsset) asset.error = verdict().message;
    if (asset.method == "direct") {
      auto const path = file_.keep();
      if (!context().options.keep_objects) PartFile::remove(path);
    }
    auto& kept = world.assets.add(std::move(asset));
    context().ledger.write("asset_created",
                           {{"asset_id", kept.id}, {"method", kept.method}, {"filename", kept.filename}});
    world.arrived(kept, now_ms, context().options.ready_at_once && kept.method == "direct");
    return json_reply(201, asset_json(kept));
  }

  std::optional<Refusal> refusal_;
  std::optional<FormReader> form_;
  FormPart part_;
  std::optional<FormPart> file_part_;
  std::map<std::string, std::string> fields_;
  std::uint64_t received_ = 0;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t limit_ = 0;
  std::string head_;
  std::string asset_id_;
  Digest sha256_{Digest::Kind::kSha256};
  PartFile file_;
};

}  // namespace

std::unique_ptr<Exchange> begin_direct_upload(Context& context, Request request, Verdict verdict) {
  return std::make_unique<DirectUpload>(context, request, std::move(verdict));
}

}  // namespace sluice::emulator

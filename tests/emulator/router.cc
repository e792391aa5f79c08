#include "router.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "direct_upload.h"
#include "faulted_exchange.h"
#include "ledger_view.h"

namespace sluice::emulator {

using nlohmann::json;

namespace {

constexpr std::size_t kBodyMax = 4U << 20U;

// Matches a path against a pattern; parameters are added to `ids`, decoded.
bool matches(std::string const& pattern, std::string_view path, std::vector<std::string>& ids) {
  auto const wanted = split(pattern, '/');
  auto const given = split(path, '/');
  ids.clear();
  if (wanted.size() != given.size()) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].starts_with('{') && !given[i].empty()) {
      ids.push_back(uri_decode(given[i], false));
    } else if (wanted[i] != given[i]) {
      return false;
    }
  }
  return true;
}

// A call with a JSON body or none.
class JsonCall final : public FaultedExchange {
 public:
  JsonCall(Context& context, Request request, Verdict verdict, Route const* route, std::vector<std::string> ids)
      : FaultedExchange(context, std::move(verdict),
                        route != nullptr ? route->method + ' ' + route->pattern : "unknown"),
        request_(std::move(request)),
        route_(route),
        ids_(std::move(ids)) {}

 protected:
  void consume(std::span<std::byte const> bytes) override {
    if (body_.size() + bytes.size() <= kBodyMax) {
      body_.append(reinterpret_cast<char const*>(bytes.data()), bytes.size());
    } else {
      too_long_ = true;
    }
  }

  Reply act() override {
    try {
      return answer();
    } catch (Refusal const& refusal) {
      context().ledger.write("request_refused", {{"endpoint", request_.method + ' ' + request_.raw_path},
                                                 {"code", refusal.code},
                                                 {"message", refusal.message}});
      return error_reply(refusal.status, refusal.code, refusal.message);
    }
  }

  std::optional<Reply> early() override {
    if (request_.header("x-api-key") == context().options.api_key) return std::nullopt;
    return act();
  }

  Reply canned(int status, std::string const& code, std::string const& message) const override {
    return injected_error(status, code, message);
  }

 private:
  Reply answer() {
    if (request_.header("x-api-key") != context().options.api_key) {
      throw Refusal{401, "api_key_invalid", "The API key is invalid."};
    }
    if (route_ == nullptr) throw Refusal{400, "api_not_allowed", "The emulator does not offer this call."};
    if (too_long_) throw Refusal{413, "parameter_invalid", "The body is too long."};
    json body;
    if (!body_.empty()) {
      if (!lower(request_.header("content-type")).starts_with("application/json")) {
        throw Refusal{400, "content_type_invalid", "The body must be application/json."};
      }
      body = json::parse(body_, nullptr, false);
      if (body.is_discarded()) throw Refusal{400, "parameter_invalid", "The body is not JSON."};
    }
    std::lock_guard const lock(context().world.mutex);
    auto const now_ms = context().clock();
    context().world.advance(now_ms);
    auto reply = route_->operation(context(), {request_, ids_, body, verdict(), now_ms});
    reply.headers.emplace_back("X-Api-Version", "1.3");
    return reply;
  }

  Request request_;
  Route const* route_;
  std::vector<std::string> ids_;
  std::string body_;
  bool too_long_ = false;
};

class ControlCall final : public Exchange {
 public:
  ControlCall(Context& context, Request request) : context_(context), request_(std::move(request)) {}

  bool take(std::span<std::byte const> bytes) override {
    body_.append(reinterpret_cast<char const*>(bytes.data()), bytes.size());
    return body_.size() <= kBodyMax;
  }

  Outcome finish() override { return {answer(), Cut::kClose}; }

 private:
  Reply answer() {
    auto const& path = request_.raw_path;
    if (path == "/__ledger" && request_.method == "GET")
      return {200, ledger_json_text(context_), "application/json", {}};
    if (path == "/__ledger/events" && request_.method == "GET") {
      std::uint64_t from = 1;
      for (auto const& [name, value] : request_.query) {
        if (name == "from") std::from_chars(value.data(), value.data() + value.size(), from);
      }
      return {200, context_.ledger.events_from(from), "application/json", {}};
    }
    if (path == "/__scenario" && request_.method == "POST") {
      try {
        context_.scenario.arm(body_);
        return {204, {}, {}, {}};
      } catch (BadScenario const& error) {
        return error_reply(400, "scenario_invalid", error.what());
      }
    }
    return error_reply(404, "control_unknown", "Known: GET /__ledger, GET /__ledger/events?from=N, POST /__scenario.");
  }

  Context& context_;
  Request request_;
  std::string body_;
};

}  // namespace

Router::Router(Context& context) : context_(context) {
  // Sessions come first: "multipart-uploads" must not be taken for an asset's id (R10).
  for (auto const& group :
       {session_routes(), asset_routes(), index_routes(), indexed_asset_routes(), entity_routes()}) {
    routes_.insert(routes_.end(), group.begin(), group.end());
  }
}

std::unique_ptr<Exchange> Router::begin(Request request) {
  if (request.raw_path.starts_with("/__")) return std::make_unique<ControlCall>(context_, std::move(request));
  auto const& base = context_.options.base_path;
  if (!request.raw_path.starts_with(base + '/')) {
    return std::make_unique<JsonCall>(context_, std::move(request), Verdict{}, nullptr, std::vector<std::string>{});
  }
  auto const path = request.raw_path.substr(base.size());
  auto verdict = context_.scenario.judge(request.method, path, request.ordinal > 1);
  if (request.method == "POST" && path == "/assets") {
    return begin_direct_upload(context_, std::move(request), std::move(verdict));
  }
  std::vector<std::string> ids;
  for (auto const& route : routes_) {
    if (route.method == request.method && matches(route.pattern, path, ids)) {
      return std::make_unique<JsonCall>(context_, std::move(request), std::move(verdict), &route, std::move(ids));
    }
  }
  return std::make_unique<JsonCall>(context_, std::move(request), std::move(verdict), nullptr,
                                    std::vector<std::string>{});
}

}  // namespace sluice::emulator

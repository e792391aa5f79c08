// api.h - what the API's operations share: their context, a call, refusals, field checks, pages, routes.
//
// An operation is a plain function that is called with the world locked and its transitions carried out.
// It answers a Reply, or throws a Refusal, which the router turns into the error envelope (R35). All
// strictness lives in `Fields` and `Params`: a name that nobody asked for is refused when they finish.

#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hasher.h"
#include "http.h"
#include "ledger.h"
#include "options.h"
#include "pacing.h"
#include "scenario.h"
#include "sigv4.h"
#include "world.h"

namespace sluice::emulator {

// Everything an exchange or an operation may use; all of it outlives them.
struct Context {
  Options const& options;
  Clock const& clock;
  World& world;
  Ledger& ledger;
  Scenario& scenario;
  Hasher& hasher;
  Sleeper& sleeper;
  RateLimit& rate;
  sigv4::Credentials const& credentials;
  std::string store_authority;  // host and port that the presigned URLs name
};

// A call that is answered with an error. `code` is one of section 5's.
struct Refusal {
  int status;
  std::string code;
  std::string message;
};

[[noreturn]] void refuse_missing(std::string const& what);  // 404 resource_not_exist

struct Call {
  Request const& request;
  std::vector<std::string> ids;  // the path's parameters, in order
  nlohmann::json const& body;    // null when there was none
  Verdict const& verdict;
  std::int64_t now_ms;
};

using Operation = Reply (*)(Context&, Call const&);

struct Route {
  std::string method;
  std::string pattern;  // "/assets/{asset_id}": also the name under which the ledger counts
  Operation operation;
};

// The routes of one group of resources; literal segments come before parameters (R10).
std::vector<Route> asset_routes();
std::vector<Route> session_routes();
std::vector<Route> index_routes();
std::vector<Route> indexed_asset_routes();
std::vector<Route> entity_routes();

Reply json_reply(int status, nlohmann::json const& body);
Reply error_reply(int status, std::string const& code, std::string const& message);
// The error that a rule injects; an empty code or message gets the status's usual one.
Reply injected_error(int status, std::string const& code, std::string const& message);
Reply empty_reply(Context const& context);  // 204, or 200 with no body (R9)

// Reads a JSON object strictly. Each accessor names a known field; `finish` refuses all others.
// A required field that is absent is parameter_not_provided; a wrong type is parameter_invalid. JSON null
// counts as absent.
class Fields {
 public:
  explicit Fields(nlohmann::json const& object);

  std::string text(std::string const& name);
  std::optional<std::string> optional_text(std::string const& name);
  std::uint64_t number(std::string const& name, std::uint64_t least, std::uint64_t most);
  bool flag(std::string const& name);                       // false when absent
  std::vector<std::string> texts(std::string const& name);  // at least one
  // An object of scalars, as JSON text; with `nulls`, null values are let through.
  std::optional<std::string> scalar_map(std::string const& name, bool nulls = false);
  nlohmann::json const& array(std::string const& name, std::size_t least, std::size_t most);
  void finish() const;

 private:
  nlohmann::json const* get(std::string const& name);
  nlohmann::json const& need(std::string const& name);
  nlohmann::json const& object_;
  std::set<std::string> known_;
};

// Reads the query strictly, in the same manner.
class Params {
 public:
  explicit Params(Pairs const& query);

  std::optional<std::string> one(std::string const& name);
  std::vector<std::string> many(std::string const& name);  // repeated key, or one comma-separated value
  std::optional<std::string> one_of(std::string const& name, std::vector<std::string> const& words);
  std::optional<std::int64_t> time_ms(std::string const& name);
  // `name[gte]` and `name[lte]`, or a plain number for both.
  struct Range {
    std::optional<double> least;
    std::optional<double> most;
    bool holds(double value) const { return (!least || value >= *least) && (!most || value <= *most); }
  };
  Range range(std::string const& name);
  std::uint64_t page() const { return page_; }
  std::uint64_t limit() const { return limit_; }
  void finish() const;

 private:
  Pairs const& query_;
  std::set<std::string> known_{"page", "page_limit"};
  std::uint64_t page_ = 1;
  std::uint64_t limit_ = 10;
};

// Answers one page: `total` rows exist, `row(i)` renders the i-th; only the rows of the page are rendered.
// `extra` (an object) is merged into the answer; the rows stand under `rows_name`.
Reply page_reply(Params const& params, std::size_t total, std::function<nlohmann::json(std::size_t)> const& row,
                 char const* rows_name = "data");
nlohmann::json page_info(Params const& params, std::size_t total);

// True if a list may already show a resource of this age (--list-lag).
bool listed(Context const& context, Call const& call, std::int64_t created_ms);

// Refuses user_metadata under --metadata refuse.
void check_metadata_allowed(Context const& context, bool given);

// Merges a metadata patch (JSON text) into metadata (JSON text or ""): null deletes, "" is ignored (R42).
std::string merged_metadata(std::string const& old, std::string const& patch, bool replace);

// What reads and lists answer of an asset.
nlohmann::json asset_json(Asset const& asset);

// The kind by name and content type: image, audio, document, else video; and the MIME type to show.
std::string kind_of(std::string const& filename, std::string const& content_type);
std::string mime_of(std::string const& filename, std::string const& content_type, std::string const& kind);

// Refuses a filename that is not 1 to 255 characters long (section 10).
void check_filename(std::string const& filename);

}  // namespace sluice::emulator

// sim_platform.h - the platform in memory: what the real one is documented to do, and no more.
//
// It answers one request at a time, at a time that it is told. Nothing is repeated away: two creates make
// two things (U7, U8), a session's URLs are used once (R22), reports are checked to the last byte (R24).
// Every breach of the contract by the client is kept as a complaint, beside the refusal that it is given.
// Traits are switches of the whole run; what goes wrong with single calls is the wire's affair.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/wire.h"
#include "tests/sim/sim_ports.h"
#include "tests/sim/sim_request.h"

namespace sluice::sim {

// One thing that the platform, or a person there, deletes under the client (R41). An asset takes its
// indexed assets and its places in entities with it, an index its indexed assets, a collection its entities.
struct Deletion {
  enum class What : std::uint8_t { kAsset, kIndexed, kIndex, kCollection, kEntity } what = What::kAsset;
  std::uint32_t nth = 1;  // of its kind, from 1, by creation
  enum class After : std::uint8_t {
    kMade,   // of an asset: its bytes are all here
    kReady,  // an index or a collection is so at once
    kUsed,   // of an asset: indexed, or put into an entity; of an index or a collection: something is in it
  } after = After::kMade;
  Millis delay{0};
};

struct PlatformTraits {
  std::uint64_t chunk_bytes = 8'192;
  std::uint32_t initial_urls = 2;  // how many come with a new session (U1)
  Millis url_life{3'600'000};      // R21
  Millis session_life{86'400'000};
  std::uint32_t short_sessions = 0;  // the first so many live `short_session_life`
  Millis short_session_life{0};
  Millis list_lag_max{8'000};       // created things stay out of lists for up to this long (U16)
  Millis assembles_max{1'500};      // until a session with every chunk reported is completed
  Millis ready_max{9'000};          // until an asset, indexed asset or entity is ready
  Millis clock_ahead{0};            // the platform's clock minus ours
  bool refuses_metadata = false;    // R68
  bool hides_lookup = false;        // no list by asset (R68)
  bool forgets_sessions = false;    // an expired session is a 404, not `expired`
  bool shows_reservations = false;  // assets of unfinished sessions are listed (U10, R51)
  std::uint32_t bad_chunk = 0;      // the first time it is assembled, this chunk has failed
  std::string failing_name = {};    // assets of this file name end as `failed`
  std::vector<Deletion> deletions = {};
  std::string vanishing_name = {};    // assets of this file name are deleted as soon as they are complete
  std::string unreachable_host = {};  // the first fetch of a URL there is refused (media_url_not_accessible)
  std::string dead_urls = {};         // a URL with this in it is refused ...
  Millis dead_until = Millis::max();  // ... until this time since the beginning
  Millis asset_life{0};               // assets in no entity are deleted so long after their creation (R41); 0: never
  Millis indexing_begins{0};          // until then indexing is over its quota: 429 (R63)
  bool blind_looks = false;           // sabotage: looks for assets, indexed assets and entities find nothing
};

// Deleted things stay in their vectors, for the oracle; lists may go on showing them for a while (U16).
struct SimThing {
  WallTime created_at = {}, visible_at = {};
  std::optional<WallTime> gone_at = {}, hidden_at = {};
  bool shown(WallTime now) const { return visible_at <= now && (!hidden_at || now < *hidden_at); }
};
struct SimAsset : SimThing {
  std::string id = {}, method = {}, filename = {}, metadata_json = {};
  bool completed = false;  // its bytes are all here
  WallTime completed_at = {};
  WallTime ready_at = {};  // once completed
  bool fails = false;
  std::uint64_t size_bytes = 0;
  std::string sha256 = {};
};
struct SimChunk {
  std::string bytes = {}, etag = {};
  bool reported = false, failed = false;
};
struct SimSession {
  std::string id = {}, asset_id = {};
  std::uint64_t total_bytes = 0;
  WallTime expires_at = {};
  std::vector<SimChunk> chunks = {};
  bool assembled = false, had_bad_chunk = false;
  WallTime completed_at = {};  // once assembled
};
struct SimUrl {
  std::string session_id = {};
  std::uint32_t index = 0;
  WallTime expires_at = {};
  bool used = false;
};
struct SimNamed : SimThing {  // an index or an entity collection
  std::string id = {}, name = {};
};
struct SimIndexed : SimThing {
  std::string id = {}, index_id = {}, asset_id = {}, metadata_json = {};
  WallTime ready_at = {};
};
struct SimEntity : SimThing {
  std::string id = {}, collection_id = {}, name = {}, metadata_json = {};
  std::vector<std::string> asset_ids = {};
  WallTime ready_at = {};
};

class SimPlatform {
 public:
  SimPlatform(std::uint64_t seed, PlatformTraits traits) : traits_(std::move(traits)), dice_(seed, 2), seed_(seed) {}

  // Takes a whole request, at this host's time `now`, and answers it.
  ports::Reply serve(Request const& request, WallTime now);
  // An answer that has no effect: what a proxy, a quota or a broken storage says.
  ports::Reply refuse(int status, std::string const& code, WallTime now) const;
  static ports::Reply refuse_storage(int status, std::string const& code, std::string const& message);

  // From here on these chunks must not be PUT again: their ETags are in the journal.
  void protect(std::string const& session_id, std::uint32_t index);

  PlatformTraits& traits() { return traits_; }
  PlatformTraits const& traits() const { return traits_; }
  std::vector<std::string> const& complaints() const { return complaints_; }
  std::vector<SimAsset> const& assets() const { return assets_; }
  bool has(std::string const& sha256) const {  // all of a content
    return std::ranges::any_of(assets_, [&](auto const& asset) { return asset.completed && asset.sha256 == sha256; });
  }
  std::map<std::string, SimSession> const& sessions() const { return sessions_; }
  std::vector<SimNamed> const& indexes() const { return indexes_; }
  std::vector<SimNamed> const& collections() const { return collections_; }
  std::vector<SimIndexed> const& indexed() const { return indexed_; }
  std::vector<SimEntity> const& entities() const { return entities_; }
  std::size_t chunks_received() const { return chunks_received_; }
  // What the platform did that is hard on a client, by name: "platform.url_expired".
  std::map<std::string_view, std::uint64_t> const& fired() const { return fired_; }

 private:
  using Reply = ports::Reply;
  Reply serve_api(Request const& request, WallTime now);

  // sim_uploads.cc
  static std::string trouble_with_form(std::map<std::string, FormPart> const& form);  // "" if it is as it must be
  Reply create_asset(Request const& request, WallTime now);
  Reply list_assets(Request const& request, WallTime now);
  Reply read_asset(Request const& request, WallTime now);
  Reply open_session(Request const& request, WallTime now);
  Reply presigned_urls(Request const& request, WallTime now);
  Reply put_chunk(Request const& request, WallTime now);
  Reply report_chunks(Request const& request, WallTime now);
  Reply session_status(Request const& request, WallTime now);
  void assemble(SimSession& session, WallTime now);
  SimUrl& make_url(std::string const& session_id, std::uint32_t index, WallTime now, std::string& url);
  SimAsset& add_asset(std::string const& filename, std::string const& method, std::string const& metadata_json,
                      WallTime now);
  SimSession* live_session(Request const& request, WallTime now);

  // sim_chain.cc
  Reply list_named(std::vector<SimNamed> const& all, std::string const& key, Request const& request, WallTime now);
  Reply create_index(Request const& request, WallTime now);
  Reply create_collection(Request const& request, WallTime now);
  Reply create_indexed_asset(Request const& request, WallTime now);
  Reply list_indexed_assets(Request const& request, WallTime now);
  Reply list_by_asset(Request const& request, WallTime now);
  Reply read_indexed_asset(Request const& request, WallTime now);
  Reply patch(Request const& request, WallTime now);
  // Nothing when it is made, the last of entities_; else why not.
  std::optional<Reply> make_entity(std::string const& collection_id, std::string const& text, WallTime now);
  Reply create_entity(Request const& request, WallTime now);
  Reply create_entities(Request const& request, WallTime now);
  Reply list_entities(Request const& request, WallTime now);
  Reply read_entity(Request const& request, WallTime now);
  Reply add_entity_assets(Request const& request, WallTime now);
  SimEntity* entity_of(Request const& request);
  bool usable_asset(std::string const& id, WallTime now) const;
  bool gone_asset(std::string const& id) const;

  // sim_gone.cc
  void forget_due(WallTime now);
  bool forget_one(WallTime now);  // the deletion that comes first, if its time has come
  std::optional<WallTime> time_of(Deletion const& deletion) const;
  std::optional<WallTime> first_use_of(std::string const& asset_id) const;
  void mark_gone(SimThing& thing, WallTime at);
  void forget_asset(SimAsset& asset, WallTime at);
  void forget(Deletion const& deletion, WallTime at);

  Reply refuse_metadata(WallTime now);
  // A refusal that is the client's own fault: the run fails for it.
  Reply complain(std::string const& what, WallTime now);
  std::string fresh_id();
  WallTime visible_from(WallTime now) { return now + dice_.between(Millis(0), traits_.list_lag_max); }
  WallTime ready_from(WallTime now) { return now + dice_.between(Millis(200), traits_.ready_max); }
  std::string shown_time(WallTime at) const;  // by the platform's clock

  PlatformTraits traits_;
  SimRandom dice_;
  std::uint64_t seed_;
  std::uint64_t ids_ = 0;
  std::vector<SimAsset> assets_ = {};
  std::map<std::string, SimSession> sessions_ = {};
  std::map<std::string, SimUrl> urls_ = {};  // by signature
  std::vector<SimNamed> indexes_ = {}, collections_ = {};
  std::vector<SimIndexed> indexed_ = {};
  std::vector<SimEntity> entities_ = {};
  std::set<std::size_t> deletions_done_ = {};
  std::set<std::string> fetches_refused_ = {};  // URLs whose first fetch was refused
  std::set<std::pair<std::string, std::uint32_t>> protected_ = {};
  std::vector<std::string> complaints_ = {};
  std::size_t chunks_received_ = 0;
  void count(std::string_view what) { ++fired_[what]; }
  std::map<std::string_view, std::uint64_t> fired_ = {};
};

}  // namespace sluice::sim

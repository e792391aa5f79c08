// world.h - what the platform knows: assets, upload sessions, indexes, indexed assets, collections, entities.
//
// Plain rows in memory under one mutex, which whoever calls into the world must hold; it is never held
// while a body is read or written. Rows keep the order of their creation. Whatever happens by itself
// (an asset becomes ready) is a due transition: `advance` carries out those whose time has come, so the
// world has no thread and a test can drive it by its own clock.

#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <queue>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "ledger.h"
#include "options.h"

namespace sluice::emulator {

// Rows with an id, in order of creation. `T` has a member `id`.
template <class T>
class Table {
 public:
  T& add(T row) {
    auto const serial = ++last_;
    serial_of_[row.id] = serial;
    return rows_.emplace(serial, std::move(row)).first->second;
  }
  T* find(std::string const& id) {
    auto const at = serial_of_.find(id);
    return at == serial_of_.end() ? nullptr : &rows_.at(at->second);
  }
  void erase(std::string const& id) {
    auto const at = serial_of_.find(id);
    if (at == serial_of_.end()) return;
    rows_.erase(at->second);
    serial_of_.erase(at);
  }
  std::map<std::uint64_t, T>& rows() { return rows_; }

 private:
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, T> rows_;
  std::unordered_map<std::string, std::uint64_t> serial_of_;
};

struct Asset {
  std::string id;
  std::string upload_id;  // empty unless multipart
  std::string method;     // direct, url, multipart
  std::string type;       // video, audio, image, document
  std::string filename;
  std::string file_type;  // MIME
  std::string status = "processing";
  std::string user_metadata;  // JSON text of an object; empty: none
  std::string url;            // of the method url: as it was given
  std::string sha256;         // empty until the bytes are in and hashed
  std::string error;          // why it failed
  std::uint64_t size = 0;
  std::uint64_t bytes_received = 0;  // direct bodies; those of sessions are counted in the session
  std::int64_t created_ms = 0;
  std::int64_t settle_ms = 0;  // when it may leave `processing`
  bool arrived = false;        // all bytes are in; false for the reserved asset of an open session (R11b)
  bool hashing = false;
  bool doomed = false;  // a rule wants it to fail
  bool hls = false;
  bool thumbnail = false;
};

struct Chunk {
  std::filesystem::path path;  // empty: nothing stored
  std::string etag;
  std::uint64_t bytes = 0;
  std::uint64_t times_stored = 0;
  std::uint64_t bytes_stored = 0;  // over all times
  std::int64_t uploaded_ms = 0;    // when it was reported
  std::int64_t updated_ms = 0;
  bool reported = false;
  bool failed = false;
  bool fails_when_reported = false;
};

struct Session {
  std::string id;
  std::string asset_id;
  std::uint64_t total_bytes = 0;
  std::uint64_t chunk_bytes = 0;
  std::uint32_t total_chunks = 0;
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
  std::int64_t expires_ms = 0;
  bool completed = false;
  std::uint64_t bytes_received = 0;  // of all PUT bodies, repeats and torn ones included
  std::uint64_t puts_begun = 0;
  std::map<std::uint32_t, Chunk> chunks;  // those that were stored or reported
  std::set<std::string> used_urls;        // their signatures

  std::string status(std::int64_t now_ms) const;             // active, completed, expired
  std::uint64_t length_of(std::uint32_t chunk_index) const;  // Requires: 1 <= chunk_index <= total_chunks
};

struct Index {
  std::string id;
  std::string name;
  std::string models;  // JSON text, as given
  std::string addons;  // JSON text of an array
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
};

struct IndexedAsset {
  std::string id;
  std::string index_id;
  std::string asset_id;
  std::string status = "pending";
  std::string user_metadata;
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
  std::int64_t indexed_ms = 0;
  bool doomed = false;
  bool stream = false;
};

struct Collection {
  std::string id;
  std::string name;
  std::string description;
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
};

struct Entity {
  std::string id;
  std::string collection_id;
  std::string name;
  std::string description;
  std::string metadata;  // JSON text of an object; empty: none
  std::vector<std::string> asset_ids;
  std::string status = "processing";
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
  std::int64_t ready_ms = 0;
};

class World {
 public:
  World(Options const& options, Ledger& ledger) : options_(options), ledger_(ledger) {}

  // A fresh id of 24 hexadecimal digits; the same seed gives the same row of ids.
  std::string new_id();

  // Carries out all transitions that are due at `now_ms`.
  void advance(std::int64_t now_ms);

  // The bytes of an asset are all in: it will leave `processing` after --ready-after, and not before it
  // is hashed. With `at_once` it does so now, if it is hashed.
  void arrived(Asset& asset, std::int64_t now_ms, bool at_once);
  // The hasher is done with the object of an asset (which may have been deleted meanwhile).
  void hashed(std::string const& asset_id, std::string const& sha256, std::string const& head, std::int64_t now_ms);
  // An asset's content beginning with SLUICE-FAIL dooms it.
  static bool content_dooms(std::string const& head) { return head.starts_with("SLUICE-FAIL"); }

  void schedule(IndexedAsset const& row);
  void schedule(Entity const& row);

  std::mutex mutex;
  Table<Asset> assets;
  Table<Session> sessions;
  Table<Index> indexes;
  Table<IndexedAsset> indexed_assets;
  Table<Collection> collections;
  Table<Entity> entities;

 private:
  enum class Kind { kAsset, kIndexedAsset, kEntity };
  struct Due {
    std::int64_t at_ms;
    Kind kind;
    std::string id;
    std::string status;  // the one to take on, for indexed assets
    std::uint64_t order = 0;
    bool operator>(Due const& other) const { return std::tie(at_ms, order) > std::tie(other.at_ms, other.order); }
  };
  void plan(Due due);
  void carry_out(Due const& due, std::int64_t now_ms);
  void settle(Asset& asset, std::int64_t now_ms);

  Options const& options_;
  Ledger& ledger_;
  std::uint64_t ids_ = 0;
  std::uint64_t planned_ = 0;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
};

}  // namespace sluice::emulator

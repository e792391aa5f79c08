#include "tests/sim/watch.h"

#include <algorithm>

namespace sluice::sim {

using journal::ItemState;
using journal::Journal;

namespace {

constexpr int kAll = 1'000;

template <class Rows, class Fits>
std::size_t open_intents(Rows const& rows, Fits const& fits) {
  return static_cast<std::size_t>(std::ranges::count_if(
      rows, [&](auto const& row) { return row.intent.at && !row.intent.unknown_at && fits(row); }));
}

std::size_t open_intents(Journal const& journal, Ask ask) {
  auto const any = [](auto const&) { return true; };
  auto const steps = [&](journal::StepKind kind) {
    return open_intents(journal.steps_in(journal::StepState::kCreating, kAll),
                        [&](auto const& row) { return row.kind == kind; });
  };
  auto const named = [&](journal::NamedKind kind) {
    return open_intents(journal.named_in(journal::NamedState::kCreating),
                        [&](auto const& row) { return row.kind == kind; });
  };
  switch (ask) {
    case Ask::kOpenSession: return open_intents(journal.items_in(ItemState::kOpening, kAll), any);
    case Ask::kCreateAsset: return open_intents(journal.items_in(ItemState::kSending, kAll), any);
    case Ask::kCreateIndexedAsset: return steps(journal::StepKind::kIndex);
    case Ask::kAddEntityAssets: return steps(journal::StepKind::kEntity);
    case Ask::kCreateIndex: return named(journal::NamedKind::kIndex);
    case Ask::kCreateCollection: return named(journal::NamedKind::kCollection);
    case Ask::kCreateEntity:
    case Ask::kCreateEntities: return named(journal::NamedKind::kEntity);
    default: break;
  }
  std::size_t putting = 0;
  for (auto const id : journal.sessions_with_putting())
    putting += journal.chunks_in(id, journal::ChunkState::kPutting).size();
  return putting;
}

void tell(std::string& text, std::string_view word) { text.append(word).push_back(' '); }
void tell(std::string& text, std::uint64_t number) { text.append(std::to_string(number)).push_back(' '); }

}  // namespace

// At this point no transaction is open, so what is read is committed.
bool intents_are_on_disk(Journal const& journal, Ask ask, std::size_t waiting) {
  if (ask != Ask::kPutChunk && !is_looked_for(ask)) return true;
  return !journal.in_transaction() && open_intents(journal, ask) >= waiting;
}

void protect_stored(Journal const& journal, SimPlatform& platform) {
  for (auto const& session : journal.open_sessions(kAll))
    for (auto const state : {journal::ChunkState::kStored, journal::ChunkState::kReported})
      for (auto const& chunk : journal.chunks_in(session.id, state)) platform.protect(session.upload_id, chunk.index);
}

std::string all_facts(Journal const& journal) {
  std::string text;
  for (auto const& item : journal.list_items({.limit = kAll})) {
    tell(text, item.ulid);
    tell(text, word(item.state));
    tell(text, item.generation);
    tell(text, item.asset_id);
    tell(text, item.reason);
    tell(text, item.bytes_acked);
    tell(text, item.effort.attempts);
    for (auto const& session : journal.sessions_of(item.id)) {
      tell(text, session.upload_id);
      tell(text, word(session.state));
      for (auto state = journal::ChunkState::kNeedsUrl; state <= journal::ChunkState::kReported;
           state = static_cast<journal::ChunkState>(static_cast<int>(state) + 1))
        for (auto const& chunk : journal.chunks_in(session.id, state)) {
          tell(text, word(state));
          tell(text, chunk.index);
          tell(text, chunk.etag);
        }
    }
    for (auto const& step : journal.steps_of(item.id)) {
      tell(text, word(step.state));
      tell(text, step.remote_id);
    }
    text.push_back('\n');
  }
  for (auto const& manifest : journal.manifests("")) {
    tell(text, manifest.path);
    for (auto const number : {manifest.offset, manifest.line, manifest.results_bytes}) tell(text, number);
    for (auto const count : {manifest.entries, manifest.failed, manifest.waiting, manifest.open, manifest.notes_open})
      tell(text, static_cast<std::uint64_t>(count));
    text.push_back('\n');
  }
  for (auto const state : {journal::NamedState::kWanted, journal::NamedState::kCreating, journal::NamedState::kPresent})
    for (auto const& named : journal.named_in(state)) {
      tell(text, word(state));
      tell(text, named.name);
      tell(text, named.remote_id);
    }
  return text;
}

}  // namespace sluice::sim

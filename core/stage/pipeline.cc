#include "core/stage/pipeline.h"

#include <cassert>

#include "core/stage/act.h"
#include "core/stage/admit.h"
#include "core/stage/amend.h"
#include "core/stage/await_asset.h"
#include "core/stage/await_step.h"
#include "core/stage/confirm_session.h"
#include "core/stage/create_step.h"
#include "core/stage/fetch_piece.h"
#include "core/stage/finish.h"
#include "core/stage/lease_urls.h"
#include "core/stage/look_asset.h"
#include "core/stage/open_session.h"
#include "core/stage/probe_url.h"
#include "core/stage/put_chunk.h"
#include "core/stage/report_chunks.h"
#include "core/stage/resolve_named.h"
#include "core/stage/send_direct.h"
#include "core/stage/send_hook.h"
#include "core/stage/send_url.h"
#include "core/stage/take_entries.h"

namespace sluice::stage {

using budget::Errand;
using platform::CallKind;

// clang-format off
std::span<Stage const> stages() {
  static constexpr Stage kStages[] = {
      // name              takes due rows             in states
      {"act",              choose_act},             // act wanted, acting
      {"send_hook",        choose_send_hook},       // act wanted, acting, of a hook
      {"finish",           choose_finish},          // asset_ready
      {"await_step",       choose_await_step},      // step created
      {"look_step",        choose_look_step},       // step creating, outcome unknown
      {"create_step",      choose_create_step},     // step waiting
      {"resolve_named",    choose_resolve_named},   // named wanted, or creating with outcome unknown
      {"await_asset",      choose_await_asset},     // completed, sent
      {"confirm_session",  choose_confirm_session}, // reported
      {"report_chunks",    choose_report_chunks},   // chunk stored
      {"put_chunk",        choose_put_chunk},       // chunk has_url
      {"lease_urls",       choose_lease_urls},      // chunk needs_url
      {"look_asset",       choose_look_asset},      // sending, outcome unknown
      {"take_entries",     choose_take_entries},    // entry waiting
      {"fetch_piece",      choose_fetch_piece},     // stable, relay; download fetching
      {"admit",            choose_admit},           // seen
      {"open_session",     choose_open_session},    // stable, multipart
      {"send_direct",      choose_send_direct},     // stable, direct
      {"send_url",         choose_send_url},        // stable, url
  };
  return kStages;
}

ErrandRow const& errand_row(Errand errand) {
  static constexpr ErrandRow kRows[] = {
      {Errand::kOpenSession,    CallKind::kCreate,  settle_open_session},
      {Errand::kLeaseUrls,      CallKind::kRead,    settle_lease_urls},
      {Errand::kPutChunk,       CallKind::kStorage, settle_put_chunk},
      {Errand::kReportChunks,   CallKind::kRead,    settle_report_chunks},
      {Errand::kConfirmSession, CallKind::kRead,    settle_confirm_session},
      {Errand::kSendDirect,     CallKind::kCreate,  settle_send_direct},
      {Errand::kSendUrl,        CallKind::kCreate,  settle_send_url},
      {Errand::kLookAsset,      CallKind::kRead,    settle_look_asset},
      {Errand::kAwaitAsset,     CallKind::kRead,    settle_await_asset},
      {Errand::kLookNamed,      CallKind::kRead,    settle_look_named},
      {Errand::kCreateNamed,    CallKind::kCreate,  settle_create_named},
      {Errand::kDeleteStep,     CallKind::kRead,    settle_delete_step},
      {Errand::kCreateStep,     CallKind::kCreate,  settle_create_step},
      {Errand::kLookStep,       CallKind::kRead,    settle_look_step},
      {Errand::kAwaitStep,      CallKind::kRead,    settle_await_step},
      {Errand::kVerifyAsset,    CallKind::kRead,    settle_verify_asset},
      {Errand::kFetchPiece,     CallKind::kElsewhere, settle_fetch_piece},
      {Errand::kProbeUrl,       CallKind::kElsewhere, settle_probe_url},
      {Errand::kSendHook,       CallKind::kStorage, settle_send_hook},
      {Errand::kAmend,          CallKind::kRead,    settle_amend},
  };
  static_assert(std::size(kRows) == budget::kErrands);
  auto const& row = kRows[static_cast<std::size_t>(errand)];
  assert(row.errand == errand);
  return row;
}
// clang-format on

}  // namespace sluice::stage

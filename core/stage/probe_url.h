// probe_url.h - part of SEND_URL: a URL that the platform is to fetch -> one whose first byte was asked for (M13, U13).
//
//   takes    items in `stable` with method url whose turn has come, before the platform is told of them
//   writes   download: probing, then probed; item: its size, its end, or that it is downloaded here (`fetch: auto`)
//   remote   GET of one byte, of the item's URL, then of where that was redirected to. Repeatable, from its beginning.
//   unknown  nothing is lost: the platform is told of the URL all the same
//   then     SEND_URL, which leaves what is not probed
//
// The platform has few calls and much to do: a page in place of a film, a URL behind which nothing is, and a file that
// is larger than it takes are refused before it is asked. Only such evidence ends an item. A host that refuses this
// host, wants a pause or does not answer may serve the platform; one that is silent is not tried for kSilence.
//
// A ranged GET, since a signature is of one method, and mostly that one: to HEAD such a URL answers 403. The host is
// somebody else's choice: the wire holds the addresses against M21, and what it may not connect to is not probed.
#pragma once

#include <chrono>

#include "core/stage/stage.h"

namespace sluice::stage {

inline constexpr Millis kSilence = std::chrono::minutes(10);

// Whether the platform may be told of the URL now; else its probe is in the air, or leaves with this turn.
bool is_probed(Context& ctx, journal::ItemRow const& item);

void settle_probe_url(Context& ctx, Landing const& landing);

}  // namespace sluice::stage

// exit_codes.h - how `sluice` ends, as the product page says in section 8. Scripts rely on them.
#pragma once

namespace sluice::cli {

inline constexpr int kFine = 0;
inline constexpr int kInternalError = 1;
inline constexpr int kUsage = 2;  // also: what this release does not support yet, and what the daemon refuses
inline constexpr int kSomeFailed = 3;
inline constexpr int kTimedOut = 5;
inline constexpr int kKeyRefused = 7;
inline constexpr int kOffline = 8;
inline constexpr int kSourceUnreadable = 9;
inline constexpr int kJournalTrouble = 10;
inline constexpr int kNoDaemon = 11;
inline constexpr int kNoSuchItem = 12;
inline constexpr int kBadConfig = 78;

}  // namespace sluice::cli

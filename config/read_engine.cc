// The keys that say how the daemon works: transfer, retry, poll, control, log.
#include "config/parts.h"

namespace sluice::config {
namespace {

constexpr std::size_t kSocketPathMax = 107;  // sockaddr_un holds 108 bytes with the NUL

}  // namespace

Transfer read_transfer(At const& at) {
  Transfer transfer;
  Section section(at);
  if (auto key = section.find("max_files")) assign(transfer.max_files, read_integer(*key, 1, 1024));
  if (auto key = section.find("max_chunks")) assign(transfer.max_chunks, read_integer(*key, 1, 1024));
  if (auto key = section.find("direct_max")) assign(transfer.direct_max_bytes, read_size(*key, 0));
  if (auto key = section.find("verify")) {
    assign(transfer.verify, read_word<Verify>(*key, {{"etag", Verify::kEtag}, {"none", Verify::kNone}}));
  }
  if (auto key = section.find("url_renew_before")) {
    assign(transfer.url_renew_before, read_duration(*key, Millis(0), std::chrono::hours(1)));
  }
  if (auto key = section.find("stall")) {
    Section stall(*key);
    if (auto below = stall.find("below")) assign(transfer.stall_below_bytes_per_s, read_rate(*below));
    if (auto span = stall.find("for")) {
      assign(transfer.stall_for, read_duration(*span, std::chrono::seconds(1), std::chrono::hours(1)));
    }
    stall.finish();
  }
  if (auto key = section.find("memory")) assign(transfer.memory_bytes, read_size(*key, kTransferMemoryMin));
  if (auto key = section.find_unless_null("bandwidth")) transfer.bandwidth = read_bandwidth(*key);
  section.finish();
  return transfer;
}

Retry read_retry(At const& at) {
  Retry retry;
  Section section(at);
  if (auto key = section.find("initial")) assign(retry.initial, read_duration(*key, Millis(1), std::chrono::hours(1)));
  if (auto key = section.find("max")) assign(retry.max, read_duration(*key, Millis(1), std::chrono::hours(24)));
  if (auto key = section.find("attempts")) assign(retry.attempts, read_integer(*key, 1, 1000));
  section.finish();
  return retry;
}

namespace {

constexpr std::uint32_t kReserveMax = 90;
constexpr std::uint64_t kCallsMax = 1'000'000'000;  // no plan has as many, and a slip of the keyboard does

GroupRateLimits read_group(At const& at, bool takes_media) {
  GroupRateLimits limits;
  Section section(at);
  if (auto key = section.find("per_minute")) assign(limits.calls_per_minute, read_integer(*key, 1, kCallsMax));
  if (auto key = section.find("per_day")) assign(limits.calls_per_day, read_integer(*key, 1, kCallsMax));
  if (takes_media) {
    auto const least = std::chrono::minutes(1);
    if (auto key = section.find("media_per_hour")) {
      assign(limits.media_per_hour, read_duration(*key, least, std::chrono::days(10'000)));
    }
    if (auto key = section.find("media_per_day")) {
      assign(limits.media_per_day, read_duration(*key, least, std::chrono::days(10'000)));
    }
  }
  section.finish();
  return limits;
}

}  // namespace

RateLimits read_rate_limits(At const& at) {
  RateLimits limits;
  Section section(at);
  if (auto key = section.find("assets")) limits.assets = read_group(*key, false);
  if (auto key = section.find("indexing")) limits.indexing = read_group(*key, true);
  if (auto key = section.find("entities")) limits.entities = read_group(*key, false);
  if (auto key = section.find("reserve")) assign(limits.reserve_percent, read_integer(*key, 0, kReserveMax));
  section.finish();
  return limits;
}

Poll read_poll(At const& at) {
  Poll poll;
  Section section(at);
  if (auto key = section.find("min")) assign(poll.min, read_duration(*key, Millis(10), std::chrono::hours(1)));
  if (auto key = section.find("max")) assign(poll.max, read_duration(*key, Millis(10), std::chrono::hours(1)));
  section.finish();
  return poll;
}

std::uint64_t read_spool(At const& at) {
  auto max_bytes = Config{}.spool_max_bytes;
  Section section(at);
  if (auto key = section.find("max")) assign(max_bytes, read_size(*key, kSpoolMin));
  section.finish();
  return max_bytes;
}

Log read_log(At const& at) {
  using Level = Log::Level;
  using Format = Log::Format;
  Log log;
  Section section(at);
  if (auto key = section.find("level")) {
    assign(log.level, read_word<Level>(*key, {{"debug", Level::kDebug},
                                              {"info", Level::kInfo},
                                              {"warning", Level::kWarning},
                                              {"error", Level::kError}}));
  }
  if (auto key = section.find("format")) {
    assign(log.format, read_word<Format>(*key, {{"auto", Format::kAuto},
                                                {"journal", Format::kJournal},
                                                {"text", Format::kText},
                                                {"json", Format::kJson}}));
  }
  section.finish();
  return log;
}

std::string read_control_socket(At const& at) {
  std::string path = Config{}.control_socket;
  Section section(at);
  if (auto key = section.find("socket")) {
    auto read = read_path(*key);
    if (read && read->size() > kSocketPathMax) {
      key->complain("is longer than the 107 bytes that a socket's path may have; choose a shorter one");
    } else {
      assign(path, std::move(read));
    }
  }
  section.not_yet("listen");
  section.not_yet("add_roots");
  section.finish();
  return path;
}

}  // namespace sluice::config

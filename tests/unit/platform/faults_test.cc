#include "core/platform/faults.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/platform/faults_codes.h"

namespace sluice::platform {
namespace {

using namespace std::chrono_literals;
using ports::Outcome;
using ports::Reply;
using ports::WireFailure;

constexpr WallTime kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + 3h;

Outcome answered(int status, std::string body = {}, std::vector<std::pair<std::string, std::string>> headers = {}) {
  return {1, Reply{status, std::move(headers), std::move(body)}, std::nullopt, 0};
}

Outcome refused(int status, std::string_view code) {
  return answered(status, R"({"code":")" + std::string(code) + R"(","message":"why"})");
}

Outcome storage_refused(int status, std::string_view code, std::string_view message = "why") {
  return answered(status, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + std::string(code) +
                              "</Code><Message>" + std::string(message) +
                              "</Message><RequestId>4442587FB7D0A2F9</RequestId></Error>");
}

Outcome failed(WireFailure::Phase phase) {
  return {1, std::unexpected(WireFailure{phase, "connection reset"}), std::nullopt, 0};
}

Error error_of(CallKind kind, Outcome outcome) {
  auto sorted = sort_outcome(kind, std::move(outcome), kNow);
  EXPECT_FALSE(sorted);
  return sorted ? Error{Fault::kLocal, "a success"} : sorted.error();
}

Fault fault_of(CallKind kind, Outcome outcome) { return error_of(kind, std::move(outcome)).fault; }

std::optional<Millis> wait_of(int status, std::vector<std::pair<std::string, std::string>> headers) {
  return error_of(CallKind::kRead, answered(status, "", std::move(headers))).retry_after;
}

struct CodeCase {
  std::string_view code;
  Fault fault;
};

// R39 and the general codes, each with its class; the status is 400, as the source assumes.
constexpr CodeCase kApiCases[] = {
    {"content_type_invalid", Fault::kRejected},
    {"multipart_boundary_missing", Fault::kRejected},
    {"invalid_multipart", Fault::kTransient},
    {"parameter_not_provided", Fault::kRejected},
    {"parameter_invalid", Fault::kRejected},
    {"media_url_unsupported_format", Fault::kRejected},
    {"media_url_not_accessible", Fault::kTransient},
    {"media_url_file_broken", Fault::kTransient},
    {"media_filesize_too_large", Fault::kRejected},
    {"video_file_broken", Fault::kRejected},
    {"audio_file_broken", Fault::kRejected},
    {"video_file_live", Fault::kRejected},
    {"video_resolution_too_low", Fault::kRejected},
    {"video_resolution_too_high", Fault::kRejected},
    {"video_resolution_invalid_aspect_ratio", Fault::kRejected},
    {"video_duration_too_short", Fault::kRejected},
    {"video_duration_too_long", Fault::kRejected},
    {"audio_duration_too_short", Fault::kRejected},
    {"audio_duration_too_long", Fault::kRejected},
    {"video_filesize_too_large", Fault::kRejected},
    {"audio_filesize_too_large", Fault::kRejected},
    {"audio_format_unsupported", Fault::kRejected},
    {"api_key_invalid", Fault::kKeyRefused},
    {"unauthorized", Fault::kKeyRefused},
    {"unauthorized_request", Fault::kKeyRefused},
    {"too_many_requests", Fault::kThrottled},
    {"usage_limit_exceeded", Fault::kThrottled},
    {"insufficient_funds", Fault::kThrottled},
    {"request_canceled_or_timed_out", Fault::kTransient},
    {"resource_not_exist", Fault::kGone},
    {"not_found", Fault::kGone},
    {"parameter_unknown", Fault::kRejected},
    {"tags_not_allowed", Fault::kRejected},
    {"token_limit_exceeded", Fault::kRejected},
    {"index_option_cannot_be_changed", Fault::kRejected},
    {"index_engine_cannot_be_changed", Fault::kRejected},
    {"index_not_supported_for_search", Fault::kRejected},
    {"index_not_supported_for_generate", Fault::kRejected},
    {"api_not_allowed", Fault::kRejected},
    {"api_allowed_for_paid_plan", Fault::kRejected},
    {"api_upgrade_required", Fault::kRejected},
    {"region_not_allowed", Fault::kRejected},
    {"index_name_already_exists", Fault::kRejected},
    {"task_cannot_be_deleted", Fault::kThrottled},
    {"redirect_uri_invalid", Fault::kRejected},
    {"redirect_uri_limit_exceeded", Fault::kRejected},
    {"source_unavailable", Fault::kTransient},
    {"source_not_authorized", Fault::kRejected},
    {"unsupported_media_type", Fault::kRejected},
};

TEST(Faults, SortEveryCodeOfR39ByItsClass) {
  for (auto const& [code, fault] : kApiCases) {
    auto const error = error_of(CallKind::kRead, refused(400, code));
    EXPECT_EQ(error.fault, fault) << code;
    EXPECT_EQ(error.code, code);
  }
}

TEST(Faults, HaveACaseForEveryRowOfTheirTables) {
  for (auto const& row : api_codes()) {
    EXPECT_EQ(std::ranges::count(kApiCases, row.code, &CodeCase::code), 1) << row.code;
  }
  EXPECT_EQ(api_codes().size(), std::size(kApiCases));
}

TEST(Faults, AreDefiniteForEveryCreateRefusedWith4xxButATimeout) {
  for (auto const& [code, fault] : kApiCases) {
    bool const timeout = code == "request_canceled_or_timed_out";
    EXPECT_EQ(fault_of(CallKind::kCreate, refused(400, code)), timeout ? Fault::kOutcomeUnknown : fault) << code;
  }
}

TEST(Faults, SortByStatusWhenTheCodeIsMissingOrUnknown) {  // R38
  struct Case {
    int status;
    Fault read, create, storage;
  };
  using enum Fault;
  constexpr Case kCases[] = {
      {400, kRejected, kRejected, kRejected},
      {401, kKeyRefused, kKeyRefused, kUrlExpired},
      {402, kRejected, kRejected, kRejected},
      {403, kRejected, kRejected, kUrlExpired},
      {404, kGone, kGone, kGone},
      {405, kRejected, kRejected, kRejected},
      {408, kTransient, kOutcomeUnknown, kTransient},
      {409, kRejected, kRejected, kRejected},
      {411, kRejected, kRejected, kRejected},
      {413, kRejected, kRejected, kRejected},
      {418, kRejected, kRejected, kRejected},
      {422, kRejected, kRejected, kRejected},
      {429, kThrottled, kThrottled, kThrottled},
      {500, kTransient, kOutcomeUnknown, kTransient},
      {502, kTransient, kOutcomeUnknown, kTransient},
      {503, kTransient, kOutcomeUnknown, kTransient},
      {504, kTransient, kOutcomeUnknown, kTransient},
      {599, kTransient, kOutcomeUnknown, kTransient},
  };
  for (auto const& it : kCases) {
    for (auto const* code : {"generic_error", "brand_new_code"}) {
      EXPECT_EQ(fault_of(CallKind::kRead, refused(it.status, code)), it.read) << it.status << code;
      EXPECT_EQ(fault_of(CallKind::kCreate, refused(it.status, code)), it.create) << it.status << code;
    }
    EXPECT_EQ(fault_of(CallKind::kRead, answered(it.status)), it.read) << it.status;
    EXPECT_EQ(fault_of(CallKind::kCreate, answered(it.status, "<html>no</html>")), it.create) << it.status;
    EXPECT_EQ(fault_of(CallKind::kStorage, answered(it.status)), it.storage) << it.status;
    EXPECT_EQ(fault_of(CallKind::kStorage, answered(it.status, "<Error><Code>Unheard</Code></Error>")), it.storage)
        << it.status;
  }
}

TEST(Faults, LeaveNoStatusUndefined) {
  for (auto const kind : {CallKind::kRead, CallKind::kCreate, CallKind::kStorage}) {
    for (int status = -1; status < 1000; ++status) {
      auto const sorted = sort_outcome(kind, answered(status), kNow);
      EXPECT_EQ(sorted.has_value(), status >= 200 && status <= 299) << status;
      if (!sorted && (status < 400 || status > 599)) {
        EXPECT_EQ(sorted.error().fault, Fault::kProtocol) << status;
      }
    }
  }
}

struct StorageCase {
  int status;
  std::string_view code;
  Fault fault;
};

constexpr StorageCase kStorageCases[] = {
    // R31, row by row.
    {403, "AccessDenied", Fault::kUrlExpired},
    {403, "SignatureDoesNotMatch", Fault::kUrlExpired},
    {403, "RequestTimeTooSkewed", Fault::kUrlExpired},
    {403, "InvalidAccessKeyId", Fault::kUrlExpired},
    {400, "ExpiredToken", Fault::kUrlExpired},
    {400, "InvalidToken", Fault::kUrlExpired},
    {400, "RequestTimeout", Fault::kTransient},
    {400, "IncompleteBody", Fault::kTransient},
    {400, "BadDigest", Fault::kTransient},
    {400, "InvalidDigest", Fault::kTransient},
    {400, "EntityTooLarge", Fault::kRejected},
    {400, "EntityTooSmall", Fault::kRejected},
    {404, "NoSuchUpload", Fault::kGone},
    {411, "MissingContentLength", Fault::kRejected},
    {501, "NotImplemented", Fault::kRejected},
    {500, "InternalError", Fault::kTransient},
    {503, "SlowDown", Fault::kThrottled},
    {503, "ServiceUnavailable", Fault::kThrottled},
};

TEST(Faults, SortEveryRowOfR31) {
  for (auto const& [status, code, fault] : kStorageCases) {
    auto const error = error_of(CallKind::kStorage, storage_refused(status, code));
    EXPECT_EQ(error.fault, fault) << code;
    EXPECT_EQ(error.code, code);
    EXPECT_EQ(error.request_id, "4442587FB7D0A2F9");
  }
  for (auto const& row : storage_codes()) {
    EXPECT_EQ(std::ranges::count(kStorageCases, row.code, &StorageCase::code), 1) << row.code;
  }
}

TEST(Faults, TakeA403OfTheStorageWithoutReadableBodyForAnExpiredUrl) {
  for (auto const* body : {"", "<html>denied</html>", "<Error><Code>AccessDen"}) {
    EXPECT_EQ(fault_of(CallKind::kStorage, answered(403, body)), Fault::kUrlExpired) << body;
  }
}

TEST(Faults, DoNotReadTheStoragesCodesFromTheApiNorTheOtherWay) {
  EXPECT_EQ(fault_of(CallKind::kRead, refused(400, "NoSuchUpload")), Fault::kRejected);
  EXPECT_EQ(fault_of(CallKind::kStorage, storage_refused(400, "too_many_requests")), Fault::kRejected);
}

TEST(Faults, SayHowOftenARefusalMayBeRepeated) {
  auto const repeats = [](CallKind kind, Outcome outcome) { return repeats_max(error_of(kind, std::move(outcome))); };
  EXPECT_EQ(repeats(CallKind::kCreate, refused(400, "invalid_multipart")), 1u);
  EXPECT_EQ(repeats(CallKind::kCreate, refused(400, "parameter_invalid")), 2u);
  EXPECT_EQ(repeats(CallKind::kCreate, refused(400, "media_url_file_broken")), 1u);
  EXPECT_EQ(repeats(CallKind::kStorage, storage_refused(400, "BadDigest")), 1u);
  EXPECT_EQ(repeats(CallKind::kStorage, storage_refused(403, "SignatureDoesNotMatch")), 1u);
  EXPECT_EQ(repeats(CallKind::kStorage, storage_refused(403, "AccessDenied", "Access Denied")), 1u);
  EXPECT_EQ(repeats(CallKind::kStorage, storage_refused(403, "AccessDenied", "Request has expired")), std::nullopt);
  EXPECT_EQ(repeats(CallKind::kRead, refused(500, "generic_error")), std::nullopt);
}

TEST(Faults, LetTheStatusDecideWhereItHasOneMeaning) {
  EXPECT_EQ(fault_of(CallKind::kRead, refused(401, "parameter_invalid")), Fault::kKeyRefused);
  EXPECT_EQ(fault_of(CallKind::kRead, refused(404, "generic_error")), Fault::kGone);
  EXPECT_EQ(fault_of(CallKind::kRead, refused(429, "parameter_invalid")), Fault::kThrottled);
  EXPECT_EQ(fault_of(CallKind::kRead, refused(500, "parameter_invalid")), Fault::kTransient);
  EXPECT_EQ(fault_of(CallKind::kCreate, refused(500, "parameter_invalid")), Fault::kOutcomeUnknown);
  EXPECT_EQ(fault_of(CallKind::kCreate, refused(503, "too_many_requests")), Fault::kOutcomeUnknown);
}

TEST(Faults, LetTheCodeDecideInOther4xx) {
  EXPECT_EQ(fault_of(CallKind::kRead, refused(403, "api_key_invalid")), Fault::kKeyRefused);
  EXPECT_EQ(fault_of(CallKind::kRead, refused(403, "usage_limit_exceeded")), Fault::kThrottled);
  EXPECT_EQ(fault_of(CallKind::kRead, refused(422, "resource_not_exist")), Fault::kGone);
}

TEST(Faults, ReadTheSecondEnvelopeToo) {
  auto const error =
      error_of(CallKind::kRead, answered(400, R"({"error":{"code":"not_found","message":"no","details":{}}})"));
  EXPECT_EQ(error.fault, Fault::kGone);
  EXPECT_EQ(error.text, "HTTP 400 not_found: no");
}

TEST(Faults, SurviveRefusalsThatAreInNoEnvelope) {
  for (auto const* body : {"", "null", "[]", "7", R"({"code":7,"message":["x"]})", R"({"error":null})",
                           R"({"error":"no"})", "echo: bind error", "<html>", "\xFF\xFE"}) {
    EXPECT_EQ(fault_of(CallKind::kRead, answered(400, body)), Fault::kRejected) << body;
    EXPECT_EQ(fault_of(CallKind::kStorage, answered(400, body)), Fault::kRejected) << body;
  }
}

// Its code would have decided, and is not there: no refusal for good, and for a create no doubt either.
TEST(Faults, TakeARefusalThatBrokeOffForNoFinalWord) {
  for (auto const kind : {CallKind::kRead, CallKind::kCreate})
    EXPECT_EQ(fault_of(kind, answered(400, R"({"code":"parameter_unk)")), Fault::kProtocol);
}

TEST(Faults, QuoteARawTextAsTheMessage) {  // R39, "echo bind error"
  EXPECT_EQ(error_of(CallKind::kCreate, answered(400, "code=400, message=bind\n")).text,
            "HTTP 400: code=400, message=bind");
}

TEST(Faults, TellAMarkupBodyByItsType) {
  auto const error =
      error_of(CallKind::kRead, answered(502, "<html>bad gateway</html>", {{"content-type", "text/html"}}));
  EXPECT_EQ(error.text, "HTTP 502 with a body of text/html");
}

// B7: the sign-in page of a hotel is no answer of the platform, and no proof that a create did not happen.
TEST(Faults, DoNotTakeACaptivePortalForThePlatform) {
  for (auto const& reply : {answered(200, "<html>sign in</html>", {{"content-type", "Text/HTML; charset=utf-8"}}),
                            answered(511, "{}", {{"content-type", "application/json"}})}) {
    EXPECT_EQ(fault_of(CallKind::kRead, reply), Fault::kOffline);
    EXPECT_EQ(fault_of(CallKind::kCreate, reply), Fault::kOutcomeUnknown);
    EXPECT_EQ(error_of(CallKind::kCreate, reply).code, kNotThePlatform);
  }
  for (auto const* body : {"", "{}"})
    EXPECT_TRUE(sort_outcome(CallKind::kRead, answered(200, body, {{"content-type", "text/html"}}), kNow))
        << "a server may put that type on anything";
  EXPECT_TRUE(sort_outcome(CallKind::kStorage, answered(200, "", {{"content-type", "text/html"}}), kNow))
      << "a storage may name any type for its empty answer";
}

TEST(Faults, BoundTheMessageAndMakeItPrintable) {
  auto const error =
      error_of(CallKind::kRead, answered(400, R"({"code":"x\ny","message":"a\nb)" + std::string(900, 'c') + "\"}"));
  EXPECT_EQ(error.code, "x\\x0ay");
  EXPECT_TRUE(error.text.starts_with("HTTP 400 x\\x0ay: a\\x0abccc"));
  EXPECT_LE(error.text.size(), std::string("HTTP 400 x\\x0ay: ").size() + 300);
}

TEST(Faults, HideTheQueriesOfUrlsInMessages) {
  auto const message = std::string("GET 'https://u:p@h/v.mp4?sig=secret' and http://k/?t=secret2");
  auto const body = R"({"code":"media_url_not_accessible","message":")" + message + "\"}";
  auto const error = error_of(CallKind::kCreate, answered(400, body));
  EXPECT_EQ(error.text, "HTTP 400 media_url_not_accessible: GET 'https://h/v.mp4' and http://k/");
}

TEST(Faults, TakeTheRequestIdFromTheHeaders) {
  EXPECT_EQ(error_of(CallKind::kRead, answered(500, "", {{"x-request-id", "r-1"}})).request_id, "r-1");
  EXPECT_EQ(error_of(CallKind::kStorage, answered(500, "", {{"x-amz-request-id", "a-1"}})).request_id, "a-1");
}

TEST(Faults, TellACallThatNeverLeftFromOneThatWasCut) {
  for (auto const kind : {CallKind::kRead, CallKind::kCreate, CallKind::kStorage}) {
    EXPECT_EQ(fault_of(kind, failed(WireFailure::Phase::kBeforeSend)), Fault::kOffline);
  }
  EXPECT_EQ(fault_of(CallKind::kRead, failed(WireFailure::Phase::kAfterSend)), Fault::kTransient);
  EXPECT_EQ(fault_of(CallKind::kCreate, failed(WireFailure::Phase::kAfterSend)), Fault::kOutcomeUnknown);
  EXPECT_EQ(fault_of(CallKind::kStorage, failed(WireFailure::Phase::kAfterSend)), Fault::kTransient);
}

TEST(Faults, LetTheBodysOwnErrorWin) {
  auto cut = failed(WireFailure::Phase::kAfterSend);
  cut.body_error = Error{Fault::kSourceChanged, "torn", "source_changed"};
  EXPECT_EQ(fault_of(CallKind::kCreate, cut), Fault::kSourceChanged);
  auto fine = answered(200);
  fine.body_error = Error{Fault::kSourceIo, "EIO"};
  EXPECT_EQ(fault_of(CallKind::kStorage, fine), Fault::kSourceIo);
}

TEST(Faults, ReturnTheReplyOfASuccess) {
  for (int const status : {200, 201, 202, 204}) {
    auto const reply = sort_outcome(CallKind::kCreate, answered(status, "body"), kNow);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->body, "body");
  }
}

TEST(RetryAfter, IsReadAsSeconds) {
  EXPECT_EQ(wait_of(429, {{"retry-after", "30"}}), 30s);
  EXPECT_EQ(wait_of(503, {{"retry-after", " 0 "}}), 0s);
}

TEST(RetryAfter, IsReadAsADateAgainstThePlatformsOwnClock) {
  EXPECT_EQ(wait_of(429, {{"retry-after", "Sun, 22 Nov 2026 03:01:00 GMT"}}), 60s);  // kNow is 03:00
  EXPECT_EQ(wait_of(429, {{"date", "Sun, 22 Nov 2026 02:00:00 GMT"}, {"retry-after", "Sun, 22 Nov 2026 02:00:07 GMT"}}),
            7s);
}

TEST(RetryAfter, IgnoresGarbageAndThePast) {
  for (auto const* value : {"", "-5", "soon", "1.5", "0x10", "30 s", "Sun, 22 Nov 2026 02:59:59 GMT"}) {
    EXPECT_EQ(wait_of(429, {{"retry-after", value}}), std::nullopt) << value;
  }
}

TEST(RetryAfter, IsCutToOneDay) {
  EXPECT_EQ(wait_of(429, {{"retry-after", "86401"}}), 24h);
  EXPECT_EQ(wait_of(429, {{"retry-after", "99999999999999999999999"}}), 24h);
  EXPECT_EQ(wait_of(429, {{"retry-after", "Sun, 22 Nov 2099 03:01:00 GMT"}}), 24h);
  EXPECT_EQ(wait_of(429, {{"x-ratelimit-reset", "9223372036854775807"}}), 24h);
}

TEST(RetryAfter, FallsBackOnTheRateLimitsReset) {
  auto const reset = std::to_string(to_unix_ms(kNow + 42s) / 1000);
  EXPECT_EQ(wait_of(429, {{"x-ratelimit-reset", reset}}), 42s);
  EXPECT_EQ(wait_of(429, {{"retry-after", "garbage"}, {"x-ratelimit-reset", reset}}), 42s);
  EXPECT_EQ(wait_of(429, {{"retry-after", "3"}, {"x-ratelimit-reset", reset}}), 3s);
  EXPECT_EQ(wait_of(429, {{"x-ratelimit-reset", "30"}}), std::nullopt);   // long ago
  EXPECT_EQ(wait_of(500, {{"x-ratelimit-reset", reset}}), std::nullopt);  // not about the rate
}

TEST(RetryAfter, IsAnHourForAnExhaustedPlanUnlessItIsSaid) {
  for (auto const* code : {"usage_limit_exceeded", "insufficient_funds"}) {
    EXPECT_EQ(error_of(CallKind::kCreate, refused(400, code)).retry_after, 1h) << code;
  }
  auto said = refused(429, "usage_limit_exceeded");
  said.answer->headers = {{"retry-after", "7200"}};
  EXPECT_EQ(error_of(CallKind::kCreate, said).retry_after, 2h);
}

TEST(RateReset, IsAWaitWhereTheLastCallOfAQuotaWasSpent) {
  auto const spent = [](std::string const& remaining, std::string const& reset) {
    ports::Reply reply{.status = 200, .headers = {}, .body = {}};
    if (!remaining.empty()) reply.headers.emplace_back("x-ratelimit-remaining", remaining);
    if (!reset.empty()) reply.headers.emplace_back("x-ratelimit-reset", reset);
    return wait_when_spent(reply, from_unix_ms(1'000'000'000'000));
  };
  EXPECT_EQ(spent("0", "1000000060"), Millis(60'000));
  EXPECT_FALSE(spent("1", "1000000060"));
  EXPECT_FALSE(spent("0", ""));
  EXPECT_FALSE(spent("", "1000000060"));
  EXPECT_FALSE(spent("0", "999999999")) << "it is over";
  EXPECT_FALSE(spent("none", "1000000060"));
  EXPECT_EQ(spent("0", "9000000000"), Millis(86'400'000)) << "no header holds a group for longer than a day";
}

TEST(ClockOffset, IsTheDateHeaderLessNow) {
  EXPECT_EQ(clock_offset(Reply{200, {{"date", "Sun, 22 Nov 2026 03:00:40 GMT"}}, ""}, kNow), 40s);
  EXPECT_EQ(clock_offset(Reply{200, {{"date", "Sun, 22 Nov 2026 02:59:00 GMT"}}, ""}, kNow), -60s);
  EXPECT_EQ(clock_offset(Reply{200, {{"date", "today"}}, ""}, kNow), std::nullopt);
  EXPECT_EQ(clock_offset(Reply{200, {}, ""}, kNow), std::nullopt);
}

TEST(RefusesMetadata, KnowsTheCodesThatSaySo) {
  EXPECT_TRUE(refuses_metadata(error_of(CallKind::kCreate, refused(400, "parameter_unknown"))));
  EXPECT_TRUE(refuses_metadata(error_of(CallKind::kCreate, refused(400, "tags_not_allowed"))));
  EXPECT_FALSE(refuses_metadata(error_of(CallKind::kCreate, refused(400, "parameter_invalid"))));
  EXPECT_FALSE(refuses_metadata(error_of(CallKind::kCreate, refused(500, "parameter_unknown"))));
}

}  // namespace
}  // namespace sluice::platform

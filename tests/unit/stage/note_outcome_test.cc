// What a landed call says beyond its own row: one row of a table for each fault.
#include "core/stage/note_outcome.h"

#include "core/platform/faults.h"
#include "tests/unit/stage/stage_fixture.h"

namespace sluice::stage {
namespace {

using namespace std::chrono_literals;
using budget::Errand;
using budget::Flight;
using budget::Group;

constexpr std::size_t kCallsMax = 1000;

Error error_of(Fault fault, std::string code = "") {
  return {.fault = fault, .text = "words", .code = std::move(code)};
}

class NoteOutcome : public StageTest {
 protected:
  struct Landed {
    Result<ports::Reply> reply;
    bool answered = false;
    std::uint64_t ticket = 1;
  };
  void note(Flight const& flight, Landed landed) {
    within([&](Context& ctx) { note_surroundings(ctx, landing(flight, std::move(landed))); });
  }
  static Landing landing(Flight const& flight, Landed landed) {
    return {.flight = flight,
            .reply = std::move(landed.reply),
            .bytes_sent = 0,
            .answered = landed.answered,
            .ticket = landed.ticket};
  }
  static Flight about(journal::RowId item, Group group = Group::kAssets) {
    return {.errand = Errand::kAwaitAsset, .group = group, .row = item, .item = item};
  }
  static Flight put(std::string host) {
    return {.errand = Errand::kPutChunk, .group = Group::kStorage, .row = 1, .item = 1, .host = std::move(host)};
  }
  // As many calls about different items as open a breaker.
  void fail_for_all(Error const& error) {
    for (journal::RowId item = 1; item <= 30; ++item) note(about(item), {std::unexpected(error)});
  }
  bool is_open(Group group = Group::kAssets) const { return traffic.breaker(group).open_since().has_value(); }
  Spread spread(Flight const& flight, Error const& error) {
    std::optional<Spread> found;
    within([&](Context& ctx) { found = spread_of(ctx, landing(flight, {std::unexpected(error)})); });
    return *found;
  }
  std::size_t told(std::string const& part) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        log.lines, [&](auto const& line) { return line.second.find(part) != std::string::npos; }));
  }
};

struct FaultRow {
  Fault fault;
  char const* code;
  bool opens_the_breaker;  // when it meets everybody
  bool closes_it;          // it is an answer, and the service works
  bool gives_back_media;   // nothing was handed in
  bool gives_back_call;    // nothing arrived
};

FaultRow const kRows[] = {
    {Fault::kOffline, "", false, false, true, true},
    {Fault::kTransient, "", true, false, false, false},
    {Fault::kTransient, platform::kHung, false, false, false, false},
    {Fault::kProtocol, "", true, false, false, false},
    {Fault::kProtocol, platform::kNotThePlatform, false, false, false, false},
    {Fault::kOutcomeUnknown, "", true, false, false, false},
    {Fault::kThrottled, "", false, false, true, false},
    {Fault::kKeyRefused, "", false, false, true, false},
    {Fault::kUrlExpired, "", false, true, true, false},
    {Fault::kGone, "", false, true, true, false},
    {Fault::kRejected, "", false, true, true, false},
    {Fault::kCorrupt, "", false, false, false, false},
    {Fault::kSourceIo, "", false, false, false, false},
    {Fault::kSourceChanged, "", false, false, false, false},
    {Fault::kLocal, "", false, false, false, false},
};

class NoteEach : public NoteOutcome, public testing::WithParamInterface<FaultRow> {
 protected:
  Error error() const { return error_of(GetParam().fault, GetParam().code); }
};

TEST_P(NoteEach, OpensTheBreakerOnlyWhenTheServiceMayHaveFailed) {
  fail_for_all(error());
  EXPECT_EQ(is_open(), GetParam().opens_the_breaker);
  EXPECT_EQ(told("fail for one after the other"), GetParam().opens_the_breaker ? 1u : 0u) << "said once";
}

TEST_P(NoteEach, ClosesItWhenItIsAnAnswer) {
  fail_for_all(error_of(Fault::kTransient));
  ASSERT_TRUE(is_open());
  note(about(1), {std::unexpected(error()), true});
  EXPECT_EQ(is_open(), !GetParam().closes_it);
  EXPECT_EQ(told("work again"), GetParam().closes_it ? 1u : 0u);
}

TEST_P(NoteEach, GivesBackWhatItDidNotCost) {
  using Of = budget::Allowance::Of;
  auto const spent = [&](Of of) {
    for (auto const& part : traffic.allowance(Group::kIndexing).parts())
      if (part.of == of) return part.quota.spent(now);
    throw std::runtime_error("no such part");
  };
  traffic.allow(Group::kIndexing, {.calls_per_day = 10, .media_per_day = 1h});
  auto flight = about(1, Group::kIndexing);
  flight.media = 10min;
  within([&](Context& ctx) { ctx.traffic.send(flight, {}, now); });
  auto const sent = traffic.flights(Errand::kAwaitAsset).at(0).second;
  ASSERT_EQ(spent(Of::kCallsPerDay), 1u);
  ASSERT_EQ(spent(Of::kMediaPerDay), 600'000u);
  within([&](Context& ctx) { note_cost(ctx, landing(sent, {std::unexpected(error())})); });
  EXPECT_EQ(spent(Of::kCallsPerDay), GetParam().gives_back_call ? 0u : 1u);
  EXPECT_EQ(spent(Of::kMediaPerDay), GetParam().gives_back_media ? 0u : 600'000u);
}

INSTANTIATE_TEST_SUITE_P(Faults, NoteEach, testing::ValuesIn(kRows), [](auto const& row) {
  auto name = std::string(name_of(row.param.fault)) + "_" + row.param.code;
  std::erase_if(name, [](char c) { return c != '_' && std::isalnum(static_cast<unsigned char>(c)) == 0; });
  return name;
});

TEST_F(NoteOutcome, SaysNothingOfABreakerThatIsClosed) {
  note(about(1), {reply("{}"), true});
  note(about(1), {std::unexpected(error_of(Fault::kRejected)), true});
  EXPECT_TRUE(log.lines.empty());
}

TEST_F(NoteOutcome, DoesNotBlameThePlatformForTheHostsThatUrlsName) {
  auto const error = error_of(Fault::kTransient, "media_url_not_accessible");
  fail_for_all(error);
  EXPECT_FALSE(is_open());
  EXPECT_EQ(spread(about(1), error), Spread::kOne);
  fail_for_all(error_of(Fault::kTransient));
  EXPECT_TRUE(is_open());
  note(about(1), {std::unexpected(error)});
  EXPECT_FALSE(is_open()) << "the platform answered";
}

TEST_F(NoteOutcome, CallsAFailureThatMeetsSeveralItemsTheirs) {
  auto const error = error_of(Fault::kTransient);
  note(about(1), {std::unexpected(error)});
  EXPECT_EQ(spread(about(1), error), Spread::kOne);
  note(about(2), {std::unexpected(error)});
  EXPECT_EQ(spread(about(2), error), Spread::kSeveral);
  EXPECT_EQ(spread(about(2), error_of(Fault::kRejected)), Spread::kOne) << "a refusal is about its own item";
}

TEST_F(NoteOutcome, CallsAHostThatIsLostEverybodysMatterAndNoOthers) {
  auto const lost = error_of(Fault::kOffline);
  EXPECT_EQ(spread(put("one"), lost), Spread::kOne);
  for (int i = 0; i < 3; ++i) note(put("one"), {std::unexpected(lost)});
  EXPECT_EQ(spread(put("one"), lost), Spread::kAll);
  EXPECT_EQ(spread(put("two"), lost), Spread::kOne) << "another host of the storage";
  EXPECT_EQ(spread(about(1), lost), Spread::kOne) << "nor the API's";
  EXPECT_EQ(told("the storage one cannot be reached"), 1u);
}

TEST_F(NoteOutcome, HearsAHostOnlyByAnAnswer) {
  for (int i = 0; i < 3; ++i) note(put("one"), {std::unexpected(error_of(Fault::kOffline))});
  note(put("one"), {std::unexpected(error_of(Fault::kTransient)), false});  // cut
  EXPECT_TRUE(traffic.storage().at("one").down_since()) << "nobody was heard";
  note(put("one"), {std::unexpected(error_of(Fault::kTransient)), true});  // 500
  EXPECT_FALSE(traffic.storage().contains("one"));
  EXPECT_EQ(told("the storage one can be reached again"), 1u);
}

// The key is tried alone after a minute, then after two.
TEST_F(NoteOutcome, TriesARefusedKeyNoSoonerForAProbeThatSaidNothingOfIt) {
  auto const may = [&] { return traffic.may_call(Group::kAssets, now, kCallsMax); };
  auto const probe = [&](Error const& error) {
    auto const ticket = traffic.flights(Errand::kAwaitAsset).at(0).first;
    note(about(1), {std::unexpected(error), true, ticket});
    within([&](Context& ctx) { ctx.traffic.landed(ticket); });
  };
  auto const send = [&] { within([&](Context& ctx) { ctx.traffic.send(about(1), {}, now); }); };
  send();
  probe(error_of(Fault::kKeyRefused));
  EXPECT_FALSE(may());
  now += 1min;
  ASSERT_TRUE(may());
  send();
  EXPECT_FALSE(may()) << "one alone";
  probe(error_of(Fault::kTransient));  // a server error: neither yes nor no
  EXPECT_TRUE(traffic.key_refused_since());
  EXPECT_FALSE(may()) << "not at once";
  now += 2min;
  ASSERT_TRUE(may());
  send();
  probe(error_of(Fault::kRejected));  // refused for what it asks, not for its key
  EXPECT_FALSE(traffic.key_refused_since());
  EXPECT_TRUE(may());
  EXPECT_EQ(told("refuses the API key"), 1u);
  EXPECT_EQ(told("the API key works again"), 1u);
}

TEST_F(NoteOutcome, DoesNotTakeAServerErrorForARefusedKey) {
  note(about(1), {std::unexpected(error_of(Fault::kTransient)), true});
  EXPECT_FALSE(traffic.key_refused_since());
  EXPECT_EQ(told("API key"), 0u);
}

// A refused chunk asks for fewer connections; a refused call does not.
TEST_F(NoteOutcome, HalvesTheChunksInTheAirWhenTheStorageRefusesForItsRate) {
  auto const room = [&] { return traffic.concurrency().limit(policy.chunks_max); };
  auto const before = room();
  note(about(1), {std::unexpected(error_of(Fault::kThrottled)), true});
  EXPECT_EQ(room(), before);
  EXPECT_TRUE(traffic.paused_until(Group::kAssets, now));
  note(put("one"), {std::unexpected(error_of(Fault::kThrottled)), true});
  EXPECT_LT(room(), before);
  EXPECT_FALSE(traffic.key_refused_since());
}

}  // namespace
}  // namespace sluice::stage

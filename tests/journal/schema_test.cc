// The words of states.h and of the schema are the same ones, and the schema is the one that was stored.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <utility>

#include "core/journal/columns.h"
#include "core/journal/open.h"
#include "tests/journal/samples.h"

namespace sluice::journal {
namespace {

using testing::ElementsAreArray;

// Until schema 1 is released, a change of it is stored anew by running these tests once with
// SLUICE_STORE_SCHEMA=1; after that, a change is a new migration with a schema-2.sql of its own.
std::filesystem::path stored(std::string const& name) {
  return std::filesystem::path(SLUICE_SOURCE_DIR) / "tests/journal" / name;
}
bool storing() { return std::getenv("SLUICE_STORE_SCHEMA") != nullptr; }

std::string content_of(std::filesystem::path const& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

void store(std::filesystem::path const& file, std::string const& text) {
  std::ofstream(file, std::ios::binary) << text;
}

std::string dump_schema(Database& database) {
  auto statement = database.statement("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid");
  std::string text;
  while (statement.next()) text += statement.take_text() + ";\n";
  return text;
}

// The whole database as SQL, in the manner of the shell's .dump.
std::string dump_all(Database& database) {
  auto text = "PRAGMA application_id = " + std::to_string(database.integer("PRAGMA application_id")) +
              ";\nPRAGMA user_version = " + std::to_string(database.integer("PRAGMA user_version")) + ";\n" +
              dump_schema(database);
  auto tables = database.statement("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid");
  while (tables.next()) {
    auto const table = tables.take_text();
    auto columns = database.statement(
        "SELECT group_concat('quote(' || name || ')', ' || '','' || ') FROM pragma_table_info('" + table + "')");
    columns.next();
    auto rows = database.statement("SELECT " + columns.take_text() + " FROM " + table);
    while (rows.next()) text += "INSERT INTO " + table + " VALUES (" + rows.take_text() + ");\n";
  }
  return text;
}

// The words that the CHECK of `table.column` lets in, in the order of the schema.
std::vector<std::string> checked_words(Database& database, std::string const& table, std::string const& column) {
  auto const sql = database.text("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = '" + table + "'");
  auto const check = sql.find("CHECK (" + column + " IN");
  if (check == std::string::npos) return {};
  auto const end = sql.find("))", check);
  std::vector<std::string> words;
  for (auto quote = sql.find('\'', check); quote < end; quote = sql.find('\'', quote + 1)) {
    auto const begin = quote + 1;
    quote = sql.find('\'', begin);
    words.push_back(sql.substr(begin, quote - begin));
  }
  return words;
}

template <class Enum>
std::vector<std::string> words_up_to(Enum last) {
  std::vector<std::string> words;
  for (int i = 0; i <= static_cast<int>(last); ++i) words.emplace_back(word(static_cast<Enum>(i)));
  return words;
}

class Schema : public testing::Test {
 protected:
  Scratch scratch_;
  std::unique_ptr<Database> database_ = open_database(scratch_.file(), migrations());
};

TEST_F(Schema, ChecksTheVeryWordsOfTheEnums) {
  EXPECT_THAT(checked_words(*database_, "item", "state"), ElementsAreArray(words_up_to(ItemState::kSkipped)));
  EXPECT_THAT(checked_words(*database_, "session", "state"), ElementsAreArray(words_up_to(SessionState::kAbandoned)));
  EXPECT_THAT(checked_words(*database_, "chunk", "state"), ElementsAreArray(words_up_to(ChunkState::kReported)));
  EXPECT_THAT(checked_words(*database_, "step", "state"), ElementsAreArray(words_up_to(StepState::kFailed)));
  EXPECT_THAT(checked_words(*database_, "named", "state"), ElementsAreArray(words_up_to(NamedState::kPresent)));
  EXPECT_THAT(checked_words(*database_, "step", "kind"), ElementsAreArray(words_up_to(StepKind::kEntity)));
  EXPECT_THAT(checked_words(*database_, "named", "kind"), ElementsAreArray(words_up_to(NamedKind::kEntity)));
  EXPECT_THAT(checked_words(*database_, "act", "state"), ElementsAreArray(words_up_to(ActState::kRefused)));
  EXPECT_THAT(checked_words(*database_, "act", "kind"), ElementsAreArray(words_up_to(ActKind::kAmend)));
}

TEST_F(Schema, EveryCheckedWordParsesBackToItself) {
  for (auto const& text : checked_words(*database_, "item", "state")) EXPECT_EQ(word(item_state(text)), text);
  for (auto const& text : checked_words(*database_, "session", "state")) EXPECT_EQ(word(session_state(text)), text);
  for (auto const& text : checked_words(*database_, "chunk", "state")) EXPECT_EQ(word(chunk_state(text)), text);
  for (auto const& text : checked_words(*database_, "step", "state")) EXPECT_EQ(word(step_state(text)), text);
  for (auto const& text : checked_words(*database_, "named", "state")) EXPECT_EQ(word(named_state(text)), text);
  for (auto const& text : checked_words(*database_, "step", "kind")) EXPECT_EQ(word(step_kind(text)), text);
  for (auto const& text : checked_words(*database_, "named", "kind")) EXPECT_EQ(word(named_kind(text)), text);
  for (auto const& text : checked_words(*database_, "act", "state")) EXPECT_EQ(word(act_state(text)), text);
  for (auto const& text : checked_words(*database_, "act", "kind")) EXPECT_EQ(word(act_kind(text)), text);
}

TEST_F(Schema, HasTheVeryColumnsOfTheRows) {
  auto const columns = [&](std::string const& table) {
    return database_->text("SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_table_info('" + table +
                           "') ORDER BY name)");
  };
  auto const rows = [](std::string listed) {
    std::set<std::string> names;
    for (std::size_t begin = 0, end = 0; end != std::string::npos; begin = end + 2) {
      end = listed.find(", ", begin);
      names.insert(listed.substr(begin, end - begin));
    }
    std::string sorted;
    for (auto const& name : names) sorted += (sorted.empty() ? "" : ", ") + name;
    return sorted;
  };
  EXPECT_EQ(columns("item"), rows("id, " + columns_of<ItemRow>().listed));
  EXPECT_EQ(columns("session"), rows("id, " + columns_of<SessionRow>().listed));
  EXPECT_EQ(columns("chunk"), rows("session_id, chunk_index, " + columns_of<ChunkRow>().listed));
  EXPECT_EQ(columns("named"), rows("id, " + columns_of<NamedRow>().listed));
  EXPECT_EQ(columns("step"), rows("id, " + columns_of<StepRow>().listed));
  EXPECT_EQ(columns("act"), rows("id, " + columns_of<ActRow>().listed));
}

TEST_F(Schema, IsTheStoredOne) {
  auto const fresh = dump_schema(*database_);
  auto const file = stored("schema-" + std::to_string(migrations().back().number) + ".sql");
  if (storing()) store(file, fresh);
  EXPECT_EQ(content_of(file), fresh) << "see stored() in this file";
}

TEST_F(Schema, NumbersItsMigrationsWithoutGaps) {
  int expected = 1;
  for (auto const& migration : migrations()) EXPECT_EQ(migration.number, expected++) << migration.name;
}

TEST_F(Schema, CarriesOurApplicationIdAndVersion) {
  EXPECT_EQ(database_->integer("PRAGMA application_id"), kApplicationId);
  EXPECT_EQ(database_->integer("PRAGMA user_version"), migrations().back().number);
}

TEST(SavedJournal, OfSchema1IsOpenedAndRead) {
  Scratch scratch;
  auto const file = stored("saved-1.sql");
  if (storing()) {
    {
      Journal journal(scratch.folder() / "new.db");
      journal.begin();
      auto const item = journal.insert(full_item());
      auto const session = journal.insert(full_session(item));
      journal.insert_chunks(session, 2, at(kNoon));
      journal.update(full_chunk(session, 1), ChunkState::kNeedsUrl, item, at(kNoon));
      auto const named = journal.ensure_named(full_named(0));
      journal.insert(full_step(item, named.id));
      journal.insert(full_act(item));
      journal.add_event({0, at(kNoon), item, "item", "opened", "failed", "note"});
      journal.set_meta("key", "value");
      journal.insert(UnclaimedRow{.identity = "0123456789abcdef", .client_op = "tag", .asset_id = "kept"});
      journal.commit();
    }
    store(file, dump_all(*open_database(scratch.folder() / "new.db", migrations())));
  }
  std::ofstream(scratch.file()).close();
  Database(scratch.file().string()).run(content_of(file));

  Journal journal(scratch.file());
  auto const items = journal.items_by_prefix("0000", 10);
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(items[0].path, kOddBytes + ".mp4");
  EXPECT_EQ(items[0].effort.last_error, "503 from the platform");
  ASSERT_EQ(journal.sessions_of(items[0].id).size(), 1u);
  EXPECT_EQ(journal.chunk(journal.sessions_of(items[0].id)[0].id, 1)->state, ChunkState::kHasUrl);
  EXPECT_EQ(journal.steps_of(items[0].id).at(0).reason, "refused");
  EXPECT_EQ(journal.acts_of(items[0].id).at(0).target_path, kOddBytes + ".mp4");
  EXPECT_EQ(journal.named_in(NamedState::kWanted).at(0).name, "Ada \"the first\"");
  EXPECT_EQ(journal.events_of(items[0].id, 10).size(), 1u);
  EXPECT_EQ(journal.meta("key"), "value");
  EXPECT_EQ(journal.unclaimed("0123456789abcdef")->asset_id, "kept");
}

TEST(Views, NameTheStageThatStageOfNames) {
  Scratch scratch;
  {
    Journal journal(scratch.file());
    journal.begin();
    std::int64_t number = 0;
    for (int i = 0; i <= static_cast<int>(ItemState::kSkipped); ++i)
      for (bool const indexing : {false, true}) {
        auto const item = journal.insert(item_in(static_cast<ItemState>(i), ++number));
        if (indexing) journal.insert(step_of(item, 0, StepKind::kIndex));
        journal.insert(step_of(item, 1, StepKind::kEntity));
      }
    journal.commit();
  }
  auto const database = open_database(scratch.file(), migrations());
  auto rows = database->statement(
      "SELECT v.stage, v.state, EXISTS (SELECT 1 FROM step WHERE item_id = i.id AND kind = 'index') "
      "FROM v_items v JOIN item i ON i.ulid = v.id");
  int seen = 0;
  while (rows.next()) {
    auto const stage = rows.take_text();
    auto const state = rows.take_text();
    auto const indexing = rows.take<int>() != 0;
    EXPECT_EQ(stage, word(stage_of(item_state(state), indexing))) << state;
    ++seen;
  }
  EXPECT_EQ(seen, 26);
}

TEST(Views, CountByStageInTheShell) {
  Scratch scratch;
  {
    Journal journal(scratch.file());
    journal.begin();
    journal.insert(item_in(ItemState::kSeen, 1));
    journal.insert(item_in(ItemState::kOpened, 2));
    journal.insert(item_in(ItemState::kSending, 3));
    journal.commit();
  }
  auto const database = open_database(scratch.file(), migrations());
  EXPECT_EQ(database->text(
                "SELECT group_concat(stage || '=' || n) FROM (SELECT stage, count(*) AS n FROM v_items GROUP BY 1)"),
            "settle=1,upload=2");
  EXPECT_EQ(database->integer("SELECT count(*) FROM v_chunks"), 0);
}

}  // namespace
}  // namespace sluice::journal

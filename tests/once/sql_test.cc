// What docs/once.md promises, on real databases.
#include "oncemq/once/sql.h"

#include <atomic>
#include <map>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <soci/soci.h>

#include "oncemq/once/schema.h"
#include "tests/once/world.h"

namespace oncemq::once {
namespace {

constexpr std::int64_t kDay = 86'400'000;

sdk::Status book(Transaction& transaction, const sdk::Delivery& delivery) {
  const std::string key = delivery.message_id;
  transaction.session() << "INSERT INTO ledger (entry) VALUES (:key)", soci::use(key);
  return {};
}

sdk::Status refuse(const std::string& why) {
  return tl::unexpected(sdk::Error{.code = sdk::Errc::kRefused, .message = why});
}

Sql open(const World& world, SqlOptions options) {
  auto sql = Sql::open(world.url(), std::move(options));
  if (!sql) {
    ADD_FAILURE() << sql.error().message;
    std::abort();
  }
  return std::move(*sql);
}

std::vector<Fate> fates(const std::vector<Outcome>& outcomes) {
  std::vector<Fate> fates;
  for (const Outcome& outcome : outcomes) fates.push_back(outcome.fate);
  return fates;
}

using Fates = std::vector<Fate>;

class SqlTest : public testing::TestWithParam<const char*> {
 protected:
  SqlTest() : world_(std::string(GetParam()) == "sqlite" ? World::sqlite() : World::postgresql()) {
    world_->run("CREATE TABLE ledger (entry VARCHAR(300))");
  }

  std::string booked() { return world_->value("SELECT CAST(count(*) AS VARCHAR(20)) FROM ledger"); }
  std::string booked(const std::string& key) {
    return world_->value(
        fmt::format("SELECT CAST(count(*) AS VARCHAR(20)) FROM ledger WHERE entry = '{}'", key));
  }
  void make_older(std::int64_t ms) {
    world_->run(
        fmt::format("UPDATE oncemq_once_period SET began_at_ms = began_at_ms - {0}, "
                    "ended_at_ms = ended_at_ms - {0}",
                    ms));
  }

  const std::unique_ptr<World> world_;
};

INSTANTIATE_TEST_SUITE_P(Engines, SqlTest, testing::Values("sqlite", "postgresql"),
                         [](const auto& engine) { return std::string(engine.param); });

TEST_P(SqlTest, AnEffectIsCommittedOnceHoweverOftenItsMessageComes) {
  Sql sql = open(*world_, bank());
  const std::vector<sdk::Delivery> first = {delivery("a"), delivery("b")};
  EXPECT_EQ(fates(sql.process(first, book)), (Fates{Fate::kDone, Fate::kDone}));
  const std::vector<sdk::Delivery> again = {delivery("b", 2), delivery("c"), delivery("a", 3)};
  EXPECT_EQ(fates(sql.process(again, book)),
            (Fates{Fate::kDoneBefore, Fate::kDone, Fate::kDoneBefore}));
  Sql later = open(*world_, bank(10));
  EXPECT_EQ(fates(later.process(again, book)), Fates(3, Fate::kDoneBefore));
  EXPECT_EQ(booked(), "3");
  EXPECT_EQ(sql.figures().done, 3U);
  EXPECT_EQ(sql.figures().done_before, 2U);
}

TEST_P(SqlTest, AConsumerIsToldDoneOrAgain) {
  Sql sql = open(*world_, bank(10));
  const sdk::Handler consume = consume_with(
      sql,
      [](Transaction& transaction, const sdk::Delivery& delivery) -> sdk::Status {
        if (delivery.message_id == "bad")
          return tl::unexpected(sdk::Error{.code = sdk::Errc::kRefused, .message = "not today"});
        return book(transaction, delivery);
      },
      2);
  const std::vector<sdk::Delivery> batch = {delivery("a"), delivery("bad"), delivery("a", 2)};
  const sdk::Outcomes outcomes = consume(batch);
  EXPECT_EQ(outcomes.of(0), sdk::Outcome::done());
  EXPECT_EQ(outcomes.of(1), sdk::Outcome::again(2));
  EXPECT_EQ(outcomes.of(2), sdk::Outcome::done());
  EXPECT_EQ(booked(), "1");
}

TEST_P(SqlTest, AKeyThatIsTwiceInABatchRunsOnce) {
  Sql sql = open(*world_, bank(10));
  const std::vector<sdk::Delivery> batch = {delivery("a"), delivery("b"), delivery("a", 2)};
  EXPECT_EQ(fates(sql.process(batch, book)), (Fates{Fate::kDone, Fate::kDone, Fate::kDoneBefore}));
  EXPECT_EQ(booked(), "2");
  EXPECT_EQ(sql.figures().transactions, 1U);
}

TEST_P(SqlTest, GroupsAndTopicsHaveTheirOwnMemory) {
  Sql bank_sql = open(*world_, bank());
  SqlOptions other = bank();
  other.group = "%RETRY%audit";
  Sql audit = open(*world_, other);
  other.scope = Scope::kGroup;
  Sql wide = open(*world_, other);
  const std::vector<sdk::Delivery> two = {delivery("a", 1, "paid"), delivery("a", 1, "shipped")};
  EXPECT_EQ(fates(bank_sql.process(two, book)), (Fates{Fate::kDone, Fate::kDone}));
  EXPECT_EQ(fates(audit.process(two, book)), (Fates{Fate::kDone, Fate::kDone}));
  EXPECT_EQ(fates(wide.process(two, book)), (Fates{Fate::kDone, Fate::kDoneBefore}));
}

TEST_P(SqlTest, AnyBytesMakeAKey) {
  SqlOptions options = bank(10);
  options.key = by_property("key");
  Sql sql = open(*world_, options);
  std::vector<sdk::Delivery> batch;
  for (const std::string& key :
       {std::string("'; DROP TABLE ledger; --"), std::string("a\0b", 3), std::string("a\0c", 3),
        std::string("\xff\xfe"), std::string(":name %s {}"), std::string(255, '\\')}) {
    batch.push_back(delivery("entry"));
    batch.back().message.properties["key"] = key;
  }
  EXPECT_EQ(fates(sql.process(batch, book)), Fates(batch.size(), Fate::kDone));
  EXPECT_EQ(fates(sql.process(batch, book)), Fates(batch.size(), Fate::kDoneBefore));
  batch = {delivery("entry")};
  const auto missing = sql.process(batch, book);
  EXPECT_EQ(missing[0].fate, Fate::kAgain);
  EXPECT_EQ(missing[0].error.message, "the message has no key");
}

TEST_P(SqlTest, AHandlerThatFailsLeavesNothing) {
  Sql sql = open(*world_, bank());
  const std::vector<sdk::Delivery> one = {delivery("a")};
  const auto failed = sql.process(one, [](Transaction& transaction, const sdk::Delivery& delivery) {
    EXPECT_TRUE(book(transaction, delivery));
    return refuse("no such account");
  });
  ASSERT_EQ(fates(failed), Fates{Fate::kAgain});
  EXPECT_EQ(failed[0].error.message, "no such account");
  EXPECT_EQ(booked(), "0");
  EXPECT_EQ(fates(sql.process(one, book)), Fates{Fate::kDone});
  EXPECT_EQ(booked(), "1");
}

TEST_P(SqlTest, MessagesThatFailDoNotStopTheirBatch) {
  Sql sql = open(*world_, bank(10));
  std::vector<sdk::Delivery> batch;
  for (const char* key : {"a", "refuses", "b", "throws", "c", "odd", "swallows", "d"})
    batch.push_back(delivery(key));
  const Handler handler = [](Transaction& transaction, const sdk::Delivery& delivery) {
    EXPECT_TRUE(book(transaction, delivery));
    if (delivery.message_id == "refuses") return refuse("");
    // What users do. tidy: throw: that is what is tested
    if (delivery.message_id == "throws") throw std::runtime_error("thrown");
    if (delivery.message_id == "odd") throw 42;
    if (delivery.message_id == "swallows") {
      try {
        transaction.session() << "INSERT INTO no_such_table VALUES (1)";
      } catch (const soci::soci_error&) {
      }
    }
    return sdk::Status();
  };
  const auto outcomes = sql.process(batch, handler);
  // A failed statement leaves SQLite's transaction as it was, PostgreSQL's of no use.
  const Fate swallowed = world_->is_sqlite() ? Fate::kDone : Fate::kAgain;
  EXPECT_EQ(fates(outcomes), (Fates{Fate::kDone, Fate::kAgain, Fate::kDone, Fate::kAgain,
                                    Fate::kDone, Fate::kAgain, swallowed, Fate::kDone}));
  EXPECT_EQ(outcomes[1].error.message, "the handler failed");
  EXPECT_EQ(outcomes[3].error.message, "thrown");
  for (const char* key : {"a", "b", "c", "d"}) EXPECT_EQ(booked(key), "1") << key;
  for (const char* key : {"refuses", "throws", "odd"}) EXPECT_EQ(booked(key), "0") << key;
  EXPECT_EQ(booked("swallows"), world_->is_sqlite() ? "1" : "0");
  EXPECT_EQ(sql.figures().second_passes, 1U);
  // Who failed has no record: it runs when it comes again.
  EXPECT_EQ(fates(sql.process(batch, book))[1], Fate::kDone);
  EXPECT_EQ(booked(), "8");
}

// A natural mistake that would commit the records of messages that have not run.
TEST_P(SqlTest, AHandlerCannotEndTheTransaction) {
  for (const std::string& how : {std::string("COMMIT"), std::string("ROLLBACK")}) {
    Sql sql = open(*world_, bank(10));
    world_->run("DELETE FROM ledger");
    std::vector<sdk::Delivery> batch;
    for (const char* key : {"a", "ends", "b", "c"}) batch.push_back(delivery(how + key));
    const Handler handler = [&](Transaction& transaction, const sdk::Delivery& delivery) {
      EXPECT_TRUE(book(transaction, delivery));
      if (delivery.message_id == how + "ends") {
        try {
          transaction.session() << how;
        } catch (const soci::soci_error&) {
        }
      }
      return sdk::Status();
    };
    const auto outcomes = sql.process(batch, handler);
    EXPECT_EQ(fates(outcomes), (Fates{Fate::kDone, Fate::kAgain, Fate::kDone, Fate::kDone})) << how;
    EXPECT_EQ(outcomes[1].error.message, "the handler ended the transaction");
    EXPECT_EQ(booked(), "3");
    EXPECT_EQ(booked(how + "ends"), "0");
    EXPECT_EQ(fates(sql.process(batch, book)),
              (Fates{Fate::kDoneBefore, Fate::kDone, Fate::kDoneBefore, Fate::kDoneBefore}));
  }
}

TEST_P(SqlTest, ConcurrentDeliveriesOfOneKeyRunOnce) {
  constexpr int kThreads = 4;
  constexpr int kKeys = 40;
  Sql shared = open(*world_, bank(8));
  Sql other = open(*world_, bank(3));
  std::atomic<int> runs = 0;
  std::vector<std::thread> threads;
  std::vector<std::vector<Outcome>> outcomes(kThreads);
  for (int number = 0; number < kThreads; ++number)
    threads.emplace_back([&, number] {
      std::vector<sdk::Delivery> batch;
      for (int key = 0; key < kKeys; ++key)
        batch.push_back(delivery(std::to_string(number % 2 == 0 ? key : kKeys - 1 - key)));
      Sql& sql = number == 0 ? other : shared;
      outcomes[static_cast<std::size_t>(number)] =
          sql.process(batch, [&](Transaction& transaction, const sdk::Delivery& delivery) {
            ++runs;
            return book(transaction, delivery);
          });
    });
  for (std::thread& thread : threads) thread.join();
  int done = 0;
  int before = 0;
  for (const auto& of_one : outcomes)
    for (const Outcome& outcome : of_one) {
      EXPECT_NE(outcome.fate, Fate::kAgain) << outcome.error.message;
      done += outcome.fate == Fate::kDone ? 1 : 0;
      before += outcome.fate == Fate::kDoneBefore ? 1 : 0;
    }
  EXPECT_EQ(done, kKeys);
  EXPECT_EQ(before, kKeys * (kThreads - 1));
  EXPECT_EQ(booked(), std::to_string(kKeys));
  EXPECT_EQ(runs, kKeys);
}

// The second delivery begins while the handler of the first one works: it waits for the record.
TEST_P(SqlTest, TheSecondOneWaitsForTheFirstOnesEnd) {
  for (const bool commits : {true, false}) {
    Sql first = open(*world_, bank());
    SqlOptions patient = bank();
    patient.wait = std::chrono::minutes(1);
    Sql second = open(*world_, patient);
    const std::vector<sdk::Delivery> one = {delivery(commits ? "commits" : "fails")};
    std::vector<Outcome> late;
    std::thread thread;
    const auto quick =
        first.process(one, [&](Transaction& transaction, const sdk::Delivery& delivery) {
          EXPECT_TRUE(book(transaction, delivery));
          thread = std::thread([&] { late = second.process(one, book); });
          return commits ? sdk::Status() : refuse("changed my mind");
        });
    thread.join();
    EXPECT_EQ(quick[0].fate, commits ? Fate::kDone : Fate::kAgain);
    EXPECT_EQ(late[0].fate, commits ? Fate::kDoneBefore : Fate::kDone) << late[0].error.message;
    EXPECT_EQ(booked(one[0].message_id), "1");
  }
}

TEST_P(SqlTest, AWaitThatIsOverMeansAgain) {
  Sql first = open(*world_, bank());
  SqlOptions hasty = bank();
  hasty.wait = std::chrono::milliseconds(50);
  Sql second = open(*world_, hasty);
  const std::vector<sdk::Delivery> one = {delivery("a")};
  const auto outer =
      first.process(one, [&](Transaction& transaction, const sdk::Delivery& delivery) {
        const auto inner = second.process(one, book);
        EXPECT_EQ(inner[0].fate, Fate::kAgain);
        EXPECT_FALSE(inner[0].error.message.empty());
        return book(transaction, delivery);
      });
  EXPECT_EQ(outer[0].fate, Fate::kDone);
  EXPECT_EQ(fates(second.process(one, book)), Fates{Fate::kDoneBefore});
  EXPECT_EQ(booked(), "1");
}

TEST_P(SqlTest, AKeyIsKnownInAllPeriodsOfTheWindow) {
  Sql sql = open(*world_, bank(10));
  const std::vector<sdk::Delivery> one = {delivery("a")};
  EXPECT_EQ(fates(sql.process(one, book)), Fates{Fate::kDone});
  // Seven days of window in eight periods: after eight more the first one may go.
  for (int period = 0; period < 8; ++period) {
    EXPECT_EQ(clean(world_->url(), "oncemq_once")->rotated, false) << period;
    make_older(kDay);
    const auto cleaned = clean(world_->url(), "oncemq_once");
    ASSERT_TRUE(cleaned) << cleaned.error().message;
    EXPECT_TRUE(cleaned->rotated) << period;
    EXPECT_EQ(fates(sql.process(one, book)), Fates{period < 7 ? Fate::kDoneBefore : Fate::kDone})
        << period;
    EXPECT_EQ(cleaned->dropped.size(), period < 7 ? 0U : 1U) << period;
    const std::vector<sdk::Delivery> own = {delivery(std::to_string(period))};
    EXPECT_EQ(fates(sql.process(own, book)), Fates{Fate::kDone});
  }
  const auto found = status(world_->url(), "oncemq_once");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->periods.size(), 8U);
  EXPECT_EQ(found->periods.front().number, 2);
  EXPECT_EQ(found->periods.back().ended_at_ms, 0);
  EXPECT_EQ(booked(), "10");
}

TEST_P(SqlTest, ConsumersCleanUpByThemselves) {
  ASSERT_TRUE(init(world_->url(), {}));
  make_older(kDay);
  Sql sql = open(*world_, bank());
  const std::vector<sdk::Delivery> one = {delivery("a")};
  EXPECT_EQ(fates(sql.process(one, book)), Fates{Fate::kDone});
  EXPECT_EQ(status(world_->url(), "oncemq_once")->periods.size(), 2U);
  EXPECT_EQ(sql.figures().clean_failures, 0U);
}

TEST_P(SqlTest, InitMakesKeepsAndChanges) {
  EXPECT_FALSE(status(world_->url(), "oncemq_once"));
  SqlOptions strict = bank();
  strict.create = false;
  EXPECT_FALSE(Sql::open(world_->url(), strict));
  ASSERT_TRUE(init(world_->url(), {}));
  EXPECT_EQ(status(world_->url(), "oncemq_once")->window, std::chrono::hours(168));
  Sql sql = open(*world_, strict);
  EXPECT_TRUE(sql.warnings().empty());
  const std::vector<sdk::Delivery> one = {delivery("a")};
  EXPECT_EQ(fates(sql.process(one, book)), Fates{Fate::kDone});
  ASSERT_TRUE(init(world_->url(), {.window = std::chrono::hours(24)}));
  const auto found = status(world_->url(), "oncemq_once");
  EXPECT_EQ(found->window, std::chrono::hours(24));
  EXPECT_EQ(found->period, std::chrono::hours(3));
  EXPECT_EQ(found->version, 1);
  EXPECT_EQ(fates(sql.process(one, book)), Fates{Fate::kDoneBefore});
  EXPECT_EQ(open(*world_, strict).warnings().size(), 1U);
  EXPECT_FALSE(
      init(world_->url(), {.window = std::chrono::hours(1), .period = std::chrono::hours(2)}));
}

TEST_P(SqlTest, ANewerSchemaIsRefused) {
  ASSERT_TRUE(init(world_->url(), {}));
  world_->run("UPDATE oncemq_once_state SET version = 2");
  const auto sql = Sql::open(world_->url(), bank());
  ASSERT_FALSE(sql);
  EXPECT_EQ(sql.error().code, sdk::Errc::kRefused);
  EXPECT_EQ(sql.error().message,
            "oncemq_once has version 2 of the schema, this program knows 1: a newer one is needed");
  EXPECT_FALSE(init(world_->url(), {}));
  EXPECT_FALSE(clean(world_->url(), "oncemq_once"));
}

TEST_P(SqlTest, WhoOpensAtTheSameTimeFindsOneSchema) {
  std::vector<std::thread> threads;
  std::atomic<int> opened = 0;
  for (int number = 0; number < 4; ++number)
    threads.emplace_back([&] {
      const auto sql = Sql::open(world_->url(), bank());
      if (sql)
        ++opened;
      else
        ADD_FAILURE() << sql.error().message;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(opened, 4);
  EXPECT_EQ(status(world_->url(), "oncemq_once")->periods.size(), 1U);
}

TEST(SqlOptionsTest, NonsenseIsRefused) {
  const auto world = World::sqlite();
  const auto refused = [&](SqlOptions options) {
    const auto sql = Sql::open(world->url(), std::move(options));
    return !sql && sql.error().code == sdk::Errc::kInvalidArgument;
  };
  EXPECT_FALSE(refused(bank()));
  EXPECT_TRUE(refused(bank(0)));
  EXPECT_TRUE(refused(bank(1001)));
  SqlOptions options = bank();
  options.group = "o'neill";
  EXPECT_TRUE(refused(options));
  options = bank();
  options.connections = 0;
  EXPECT_TRUE(refused(options));
  options = bank();
  options.table = "x; DROP TABLE y";
  EXPECT_TRUE(refused(options));
  options = bank();
  options.key = nullptr;
  EXPECT_TRUE(refused(options));
  options = bank();
  options.wait = std::chrono::milliseconds(0);
  EXPECT_TRUE(refused(options));
}

TEST(SqliteTest, WhatForgetsCommitsIsRefused) {
  const auto memory = Sql::open("sqlite::memory:", bank());
  ASSERT_FALSE(memory);
  EXPECT_EQ(memory.error().code, sdk::Errc::kRefused);
  EXPECT_NE(memory.error().message.find("journal_mode is memory"), std::string::npos);
  const auto nowhere = Sql::open("sqlite:/no/such/folder/x.db", bank());
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, sdk::Errc::kUnreachable);
}

TEST(PostgresqlTest, WhatForgetsCommitsIsRefused) {
  for (const std::string& setting : {std::string("fsync=off"), std::string("full_page_writes=off"),
                                     std::string("synchronous_commit=off")}) {
    const auto world = World::postgresql(setting);
    const auto sql = Sql::open(world->url(), bank());
    ASSERT_FALSE(sql) << setting;
    EXPECT_EQ(sql.error().code, sdk::Errc::kRefused);
    EXPECT_NE(sql.error().message.find(setting.substr(0, setting.find('=')) + " is off"),
              std::string::npos)
        << sql.error().message;
  }
  const auto world = World::postgresql();
  ASSERT_TRUE(init(world->url(), {}));
  world->run("ALTER TABLE oncemq_once_p1 SET UNLOGGED");
  const auto sql = Sql::open(world->url(), bank());
  ASSERT_FALSE(sql);
  EXPECT_NE(sql.error().message.find("unlogged"), std::string::npos) << sql.error().message;
}

TEST(PostgresqlTest, ACommitThatFailsIsHalvedUntilTheCulpritIsAlone) {
  const auto world = World::postgresql();
  world->run("CREATE TABLE account (id VARCHAR(20) PRIMARY KEY)");
  world->run("INSERT INTO account SELECT 'k' || n FROM generate_series(0, 9) n WHERE n <> 6");
  world->run(
      "CREATE TABLE ledger (entry VARCHAR(20) REFERENCES account (id) DEFERRABLE INITIALLY "
      "DEFERRED)");
  Sql sql = open(*world, bank(10));
  std::vector<sdk::Delivery> batch;
  Fates wanted;
  for (int number = 0; number < 10; ++number) {
    batch.push_back(delivery("k" + std::to_string(number)));
    wanted.push_back(number == 6 ? Fate::kAgain : Fate::kDone);
  }
  const auto outcomes = sql.process(batch, book);
  EXPECT_EQ(fates(outcomes), wanted);
  EXPECT_NE(outcomes[6].error.message.find("foreign key"), std::string::npos);
  EXPECT_EQ(world->value("SELECT CAST(count(*) AS TEXT) FROM ledger"), "9");
  EXPECT_GT(sql.figures().halved, 0U);
}

// The server ends the connection within the commit: what was done is not known, then asked for.
TEST(PostgresqlTest, AConnectionThatEndsInACommitMeansAgain) {
  const auto world = World::postgresql();
  world->run("CREATE TABLE ledger (entry VARCHAR(20))");
  world->run(
      "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS "
      "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'");
  world->run(
      "CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON ledger DEFERRABLE INITIALLY DEFERRED "
      "FOR EACH ROW EXECUTE FUNCTION die()");
  Sql sql = open(*world, bank(10));
  const std::vector<sdk::Delivery> two = {delivery("a"), delivery("b")};
  const auto outcomes = sql.process(two, book);
  EXPECT_EQ(fates(outcomes), (Fates{Fate::kAgain, Fate::kAgain}));
  EXPECT_EQ(outcomes[0].error.code, sdk::Errc::kUnreachable);
  world->run("DROP TRIGGER dies ON ledger");
  EXPECT_EQ(fates(sql.process(two, book)), (Fates{Fate::kDone, Fate::kDone}));
  EXPECT_EQ(world->value("SELECT CAST(count(*) AS TEXT) FROM ledger"), "2");
}

// It took effect, and nobody is told: the record knows.
TEST(PostgresqlTest, ACommitWhoseAnswerIsLostIsKnownByItsRecord) {
  const auto world = World::postgresql();
  world->run("CREATE TABLE ledger (entry VARCHAR(20))");
  ASSERT_TRUE(init(world->url(), {}));
  const auto losing = world->losing_a_commit();
  Sql sql = open(*losing, bank(10));
  const std::vector<sdk::Delivery> two = {delivery("a"), delivery("b")};
  const auto outcomes = sql.process(two, book);
  EXPECT_EQ(fates(outcomes), (Fates{Fate::kAgain, Fate::kAgain}));
  EXPECT_EQ(outcomes[0].error.code, sdk::Errc::kUnreachable);
  EXPECT_EQ(world->value("SELECT CAST(count(*) AS TEXT) FROM ledger"), "2");
  EXPECT_EQ(fates(sql.process(two, book)), (Fates{Fate::kDoneBefore, Fate::kDoneBefore}));
  EXPECT_EQ(world->value("SELECT CAST(count(*) AS TEXT) FROM ledger"), "2");
}

// Others get its message, and what it wrote before is gone.
TEST(PostgresqlTest, AHangingTransactionIsEndedByTheServer) {
  const auto world = World::postgresql();
  world->run("CREATE TABLE ledger (entry VARCHAR(20))");
  ASSERT_TRUE(init(world->url(), {}));
  SqlOptions options = bank();
  options.transaction_max = std::chrono::seconds(2);
  Sql hanging = open(*world, options);
  Sql other = open(*world, bank());
  const std::vector<sdk::Delivery> one = {delivery("a")};
  std::vector<Outcome> late;
  std::vector<Outcome> outcomes;
  // On a machine that stands still it may be ended before its handler begins.
  while (late.empty())
    outcomes = hanging.process(one, [&](Transaction& transaction, const sdk::Delivery& delivery) {
      EXPECT_TRUE(book(transaction, delivery));
      late = other.process(one, book);  // waits for the record until the server ends this one
      return sdk::Status();
    });
  EXPECT_EQ(fates(late), Fates{Fate::kDone}) << late[0].error.message;
  EXPECT_EQ(fates(outcomes), Fates{Fate::kAgain});
  EXPECT_EQ(outcomes[0].error.code, sdk::Errc::kUnreachable);
  EXPECT_EQ(world->value("SELECT CAST(count(*) AS TEXT) FROM ledger"), "1");
  EXPECT_EQ(fates(hanging.process(one, book)), Fates{Fate::kDoneBefore});
}

// A claim looks at one place in an index for each key, however much the group remembers.
TEST(PostgresqlTest, AClaimDoesNotReadTheMemory) {
  const auto world = World::postgresql();
  ASSERT_TRUE(init(world->url(), {}));
  world->run(
      "INSERT INTO oncemq_once SELECT 1, 'bank', 'orders', decode(to_hex(n + 65536), 'escape'), 1, "
      "0 "
      "FROM generate_series(1, 20000) n");
  Sql sql = open(*world, bank(16));
  std::vector<sdk::Delivery> batch;
  for (int number = 0; number < 16; ++number)
    batch.push_back(delivery("k" + std::to_string(number)));
  long long read = -1;
  const auto outcomes = sql.process(batch, [&](Transaction& transaction, const sdk::Delivery&) {
    // Counted by the server for the transaction that is open.
    transaction.session()
        << "SELECT CAST(sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) "
           "AS BIGINT) FROM pg_stat_xact_user_tables WHERE relname = 'oncemq_once_p1'",
        soci::into(read);
    return sdk::Status();
  });
  EXPECT_EQ(fates(outcomes), Fates(16, Fate::kDone));
  EXPECT_GE(read, 0);
  EXPECT_LT(read, 100);
}

TEST(PostgresqlTest, AStandbyIsRefused) {
  const auto world = World::postgresql_standby();
  const auto sql = Sql::open(world->url(), bank());
  ASSERT_FALSE(sql);
  EXPECT_EQ(sql.error().code, sdk::Errc::kRefused);
  EXPECT_EQ(sql.error().message, "this server is a standby: its primary is needed");
}

// Otherwise two open transactions could each insert a key into their own period.
TEST(PostgresqlTest, APeriodDoesNotEndWhileATransactionIsOpen) {
  const auto world = World::postgresql();
  world->run("CREATE TABLE ledger (entry VARCHAR(20))");
  ASSERT_TRUE(init(world->url(), {}));
  Sql sql = open(*world, bank());
  const std::vector<sdk::Delivery> first = {delivery("first")};
  EXPECT_EQ(fates(sql.process(first, book)), Fates{Fate::kDone});
  world->run("UPDATE oncemq_once_period SET began_at_ms = 0");
  const std::vector<sdk::Delivery> one = {delivery("a")};
  const auto outcomes =
      sql.process(one, [&](Transaction& transaction, const sdk::Delivery& delivery) {
        const auto cleaned = clean(world->url(), "oncemq_once");
        EXPECT_TRUE(cleaned);
        EXPECT_TRUE(cleaned->busy);
        EXPECT_FALSE(cleaned->rotated);
        return book(transaction, delivery);
      });
  EXPECT_EQ(fates(outcomes), Fates{Fate::kDone});
  EXPECT_TRUE(clean(world->url(), "oncemq_once")->rotated);
  EXPECT_EQ(fates(sql.process(one, book)), Fates{Fate::kDoneBefore});
}

TEST(PostgresqlTest, TheHandlerHasTheRawConnection) {
  const auto world = World::postgresql();
  Sql sql = open(*world, bank());
  const std::vector<sdk::Delivery> one = {delivery("a")};
  EXPECT_EQ(fates(sql.process(one,
                              [](Transaction& transaction, const sdk::Delivery&) {
                                EXPECT_NE(transaction.postgresql(), nullptr);
                                EXPECT_EQ(transaction.sqlite(), nullptr);
                                return sdk::Status();
                              })),
            Fates{Fate::kDone});
}

}  // namespace
}  // namespace oncemq::once

// PostgreSQL: many writers, a native partition for each period.
#include <fmt/format.h>
#include <soci/postgresql/soci-postgresql.h>

#include "base/bytes.h"
#include "base/hex.h"
#include "client/sdk/failure.h"
#include "once/database.h"
#include "once/loaded.h"

namespace oncemq::once {
namespace {

using sdk::Errc;
using sdk::failure;

constexpr std::int64_t kVersionMin = 140'000;        // DETACH PARTITION CONCURRENTLY
constexpr std::int64_t kCountedBytesMax = 32 << 20;  // some 200,000 records
constexpr int kSwitchWaitMs = 100;      // for open transactions, while new ones wait behind
constexpr int kLockSpace = 0x6F6E6365;  // "once": first half of our advisory locks

using TransactionStatus = PGTransactionStatusType(const PGconn*);

class Postgresql final : public Database {
 public:
  Postgresql(std::unique_ptr<Connection> connection, DatabaseOptions options)
      : Database(std::move(connection), std::move(options)),
        handle_(static_cast<soci::postgresql_session_backend*>(session().get_backend())->conn_) {}

  sdk::Status check_durability() override;
  sdk::Status create(const SchemaOptions& options) override;
  sdk::Result<Cleaned> clean() override;

  sdk::Status begin() override;
  sdk::Status commit() override;
  bool rollback() override;
  TransactionState state() const override;
  pg_conn* postgresql() override { return handle_; }

 protected:
  sdk::Status set_up() override;
  std::string bytes(const std::string& value) const override {
    return "decode('" + to_hex(as_bytes(value)) + "', 'hex')";
  }
  std::string hex_of(const std::string& column) const override {
    return "upper(encode(" + column + ", 'hex'))";
  }
  std::string now_ms() const override {
    return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)";
  }
  sdk::Result<std::string> claim_statement(const std::string& values) override;
  sdk::Result<std::string> current_table() override { return table(); }
  // A small table is counted: it may have no statistics yet.
  sdk::Result<std::int64_t> count(std::int64_t period) override {
    auto bytes = size(period);
    if (!bytes) return bytes;
    if (*bytes > 0 && *bytes <= kCountedBytesMax)
      return connection_->number("SELECT count(*) FROM " + table_of(period));
    return connection_->number(
        fmt::format("SELECT CAST(COALESCE(max(GREATEST(reltuples, 0)), 0) AS BIGINT) FROM pg_class "
                    "WHERE oid = to_regclass('{}')",
                    table_of(period)));
  }
  sdk::Result<std::int64_t> size(std::int64_t period) override {
    return connection_->number(
        fmt::format("SELECT CAST(COALESCE(pg_total_relation_size(to_regclass('{}')), 0) AS TEXT)",
                    table_of(period)));
  }

 private:
  std::string guard_table() const { return table() + "_guard"; }
  std::string advisory() const { return fmt::format("{}, hashtext('{}')", kLockSpace, table()); }
  sdk::Status statements(std::initializer_list<std::string> all);
  sdk::Result<bool> exists(const std::string& query);
  // A partition that is not there yet, without a lock that anybody waits for.
  sdk::Status attach(std::int64_t period);
  sdk::Result<bool> rotate();
  sdk::Status finish_detaching();
  sdk::Status drop(std::int64_t period);
  sdk::Result<Cleaned> clean_alone();

  PGconn* const handle_;
  TransactionStatus* transaction_status_ = nullptr;
};

sdk::Status Postgresql::statements(std::initializer_list<std::string> all) {
  for (const std::string& statement : all)
    if (auto done = connection_->run(statement); !done) return done;
  return {};
}

sdk::Result<bool> Postgresql::exists(const std::string& query) {
  const auto count = connection_->number("SELECT count(*) " + query);
  if (!count) return tl::unexpected(count.error());
  return *count > 0;
}

sdk::Status Postgresql::check_durability() {
  const auto version = connection_->number("SELECT current_setting('server_version_num')");
  if (!version) return tl::unexpected(version.error());
  if (*version < kVersionMin) return failure(Errc::kRefused, "PostgreSQL is older than 14");
  for (const char* name : {"fsync", "full_page_writes", "synchronous_commit"}) {
    const auto value = connection_->value(fmt::format("SELECT current_setting('{}')", name));
    if (!value) return tl::unexpected(value.error());
    if (*value == "off")
      return failure(Errc::kRefused,
                     fmt::format("PostgreSQL's {0} is off: a crash could lose what was committed; "
                                 "ALTER SYSTEM SET {0} = on",
                                 name));
  }
  const auto standby = connection_->value("SELECT CAST(pg_is_in_recovery() AS TEXT)");
  if (!standby) return tl::unexpected(standby.error());
  if (*standby == "true")
    return failure(Errc::kRefused, "this server is a standby: its primary is needed");
  const auto unlogged = exists(fmt::format(
      "FROM pg_class WHERE relpersistence <> 'p' AND relkind IN ('r', 'p') AND "
      "(oid IN (to_regclass('{0}'), to_regclass('{0}_state'), to_regclass('{0}_period')) OR "
      "oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass('{0}')))",
      table()));
  if (!unlogged) return tl::unexpected(unlogged.error());
  if (*unlogged)
    return failure(Errc::kRefused, "a table of " + table() +
                                       " is unlogged or temporary: a crash "
                                       "would empty it; ALTER TABLE ... SET LOGGED");
  return {};
}

sdk::Status Postgresql::set_up() {
  transaction_status_ = loaded<TransactionStatus>("libpq.so.5", "PQtransactionStatus");
  if (transaction_status_ == nullptr)
    return failure(Errc::kRefused, "SOCI's backend uses no libpq.so.5");
  if (auto set = statements({
          "SET client_min_messages = warning",
          "SET standard_conforming_strings = on",
          fmt::format("SET lock_timeout = {}", options_.wait.count()),
          fmt::format("SET idle_in_transaction_session_timeout = {}",
                      options_.transaction_max.count()),
      });
      !set)
    return set;
  return {};
}

sdk::Status Postgresql::attach(std::int64_t period) {
  const std::string name = table_of(period);
  const auto attached =
      exists(fmt::format("FROM pg_inherits WHERE inhparent = to_regclass('{}') AND inhrelid = "
                         "to_regclass('{}')",
                         table(), name));
  if (!attached) return tl::unexpected(attached.error());
  if (*attached) return {};
  return statements({
      fmt::format("CREATE TABLE IF NOT EXISTS {} (LIKE {} INCLUDING ALL)", name, table()),
      fmt::format("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES IN ({})", table(), name, period),
  });
}

sdk::Status Postgresql::create(const SchemaOptions& options) {
  const auto make = [&]() -> sdk::Status {
    // Those who start at the same time do this one after the other.
    if (auto locked = connection_->rows(
            fmt::format("SELECT CAST(pg_advisory_xact_lock({}) AS TEXT)", advisory()));
        !locked)
      return tl::unexpected(locked.error());
    if (auto made = create_common(options); !made) return made;
    if (auto made = statements({
            fmt::format("CREATE TABLE IF NOT EXISTS {} (fence INTEGER NOT NULL REFERENCES {} (id) "
                        "DEFERRABLE INITIALLY DEFERRED)",
                        guard_table(), state_table()),
            fmt::format("CREATE TABLE IF NOT EXISTS {} (period BIGINT NOT NULL, "
                        "consumer_group VARCHAR(255) COLLATE \"C\" NOT NULL, "
                        "topic VARCHAR(255) COLLATE \"C\" NOT NULL, message_key BYTEA NOT NULL, "
                        "attempt INTEGER NOT NULL, done_at_ms BIGINT NOT NULL, "
                        "PRIMARY KEY (consumer_group, topic, message_key, period)) "
                        "PARTITION BY LIST (period)",
                        table()),
        });
        !made)
      return made;
    const auto current = current_period();
    return current ? attach(*current) : tl::unexpected(current.error());
  };
  if (auto begun = connection_->run("BEGIN"); !begun) return begun;
  auto status = make();
  if (status) status = connection_->run("COMMIT");
  if (!status) rollback();
  return status;
}

// While somebody's transaction is open, ending a period waits for it: no two open transactions have
// different current periods.
sdk::Result<bool> Postgresql::rotate() {
  const auto current = current_period();
  if (!current) return tl::unexpected(current.error());
  if (const auto attached = attach(*current + 1); !attached)
    return tl::unexpected(attached.error());
  const auto change = [&]() -> sdk::Status {
    if (auto locked = statements({
            fmt::format("SET LOCAL lock_timeout = {}", kSwitchWaitMs),
            fmt::format("LOCK TABLE {} IN SHARE MODE", guard_table()),
        });
        !locked)
      return locked;
    if (auto switched = switch_period(); !switched) return switched;
    return connection_->run("COMMIT");
  };
  if (auto begun = connection_->run("BEGIN ISOLATION LEVEL READ COMMITTED"); !begun)
    return tl::unexpected(begun.error());
  if (change()) return true;
  rollback();
  return false;
}

// A cleaner that died may have left a partition half detached.
sdk::Status Postgresql::finish_detaching() {
  const auto pending = connection_->rows(
      fmt::format("SELECT CAST(c.relname AS TEXT) FROM pg_inherits i JOIN pg_class c ON "
                  "c.oid = i.inhrelid WHERE i.inhparent = to_regclass('{}') AND i.inhdetachpending",
                  table()));
  if (!pending) return tl::unexpected(pending.error());
  for (const auto& row : *pending)
    if (auto done = connection_->run(
            fmt::format("ALTER TABLE {} DETACH PARTITION {} FINALIZE", table(), row[0]));
        !done)
      return done;
  return {};
}

sdk::Status Postgresql::drop(std::int64_t period) {
  const std::string name = table_of(period);
  const auto attached = exists(fmt::format(
      "FROM pg_inherits WHERE inhparent = to_regclass('{}') AND inhrelid = to_regclass('{}')",
      table(), name));
  if (!attached) return tl::unexpected(attached.error());
  if (*attached)
    if (auto done = connection_->run(
            fmt::format("ALTER TABLE {} DETACH PARTITION {} CONCURRENTLY", table(), name));
        !done)
      return done;
  return statements({
      "DROP TABLE IF EXISTS " + name,
      fmt::format("DELETE FROM {} WHERE period = {}", period_table(), period),
  });
}

sdk::Result<Cleaned> Postgresql::clean_alone() {
  Cleaned cleaned;
  if (auto done = finish_detaching(); !done) return tl::unexpected(done.error());
  const auto over = is_over();
  if (!over) return tl::unexpected(over.error());
  if (*over) {
    const auto rotated = rotate();
    if (!rotated) return tl::unexpected(rotated.error());
    cleaned.rotated = *rotated;
    cleaned.busy = !*rotated;
  }
  const auto old = expired();
  if (!old) return tl::unexpected(old.error());
  for (const std::int64_t period : *old) {
    if (const auto dropped = drop(period); !dropped) return tl::unexpected(dropped.error());
    cleaned.dropped.push_back(period);
  }
  return cleaned;
}

sdk::Result<Cleaned> Postgresql::clean() {
  const auto mine =
      connection_->value(fmt::format("SELECT CAST(pg_try_advisory_lock({}) AS TEXT)", advisory()));
  if (!mine) return tl::unexpected(mine.error());
  if (*mine != "true") return Cleaned{.busy = true};
  auto cleaned = clean_alone();
  if (const auto freed =
          connection_->rows(fmt::format("SELECT CAST(pg_advisory_unlock({}) AS TEXT)", advisory()));
      !freed && cleaned)
    return tl::unexpected(freed.error());
  return cleaned;
}

// The guard row: its key leads nowhere, so a COMMIT before it is deleted again fails. Its lock on
// the table is what rotate() waits for.
sdk::Status Postgresql::begin() {
  return statements({
      "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
      fmt::format("INSERT INTO {} (fence) VALUES (0)", guard_table()),
  });
}

sdk::Status Postgresql::commit() {
  // Also tells a transaction that failed silently: its COMMIT would be a rollback without an error.
  const auto mine = connection_->rows(fmt::format("DELETE FROM {} RETURNING fence", guard_table()));
  if (!mine) return tl::unexpected(mine.error());
  if (mine->size() != 1)
    return failure(Errc::kRefused, "the transaction was ended by somebody else");
  return connection_->run("COMMIT");
}

bool Postgresql::rollback() {
  if (transaction_status_(handle_) == PQTRANS_IDLE) return true;
  return connection_->run("ROLLBACK").has_value();
}

TransactionState Postgresql::state() const {
  switch (transaction_status_(handle_)) {
    case PQTRANS_INTRANS:
      return TransactionState::kOpen;
    case PQTRANS_INERROR:
      return TransactionState::kFailed;
    case PQTRANS_IDLE:
    case PQTRANS_ACTIVE:
    case PQTRANS_UNKNOWN:
      break;
  }
  return TransactionState::kEnded;
}

// OFFSET 0 keeps the planner from making a join of it: it takes the state for a table of a thousand
// rows and would read all that the group remembers for each batch, instead of one place in an index
// for each key and period.
sdk::Result<std::string> Postgresql::claim_statement(const std::string& values) {
  return fmt::format(
      "INSERT INTO {0} (period, consumer_group, topic, message_key, attempt, done_at_ms) "
      "SELECT s.current_period, '{1}', v.column1, v.column2, v.column3, {2} "
      "FROM {3} s CROSS JOIN (VALUES {4}) v WHERE s.id = 1 AND NOT EXISTS (SELECT 1 FROM {0} o "
      "WHERE o.consumer_group = '{1}' AND o.topic = v.column1 AND o.message_key = v.column2 "
      "AND o.period <> s.current_period OFFSET 0) ORDER BY v.column1, v.column2 "
      "ON CONFLICT DO NOTHING RETURNING topic, {5}",
      table(), options_.group, now_ms(), state_table(), values, hex_of("message_key"));
}

}  // namespace

std::unique_ptr<Database> make_postgresql(std::unique_ptr<Connection> connection,
                                          DatabaseOptions options) {
  return std::make_unique<Postgresql>(std::move(connection), std::move(options));
}

}  // namespace oncemq::once

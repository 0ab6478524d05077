// SQLite: one writer at a time, a table for each period.
#include <fmt/format.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include "base/bytes.h"
#include "base/hex.h"
#include "client/sdk/failure.h"
#include "once/database.h"
#include "once/loaded.h"

namespace oncemq::once {
namespace {

using sdk::Errc;
using sdk::failure;

constexpr const char* kLibrary = "libsqlite3.so.0";
constexpr std::int64_t kVersionMin = 3'035'000;  // RETURNING
constexpr std::int64_t kFull = 2;                // PRAGMA synchronous

using CommitHook = int(void*);
using SetCommitHook = void*(sqlite3*, CommitHook*, void*);
using GetAutocommit = int(sqlite3*);
using VersionNumber = int();

class Sqlite final : public Database {
 public:
  Sqlite(std::unique_ptr<Connection> connection, DatabaseOptions options)
      : Database(std::move(connection), std::move(options)),
        // SOCI includes sqlite3.h within a namespace of its own.
        handle_(reinterpret_cast<sqlite3*>(
            static_cast<soci::sqlite3_session_backend*>(session().get_backend())->conn_)) {}

  sdk::Status check_durability() override;
  sdk::Status create(const SchemaOptions& options) override;
  sdk::Result<Cleaned> clean() override;

  sdk::Status begin() override;
  sdk::Status commit() override;
  bool rollback() override;
  TransactionState state() const override {
    return get_autocommit_(handle_) == 0 ? TransactionState::kOpen : TransactionState::kEnded;
  }
  sqlite3* sqlite() override { return handle_; }

 protected:
  sdk::Status set_up() override;
  std::string bytes(const std::string& value) const override {
    return "x'" + to_hex(as_bytes(value)) + "'";
  }
  std::string hex_of(const std::string& column) const override { return "hex(" + column + ")"; }
  std::string now_ms() const override { return "CAST(strftime('%s', 'now') AS INTEGER) * 1000"; }
  sdk::Result<std::string> claim_statement(const std::string& values) override;
  sdk::Result<std::string> current_table() override;
  sdk::Result<std::int64_t> count(std::int64_t period) override {
    return connection_->number(fmt::format("SELECT count(*) FROM {}", table_of(period)));
  }
  sdk::Result<std::int64_t> size(std::int64_t period) override {
    // A part of SQLite that not everybody builds in.
    return connection_
        ->number(fmt::format("SELECT CAST(sum(pgsize) AS TEXT) FROM dbstat WHERE name = '{}'",
                             table_of(period)))
        .value_or(-1);
  }

 private:
  sdk::Status create_period(std::int64_t period);
  sdk::Status rotate();
  sdk::Status drop(std::int64_t period);
  // `run` with the only right to write; all or nothing.
  sdk::Status alone(const std::function<sdk::Status()>& run);
  // SQLite asks it before each commit; other than 0 makes a rollback of it.
  static int may_commit(void* self) { return static_cast<Sqlite*>(self)->in_batch_ ? 1 : 0; }

  sqlite3* const handle_;
  GetAutocommit* get_autocommit_ = nullptr;
  bool in_batch_ = false;  // from begin() to commit(): nobody else commits
};

sdk::Status Sqlite::check_durability() {
  const auto journal = connection_->value("PRAGMA journal_mode");
  if (!journal) return tl::unexpected(journal.error());
  if (*journal == "off" || *journal == "memory")
    return failure(Errc::kRefused,
                   "SQLite's journal_mode is " + *journal +
                       ": a crash could lose or damage what was committed; PRAGMA journal_mode=WAL "
                       "(a database in memory cannot remember anything)");
  const auto synchronous = connection_->number("PRAGMA synchronous");
  if (!synchronous) return tl::unexpected(synchronous.error());
  if (*synchronous < kFull)
    return failure(Errc::kRefused,
                   "SQLite's synchronous is below FULL: a power failure could lose what was "
                   "committed; PRAGMA synchronous=FULL");
  return {};
}

sdk::Status Sqlite::set_up() {
  auto* const version = loaded<VersionNumber>(kLibrary, "sqlite3_libversion_number");
  auto* const set_commit_hook = loaded<SetCommitHook>(kLibrary, "sqlite3_commit_hook");
  get_autocommit_ = loaded<GetAutocommit>(kLibrary, "sqlite3_get_autocommit");
  if (version == nullptr || set_commit_hook == nullptr || get_autocommit_ == nullptr)
    return failure(Errc::kRefused, std::string("SOCI's backend uses no ") + kLibrary);
  if (version() < kVersionMin)
    return failure(Errc::kRefused, "SQLite is older than 3.35: it has no RETURNING");
  set_commit_hook(handle_, may_commit, this);
  if (auto set = connection_->rows(fmt::format("PRAGMA busy_timeout = {}", options_.wait.count()));
      !set)
    return tl::unexpected(set.error());
  return {};
}

sdk::Status Sqlite::alone(const std::function<sdk::Status()>& run) {
  if (auto begun = connection_->run("BEGIN IMMEDIATE"); !begun) return begun;
  auto status = run();
  if (status) status = connection_->run("COMMIT");
  if (!status) rollback();
  return status;
}

sdk::Status Sqlite::create_period(std::int64_t period) {
  return connection_->run(
      fmt::format("CREATE TABLE IF NOT EXISTS {} (consumer_group TEXT NOT NULL, "
                  "topic TEXT NOT NULL, message_key BLOB NOT NULL, attempt INTEGER NOT NULL, "
                  "done_at_ms INTEGER NOT NULL, "
                  "PRIMARY KEY (consumer_group, topic, message_key)) WITHOUT ROWID",
                  table_of(period)));
}

sdk::Status Sqlite::create(const SchemaOptions& options) {
  return alone([&]() -> sdk::Status {
    if (auto made = create_common(options); !made) return made;
    const auto current = current_period();
    return current ? create_period(*current) : tl::unexpected(current.error());
  });
}

sdk::Status Sqlite::rotate() {
  return alone([&]() -> sdk::Status {
    const auto over = is_over();  // somebody else may have been quicker
    if (!over) return tl::unexpected(over.error());
    if (!*over) return {};
    if (auto switched = switch_period(); !switched) return switched;
    const auto current = current_period();
    return current ? create_period(*current) : tl::unexpected(current.error());
  });
}

sdk::Status Sqlite::drop(std::int64_t period) {
  return alone([&]() -> sdk::Status {
    if (auto gone = connection_->run(
            fmt::format("DELETE FROM {} WHERE period = {}", period_table(), period));
        !gone)
      return gone;
    return connection_->run("DROP TABLE IF EXISTS " + table_of(period));
  });
}

sdk::Result<Cleaned> Sqlite::clean() {
  Cleaned cleaned;
  const auto over = is_over();
  if (!over) return tl::unexpected(over.error());
  if (*over) {
    if (const auto rotated = rotate(); !rotated) return tl::unexpected(rotated.error());
    cleaned.rotated = true;
  }
  const auto old = expired();
  if (!old) return tl::unexpected(old.error());
  for (const std::int64_t period : *old) {
    if (const auto dropped = drop(period); !dropped) return tl::unexpected(dropped.error());
    cleaned.dropped.push_back(period);
  }
  return cleaned;
}

sdk::Status Sqlite::begin() {
  if (auto begun = connection_->run("BEGIN IMMEDIATE"); !begun) return begun;
  in_batch_ = true;
  return {};
}

sdk::Status Sqlite::commit() {
  if (state() != TransactionState::kOpen)
    return failure(Errc::kRefused, "the transaction was ended by somebody else");
  in_batch_ = false;
  return connection_->run("COMMIT");
}

bool Sqlite::rollback() {
  in_batch_ = false;
  if (state() == TransactionState::kEnded) return true;
  return connection_->run("ROLLBACK").has_value();
}

sdk::Result<std::string> Sqlite::current_table() {
  const auto current = current_period();
  if (!current) return tl::unexpected(current.error());
  return table_of(*current);
}

sdk::Result<std::string> Sqlite::claim_statement(const std::string& values) {
  const auto periods = connection_->rows(
      fmt::format("SELECT CAST(period AS TEXT) FROM {} ORDER BY period DESC", period_table()));
  if (!periods) return tl::unexpected(periods.error());
  if (periods->empty())
    return failure(Errc::kRefused, "there is no period, once::init() makes one");
  const auto table_named = [&](const std::string& period) { return table() + "_p" + period; };
  std::string conditions = "true";
  for (std::size_t at = 1; at < periods->size(); ++at)
    conditions += fmt::format(
        " AND NOT EXISTS (SELECT 1 FROM {} o WHERE o.consumer_group = '{}' AND o.topic = v.column1 "
        "AND o.message_key = v.column2)",
        table_named((*periods)[at][0]), options_.group);
  return fmt::format(
      "INSERT INTO {} (consumer_group, topic, message_key, attempt, done_at_ms) "
      "SELECT '{}', v.column1, v.column2, v.column3, {} FROM (VALUES {}) v WHERE {} "
      "ON CONFLICT DO NOTHING RETURNING topic, {}",
      table_named(periods->front()[0]), options_.group, now_ms(), values, conditions,
      hex_of("message_key"));
}

}  // namespace

std::unique_ptr<Database> make_sqlite(std::unique_ptr<Connection> connection,
                                      DatabaseOptions options) {
  return std::make_unique<Sqlite>(std::move(connection), std::move(options));
}

}  // namespace oncemq::once

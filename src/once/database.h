#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "once/connection.h"
#include "oncemq/once/schema.h"
#include "oncemq/once/sql.h"

namespace oncemq::once {

inline constexpr std::int32_t kSchemaVersion = 1;
inline constexpr std::chrono::milliseconds kWindow = std::chrono::hours(7 * 24);
inline constexpr std::int64_t kPeriodsInWindow = 8;

// What all connections of a user have in common.
struct DatabaseOptions {
  std::string group{};
  std::string table = "oncemq_once";
  std::chrono::milliseconds wait{5'000};
  std::chrono::milliseconds transaction_max{60'000};
  bool only_look = false;  // nothing is written: the database need not be durable
};

// The record that a delivery needs. Names are checked: they hold no quotes.
struct Claim {
  std::string topic;  // "" with Scope::kGroup
  std::string key;    // 1...255 bytes
  std::int32_t attempt = 1;

  bool operator==(const Claim& other) const { return topic == other.topic && key == other.key; }
  bool operator<(const Claim& other) const {
    return topic != other.topic ? topic < other.topic : key < other.key;
  }
};

enum class TransactionState : std::uint8_t { kOpen, kFailed, kEnded };

// One connection to a user's database with our tables in it (docs/once.md): what the engines do
// differently. Methods of a transaction are called in the order begin, claim, ..., commit; after an
// error only rollback(). Thread rule: confined, to one thread at a time.
class Database : public Transaction {
 public:
  // Connects, and asserts what durability needs unless `only_look`. kInvalidArgument | kUnreachable
  // | kRefused.
  static sdk::Result<std::unique_ptr<Database>> open(const Target& target,
                                                     const DatabaseOptions& options);

  // kRefused: the tables are missing or newer.
  sdk::Status check_schema();
  bool has_schema();
  // kRefused: a crash could make it forget what was committed.
  virtual sdk::Status check_durability() = 0;
  virtual sdk::Status create(const SchemaOptions& options) = 0;
  // Version, window and period alone: nothing is counted.
  sdk::Result<SchemaStatus> settings();
  sdk::Result<SchemaStatus> status();
  virtual sdk::Result<Cleaned> clean() = 0;

  virtual sdk::Status begin() = 0;
  // For each of `claims`, which are sorted and different, whether it is new. Waits for others.
  sdk::Result<std::vector<bool>> claim(std::span<const Claim> claims);
  sdk::Status forget(const Claim& claim);
  sdk::Status savepoint() { return connection_->run("SAVEPOINT oncemq_message"); }
  sdk::Status release() { return connection_->run("RELEASE SAVEPOINT oncemq_message"); }
  sdk::Status rollback_to() { return connection_->run("ROLLBACK TO SAVEPOINT oncemq_message"); }
  // After an error it may be committed or not; rollback() tells whether the connection is left.
  virtual sdk::Status commit() = 0;
  // False: the connection is of no use any more.
  virtual bool rollback() = 0;
  // Without asking the server.
  virtual TransactionState state() const = 0;

  soci::session& session() override { return connection_->session(); }
  sqlite3* sqlite() override { return nullptr; }
  pg_conn* postgresql() override { return nullptr; }

 protected:
  Database(std::unique_ptr<Connection> connection, DatabaseOptions options)
      : connection_(std::move(connection)), options_(std::move(options)) {}

  virtual sdk::Status set_up() = 0;
  virtual std::string bytes(const std::string& value) const = 0;  // literal
  virtual std::string hex_of(const std::string& column) const = 0;
  // "now" in milliseconds since 1970, by the database's clock.
  virtual std::string now_ms() const = 0;
  // The statement that inserts what `values` lists, as far as it is new, and returns topic and
  // key (hexadecimal) of what it inserted.
  virtual sdk::Result<std::string> claim_statement(const std::string& values) = 0;
  virtual sdk::Result<std::string> current_table() = 0;
  virtual sdk::Result<std::int64_t> count(std::int64_t period) = 0;
  // As Period::bytes.
  virtual sdk::Result<std::int64_t> size(std::int64_t period) = 0;

  const std::string& table() const { return options_.table; }
  std::string state_table() const { return options_.table + "_state"; }
  std::string period_table() const { return options_.table + "_period"; }
  std::string table_of(std::int64_t period) const {
    return options_.table + "_p" + std::to_string(period);
  }
  // In a transaction: the tables that all engines have, empty or as they are; then the options.
  sdk::Status create_common(const SchemaOptions& options);
  // The current period is over.
  sdk::Result<bool> is_over();
  // Ends the current period and begins the next; its table is there.
  sdk::Status switch_period();
  sdk::Result<std::int64_t> current_period();
  // Those that ended a window ago.
  sdk::Result<std::vector<std::int64_t>> expired();

  std::unique_ptr<Connection> connection_;
  const DatabaseOptions options_;
};

// By the engines' files.
std::unique_ptr<Database> make_sqlite(std::unique_ptr<Connection> connection,
                                      DatabaseOptions options);
std::unique_ptr<Database> make_postgresql(std::unique_ptr<Connection> connection,
                                          DatabaseOptions options);

// What `options` means with its defaults. kInvalidArgument.
sdk::Result<SchemaOptions> complete(SchemaOptions options);

}  // namespace oncemq::once

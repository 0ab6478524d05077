#include <fmt/format.h>

#include "base/bytes.h"
#include "base/hex.h"
#include "outbox/dialect.h"

namespace oncemq::outbox {
namespace {

class Sqlite final : public Dialect {
 public:
  std::vector<std::string> settings(std::chrono::milliseconds wait) const override {
    return {fmt::format("PRAGMA busy_timeout = {}", wait.count())};
  }
  std::string begin() const override { return "BEGIN IMMEDIATE"; }
  std::string alone(const std::string&) const override { return {}; }
  std::vector<std::string> create(const std::string& table) const override;

  std::string now_ms() const override {
    return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";
  }
  std::string text(const std::string& value) const override {
    return "CAST(x'" + to_hex(as_bytes(value)) + "' AS TEXT)";
  }
  std::string hex(const std::string& column) const override {
    return "hex(COALESCE(" + column + ", ''))";
  }
  std::string size(const std::string& column) const override {
    return "COALESCE(length(CAST(" + column + " AS BLOB)), 0)";
  }
};

std::vector<std::string> Sqlite::create(const std::string& table) const {
  return {
      fmt::format("CREATE TABLE IF NOT EXISTS {0} (\n"
                  "  id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
                  "  topic TEXT NOT NULL,\n"
                  "  aggregate TEXT,\n"
                  "  tag TEXT,\n"
                  "  message_keys TEXT,\n"
                  "  body BLOB NOT NULL,\n"
                  "  properties TEXT,\n"
                  "  created_at_ms INTEGER NOT NULL DEFAULT ({1}),\n"
                  "  published_at_ms INTEGER)",
                  table, now_ms()),
      fmt::format("CREATE INDEX IF NOT EXISTS {0}_waiting ON {0} (id) "
                  "WHERE published_at_ms IS NULL",
                  table),
      fmt::format("CREATE TABLE IF NOT EXISTS {0}_relay (\n"
                  "  id INTEGER PRIMARY KEY CHECK (id = 1),\n"
                  "  version INTEGER NOT NULL,\n"
                  "  name TEXT NOT NULL,\n"
                  "  published INTEGER NOT NULL,\n"
                  "  holder TEXT,\n"
                  "  held_until_ms INTEGER NOT NULL)",
                  table),
      fmt::format("INSERT INTO {0}_relay (id, version, name, published, held_until_ms) "
                  "VALUES (1, 1, lower(hex(randomblob(16))), 0, 0) ON CONFLICT DO NOTHING",
                  table),
      fmt::format("CREATE TABLE IF NOT EXISTS {0}_trouble (\n"
                  "  row_id TEXT PRIMARY KEY,\n"
                  "  topic TEXT NOT NULL,\n"
                  "  aggregate TEXT,\n"
                  "  attempts INTEGER NOT NULL,\n"
                  "  reason TEXT NOT NULL,\n"
                  "  last_at_ms INTEGER NOT NULL,\n"
                  "  next_at_ms INTEGER NOT NULL,\n"
                  "  parked INTEGER NOT NULL)",
                  table),
      fmt::format("CREATE INDEX IF NOT EXISTS {0}_trouble_lane ON {0}_trouble (topic, aggregate)",
                  table),
  };
}

}  // namespace

const Dialect& sqlite_dialect() {
  static const Sqlite dialect;
  return dialect;
}

}  // namespace oncemq::outbox

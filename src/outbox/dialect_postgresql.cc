#include <fmt/format.h>

#include "base/bytes.h"
#include "base/hex.h"
#include "outbox/dialect.h"

namespace oncemq::outbox {
namespace {

constexpr int kLockSpace = 0x6F757462;   // "outb": first half of our advisory locks
constexpr int kStatementMaxMs = 30'000;  // a server that hangs is a server that is away

class Postgresql final : public Dialect {
 public:
  std::vector<std::string> settings(std::chrono::milliseconds wait) const override {
    return {"SET client_min_messages = warning", "SET standard_conforming_strings = on",
            "SET client_encoding = 'UTF8'", fmt::format("SET lock_timeout = {}", wait.count()),
            fmt::format("SET statement_timeout = {}", kStatementMaxMs)};
  }
  std::string begin() const override { return "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"; }
  std::string alone(const std::string& table) const override {
    return fmt::format("SELECT CAST(pg_advisory_xact_lock({}, hashtext('{}')) AS TEXT)", kLockSpace,
                       table);
  }
  std::vector<std::string> create(const std::string& table) const override;

  std::string now_ms() const override {
    return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)";
  }
  std::string text(const std::string& value) const override {
    return "convert_from(decode('" + to_hex(as_bytes(value)) + "', 'hex'), 'UTF8')";
  }
  std::string hex(const std::string& column) const override {
    return "COALESCE(encode(" + column + ", 'hex'), '')";
  }
  std::string size(const std::string& column) const override {
    return "COALESCE(octet_length(" + column + "), 0)";
  }
};

std::vector<std::string> Postgresql::create(const std::string& table) const {
  return {
      fmt::format("CREATE TABLE IF NOT EXISTS {0} (\n"
                  "  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n"
                  "  topic TEXT NOT NULL,\n"
                  "  aggregate TEXT,\n"
                  "  tag TEXT,\n"
                  "  message_keys TEXT,\n"
                  "  body BYTEA NOT NULL,\n"
                  "  properties TEXT,\n"
                  "  created_at_ms BIGINT NOT NULL DEFAULT {1},\n"
                  "  published_at_ms BIGINT)",
                  table, now_ms()),
      fmt::format("CREATE INDEX IF NOT EXISTS {0}_waiting ON {0} (id) "
                  "WHERE published_at_ms IS NULL",
                  table),
      fmt::format("CREATE TABLE IF NOT EXISTS {0}_relay (\n"
                  "  id INTEGER PRIMARY KEY CHECK (id = 1),\n"
                  "  version INTEGER NOT NULL,\n"
                  "  name TEXT NOT NULL,\n"
                  "  published BIGINT NOT NULL,\n"
                  "  holder TEXT,\n"
                  "  held_until_ms BIGINT NOT NULL)",
                  table),
      fmt::format("INSERT INTO {0}_relay (id, version, name, published, held_until_ms) "
                  "VALUES (1, 1, replace(CAST(gen_random_uuid() AS TEXT), '-', ''), 0, 0) "
                  "ON CONFLICT DO NOTHING",
                  table),
      fmt::format("CREATE TABLE IF NOT EXISTS {0}_trouble (\n"
                  "  row_id TEXT PRIMARY KEY,\n"
                  "  topic TEXT NOT NULL,\n"
                  "  aggregate TEXT,\n"
                  "  attempts INTEGER NOT NULL,\n"
                  "  reason TEXT NOT NULL,\n"
                  "  last_at_ms BIGINT NOT NULL,\n"
                  "  next_at_ms BIGINT NOT NULL,\n"
                  "  parked INTEGER NOT NULL)",
                  table),
      fmt::format("CREATE INDEX IF NOT EXISTS {0}_trouble_lane ON {0}_trouble (topic, aggregate)",
                  table),
  };
}

}  // namespace

const Dialect& postgresql_dialect() {
  static const Postgresql dialect;
  return dialect;
}

}  // namespace oncemq::outbox

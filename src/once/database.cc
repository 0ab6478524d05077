#include "once/database.h"

#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/hex.h"
#include "client/sdk/failure.h"

namespace oncemq::once {
namespace {

using sdk::Errc;
using sdk::failure;

constexpr std::int64_t kPeriodsMax = 100;  // of a window: each is looked at by each claim

}  // namespace

sdk::Result<SchemaOptions> complete(SchemaOptions options) {
  if (const auto good = check_table(options.table); !good) return tl::unexpected(good.error());
  if (options.window.count() == 0) options.window = kWindow;
  if (options.window < std::chrono::seconds(1))
    return failure(Errc::kInvalidArgument, "a window has at least a second");
  if (options.period.count() == 0) options.period = options.window / kPeriodsInWindow;
  if (options.period > options.window || options.period * kPeriodsMax < options.window)
    return failure(Errc::kInvalidArgument, "a period is a 100th of the window to all of it");
  return options;
}

sdk::Result<std::unique_ptr<Database>> Database::open(const Target& target,
                                                      const DatabaseOptions& options) {
  if (const auto good = check_table(options.table); !good) return tl::unexpected(good.error());
  auto connection = Connection::open(target);
  if (!connection) return tl::unexpected(std::move(connection.error()));
  auto database = target.engine == Engine::kSqlite
                      ? make_sqlite(std::move(*connection), options)
                      : make_postgresql(std::move(*connection), options);
  if (const auto ready = database->set_up(); !ready) return tl::unexpected(ready.error());
  if (!options.only_look)
    if (const auto safe = database->check_durability(); !safe) return tl::unexpected(safe.error());
  return database;
}

bool Database::has_schema() {
  return connection_->number(fmt::format("SELECT version FROM {}", state_table())).has_value();
}

sdk::Status Database::check_schema() {
  const auto version =
      connection_->number(fmt::format("SELECT version FROM {} WHERE id = 1", state_table()));
  if (!version)
    return failure(Errc::kRefused, fmt::format("table {} is missing, once::init() or the command "
                                               "'oncemq once init' makes it ({})",
                                               state_table(), version.error().message));
  if (*version == kSchemaVersion) return {};
  return failure(Errc::kRefused,
                 fmt::format("{} has version {} of the schema, this program knows {}: "
                             "a newer one is needed",
                             table(), *version, kSchemaVersion));
}

sdk::Status Database::create_common(const SchemaOptions& options) {
  for (const std::string& statement : {
           fmt::format("CREATE TABLE IF NOT EXISTS {} (id INTEGER PRIMARY KEY CHECK (id = 1), "
                       "version INTEGER NOT NULL, window_ms BIGINT NOT NULL, "
                       "period_ms BIGINT NOT NULL, current_period BIGINT NOT NULL)",
                       state_table()),
           fmt::format("CREATE TABLE IF NOT EXISTS {} (period BIGINT PRIMARY KEY, "
                       "began_at_ms BIGINT NOT NULL, ended_at_ms BIGINT)",
                       period_table()),
           fmt::format("INSERT INTO {} (id, version, window_ms, period_ms, current_period) "
                       "VALUES (1, {}, {}, {}, 1) ON CONFLICT DO NOTHING",
                       state_table(), kSchemaVersion, kWindow.count(),
                       kWindow.count() / kPeriodsInWindow),
           fmt::format("INSERT INTO {0} (period, began_at_ms) SELECT 1, {1} "
                       "WHERE NOT EXISTS (SELECT 1 FROM {0}) ON CONFLICT DO NOTHING",
                       period_table(), now_ms()),
       })
    if (auto done = connection_->run(statement); !done) return done;
  if (auto known = check_schema(); !known) return known;
  if (options.window.count() == 0 && options.period.count() == 0) return {};
  const auto wanted = complete(options);
  if (!wanted) return tl::unexpected(wanted.error());
  return connection_->run(fmt::format("UPDATE {} SET window_ms = {}, period_ms = {} WHERE id = 1",
                                      state_table(), wanted->window.count(),
                                      wanted->period.count()));
}

sdk::Result<SchemaStatus> Database::settings() {
  if (auto known = check_schema(); !known) return tl::unexpected(known.error());
  const auto window = connection_->number(fmt::format("SELECT window_ms FROM {}", state_table()));
  if (!window) return tl::unexpected(window.error());
  const auto period = connection_->number(fmt::format("SELECT period_ms FROM {}", state_table()));
  if (!period) return tl::unexpected(period.error());
  SchemaStatus status{.version = kSchemaVersion};
  status.window = std::chrono::milliseconds(*window);
  status.period = std::chrono::milliseconds(*period);
  return status;
}

sdk::Result<SchemaStatus> Database::status() {
  auto found = settings();
  if (!found) return found;
  SchemaStatus& status = *found;
  const auto now = connection_->number(fmt::format("SELECT CAST({} AS TEXT)", now_ms()));
  const auto old = expired();
  const auto periods = connection_->rows(
      fmt::format("SELECT CAST(period AS TEXT), CAST(began_at_ms AS TEXT), "
                  "CAST(COALESCE(ended_at_ms, 0) AS TEXT) FROM {} ORDER BY period",
                  period_table()));
  if (!periods || !now || !old)
    return failure(
        Errc::kRefused,
        "the tables cannot be read, once::init() or the command 'oncemq once init' makes "
        "what is missing");
  status.now_ms = *now;
  if (const auto safe = check_durability(); !safe) status.not_durable = safe.error().message;
  for (const auto& row : *periods) {
    Period& one = status.periods.emplace_back();
    for (const auto& [text, into] : {std::pair{&row[0], &one.number},
                                     {&row[1], &one.began_at_ms},
                                     {&row[2], &one.ended_at_ms}})
      std::from_chars(text->data(), text->data() + text->size(), *into);
    const auto records = count(one.number);
    if (!records) return tl::unexpected(records.error());
    one.records = *records;
    const auto bytes = size(one.number);
    if (!bytes) return tl::unexpected(bytes.error());
    one.bytes = *bytes;
    one.due = std::ranges::find(*old, one.number) != old->end();
  }
  return found;
}

sdk::Result<std::vector<bool>> Database::claim(std::span<const Claim> claims) {
  std::string values;
  std::map<std::pair<std::string, std::string>, std::size_t> places;
  for (std::size_t at = 0; at < claims.size(); ++at) {
    const Claim& claim = claims[at];
    values += fmt::format("{}('{}', {}, {})", at == 0 ? "" : ", ", claim.topic, bytes(claim.key),
                          claim.attempt);
    places.emplace(std::pair(claim.topic, to_hex(as_bytes(claim.key))), at);
  }
  const auto statement = claim_statement(values);
  if (!statement) return tl::unexpected(statement.error());
  const auto inserted = connection_->rows(*statement);
  if (!inserted) return tl::unexpected(inserted.error());
  std::vector<bool> mine(claims.size(), false);
  for (const auto& row : *inserted) {
    const auto place = places.find(std::pair(row[0], row[1]));
    if (place == places.end())
      return failure(Errc::kInternal, "the database returned a record that was not asked for");
    mine[place->second] = true;
  }
  return mine;
}

sdk::Status Database::forget(const Claim& claim) {
  const auto current = current_table();
  if (!current) return tl::unexpected(current.error());
  return connection_->run(fmt::format(
      "DELETE FROM {} WHERE consumer_group = '{}' AND topic = '{}' AND message_key = {}", *current,
      options_.group, claim.topic, bytes(claim.key)));
}

sdk::Result<std::int64_t> Database::current_period() {
  return connection_->number(
      fmt::format("SELECT current_period FROM {} WHERE id = 1", state_table()));
}

sdk::Result<bool> Database::is_over() {
  const auto over = connection_->number(
      fmt::format("SELECT count(*) FROM {} s JOIN {} p ON p.period = s.current_period "
                  "WHERE p.began_at_ms + s.period_ms <= {}",
                  state_table(), period_table(), now_ms()));
  if (!over) return tl::unexpected(over.error());
  return *over > 0;
}

sdk::Status Database::switch_period() {
  for (const std::string& statement : {
           fmt::format("UPDATE {} SET ended_at_ms = {} WHERE period = "
                       "(SELECT current_period FROM {})",
                       period_table(), now_ms(), state_table()),
           fmt::format("UPDATE {} SET current_period = current_period + 1", state_table()),
           fmt::format("INSERT INTO {} (period, began_at_ms) SELECT current_period, {} FROM {}",
                       period_table(), now_ms(), state_table()),
       })
    if (auto done = connection_->run(statement); !done) return done;
  return {};
}

sdk::Result<std::vector<std::int64_t>> Database::expired() {
  const auto found =
      connection_->rows(fmt::format("SELECT CAST(p.period AS TEXT) FROM {} p CROSS JOIN {} s "
                                    "WHERE p.ended_at_ms + s.window_ms <= {} ORDER BY p.period",
                                    period_table(), state_table(), now_ms()));
  if (!found) return tl::unexpected(found.error());
  std::vector<std::int64_t> periods;
  for (const auto& row : *found)
    std::from_chars(row[0].data(), row[0].data() + row[0].size(), periods.emplace_back());
  return periods;
}

}  // namespace oncemq::once

#include "outbox/table.h"

#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/hex.h"
#include "base/utf8.h"
#include "client/sdk/failure.h"
#include "os/real_disk.h"

namespace oncemq::outbox {
namespace {

using sdk::Errc;
using sdk::failure;
using std::chrono::milliseconds;

constexpr milliseconds kWait{5'000};     // for a lock of the database
constexpr std::size_t kReasonMax = 500;  // bytes

std::int64_t number(const std::string& text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string joined(const std::vector<std::string>& ids) {
  std::string all;
  for (const std::string& id : ids) all += (all.empty() ? "" : ", ") + id;
  return all;
}

// What becomes a part of a statement.
sdk::Status check_ids(const std::vector<std::string>& ids) {
  for (const std::string& id : ids) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), value);
    if (error != std::errc{} || end != id.data() + id.size())
      return failure(Errc::kInvalidArgument, "'" + id.substr(0, 40) + "' is no row's id");
  }
  return {};
}

// What a broker said, as a database takes it: UTF-8 without zero bytes, and not too long.
std::string plain(std::string_view text) {
  std::string plain;
  while (!text.empty() && plain.size() < kReasonMax) {
    const std::size_t size = text.front() == '\0' ? 0 : utf8_length(text);
    plain += size == 0 ? std::string_view("?") : text.substr(0, size);
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return plain;
}

std::string bytes_of(const std::string& hex) {
  std::string bytes(hex.size() / 2, '\0');
  if (!read_hex(hex, std::as_writable_bytes(std::span(bytes)))) return {};
  return bytes;
}

}  // namespace

sdk::Result<std::vector<std::string>> schema(const std::string& url, const std::string& table) {
  const auto target = once::parse_url(url);
  if (!target) return tl::unexpected(target.error());
  if (auto good = once::check_table(table); !good) return tl::unexpected(std::move(good.error()));
  return dialect_of(target->engine).create(table);
}

sdk::Result<std::unique_ptr<Table>> Table::connect(const std::string& url, const std::string& table,
                                                   bool keep, bool make) {
  const auto target = once::parse_url(url);
  if (!target) return tl::unexpected(target.error());
  if (auto good = once::check_table(table); !good) return tl::unexpected(std::move(good.error()));
  // SQLite would make an empty file of a name that was mistyped.
  if (!make && target->engine == once::Engine::kSqlite && !os::RealDisk().stat(target->connect))
    return failure(Errc::kRefused,
                   "there is no file " + target->connect + ", 'oncemq outbox init' makes it");
  auto connection = once::Connection::open(*target);
  if (!connection) return tl::unexpected(std::move(connection.error()));
  const Dialect& dialect = dialect_of(target->engine);
  for (const std::string& setting : dialect.settings(kWait))
    if (auto set = (*connection)->run(setting); !set) return tl::unexpected(std::move(set.error()));
  return std::unique_ptr<Table>(new Table(std::move(*connection), dialect, table, keep));
}

sdk::Result<std::unique_ptr<Table>> Table::open(const std::string& url, const std::string& table,
                                                bool keep) {
  auto opened = connect(url, table, keep, false);
  if (!opened) return opened;
  if (auto known = (*opened)->check_schema(); !known)
    return tl::unexpected(std::move(known.error()));
  return opened;
}

sdk::Status Table::create(const std::string& url, const std::string& table) {
  const auto opened = connect(url, table, false, true);
  if (!opened) return tl::unexpected(opened.error());
  Table& made = **opened;
  auto done = made.together([&]() -> sdk::Status {
    if (const std::string alone = made.dialect_.alone(table); !alone.empty())
      if (auto locked = made.connection_->rows(alone); !locked)
        return tl::unexpected(std::move(locked.error()));
    for (const std::string& statement : made.dialect_.create(table))
      if (auto run = made.connection_->run(statement); !run) return run;
    return {};
  });
  return done ? made.check_schema() : done;
}

sdk::Status Table::check_schema() {
  const auto found = connection_->rows(
      fmt::format("SELECT CAST(version AS TEXT), name FROM {}_relay WHERE id = 1", table_));
  if (!found)
    return failure(Errc::kRefused,
                   fmt::format("table {}_relay is missing, 'oncemq outbox init' makes it ({})",
                               table_, found.error().message));
  if (found->size() != 1) return failure(Errc::kRefused, "table " + table_ + "_relay is empty");
  if (number(found->front()[0]) != kSchemaVersion)
    return failure(Errc::kRefused,
                   fmt::format("{} has version {} of the schema, this program knows {}", table_,
                               found->front()[0], kSchemaVersion));
  name_ = found->front()[1];
  return {};
}

sdk::Status Table::together(const std::function<sdk::Status()>& run) {
  if (auto begun = connection_->run(dialect_.begin()); !begun) return begun;
  auto status = run();
  if (status) status = connection_->run("COMMIT");
  if (!status) (void)connection_->run("ROLLBACK");
  return status;
}

std::string Table::list(const std::vector<std::string>& texts) const {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + dialect_.text(text);
  return all;
}

sdk::Result<bool> Table::lease(const std::string& holder, milliseconds time) {
  const std::string me = dialect_.text(holder);
  const std::string now = dialect_.now_ms();
  if (auto taken = connection_->run(
          fmt::format("UPDATE {}_relay SET holder = {}, held_until_ms = {} + {} WHERE id = 1 AND "
                      "(holder IS NULL OR holder = {} OR held_until_ms <= {})",
                      table_, me, now, time.count(), me, now));
      !taken)
    return tl::unexpected(std::move(taken.error()));
  const auto mine = connection_->number(fmt::format(
      "SELECT count(*) FROM {}_relay WHERE holder = {} AND held_until_ms > {}", table_, me, now));
  if (!mine) return tl::unexpected(mine.error());
  if (*mine == 1)
    if (auto done = forget_gone(); !done) return tl::unexpected(std::move(done.error()));
  return *mine == 1;
}

sdk::Status Table::release(const std::string& holder) {
  return connection_->run(
      fmt::format("UPDATE {}_relay SET holder = NULL, held_until_ms = 0 WHERE holder = {}", table_,
                  dialect_.text(holder)));
}

sdk::Status Table::forget_gone() {
  const auto any =
      connection_->number(fmt::format("SELECT count(*) FROM {}_trouble t WHERE NOT EXISTS (SELECT "
                                      "1 FROM {} o WHERE CAST(o.id AS TEXT) = t.row_id)",
                                      table_, table_));
  if (!any) return tl::unexpected(any.error());
  if (*any == 0) return {};
  return connection_->run(
      fmt::format("DELETE FROM {0}_trouble WHERE NOT EXISTS (SELECT 1 FROM {0} o WHERE "
                  "CAST(o.id AS TEXT) = {0}_trouble.row_id)",
                  table_));
}

sdk::Result<std::vector<Row>> Table::heads(const Reading& reading) {
  const std::string now = dialect_.now_ms();
  const std::string size = dialect_.size("o.body");
  const std::string rest = dialect_.size("o.tag") + " + " + dialect_.size("o.message_keys") +
                           " + " + dialect_.size("o.properties");
  const std::string topics = reading.without.empty()
                                 ? std::string()
                                 : "AND o.topic NOT IN (" + list(reading.without) + ") ";
  const auto found = connection_->rows(fmt::format(
      "SELECT CAST(o.id AS TEXT), o.topic, COALESCE(o.aggregate, ''), CAST({} AS TEXT), "
      "CAST({} AS TEXT), CAST(COALESCE(t.attempts, 0) AS TEXT) "
      "FROM {} o LEFT JOIN {}_trouble t ON t.row_id = CAST(o.id AS TEXT) "
      "WHERE o.published_at_ms IS NULL {}"
      "AND (t.row_id IS NULL OR (t.parked = 0 AND t.next_at_ms <= {})) "
      "AND NOT EXISTS (SELECT 1 FROM {}_trouble h WHERE h.topic = o.topic AND "
      "h.aggregate = o.aggregate AND (h.parked = {} OR (h.parked = 0 AND h.next_at_ms > {}))) "
      "ORDER BY o.id LIMIT {}",
      size, rest, table_, table_, topics, now, table_, reading.pass ? -1 : 1, now,
      reading.rows_max));
  if (!found) return tl::unexpected(found.error());
  std::vector<Row> rows;
  std::int64_t bytes = 0;
  for (const auto& values : *found) {
    Row row{.id = values[0],
            .topic = values[1],
            .aggregate = values[2],
            .body_bytes = number(values[3]),
            .rest_bytes = number(values[4]),
            .attempts = static_cast<std::int32_t>(number(values[5]))};
    if (is_readable(row, reading.body_max)) bytes += row.body_bytes + row.rest_bytes;
    if (!rows.empty() && bytes > reading.bytes_max) break;
    rows.push_back(std::move(row));
  }
  return rows;
}

sdk::Status Table::add_contents(std::vector<Row>& rows, std::int64_t body_max) {
  std::map<std::string, Row*> wanted;
  std::vector<std::string> ids;
  for (Row& row : rows) {
    if (!is_readable(row, body_max)) continue;
    wanted.emplace(row.id, &row);
    ids.push_back(row.id);
  }
  if (ids.empty()) return {};
  const auto found = connection_->rows(
      fmt::format("SELECT CAST(id AS TEXT), COALESCE(tag, ''), COALESCE(message_keys, ''), "
                  "COALESCE(properties, ''), {} FROM {} WHERE id IN ({})",
                  dialect_.hex("body"), table_, joined(ids)));
  if (!found) return tl::unexpected(found.error());
  for (const auto& values : *found) {
    const auto place = wanted.find(values[0]);
    if (place == wanted.end()) continue;
    Row& row = *place->second;
    row.tag = values[1];
    row.keys = values[2];
    row.properties = values[3];
    row.body = bytes_of(values[4]);
    wanted.erase(place);
  }
  // Deleted in between.
  std::erase_if(rows, [&](const Row& row) { return wanted.contains(row.id); });
  return {};
}

sdk::Result<std::vector<Row>> Table::read(const Reading& reading) {
  auto rows = heads(reading);
  if (!rows) return rows;
  if (auto added = add_contents(*rows, reading.body_max); !added)
    return tl::unexpected(std::move(added.error()));
  return rows;
}

sdk::Status Table::mark_published(const std::vector<std::string>& ids) {
  if (ids.empty()) return {};
  if (auto good = check_ids(ids); !good) return good;
  const std::string which = fmt::format("id IN ({}) AND published_at_ms IS NULL", joined(ids));
  for (const std::string& statement : {
           fmt::format("UPDATE {0}_relay SET published = published + (SELECT count(*) FROM {0} "
                       "WHERE {1}) WHERE id = 1",
                       table_, which),
           keep_ ? fmt::format("UPDATE {} SET published_at_ms = {} WHERE {}", table_,
                               dialect_.now_ms(), which)
                 : fmt::format("DELETE FROM {} WHERE {}", table_, which),
           fmt::format("DELETE FROM {}_trouble WHERE row_id IN ({})", table_, list(ids)),
       })
    if (auto done = connection_->run(statement); !done) return done;
  return {};
}

// Only of a row that still waits: another relay may have been quicker.
sdk::Status Table::note(const Trouble& trouble) {
  if (auto good = check_ids({trouble.id}); !good) return good;
  const std::string now = dialect_.now_ms();
  return connection_->run(fmt::format(
      "INSERT INTO {0}_trouble (row_id, topic, aggregate, attempts, reason, last_at_ms, "
      "next_at_ms, parked) SELECT {1}, topic, NULLIF(aggregate, ''), {2}, {3}, {4}, {4} + {5}, {6} "
      "FROM {0} WHERE id = {7} AND published_at_ms IS NULL "
      "ON CONFLICT (row_id) DO UPDATE SET attempts = excluded.attempts, reason = excluded.reason, "
      "last_at_ms = excluded.last_at_ms, next_at_ms = excluded.next_at_ms, "
      "parked = excluded.parked",
      table_, dialect_.text(trouble.id), trouble.attempts, dialect_.text(plain(trouble.reason)),
      now, trouble.pause.count(), trouble.parked ? 1 : 0, trouble.id));
}

sdk::Status Table::settle(const Settlement& settlement) {
  return together([&]() -> sdk::Status {
    if (auto marked = mark_published(settlement.published); !marked) return marked;
    for (const Trouble& trouble : settlement.troubles)
      if (auto noted = note(trouble); !noted) return noted;
    return {};
  });
}

sdk::Result<TableStatus> Table::status() {
  const std::string now = dialect_.now_ms();
  const auto sums = connection_->rows(fmt::format(
      "SELECT CAST((SELECT count(*) FROM {0} WHERE published_at_ms IS NULL) AS TEXT), "
      "CAST(COALESCE((SELECT {1} - min(created_at_ms) FROM {0} WHERE published_at_ms IS NULL), 0) "
      "AS TEXT), CAST(published AS TEXT), "
      "CAST((SELECT count(*) FROM {0}_trouble WHERE parked = 1) AS TEXT), "
      "CAST((SELECT count(*) FROM {0}_trouble WHERE parked = 0) AS TEXT), "
      "CASE WHEN held_until_ms > {1} THEN COALESCE(holder, '') ELSE '' END "
      "FROM {0}_relay WHERE id = 1",
      table_, now));
  if (!sums) return tl::unexpected(sums.error());
  if (sums->size() != 1) return failure(Errc::kRefused, "table " + table_ + "_relay is empty");
  const auto& values = sums->front();
  TableStatus status{.name = name_,
                     .waiting = number(values[0]),
                     .oldest_ms = std::max<std::int64_t>(0, number(values[1])),
                     .published = number(values[2]),
                     .parked = number(values[3]),
                     .refused = number(values[4]),
                     .holder = values[5],
                     .troubles = {}};
  const auto troubles = connection_->rows(fmt::format(
      "SELECT row_id, topic, COALESCE(aggregate, ''), CAST(attempts AS TEXT), reason, "
      "CAST(parked AS TEXT) FROM {}_trouble ORDER BY parked DESC, last_at_ms, row_id LIMIT {}",
      table_, kTroublesShown));
  if (!troubles) return tl::unexpected(troubles.error());
  for (const auto& one : *troubles)
    status.troubles.push_back({.id = one[0],
                               .topic = one[1],
                               .aggregate = one[2],
                               .attempts = static_cast<std::int32_t>(number(one[3])),
                               .reason = one[4],
                               .parked = one[5] == "1"});
  return status;
}

sdk::Result<std::int64_t> Table::retry(const std::vector<std::string>& ids) {
  if (auto good = check_ids(ids); !good) return tl::unexpected(std::move(good.error()));
  const std::string which =
      ids.empty() ? "parked = 1" : "parked = 1 AND row_id IN (" + list(ids) + ")";
  std::int64_t freed = 0;
  auto done = together([&]() -> sdk::Status {
    const auto count =
        connection_->number(fmt::format("SELECT count(*) FROM {}_trouble WHERE {}", table_, which));
    if (!count) return tl::unexpected(count.error());
    freed = *count;
    return connection_->run(fmt::format("DELETE FROM {}_trouble WHERE {}", table_, which));
  });
  if (!done) return tl::unexpected(std::move(done.error()));
  return freed;
}

}  // namespace oncemq::outbox

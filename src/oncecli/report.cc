#include "oncecli/report.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "cli/table.h"

namespace oncemq::oncecli {
namespace {

using std::chrono::milliseconds;

const char* state_of(const Report& report, const once::Period& period) {
  if (period.due) return "due";
  if (period.ended_at_ms != 0) return "remembered";
  const bool over = period.began_at_ms + report.status.period.count() <= report.status.now_ms;
  return over ? "over" : "current";
}

std::string size_text(std::int64_t bytes) {
  if (bytes < 0) return "-";
  if (bytes < 1024) return fmt::format("{} B", bytes);
  auto size = static_cast<double>(bytes) / 1024;
  std::string_view unit = "KiB";
  for (const std::string_view next : {"MiB", "GiB", "TiB"}) {
    if (size < 1024) break;
    size /= 1024;
    unit = next;
  }
  return fmt::format("{:.1f} {}", size, unit);
}

struct Sums {
  std::int64_t records = 0;
  std::int64_t bytes = 0;  // -1: not told
  std::int64_t due = 0;    // periods
};

Sums sums_of(const once::SchemaStatus& status) {
  Sums sums;
  for (const once::Period& period : status.periods) {
    sums.records += period.records;
    sums.bytes = period.bytes < 0 || sums.bytes < 0 ? -1 : sums.bytes + period.bytes;
    sums.due += period.due ? 1 : 0;
  }
  return sums;
}

std::string horizon_text(const Report& report) {
  const std::string wanted = duration_text(report.horizon);
  if (report.long_enough()) return "the window is long enough: a copy can come back for " + wanted;
  const auto days = std::chrono::ceil<std::chrono::days>(report.horizon).count();
  return fmt::format(
      "the window is too short, a copy can come back for {}: oncemq once init URL --window {}d",
      wanted, days);
}

}  // namespace

std::string duration_text(milliseconds time) {
  static constexpr std::array<std::pair<std::int64_t, char>, 4> kUnits = {
      {{86'400'000, 'd'}, {3'600'000, 'h'}, {60'000, 'm'}, {1'000, 's'}}};
  std::int64_t ms = std::max<std::int64_t>(time.count(), 0);
  for (std::size_t at = 0; at + 1 < kUnits.size(); ++at) {
    const auto [unit, name] = kUnits[at];
    if (ms < unit) continue;
    const auto [next, next_name] = kUnits[at + 1];
    const std::int64_t rest = ms % unit / next;
    return rest == 0 ? fmt::format("{}{}", ms / unit, name)
                     : fmt::format("{}{} {}{}", ms / unit, name, rest, next_name);
  }
  return fmt::format("{}s", ms / 1000);
}

std::string report_text(const Report& report) {
  const once::SchemaStatus& status = report.status;
  const Sums sums = sums_of(status);
  const std::int64_t oldest = status.periods.empty() ? 0 : status.periods.front().began_at_ms;
  const cli::Table about{
      .columns = {"about", "value"},
      .rows = {
          {"schema", fmt::format("version {} in {}", status.version, report.table)},
          {"window",
           duration_text(status.window) + ", in periods of " + duration_text(status.period)},
          {"memory", fmt::format("{} records, {}", sums.records, size_text(sums.bytes))},
          {"oldest", oldest == 0
                         ? std::string("-")
                         : cli::time_text(oldest) + ", " +
                               duration_text(milliseconds(status.now_ms - oldest)) + " ago"},
          {"to drop", sums.due == 0 ? std::string("nothing")
                                    : fmt::format("{} periods: oncemq once clean URL", sums.due)},
          {"horizon", horizon_text(report)},
          {"durability", status.not_durable.empty() ? "a commit survives a crash"
                                                    : "refused: " + status.not_durable},
      }};
  cli::Table periods{.columns = {"period", "state", "began", "ended", "age", "records", "size"},
                     .rows = {}};
  for (const once::Period& period : status.periods)
    periods.rows.push_back({period.number, state_of(report, period),
                            cli::time_text(period.began_at_ms), cli::time_text(period.ended_at_ms),
                            duration_text(milliseconds(status.now_ms - period.began_at_ms)),
                            period.records, size_text(period.bytes)});
  return about.text() + "\n" + periods.text();
}

Json report_json(const Report& report) {
  const once::SchemaStatus& status = report.status;
  Json periods = Json::array();
  for (const once::Period& period : status.periods) {
    Json one = Json::object();
    one.set("period", period.number).set("state", state_of(report, period));
    one.set("beganAtMs", period.began_at_ms).set("endedAtMs", period.ended_at_ms);
    one.set("ageMs", status.now_ms - period.began_at_ms);
    one.set("records", period.records).set("bytes", period.bytes).set("due", period.due);
    periods.push(std::move(one));
  }
  Json json = Json::object();
  json.set("table", report.table).set("version", status.version);
  json.set("windowMs", std::int64_t{status.window.count()});
  json.set("periodMs", std::int64_t{status.period.count()});
  json.set("nowMs", status.now_ms);
  json.set("oldestMs", status.periods.empty() ? 0 : status.periods.front().began_at_ms);
  json.set("horizonMs", std::int64_t{report.horizon.count()});
  json.set("longEnough", report.long_enough());
  json.set("durable", status.not_durable.empty()).set("notDurable", status.not_durable);
  json.set("periods", std::move(periods));
  return json;
}

std::string cleaned_text(const once::Cleaned& cleaned) {
  std::string text;
  for (const std::int64_t period : cleaned.dropped)
    text += fmt::format("period {} dropped\n", period);
  if (cleaned.rotated) text += "a new period began\n";
  return text.empty() && !cleaned.busy ? "nothing was over\n" : text;
}

Json cleaned_json(const once::Cleaned& cleaned) {
  Json dropped = Json::array();
  for (const std::int64_t period : cleaned.dropped) dropped.push(period);
  Json json = Json::object();
  json.set("rotated", cleaned.rotated).set("busy", cleaned.busy);
  json.set("dropped", std::move(dropped));
  return json;
}

std::string advice(const std::string& message) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kRows = {{
      {"readonly database", "this user needs the right to write the file and its folder"},
      {"unable to open database",
       "the folder has to exist, and this user to be allowed to write it"},
      {"file is not a database", "another path is meant, or the file is damaged"},
      {"password authentication failed",
       "the password belongs into PGPASSWORD, ~/.pgpass or the URL (with %XX for special letters)"},
      {"no password supplied",
       "the password belongs into PGPASSWORD, ~/.pgpass or the URL (with %XX for special letters)"},
      {"no pg_hba.conf entry", "the server's pg_hba.conf has to let this user in from here"},
      {"could not translate host name", "the host's name in the URL is wrong, or no DNS knows it"},
      {"permission denied", "the user needs rights there: GRANT, or the owner's name in the URL"},
      {"\" does not exist",
       "it has to be made first (createdb, createuser), or the URL means another"},
  }};
  for (const auto& [words, what] : kRows)
    if (message.find(words) != std::string::npos) return std::string(what);
  return {};
}

}  // namespace oncemq::oncecli

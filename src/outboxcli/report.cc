#include "outboxcli/report.h"

#include <fmt/format.h>

#include "cli/table.h"

namespace oncemq::outboxcli {

std::string report_text(const outbox::TableStatus& status) {
  const cli::Table about{
      .columns = {"about", "value"},
      .rows = {{"outbox", status.name},
               {"waiting", status.waiting},
               {"oldest",
                status.waiting == 0 ? std::string("-") : fmt::format("{} ms", status.oldest_ms)},
               {"published", status.published},
               {"parked", status.parked},
               {"refused", status.refused},
               {"relay", status.holder.empty() ? std::string("none works") : status.holder}}};
  if (status.troubles.empty()) return about.text();
  cli::Table troubles{.columns = {"row", "state", "topic", "aggregate", "attempts", "reason"},
                      .rows = {}};
  for (const outbox::Trouble& one : status.troubles)
    troubles.rows.push_back({one.id, one.parked ? "parked" : "refused", one.topic, one.aggregate,
                             one.attempts, one.reason});
  return about.text() + "\n" + troubles.text();
}

Json report_json(const outbox::TableStatus& status) {
  Json troubles = Json::array();
  for (const outbox::Trouble& one : status.troubles) {
    Json row = Json::object();
    row.set("row", one.id).set("parked", one.parked).set("topic", one.topic);
    row.set("aggregate", one.aggregate).set("attempts", one.attempts).set("reason", one.reason);
    troubles.push(std::move(row));
  }
  Json json = Json::object();
  json.set("name", status.name).set("waiting", status.waiting).set("oldestMs", status.oldest_ms);
  json.set("published", status.published).set("parked", status.parked);
  json.set("refused", status.refused).set("holder", status.holder);
  json.set("troubles", std::move(troubles));
  return json;
}

}  // namespace oncemq::outboxcli

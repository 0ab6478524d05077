#include "cli/verb.h"
#include "client/admin/topic_details.h"

namespace oncemq::cli {
namespace {

struct Asked {
  Common common;
  std::string topic;
  bool latest = false;
};
using Idempotency = Family<Asked>;
using Kind = Idempotency::Kind;

Status report(const Asked& asked, Cluster& cluster) {
  client::TopicDetails details(cluster.admin());
  const auto found = details.repeats(asked.topic);
  if (!found) return fail(found.error());
  Table table;
  if (asked.latest) {
    table.columns = {"time",         "what",     "key",   "broker",
                     "originalTime", "original", "queue", "offset"};
    for (const client::RepeatMoment& row : found->latest) {
      if (row.original_ms == 0)
        table.rows.push_back(
            {time_text(row.time_ms), row.what, row.key, row.broker, "", "", "", ""});
      else
        table.rows.push_back({time_text(row.time_ms), row.what, row.key, row.broker,
                              time_text(row.original_ms), row.original_id, row.queue_id,
                              row.queue_offset});
    }
  } else {
    table.columns = {"broker", "mode", "what", "messages", "meaning"};
    for (const client::RepeatCount& row : found->counts)
      table.rows.push_back({row.broker, row.mode, row.what, row.messages, row.sentence});
  }
  print(asked.common, table);
  return {};
}

}  // namespace

void add_idempotency(CLI::App& app, int& exit_code) {
  Idempotency verbs(app, "idempotency", "sends that came twice", exit_code);
  Asked& asked = verbs.asked();
  CLI::App* const told = verbs.verb(
      "report",
      "what an idempotent topic left out, or would have (shadow), since the broker started",
      Kind::kReads, report);
  told->add_option("topic", asked.topic, "name of the topic")->required()->check(topic_name());
  told->add_flag("--latest", asked.latest, "the latest of them one by one, newest first");
}

}  // namespace oncemq::cli

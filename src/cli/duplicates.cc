#include <cstdio>

#include "cli/verb.h"
#include "client/admin/message_timeline.h"

namespace oncemq::cli {
namespace {

struct Asked {
  Common common;
  std::string topic;
  std::string group;
};
using Duplicates = Family<Asked>;
using Kind = Duplicates::Kind;

Json percent(const client::DuplicateCount& row) {
  if (row.of <= 0) return Json("");
  char text[32];
  std::snprintf(text, sizeof(text), "%.3f",
                100.0 * static_cast<double>(row.copies) / static_cast<double>(row.of));
  return Json(text);
}

Status report(const Asked& asked, Cluster& cluster) {
  const auto found = client::duplicates(cluster.admin(), asked.topic, asked.group);
  if (!found) return fail(found.error());
  Table table{.columns = {"broker", "topic", "group", "what", "copies", "of", "percent", "medianMs",
                          "longestMs", "meaning"},
              .rows = {}};
  for (const client::DuplicateCount& row : *found)
    table.rows.push_back({row.broker, row.topic, row.group, row.what, row.copies, row.of,
                          percent(row), row.known > 0 ? Json(row.median_ms) : Json(""),
                          row.known > 0 ? Json(row.longest_ms) : Json(""), row.sentence});
  print(asked.common, table);
  return {};
}

}  // namespace

void add_duplicates(CLI::App& app, int& exit_code) {
  Duplicates verbs(app, "duplicates", "messages that come twice", exit_code);
  Asked& asked = verbs.asked();
  CLI::App* const told = verbs.verb(
      "report",
      "how many messages of each topic and group came twice since the broker started, why, and how "
      "long after the first",
      Kind::kReads, report);
  told->add_option("--topic", asked.topic, "of this topic alone");
  told->add_option("--group", asked.group, "of this group alone, without sends");
}

}  // namespace oncemq::cli

#include <cstdio>

#include "base/text.h"
#include "cli/verb.h"
#include "client/admin/fault_admin.h"

namespace oncemq::cli {
namespace {

struct Asked {
  Common common;
  client::FaultWish wish;
  std::string lasting;  // --for
  std::int64_t id = 0;
  bool all = false;
};
using Faults = Family<Asked>;
using Kind = Faults::Kind;

Status add(const Asked& asked, Cluster& cluster) {
  client::FaultWish wish = asked.wish;
  // Checked when the command line was read.
  if (!asked.lasting.empty()) wish.for_ms = parse_duration_ms(asked.lasting).value_or(0);
  if (asked.common.dry_run) {
    std::printf("would add %s on topic %s\n", wish.fault.c_str(), wish.topic.c_str());
    return {};
  }
  client::FaultAdmin faults(cluster.admin());
  const auto added = faults.add(wish);
  if (!added) return fail(added.error());
  Table table{.columns = {"broker", "id"}, .rows = {}};
  for (const auto& row : *added) table.rows.push_back({row.broker, row.id});
  print(asked.common, table);
  return {};
}

Status list(const Asked& asked, Cluster& cluster) {
  client::FaultAdmin faults(cluster.admin());
  const auto rows = faults.list();
  if (!rows) return fail(rows.error());
  Table table{.columns = {"broker", "id", "fault", "topic", "group", "probability", "count",
                          "struck", "leftMs", "state", "meaning"},
              .rows = {}};
  for (const client::FaultInfo& row : *rows)
    table.rows.push_back({row.broker, row.id, row.fault, row.topic, row.group, row.probability,
                          row.count, row.struck, row.left_ms, row.state, row.sentence});
  print(asked.common, table);
  return {};
}

Status clear(const Asked& asked, Cluster& cluster) {
  if (asked.all == (asked.id != 0)) return fail(usage("either the fault's id or --all is needed"));
  if (asked.common.dry_run) {
    std::printf("would end %s\n", asked.all ? "all faults" : "that fault");
    return {};
  }
  client::FaultAdmin faults(cluster.admin());
  const auto cleared = faults.clear(asked.id);
  if (!cleared) return fail(cleared.error());
  print(asked.common, Table{.columns = {"cleared"}, .rows = {{*cleared}}});
  return {};
}

CLI::Validator duration() {
  return CLI::Validator(
      [](std::string& text) {
        const auto ms = parse_duration_ms(text);
        return ms && *ms > 0 ? std::string() : "'" + text + "' is no duration, 30s or 5m are";
      },
      "");
}

}  // namespace

void add_fault(CLI::App& app, int& exit_code) {
  Faults verbs(app, "fault", "duplicates on purpose (broker with --allow-faults)", exit_code);
  Asked& asked = verbs.asked();
  CLI::App* const added =
      verbs.verb("add", "let something go wrong on purpose, on all masters", Kind::kChanges, add);
  added
      ->add_option("fault", asked.wish.fault,
                   "lose-send-response, deliver-twice, lose-ack, expire-handle or pause")
      ->required()
      ->check(CLI::IsMember(
          {"lose-send-response", "deliver-twice", "lose-ack", "expire-handle", "pause"}));
  added->add_option("--topic", asked.wish.topic, "for this topic")->required()->check(topic_name());
  added->add_option("--group", asked.wish.group, "for this group only")->check(group_name());
  added->add_option("--probability", asked.wish.probability, "of each chance, 0 to 1; default 1")
      ->check(CLI::Range(0.0, 1.0));
  added->add_option("--count", asked.wish.count, "ends when it has struck so often")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000'000}));
  added->add_option("--for", asked.lasting, "ends after this: 30s, 5m; a pause: 30s")
      ->check(duration());
  verbs.verb("list", "faults, also those that ended, and how often they struck", Kind::kReads,
             list);
  CLI::App* const cleared = verbs.verb("clear", "end one fault, or all", Kind::kChanges, clear);
  cleared->add_option("id", asked.id, "its number")->check(CLI::Range(std::int64_t{1}, INT64_MAX));
  cleared->add_flag("--all", asked.all, "all of them");
}

}  // namespace oncemq::cli

#include <algorithm>
#include <set>

#include "cli/verb.h"
#include "client/admin/group_details.h"
#include "model/settings.h"

namespace oncemq::cli {
namespace {

struct Asked {
  Common common;
  std::string key;
  std::string value;
};
using Verbs = Family<Asked>;
using Kind = Verbs::Kind;

Status list(const Asked& asked, Cluster& cluster) {
  const auto brokers = cluster.admin().brokers();
  if (!brokers) return fail(brokers.error());
  Table table{.columns = {"cluster", "broker", "id", "address", "version", "putTps", "getTps"},
              .rows = {}};
  for (const client::BrokerInfo& broker : *brokers)
    table.rows.push_back({broker.cluster, broker.name, broker.id, broker.address,
                          broker.version.empty() ? "no answer" : broker.version, broker.put_tps,
                          broker.get_tps});
  print(asked.common, table);
  return {};
}

// Refused when anything is wrong, so that scripts can wait for it.
Status health(const Asked& asked, Cluster& cluster) {
  const auto brokers = cluster.admin().brokers();
  if (!brokers) return fail(brokers.error());
  Table table{.columns = {"broker", "id", "address", "answers"}, .rows = {}};
  std::size_t silent = 0;
  for (const client::BrokerInfo& broker : *brokers) {
    if (broker.version.empty()) ++silent;
    table.rows.push_back({broker.name, broker.id, broker.address, !broker.version.empty()});
  }
  print(asked.common, table);
  if (brokers->empty()) return fail(Errc::kNotFound, "the name server knows no broker");
  if (silent != 0) return fail(Errc::kNotReady, std::to_string(silent) + " brokers do not answer");
  return {};
}

Status print_settings(const Asked& asked, Cluster& cluster, const std::string& key) {
  client::BrokerSettings settings(cluster.admin());
  const auto rows = settings.list();
  if (!rows) return fail(rows.error());
  Table table{.columns = {"broker", "key", "value"}, .rows = {}};
  for (const auto& row : *rows)
    if (key.empty() || row.key == key) table.rows.push_back({row.broker, row.key, row.value});
  if (!key.empty() && table.rows.empty())
    return fail(usage("no broker has a key '" + key + "', did you mean '" +
                      std::string(model::nearest_setting(key)) + "'?"));
  print(asked.common, table);
  return {};
}

Status list_settings(const Asked& asked, Cluster& cluster) {
  return print_settings(asked, cluster, {});
}
Status get_setting(const Asked& asked, Cluster& cluster) {
  return print_settings(asked, cluster, asked.key);
}

Status set_setting(const Asked& asked, Cluster& cluster) {
  // The request carries lines.
  if (asked.key.empty() || asked.key.find_first_of("=\r\n#!: ") != std::string::npos ||
      asked.value.find_first_of("\r\n") != std::string::npos)
    return fail(usage("a key has no blanks and no '=', a value no line breaks"));
  client::BrokerSettings settings(cluster.admin());
  if (asked.common.dry_run) return print_settings(asked, cluster, asked.key);
  return settings.set(asked.key, asked.value);
}

}  // namespace

void add_cluster(CLI::App& app, int& exit_code) {
  Verbs cluster(app, "cluster", "brokers of a cluster", exit_code);
  cluster.verb("list", "all brokers", Kind::kReads, list);
  cluster.verb("health", "does every broker answer; exit code 1 when not", Kind::kReads, health);

  Verbs config(app, "config", "settings of running brokers", exit_code);
  Asked& asked = config.asked();
  config.verb("list", "all settings in force", Kind::kReads, list_settings);
  config.verb("get", "one setting", Kind::kReads, get_setting)
      ->add_option("key", asked.key, "key of broker.conf")
      ->required();
  CLI::App* const set =
      config.verb("set", "change a setting on all masters, now and in their files", Kind::kChanges,
                  set_setting);
  set->add_option("key", asked.key, "key of broker.conf")->required();
  set->add_option("value", asked.value, "its value")->required();
}

}  // namespace oncemq::cli

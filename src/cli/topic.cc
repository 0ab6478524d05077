#include "cli/verb.h"
#include "client/admin/topic_details.h"

namespace oncemq::cli {
namespace {

struct Asked {
  Common common;
  std::string name;
  std::int32_t queues = 8;
  std::int32_t read_queues = 0;
  std::int32_t write_queues = 0;
  std::int32_t perm = 0;
  std::string attributes;
};
using Topics = Family<Asked>;
using Kind = Topics::Kind;

std::string joined(const std::map<std::string, std::string>& attributes) {
  std::string text;
  for (const auto& [name, value] : attributes) {
    if (!text.empty()) text += ',';
    text.append(name).append("=").append(value);
  }
  return text;
}

Status list(const Asked& asked, Cluster& cluster) {
  const auto names = cluster.admin().topics();
  if (!names) return fail(names.error());
  Table table{.columns = {"topic"}, .rows = {}};
  for (const std::string& name : *names) table.rows.push_back({name});
  print(asked.common, table);
  return {};
}

Status show(const Asked& asked, Cluster& cluster) {
  client::TopicDetails details(cluster.admin());
  const auto configs = details.configs(asked.name);
  if (!configs) return fail(configs.error());
  Table table{
      .columns = {"topic", "broker", "readQueues", "writeQueues", "perm", "order", "attributes"},
      .rows = {}};
  for (const auto& [broker, topic] : *configs)
    table.rows.push_back({topic.name, broker, topic.read_queues, topic.write_queues, topic.perm,
                          topic.order, joined(topic.attributes)});
  print(asked.common, table);
  return {};
}

Status create(const Asked& asked, Cluster& cluster) {
  client::TopicDetails details(cluster.admin());
  model::TopicConfig topic;
  topic.name = asked.name;
  topic.read_queues = topic.write_queues = asked.queues;
  if (asked.perm != 0) topic.perm = asked.perm;
  if (details.configs(asked.name))
    return fail(Errc::kTopicExists,
                "topic " + asked.name + " exists: 'oncemq topic update' changes it");
  if (asked.common.dry_run) {
    std::printf("would create %s with %d queues on each master\n", asked.name.c_str(),
                topic.write_queues);
    return {};
  }
  return details.update(topic, asked.attributes);
}

// Only what was asked for changes; the rest stays as each broker has it.
Status update(const Asked& asked, Cluster& cluster) {
  client::TopicDetails details(cluster.admin());
  const auto configs = details.configs(asked.name);
  if (!configs) return fail(configs.error());
  for (const auto& [broker, was] : *configs) {
    model::TopicConfig topic = was;
    if (asked.read_queues > 0) topic.read_queues = asked.read_queues;
    if (asked.write_queues > 0) topic.write_queues = asked.write_queues;
    if (asked.perm != 0) topic.perm = asked.perm;
    if (asked.common.dry_run) {
      std::printf("%s: read queues %d -> %d, write queues %d -> %d, perm %d -> %d, attributes %s\n",
                  broker.c_str(), was.read_queues, topic.read_queues, was.write_queues,
                  topic.write_queues, was.perm, topic.perm, asked.attributes.c_str());
      continue;
    }
    client::Admin one(cluster.client(), asked.common.name_server, broker);
    client::TopicDetails there(one);
    ONCE_TRY(there.update(topic, asked.attributes));
  }
  return {};
}

Status remove(const Asked& asked, Cluster& cluster) {
  const auto queues = cluster.admin().topic_queues(asked.name);
  if (!queues) return fail(queues.error());
  std::int64_t messages = 0;
  for (const client::TopicQueueInfo& queue : *queues)
    messages += queue.max_offset - queue.min_offset;
  const std::string what =
      "delete topic " + asked.name + " with " + std::to_string(messages) + " messages";
  if (asked.common.dry_run) {
    std::printf("would %s\n", what.c_str());
    return {};
  }
  ONCE_TRY(confirm(asked.common, what));
  return cluster.admin().delete_topic(asked.name);
}

Status stats(const Asked& asked, Cluster& cluster) {
  const auto queues = cluster.admin().topic_queues(asked.name);
  if (!queues) return fail(queues.error());
  Table table{.columns = {"broker", "queue", "min", "max", "messages", "last"}, .rows = {}};
  for (const client::TopicQueueInfo& queue : *queues)
    table.rows.push_back({queue.broker, queue.queue_id, queue.min_offset, queue.max_offset,
                          queue.max_offset - queue.min_offset, time_text(queue.last_ms)});
  print(asked.common, table);
  return {};
}

Status route(const Asked& asked, Cluster& cluster) {
  client::TopicDetails details(cluster.admin());
  const auto rows = details.route(asked.name);
  if (!rows) return fail(rows.error());
  Table table{.columns = {"broker", "address", "readQueues", "writeQueues", "perm"}, .rows = {}};
  for (const client::RouteRow& row : *rows)
    table.rows.push_back({row.broker, row.address, row.read_queues, row.write_queues, row.perm});
  print(asked.common, table);
  return {};
}

Status groups(const Asked& asked, Cluster& cluster) {
  client::TopicDetails details(cluster.admin());
  const auto names = details.groups(asked.name);
  if (!names) return fail(names.error());
  Table table{.columns = {"group"}, .rows = {}};
  for (const std::string& name : *names) table.rows.push_back({name});
  print(asked.common, table);
  return {};
}

CLI::Option* add_name(CLI::App* verb, Asked& asked) {
  return verb->add_option("topic", asked.name, "name of the topic")
      ->required()
      ->check(topic_name());
}

void add_change(CLI::App* verb, Asked& asked) {
  verb->add_option("--perm", asked.perm, "2 write, 4 read, 6 both")
      ->check(CLI::IsMember({2, 4, 6}));
  verb->add_option("-a,--attributes", asked.attributes,
                   "attributes to set and to take away, as +key=value,-key");
}

}  // namespace

void add_topic(CLI::App& app, int& exit_code) {
  Topics topics(app, "topic", "topics of a cluster", exit_code);
  Asked& asked = topics.asked();
  topics.verb("list", "names of all topics", Kind::kReads, list);
  add_name(topics.verb("show", "settings of a topic on each broker", Kind::kReads, show), asked);
  CLI::App* const made = topics.verb("create", "create on all masters", Kind::kChanges, create);
  add_name(made, asked);
  made->add_option("--queues", asked.queues, "queues on each master")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  add_change(made, asked);
  CLI::App* const changed =
      topics.verb("update", "change what is given, leave the rest", Kind::kChanges, update);
  add_name(changed, asked);
  changed->add_option("--read-queues", asked.read_queues)->check(CLI::Range(1, 1024));
  changed->add_option("--write-queues", asked.write_queues)->check(CLI::Range(1, 1024));
  add_change(changed, asked);
  add_name(topics.verb("delete", "delete everywhere, with its messages", Kind::kDestroys, remove),
           asked);
  CLI::App* const counted =
      topics.verb("stats", "offsets and message counts of its queues", Kind::kReads, stats);
  counted->alias("stat");
  add_name(counted, asked);
  add_name(topics.verb("route", "what the name server tells clients", Kind::kReads, route), asked);
  add_name(topics.verb("groups", "groups that consume it", Kind::kReads, groups), asked);
}

}  // namespace oncemq::cli

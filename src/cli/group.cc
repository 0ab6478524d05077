#include "cli/verb.h"
#include "client/admin/group_details.h"

namespace oncemq::cli {
namespace {

struct Asked {
  Common common;
  std::string name;
  std::string topic;
  std::int32_t retries = -2;  // -2: not given
  std::string consume;        // on, off or empty
  bool recent = false;
  std::string to;  // a time, "earliest" or "latest"
  std::int32_t queue_id = -1;
  std::int64_t offset = -1;
};
using Groups = Family<Asked>;
using Kind = Groups::Kind;

Status list(const Asked& asked, Cluster& cluster) {
  const auto names = cluster.admin().groups();
  if (!names) return fail(names.error());
  Table table{.columns = {"group"}, .rows = {}};
  for (const std::string& name : *names) table.rows.push_back({name});
  print(asked.common, table);
  return {};
}

Status show(const Asked& asked, Cluster& cluster) {
  client::GroupDetails details(cluster.admin());
  const auto configs = details.configs(asked.name);
  if (!configs) return fail(configs.error());
  Table table{
      .columns = {"group", "broker", "consume", "broadcast", "orderly", "retries", "retryQueues"},
      .rows = {}};
  for (const auto& [broker, group] : *configs)
    table.rows.push_back({group.name, broker, group.consume_enable, group.consume_broadcast_enable,
                          group.consume_message_orderly, group.retry_max_times,
                          group.retry_queues});
  print(asked.common, table);
  return {};
}

void change(const Asked& asked, model::GroupConfig& group) {
  if (asked.retries != -2) group.retry_max_times = asked.retries;
  if (!asked.consume.empty()) group.consume_enable = asked.consume == "on";
}

Status create(const Asked& asked, Cluster& cluster) {
  client::GroupDetails details(cluster.admin());
  if (details.configs(asked.name))
    return fail(Errc::kInUse, "group " + asked.name + " exists: 'oncemq group update' changes it");
  model::GroupConfig group;
  group.name = asked.name;
  change(asked, group);
  if (asked.common.dry_run) {
    std::printf("would create %s with %d retries\n", group.name.c_str(), group.retry_max_times);
    return {};
  }
  return cluster.admin().create_group(group);
}

Status update(const Asked& asked, Cluster& cluster) {
  client::GroupDetails details(cluster.admin());
  const auto configs = details.configs(asked.name);
  if (!configs) return fail(configs.error());
  for (const auto& [broker, was] : *configs) {
    model::GroupConfig group = was;
    change(asked, group);
    if (asked.common.dry_run) {
      std::printf("%s: retries %d -> %d, consume %s -> %s\n", broker.c_str(), was.retry_max_times,
                  group.retry_max_times, was.consume_enable ? "on" : "off",
                  group.consume_enable ? "on" : "off");
      continue;
    }
    client::Admin one(cluster.client(), asked.common.name_server, broker);
    ONCE_TRY(one.create_group(group));
  }
  return {};
}

Status remove(const Asked& asked, Cluster& cluster) {
  client::GroupDetails details(cluster.admin());
  if (const auto configs = details.configs(asked.name); !configs) return fail(configs.error());
  const auto members = details.members(asked.name);
  if (!members) return fail(members.error());
  const std::string what = "delete group " + asked.name + " with its offsets (" +
                           std::to_string(members->size()) + " clients are connected)";
  if (asked.common.dry_run) {
    std::printf("would %s\n", what.c_str());
    return {};
  }
  ONCE_TRY(confirm(asked.common, what));
  return cluster.admin().delete_group(asked.name);
}

Status lag(const Asked& asked, Cluster& cluster) {
  const auto queues = cluster.admin().group_progress(asked.name);
  if (!queues) return fail(queues.error());
  Table table{.columns = {"topic", "broker", "queue", "offset", "end", "behind", "last"},
              .rows = {}};
  for (const client::GroupQueueInfo& queue : *queues) {
    if (!asked.topic.empty() && queue.topic != asked.topic) continue;
    table.rows.push_back({queue.topic, queue.broker, queue.queue_id, queue.consumer_offset,
                          queue.broker_offset, queue.behind(), time_text(queue.last_ms)});
  }
  print(asked.common, table);
  return {};
}

Status members(const Asked& asked, Cluster& cluster) {
  client::GroupDetails details(cluster.admin());
  const auto found = details.members(asked.name);
  if (!found) return fail(found.error());
  Table table{.columns = {"client", "address", "language", "broker", "subscriptions"}, .rows = {}};
  for (const client::GroupMember& member : *found) {
    std::string topics;
    for (const std::string& topic : member.topics) topics += (topics.empty() ? "" : ", ") + topic;
    table.rows.push_back(
        {member.client_id, member.address, member.language, member.broker, topics});
  }
  print(asked.common, table);
  return {};
}

Status causes(const Asked& asked, Cluster& cluster) {
  client::GroupDetails details(cluster.admin());
  const auto found = details.causes(asked.name);
  if (!found) return fail(found.error());
  Table table;
  if (asked.recent) {
    table.columns = {"time", "cause", "topic", "broker", "queue", "offset", "messages"};
    for (const client::CauseMoment& row : found->recent)
      table.rows.push_back({time_text(row.time_ms), row.cause, row.topic, row.broker, row.queue_id,
                            row.offset, row.messages});
  } else {
    table.columns = {"cause", "broker", "messages", "meaning"};
    for (const client::CauseCount& row : found->counts)
      table.rows.push_back({row.cause, row.broker, row.messages, row.sentence});
  }
  print(asked.common, table);
  return {};
}

Status reset(const Asked& asked, Cluster& cluster) {
  client::GroupDetails::Reset order{.group = asked.name,
                                    .topic = asked.topic,
                                    .time_ms = 0,
                                    .queue_id = asked.queue_id,
                                    .offset = asked.offset};
  if ((asked.offset >= 0) == !asked.to.empty())
    return fail(usage("either --to or --offset with --queue says where to"));
  if (asked.offset >= 0 && asked.queue_id < 0) return fail(usage("--offset needs --queue"));
  if (asked.to == "latest") {
    order.time_ms = -1;
  } else if (!asked.to.empty() && asked.to != "earliest") {
    const auto time = parse_time(asked.to, cluster.now_ms());
    if (!time) return fail(usage(time.error().message));
    order.time_ms = *time;
  }
  client::GroupDetails details(cluster.admin());
  auto moves = details.preview(order);
  if (!moves) return fail(moves.error());
  if (!asked.common.dry_run) {
    ONCE_TRY(confirm(asked.common, "move group " + asked.name + " in " +
                                       std::to_string(moves->size()) + " queues of " +
                                       asked.topic));
    moves = details.reset(order);
    if (!moves) return fail(moves.error());
  }
  Table table{.columns = {"broker", "queue", "offset"}, .rows = {}};
  for (const client::OffsetMove& move : *moves)
    table.rows.push_back({move.broker, move.queue_id, move.offset});
  print(asked.common, table);
  return {};
}

void add_name(CLI::App* verb, Asked& asked) {
  verb->add_option("group", asked.name, "name of the group")->required()->check(group_name());
}

void add_change(CLI::App* verb, Asked& asked) {
  verb->add_option("--retries", asked.retries,
                   "redeliveries before the dead letters, -1: none is the last")
      ->check(CLI::Range(-1, 1'000'000));
  verb->add_option("--consume", asked.consume, "may it consume: on or off")
      ->check(CLI::IsMember({"on", "off"}));
}

}  // namespace

void add_group(CLI::App& app, int& exit_code) {
  Groups groups(app, "group", "consumer groups of a cluster", exit_code);
  Asked& asked = groups.asked();
  groups.verb("list", "names of all groups", Kind::kReads, list);
  add_name(groups.verb("show", "settings of a group on each broker", Kind::kReads, show), asked);
  CLI::App* const made = groups.verb("create", "create on all masters", Kind::kChanges, create);
  add_name(made, asked);
  add_change(made, asked);
  CLI::App* const changed =
      groups.verb("update", "change what is given, leave the rest", Kind::kChanges, update);
  add_name(changed, asked);
  add_change(changed, asked);
  add_name(groups.verb("delete", "delete with its offsets", Kind::kDestroys, remove), asked);
  CLI::App* const behind =
      groups.verb("lag", "how far it has consumed, and what is left", Kind::kReads, lag);
  behind->alias("stat");
  add_name(behind, asked);
  behind->add_option("--topic", asked.topic, "only this topic")->check(topic_name());
  add_name(groups.verb("members", "clients that are connected", Kind::kReads, members), asked);
  CLI::App* const why =
      groups.verb("causes", "why messages were given to it again, since the broker started",
                  Kind::kReads, causes);
  add_name(why, asked);
  why->add_flag("--recent", asked.recent, "the latest redeliveries themselves, newest first");
  CLI::App* const moved =
      groups.verb("reset", "move its offsets in a topic", Kind::kDestroys, reset);
  add_name(moved, asked);
  moved->add_option("topic", asked.topic, "topic")->required()->check(topic_name());
  moved->add_option("--to", asked.to, "earliest, latest, or a time");
  moved->add_option("--queue", asked.queue_id, "only this queue")->check(CLI::Range(0, 100'000));
  moved->add_option("--offset", asked.offset, "to this offset of the queue")
      ->check(CLI::Range(std::int64_t{0}, INT64_MAX));
}

}  // namespace oncemq::cli

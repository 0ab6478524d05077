#include "cli/admin.h"

#include <cstdio>
#include <functional>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/table.h"
#include "client/admin/admin.h"
#include "client/admin/message_finder.h"

namespace oncemq::cli {
namespace {

using client::Admin;
using client::MessageFinder;
using client::StoredMessage;

// What all commands share, and what each of them asks.
struct Asked {
  std::string name_server = "127.0.0.1:9876";
  bool json = false;
  std::string name;  // of a topic or a group, or a message id
  model::TopicConfig topic;
  model::GroupConfig group;
  client::KeyQuery query;
  client::QueueRange range;
  bool body = false;
};

// Runs with a client for the length of the command.
struct Tools {
  Admin admin;
  MessageFinder messages;
};

using Command = std::function<Status(const Asked&, Tools&)>;

void print(const Asked& asked, const Table& table) {
  const std::string text = asked.json ? table.json() + "\n" : table.text();
  std::fwrite(text.data(), 1, text.size(), stdout);
}

int run(const Asked& asked, const Command& command) {
  const os::SystemClock clock;
  auto remoting = client::RemotingClient::open(clock);
  Status status;
  if (!remoting) {
    status = fail(std::move(remoting.error()));
  } else {
    Tools tools{Admin(**remoting, asked.name_server), MessageFinder(**remoting, asked.name_server)};
    status = command(asked, tools);
  }
  if (status) return 0;
  std::fprintf(stderr, "oncemq: %s\n", status.error().message.c_str());
  return 1;
}

Status list_brokers(const Asked& asked, Tools& tools) {
  const auto brokers = tools.admin.brokers();
  if (!brokers) return fail(brokers.error());
  Table table{.columns = {"cluster", "broker", "id", "address", "version", "putTps", "getTps"}};
  for (const client::BrokerInfo& broker : *brokers)
    table.rows.push_back({broker.cluster, broker.name, broker.id, broker.address,
                          broker.version.empty() ? "no answer" : broker.version, broker.put_tps,
                          broker.get_tps});
  print(asked, table);
  return {};
}

Status print_names(const Asked& asked, const char* what,
                   const Result<std::vector<std::string>>& names) {
  if (!names) return fail(names.error());
  Table table{.columns = {what}};
  for (const std::string& name : *names) table.rows.push_back({name});
  print(asked, table);
  return {};
}

Status show_topic(const Asked& asked, Tools& tools) {
  const auto queues = tools.admin.topic_queues(asked.name);
  if (!queues) return fail(queues.error());
  Table table{.columns = {"broker", "queue", "min", "max", "messages", "last"}};
  for (const client::TopicQueueInfo& queue : *queues)
    table.rows.push_back({queue.broker, queue.queue_id, queue.min_offset, queue.max_offset,
                          queue.max_offset - queue.min_offset, time_text(queue.last_ms)});
  print(asked, table);
  return {};
}

Status show_group(const Asked& asked, Tools& tools) {
  const auto queues = tools.admin.group_progress(asked.name);
  if (!queues) return fail(queues.error());
  Table table{.columns = {"topic", "broker", "queue", "offset", "end", "behind", "last"}};
  for (const client::GroupQueueInfo& queue : *queues)
    table.rows.push_back({queue.topic, queue.broker, queue.queue_id, queue.consumer_offset,
                          queue.broker_offset, queue.behind(), time_text(queue.last_ms)});
  print(asked, table);
  return {};
}

Status print_messages(const Asked& asked, const Result<std::vector<StoredMessage>>& messages) {
  if (!messages) return fail(messages.error());
  Table table{.columns = {"id", "topic", "queue", "offset", "stored", "tags", "keys", "bytes"}};
  if (asked.body) table.columns.emplace_back("body");
  for (const StoredMessage& message : *messages) {
    table.rows.push_back({message.id, message.topic, message.queue_id, message.queue_offset,
                          time_text(message.store_ms), message.property("TAGS"),
                          message.property("KEYS"),
                          static_cast<std::int64_t>(message.body.size())});
    if (asked.body)
      table.rows.back().emplace_back(message.compressed ? "(compressed)"
                                                        : bytes_text(message.body));
  }
  print(asked, table);
  return {};
}

// Everything about one message, a line each.
Status show_message(const Asked& asked, Tools& tools) {
  const auto message = tools.messages.by_id(asked.name);
  if (!message) return fail(message.error());
  Table table{.columns = {"field", "value"}};
  table.rows = {{"id", message->id},
                {"topic", message->topic},
                {"queue", std::to_string(message->queue_id)},
                {"offset", std::to_string(message->queue_offset)},
                {"born", time_text(message->born_ms) + " at " + message->born_host},
                {"stored", time_text(message->store_ms) + " at " + message->store_host},
                {"reconsumeTimes", std::to_string(message->reconsume_times)}};
  for (const auto& [name, value] : message->all_properties()) table.rows.push_back({name, value});
  table.rows.push_back(
      {"body", message->compressed
                   ? "(compressed) " + std::to_string(message->body.size()) + " bytes"
                   : bytes_text(message->body)});
  print(asked, table);
  return {};
}

// Subcommands share one Asked per program run.
class Builder {
 public:
  Builder(std::shared_ptr<Asked> asked, int& exit_code)
      : asked_(std::move(asked)), exit_code_(exit_code) {}

  CLI::App* family(CLI::App& app, const char* name, const char* help) {
    CLI::App* const family = app.add_subcommand(name, help);
    family->require_subcommand(1);
    return family;
  }
  CLI::App* verb(CLI::App* family, const char* name, const char* help, Command command) {
    CLI::App* const verb = family->add_subcommand(name, help);
    verb->add_option("-n,--namesrv", asked_->name_server, "name server, HOST:PORT")
        ->capture_default_str();
    verb->add_flag("--json", asked_->json, "for machines");
    verb->callback([asked = asked_, &exit_code = exit_code_, command = std::move(command)] {
      exit_code = run(*asked, command);
    });
    return verb;
  }
  Asked& asked() { return *asked_; }

 private:
  std::shared_ptr<Asked> asked_;  // shared by the callbacks, which live as long as the command line
  int& exit_code_;
};

void add_topic(CLI::App& app, Builder& builder) {
  Asked& asked = builder.asked();
  CLI::App* const family = builder.family(app, "topic", "topics of a cluster");
  builder.verb(family, "list", "names of all topics", [](const Asked& a, Tools& tools) {
    return print_names(a, "topic", tools.admin.topics());
  });
  CLI::App* const create = builder.verb(family, "create", "create or change on all masters",
                                        [](const Asked& a, Tools& tools) {
                                          model::TopicConfig topic = a.topic;
                                          topic.name = a.name;
                                          topic.read_queues = topic.write_queues;
                                          return tools.admin.create_topic(topic);
                                        });
  create->add_option("name", asked.name)->required();
  create->add_option("--queues", asked.topic.write_queues, "queues on each master")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  create->add_option("--perm", asked.topic.perm, "2 write, 4 read, 6 both")
      ->check(CLI::IsMember({2, 4, 6}))
      ->capture_default_str();
  builder
      .verb(family, "delete", "delete everywhere",
            [](const Asked& a, Tools& tools) { return tools.admin.delete_topic(a.name); })
      ->add_option("name", asked.name)
      ->required();
  builder.verb(family, "stat", "offsets of its queues", show_topic)
      ->add_option("name", asked.name)
      ->required();
}

void add_group(CLI::App& app, Builder& builder) {
  Asked& asked = builder.asked();
  CLI::App* const family = builder.family(app, "group", "consumer groups of a cluster");
  builder.verb(family, "list", "names of all groups", [](const Asked& a, Tools& tools) {
    return print_names(a, "group", tools.admin.groups());
  });
  CLI::App* const create = builder.verb(family, "create", "create or change on all masters",
                                        [](const Asked& a, Tools& tools) {
                                          model::GroupConfig group = a.group;
                                          group.name = a.name;
                                          return tools.admin.create_group(group);
                                        });
  create->add_option("name", asked.name)->required();
  create
      ->add_option("--retries", asked.group.retry_max_times, "redeliveries before the dead letters")
      ->check(CLI::Range(-1, 1'000'000))
      ->capture_default_str();
  builder
      .verb(family, "delete", "delete with its offsets",
            [](const Asked& a, Tools& tools) { return tools.admin.delete_group(a.name); })
      ->add_option("name", asked.name)
      ->required();
  builder.verb(family, "stat", "how far it has consumed", show_group)
      ->add_option("name", asked.name)
      ->required();
}

void add_message(CLI::App& app, Builder& builder) {
  Asked& asked = builder.asked();
  CLI::App* const family = builder.family(app, "message", "messages in the log");
  builder.verb(family, "get", "one message by its offset id", show_message)
      ->add_option("id", asked.name)
      ->required();
  CLI::App* const query =
      builder.verb(family, "query", "messages by key", [](const Asked& a, Tools& tools) {
        return print_messages(a, tools.messages.by_key(a.query));
      });
  query->add_option("topic", asked.query.topic)->required();
  query->add_option("key", asked.query.key)->required();
  query->add_flag("--unique", asked.query.unique, "the key is the client's message id");
  query->add_option("--begin", asked.query.begin_ms, "stored from, ms since 1970");
  query->add_option("--end", asked.query.end_ms, "stored until, ms since 1970");
  query->add_option("--max", asked.query.max_messages)->capture_default_str();
  query->add_flag("--body", asked.body, "print bodies");
  CLI::App* const print_queue =
      builder.verb(family, "print", "messages of the queues", [](const Asked& a, Tools& tools) {
        return print_messages(a, tools.messages.in_queues(a.range));
      });
  print_queue->add_option("topic", asked.range.topic)->required();
  print_queue->add_option("--queue", asked.range.queue_id, "only this one");
  print_queue->add_option("--offset", asked.range.offset, "from here instead of the beginning");
  print_queue->add_option("--count", asked.range.count, "of each queue")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  print_queue->add_flag("--body", asked.body, "print bodies");
}

}  // namespace

void add_admin(CLI::App& app, int& exit_code) {
  Builder builder(std::make_shared<Asked>(), exit_code);
  CLI::App* const cluster = builder.family(app, "cluster", "brokers of a cluster");
  builder.verb(cluster, "list", "all brokers", list_brokers);
  add_topic(app, builder);
  add_group(app, builder);
  add_message(app, builder);
}

}  // namespace oncemq::cli

#include <algorithm>
#include <fstream>
#include <iterator>

#include "cli/verb.h"
#include "client/admin/message_timeline.h"
#include "client/admin/topic_details.h"

namespace oncemq::cli {
namespace {

struct Asked {
  Common common;
  std::string id;
  std::string topic;
  client::KeyQuery query;
  std::string begin;
  std::string end;
  client::QueueRange range;
  bool body = false;
  client::NewMessage message;
  std::string file;
  std::vector<std::string> properties;
};
using Messages = Family<Asked>;
using Kind = Messages::Kind;

std::string body_text(const client::StoredMessage& message) {
  return message.compressed ? "(compressed) " + std::to_string(message.body.size()) + " bytes"
                            : bytes_text(message.body);
}

Status print_messages(const Asked& asked,
                      const Result<std::vector<client::StoredMessage>>& messages) {
  if (!messages) return fail(messages.error());
  Table table{.columns = {"id", "topic", "queue", "offset", "stored", "tags", "keys", "bytes"},
              .rows = {}};
  if (asked.body) table.columns.emplace_back("body");
  for (const client::StoredMessage& message : *messages) {
    table.rows.push_back({message.id, message.topic, message.queue_id, message.queue_offset,
                          time_text(message.store_ms), message.property("TAGS"),
                          message.property("KEYS"),
                          static_cast<std::int64_t>(message.body.size())});
    if (asked.body) table.rows.back().emplace_back(body_text(message));
  }
  print(asked.common, table);
  return {};
}

// Everything about one message, a line each.
Status show(const Asked& asked, Cluster& cluster) {
  const auto message = cluster.messages().by_id(asked.id);
  if (!message) {
    if (message.error().code == Errc::kInvalidArgument)
      return fail(
          usage("'" + asked.id.substr(0, 80) + "' is no offset message id (32 or 56 hex digits)"));
    return fail(message.error());
  }
  Table table{.columns = {"field", "value"},
              .rows = {{"id", message->id},
                       {"topic", message->topic},
                       {"queue", std::to_string(message->queue_id)},
                       {"offset", std::to_string(message->queue_offset)},
                       {"born", time_text(message->born_ms) + " at " + message->born_host},
                       {"stored", time_text(message->store_ms) + " at " + message->store_host},
                       {"reconsumeTimes", std::to_string(message->reconsume_times)}}};
  for (const auto& [name, value] : message->all_properties()) table.rows.push_back({name, value});
  table.rows.push_back({"body", body_text(*message)});
  print(asked.common, table);
  return {};
}

// A line for each thing that happened, notes at the end.
Status why(const Asked& asked, Cluster& cluster) {
  const auto told = client::message_timeline(cluster.admin(), asked.topic, asked.id);
  if (!told) return fail(told.error());
  Table table{
      .columns = {"time", "what", "broker", "topic", "queue", "offset", "group", "who", "why"},
      .rows = {}};
  for (const client::TimelineEntry& row : told->entries) {
    const bool placed = row.queue_id >= 0;
    table.rows.push_back({time_text(row.time_ms), row.what, row.broker, row.topic,
                          placed ? Json(row.queue_id) : Json(""),
                          placed ? Json(row.queue_offset) : Json(""), row.group, row.who,
                          row.sentence});
  }
  for (const auto& [broker, note] : told->notes)
    table.rows.push_back({"", "note", broker, "", "", "", "", "", note});
  print(asked.common, table);
  return {};
}

Status query(const Asked& asked, Cluster& cluster) {
  client::KeyQuery query = asked.query;
  for (const auto& [text, into] :
       {std::pair(&asked.begin, &query.begin_ms), std::pair(&asked.end, &query.end_ms)}) {
    if (text->empty()) continue;
    const auto time = parse_time(*text, cluster.now_ms());
    if (!time) return fail(usage(time.error().message));
    *into = *time;
  }
  return print_messages(asked, cluster.messages().by_key(query));
}

Status print_queues(const Asked& asked, Cluster& cluster) {
  return print_messages(asked, cluster.messages().in_queues(asked.range));
}

Status send(const Asked& asked, Cluster& cluster) {
  client::NewMessage message = asked.message;
  if (message.body.empty() == asked.file.empty())
    return fail(usage("either a body or --file is needed"));
  if (!asked.file.empty()) {
    std::ifstream file(asked.file, std::ios::binary);
    message.body.assign(std::istreambuf_iterator<char>(file), {});
    if (!file || message.body.empty()) return fail(usage("cannot read " + asked.file));
  }
  const auto hostile = [](const std::string& text) {
    return text.find_first_of(std::string_view("\x01\x02", 2)) != std::string::npos;
  };
  for (const std::string& pair : asked.properties) {
    const std::size_t middle = pair.find('=');
    if (middle == 0 || middle == std::string::npos || middle + 1 == pair.size() || hostile(pair))
      return fail(usage("a property is given as name=value"));
    message.properties.emplace_back(pair.substr(0, middle), pair.substr(middle + 1));
  }
  if (hostile(message.tags) || hostile(message.keys))
    return fail(usage("tags and keys cannot have the bytes 1 and 2"));
  if (asked.common.dry_run) {
    std::printf("would send %zu bytes to %s\n", message.body.size(), message.topic.c_str());
    return {};
  }
  client::TopicDetails details(cluster.admin());
  const auto sent = details.send(message);
  if (!sent) return fail(sent.error());
  Table table{.columns = {"id", "uniqueKey", "broker", "queue", "offset"},
              .rows = {{sent->id, sent->unique_key, sent->broker, sent->queue_id, sent->offset}}};
  print(asked.common, table);
  return {};
}

}  // namespace

void add_message(CLI::App& app, int& exit_code) {
  Messages messages(app, "message", "messages in the log", exit_code);
  Asked& asked = messages.asked();
  CLI::App* const shown = messages.verb("show", "one message by its offset id", Kind::kReads, show);
  shown->alias("get");
  shown->add_option("id", asked.id, "offset message id")->required();
  CLI::App* const explained =
      messages.verb("why", "what happened to a message, and why it came twice", Kind::kReads, why);
  explained->add_option("id", asked.id, "offset message id, msgId of the client, or a key")
      ->required();
  explained->add_option("--topic", asked.topic, "its topic; without it all are tried")
      ->check(topic_name());
  CLI::App* const found = messages.verb("query", "messages by key", Kind::kReads, query);
  found->add_option("topic", asked.query.topic, "topic")->required()->check(topic_name());
  found->add_option("key", asked.query.key, "one of its keys")->required();
  found->add_flag("--unique", asked.query.unique, "the key is the client's message id");
  found->add_option("--begin", asked.begin, "stored from, a time")->check(time_word());
  found->add_option("--end", asked.end, "stored until, a time")->check(time_word());
  found->add_option("--max", asked.query.max_messages)
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  found->add_flag("--body", asked.body, "print bodies");
  CLI::App* const printed =
      messages.verb("print", "messages of the queues", Kind::kReads, print_queues);
  printed->add_option("topic", asked.range.topic, "topic")->required()->check(topic_name());
  printed->add_option("--queue", asked.range.queue_id, "only this one")
      ->check(CLI::Range(0, 100'000));
  printed->add_option("--offset", asked.range.offset, "from here instead of the beginning")
      ->check(CLI::Range(std::int64_t{0}, INT64_MAX));
  printed->add_option("--count", asked.range.count, "of each queue")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  printed->add_flag("--body", asked.body, "print bodies");
  CLI::App* const sent = messages.verb("send", "send one message", Kind::kChanges, send);
  sent->add_option("topic", asked.message.topic, "topic")->required()->check(topic_name());
  sent->add_option("body", asked.message.body, "text of its body");
  sent->add_option("--file", asked.file, "the body is this file");
  sent->add_option("--tag", asked.message.tags, "its tag");
  sent->add_option("--keys", asked.message.keys, "its keys, separated by blanks");
  sent->add_option("--property", asked.properties, "name=value; may be given many times")
      ->allow_extra_args(false);
  sent->add_option("--queue", asked.message.queue_id, "into this queue")
      ->check(CLI::Range(0, 100'000));
  sent->add_option("--delay-level", asked.message.delay_level, "1 to 18")->check(CLI::Range(1, 18));
}

}  // namespace oncemq::cli

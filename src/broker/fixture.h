#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "broker/admin.h"
#include "broker/broker_stats.h"
#include "broker/client_registry.h"
#include "broker/consumer_offsets.h"
#include "broker/dead_letters.h"
#include "broker/fake_store.h"
#include "broker/group_table.h"
#include "broker/idempotence.h"
#include "broker/message_query.h"
#include "broker/options.h"
#include "broker/parked_pulls.h"
#include "broker/popper.h"
#include "broker/puller.h"
#include "broker/queue_locks.h"
#include "broker/schedule.h"
#include "broker/send_back.h"
#include "broker/sender.h"
#include "broker/topic_table.h"
#include "model/properties.h"
#include "os/clock.h"
#include "os/memory_disk.h"
#include "os/random.h"

// The broker's nouns on a fake store and a manual clock, for the tests. Thread rule: confined to
// the test.
namespace oncemq::broker {

inline Options test_options() {
  Options options;
  options.cluster = "C";
  options.name = "b-a";
  options.address = Address::parse("10.0.0.1:10911").value();
  options.threads = false;
  options.idempotent_keys_max = 10'000;
  options.delay_levels_ms = {1'000, 5'000, 10'000, 30'000};
  return options;
}

// "NAME=value;OTHER=value" in the stored form.
inline std::string pairs(std::string_view text) {
  std::string properties;
  while (!text.empty()) {
    const std::size_t end = text.find(';');
    const std::string_view pair = text.substr(0, end);
    const std::size_t equals = pair.find('=');
    model::append_property(properties, pair.substr(0, equals), pair.substr(equals + 1));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  return properties;
}

struct Nouns {
  os::ManualClock clock;
  Options options = test_options();
  Switches switches;
  FakeStore store{clock};
  os::SeededRandom random{7};
  BrokerStats stats{clock};
  UniqueKeys unique_keys{options.address, random, clock};
  TopicTable topics{options, switches, store, clock};
  GroupTable groups{options, switches, topics, clock};
  ConsumerOffsets offsets{options, clock};
  ClientRegistry clients{options, switches, groups, clock};
  QueueLocks locks{options, clock};
  os::MemoryDisk disk{&clock};
  Idempotence idempotence{options, topics, store, disk, clock, random};
  Sender sender{options,     switches, topics, groups,      locks,
                idempotence, store,    stats,  unique_keys, clock};
  SendBack send_back{options, switches, topics, groups, store, stats, clock};
  DeadLetters dead_letters{options, switches, topics, groups, store, stats.causes(), clock};
  ParkedPulls parked{options, store, clock};
  Deliveries deliveries{options, clients, stats.causes()};
  SqlFilters filters{switches};
  Puller puller{switches, topics, groups, offsets, clients,
                filters,  parked, store,  stats,   deliveries};
  Schedule schedule{options, topics, store, stats, clock};
  MessageQuery query{options, topics, offsets, store};
  Popper popper{options, switches,  topics, groups, offsets, filters,
                sender,  send_back, store,  stats,  clock};
  Admin admin{topics, groups, offsets, clients, locks, parked, popper, dead_letters, store, stats};
  SendBatch batch;
  std::int64_t born_ms = 1'600'000'000'000;  // of the next request

  Nouns() {
    EXPECT_TRUE(topics.load("").has_value());
    EXPECT_TRUE(groups.load("").has_value());
    store.start([this](store::CommittedOffset, std::span<store::ConsumeQueue* const> queues) {
      parked.arrived(queues);
      popper.waiting().arrived(queues);
    });
    sender.set_accepting(true);
  }

  void make_topic(std::string_view name, std::int32_t queues = 4,
                  std::int32_t perm = model::perm::kRead | model::perm::kWrite) {
    model::TopicConfig config;
    config.name = std::string(name);
    config.read_queues = queues;
    config.write_queues = queues;
    config.perm = perm;
    ASSERT_TRUE(topics.update(config).has_value());
  }

  // A plain send of `body`; views of the arguments must outlive commit().
  SendRequest request(std::string_view topic, std::string_view body,
                      std::string_view properties = {}, std::int32_t queue_id = 0) const {
    SendRequest request;
    request.producer_group = "pg";
    request.topic = topic;
    request.default_topic = model::topic::kAutoCreate;
    request.queue_id = queue_id;
    request.born_timestamp = born_ms;
    request.born_host = Address::parse("10.0.0.9:50000").value();
    request.body = as_bytes(body);
    request.properties = properties;
    return request;
  }

  // Sends one message and returns where it went.
  store::Appended send(std::string_view topic, std::string_view body,
                       std::string_view properties = {}, std::int32_t queue_id = 0) {
    SendBatch one;
    auto staged = sender.stage(request(topic, body, properties, queue_id), one);
    EXPECT_TRUE(staged.has_value()) << staged.error().message;
    if (!staged.has_value()) return {};
    sender.commit(one);
    const SendOutcome outcome = one.outcome(*staged);
    EXPECT_FALSE(outcome.error.has_value());
    return outcome.items.front().result;
  }

  Errc refusal(const SendRequest& send_request) {
    SendBatch one;
    auto staged = sender.stage(send_request, one);
    EXPECT_FALSE(staged.has_value());
    EXPECT_TRUE(one.empty());
    EXPECT_EQ(one.messages(), 0U);
    return staged.has_value() ? Errc::kInternal : staged.error().code;
  }

  Heartbeat beat(std::uint64_t channel, std::string_view client_id, std::string_view group,
                 std::vector<model::Subscription> subscriptions) const {
    Heartbeat heartbeat;
    heartbeat.client.channel = ChannelId{channel};
    heartbeat.client.client_id = std::string(client_id);
    heartbeat.client.address = "10.0.0.9:50000";
    ConsumerBeat consumer;
    consumer.group = std::string(group);
    consumer.subscriptions = std::move(subscriptions);
    heartbeat.consumers.push_back(std::move(consumer));
    return heartbeat;
  }

  static model::Subscription subscription(std::string_view topic, std::string_view expression,
                                          std::int64_t version = 1) {
    model::Subscription parsed = model::parse_tag_expression(topic, expression).value();
    parsed.version = version;
    return parsed;
  }

  std::string property_of(const model::RecordView& record, std::string_view name) const {
    return std::string(model::find_property(record.properties, name).value_or("(none)"));
  }
};

}  // namespace oncemq::broker

#include <array>
#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "broker/broker.h"
#include "broker/fixture.h"
#include "os/memory_disk.h"
#include "os/thread.h"
#include "store/message_store.h"

namespace oncemq::broker {
namespace {

// Loops, service thread and the store's own threads at once, on a disk in memory. What is asserted
// is what a user would count; the sanitizer lanes look for the races.
class BrokerThreadsTest : public ::testing::Test {
 protected:
  static constexpr int kSenders = 3;
  static constexpr int kTicks = 60;
  static constexpr int kPerTick = 8;
  static constexpr int kTotal = kSenders * kTicks * kPerTick;

  void SetUp() override {
    store::StoreOptions store_options;
    store_options.root = "data";
    store_options.log_file_size = 4 << 20;
    store_options.queue_file_size = 40'000;
    store_options.index_slots = 1'000;
    store_options.index_entries = 10'000;
    store_options.zero_ahead_bytes = 0;
    store_options.free_space_floor = 0;
    auto opened = store::MessageStore::open(disk, clock, store_options, [](const Error&) {});
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    store = std::move(*opened);
    options.config_dir = "data/config";
    broker = std::make_unique<Broker>(options, switches, *store, disk, clock, random);
    ASSERT_TRUE(broker->load().has_value());
    ASSERT_TRUE(broker->start([](store::CommittedOffset) {}).has_value());
  }

  void send_all(int sender) {
    SendBatch batch;
    for (int tick = 0; tick < kTicks; ++tick) {
      std::vector<std::string> bodies;
      for (int i = 0; i < kPerTick; ++i)
        bodies.push_back(std::to_string(sender) + "-" + std::to_string(tick * kPerTick + i));
      for (const std::string& body : bodies) {
        SendRequest request;
        request.topic = "T";  // whoever comes first creates it
        request.default_topic = model::topic::kAutoCreate;
        request.queue_id = 0;
        request.body = as_bytes(body);
        request.born_host = options.address;
        ASSERT_TRUE(broker->sender().stage(request, batch).has_value());
      }
      broker->sender().commit(batch);
      for (std::size_t i = 0; i < batch.size(); ++i)
        ASSERT_FALSE(batch.outcome(i).error.has_value());
      batch.clear();
    }
  }

  // Pulls, parking when there is nothing, until every message was seen.
  void consume_all() {
    struct Waiter final : PullWaiter {
      explicit Waiter(std::atomic<bool>& woken_flag) : woken(woken_flag) {}
      void wake(WakeReason) override { woken = true; }
      std::atomic<bool>& woken;
    };
    Heartbeat heartbeat;
    heartbeat.client.channel = ChannelId{1};
    heartbeat.client.client_id = "c";
    heartbeat.consumers.push_back({});
    heartbeat.consumers[0].group = "g";
    heartbeat.consumers[0].subscriptions = {model::parse_tag_expression("T", "*").value()};
    PullRequest request;
    request.group = "g";
    request.topic = "T";
    request.suspend_timeout_ms = 600'000;  // only an arrival ends it
    while (seen.size() < kTotal) {
      ASSERT_TRUE(broker->clients().heartbeat(heartbeat).has_value());
      auto result = broker->puller().pull(request);
      if (!result.has_value()) {
        ASSERT_EQ(result.error().error.code, Errc::kTopicNotFound);
        continue;
      }
      if (result->status == PullStatus::kNothing) {
        std::atomic<bool> woken{false};
        std::unique_ptr<PullWaiter> waiter = std::make_unique<Waiter>(woken);
        if (broker->puller().park(request, ChannelId{1}, waiter) == ParkOutcome::kParked)
          while (!woken) std::this_thread::yield();
        continue;
      }
      ASSERT_EQ(result->status, PullStatus::kFound);
      for (const store::LogSpan& span : result->read.spans) {
        for (Bytes rest = span.bytes; !rest.empty();) {
          const auto record = model::decode_record(rest, model::Verify::kFull).value();
          ASSERT_EQ(record.record.queue_offset, request.offset);
          request.offset += 1;
          ASSERT_TRUE(seen.emplace(as_text(record.record.body)).second);
          rest = rest.subspan(static_cast<std::size_t>(record.size));
        }
      }
      request.commit_offset = model::ConsumeOffset{request.offset.value};
    }
  }

  os::ManualClock clock;
  Options options = test_options();
  Switches switches;
  os::SeededRandom random{3};
  os::MemoryDisk disk{&clock};
  std::unique_ptr<store::MessageStore> store;
  std::unique_ptr<Broker> broker;
  std::set<std::string> seen;
};

TEST_F(BrokerThreadsTest, NothingIsLostOrDoubledBetweenThreads) {
  std::atomic<bool> done{false};
  os::Thread service("service", [&] {
    while (!done) {
      clock.advance_ms(1);
      broker->service_tick();
      (void)broker->runtime_info().table();
      std::this_thread::yield();
    }
  });
  {
    os::Thread consumer("consumer", [&] { consume_all(); });
    std::vector<os::Thread> senders;
    for (int sender = 0; sender < kSenders; ++sender)
      senders.emplace_back("sender", [this, sender] { send_all(sender); });
  }
  done = true;
  service.join();
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(kTotal));
  EXPECT_EQ(broker->stats().put_total(), static_cast<std::uint64_t>(kTotal));
  EXPECT_EQ(broker->parked().size(), 0U);
  ASSERT_TRUE(broker->stop().has_value());
  ASSERT_TRUE(store->close().has_value());
}

// Whoever pops while its group is deleted gets messages or a refusal; what is made again afterwards
// knows nothing of what was before.
TEST_F(BrokerThreadsTest, AGroupIsDeletedWhileItPops) {
  for (int sender = 0; sender < kSenders; ++sender) send_all(sender);
  std::atomic<int> poppers{2};
  std::atomic<int> acked{0};
  const auto pop_all = [&] {
    for (int i = 0; i < 400; ++i) {
      const PopRequest request{.group = "g", .topic = "T", .queue_id = 0, .invisible_ms = 50};
      auto result = broker->popper().pop(request);
      if (!result.has_value()) {
        ASSERT_TRUE(result.error().code == Errc::kGroupNotFound ||
                    result.error().code == Errc::kBusy)
            << result.error().message;
        continue;
      }
      for (const PopResult::Part& part : result->parts) {
        for (const PopResult::Message& message : part.messages) {
          const auto done = broker->popper().ack({.group = "g",
                                                  .topic = "T",
                                                  .queue_id = part.queue_id,
                                                  .offset = message.offset,
                                                  .token = result->pop_time});
          if (done.has_value()) ++acked;
        }
      }
      broker->popper().flush();
    }
    --poppers;
  };
  {
    os::Thread first("popper", pop_all);
    os::Thread second("popper", pop_all);
    while (poppers > 0) {
      ASSERT_TRUE(broker->groups().update({.name = "g"}).has_value());
      clock.advance_ms(20);
      broker->service_tick();
      ASSERT_TRUE(broker->admin().delete_group("g", true).has_value());
    }
  }
  ASSERT_TRUE(broker->admin().delete_group("g", true).has_value());
  EXPECT_EQ(broker->popper().slots(), 0U);
  EXPECT_EQ(broker->popper().parties(), 0U);
  EXPECT_GT(acked, 0);
  ASSERT_TRUE(broker->groups().update({.name = "g"}).has_value());
  const auto anew = broker->popper().pop({.group = "g", .topic = "T", .queue_id = 0});
  ASSERT_TRUE(anew.has_value()) << anew.error().message;
  ASSERT_EQ(anew->parts.size(), 1U);
  EXPECT_EQ(anew->parts[0].messages.front().offset.value, 0);
  EXPECT_EQ(anew->parts[0].messages.front().deliveries, 1);
  ASSERT_TRUE(broker->stop().has_value());
  ASSERT_TRUE(store->close().has_value());
}

// Threads that send the very same messages: each is stored once, and all are told the same place.
TEST_F(BrokerThreadsTest, TheSameSendsFromManyThreadsAreStoredOnce) {
  model::TopicConfig config{.name = "once", .read_queues = 1, .write_queues = 1};
  config.attributes = {{"+idempotent.key", "UNIQ_KEY"}};
  ASSERT_TRUE(broker->topics().update(config).has_value());
  broker->service_tick();
  constexpr std::size_t kMessages = 2'000;  // twice as many as a partition has
  std::array<std::vector<std::int64_t>, kSenders> places;
  std::atomic<int> senders{kSenders};
  const auto send_keys = [&](std::size_t sender) {
    places[sender].assign(kMessages, -1);
    SendBatch batch;
    std::size_t answered = 0;
    // Each in an order of its own, so that they meet.
    for (std::size_t at = sender * 7; answered < kMessages;) {
      std::vector<std::string> keys;
      std::vector<std::size_t> numbers;
      for (int i = 0; i < kPerTick; ++i, ++at) {
        numbers.push_back(at % kMessages);
        keys.push_back(pairs("UNIQ_KEY=" + std::to_string(at % kMessages)));
      }
      for (const std::string& key : keys) {
        SendRequest request;
        request.topic = "once";
        request.queue_id = 0;
        request.body = as_bytes("body");
        request.properties = key;
        request.born_host = options.address;
        ASSERT_TRUE(broker->sender().stage(request, batch).has_value());
      }
      broker->sender().commit(batch);
      for (std::size_t i = 0; i < batch.size(); ++i) {
        const SendOutcome outcome = batch.outcome(i);
        if (outcome.error) {
          ASSERT_EQ(outcome.error->code, Errc::kBusy) << outcome.error->message;
          continue;  // comes again with the next round
        }
        std::int64_t& place = places[sender][numbers[i]];
        if (place < 0) ++answered;
        ASSERT_TRUE(place < 0 || place == outcome.items[0].result.queue_offset.value);
        place = outcome.items[0].result.queue_offset.value;
      }
      batch.clear();
    }
    --senders;
  };
  {
    std::vector<os::Thread> threads;
    for (std::size_t sender = 0; sender < kSenders; ++sender)
      threads.emplace_back("sender", [&, sender] { send_keys(sender); });
    while (senders > 0) {
      clock.advance_ms(1);
      broker->service_tick();
      ASSERT_TRUE(broker->idempotence().step().has_value());
      (void)broker->idempotence().stats();
    }
  }
  const store::ConsumeQueue* queue = store->find_queue("once", 0);
  ASSERT_NE(queue, nullptr);
  EXPECT_EQ(queue->next().value, static_cast<std::int64_t>(kMessages));
  for (std::size_t sender = 1; sender < kSenders; ++sender)
    EXPECT_EQ(places[sender], places[0]) << sender;
  EXPECT_EQ(broker->idempotence().stats().keys, kMessages);
  ASSERT_TRUE(broker->stop().has_value());
  ASSERT_TRUE(store->close().has_value());
}

}  // namespace
}  // namespace oncemq::broker

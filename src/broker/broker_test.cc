#include "broker/broker.h"

#include <array>
#include <mutex>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "broker/fixture.h"
#include "os/memory_disk.h"
#include "store/message_store.h"

namespace oncemq::broker {
namespace {

// The whole broker on the real store, on a disk in memory, driven by hand.
class BrokerTest : public ::testing::Test {
 protected:
  BrokerTest() { options.config_dir = "data/config"; }

  void open() {
    store::StoreOptions store_options;
    store_options.root = "data";
    store_options.log_file_size = 1 << 20;
    store_options.queue_file_size = 4'000;
    store_options.index_slots = 64;
    store_options.index_entries = 256;
    store_options.zero_ahead_bytes = 0;
    store_options.free_space_floor = 0;
    store_options.delay_levels_ms = options.delay_levels_ms;
    store_options.threads = false;
    auto opened = store::MessageStore::open(*disk, clock, store_options, [](const Error&) {});
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    store = std::move(*opened);
    broker = std::make_unique<Broker>(options, switches, *store, *disk, clock, random);
    broker->set_service_waker([this] { ++wakes; });
    const Status loaded = broker->load();
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
    ASSERT_TRUE(
        broker->start([this](store::CommittedOffset end) { committed = end.value; }).has_value());
  }
  // As the service thread and the store's threads would, for `ms`.
  void run(std::int64_t ms) {
    const std::int64_t end = clock.monotonic_ms() + ms;
    while (clock.monotonic_ms() < end) {
      clock.advance_ms(50);
      while (store->step()) {
      }
      broker->service_tick();
    }
  }
  void close() {
    ASSERT_TRUE(broker->stop().has_value());
    ASSERT_TRUE(store->close().has_value());
    broker.reset();
    store.reset();
  }
  // The process dies: nothing is said to anybody, the disk stays as the kernel has it.
  void die() {
    auto left = disk->crash(os::Crash::kProcess);
    broker.reset();
    store.reset();
    disk = std::move(left);
  }

  store::Appended send(std::string_view topic, std::string_view body,
                       std::string_view properties = {}, std::int32_t queue_id = 0) {
    SendBatch batch;
    SendRequest request;
    request.topic = topic;
    request.default_topic = model::topic::kAutoCreate;
    request.queue_id = queue_id;
    request.body = as_bytes(body);
    request.properties = properties;
    request.born_host = options.address;
    auto staged = broker->sender().stage(request, batch);
    EXPECT_TRUE(staged.has_value()) << staged.error().message;
    broker->sender().commit(batch);
    const SendOutcome outcome = batch.outcome(staged.value_or(0));
    EXPECT_FALSE(outcome.error.has_value());
    return outcome.items[0].result;
  }
  std::vector<std::string> pull(std::string_view topic, std::int64_t offset,
                                std::int32_t queue_id = 0) {
    PullRequest request;
    request.group = "g";
    request.topic = topic;
    request.queue_id = queue_id;
    request.offset = {offset};
    request.has_subscription = true;
    request.expression = "*";
    auto result = broker->puller().pull(request);
    EXPECT_TRUE(result.has_value()) << result.error().error.message;
    std::vector<std::string> bodies;
    if (!result.has_value()) return bodies;
    for (const store::LogSpan& span : result->read.spans) {
      for (Bytes rest = span.bytes; !rest.empty();) {
        const auto record = model::decode_record(rest, model::Verify::kFull).value();
        bodies.emplace_back(as_text(record.record.body));
        rest = rest.subspan(static_cast<std::size_t>(record.size));
      }
    }
    return bodies;
  }
  using Bodies = std::vector<std::string>;

  os::ManualClock clock;
  Options options = test_options();
  Switches switches;
  os::SeededRandom random{3};
  std::unique_ptr<os::MemoryDisk> disk = std::make_unique<os::MemoryDisk>(&clock);
  std::unique_ptr<store::MessageStore> store;
  std::unique_ptr<Broker> broker;
  std::int64_t committed = -1;
  int wakes = 0;
};

TEST_F(BrokerTest, SendAndPull) {
  open();
  const store::Appended sent = send("T", "a");
  EXPECT_EQ(committed, sent.log_offset.value + sent.size);
  send("T", "b");
  EXPECT_EQ(pull("T", 0), (Bodies{"a", "b"}));
  EXPECT_EQ(pull("T", 1), Bodies{"b"});
  close();
}

TEST_F(BrokerTest, ArrivalWakesAParkedPull) {
  struct Waiter final : PullWaiter {
    explicit Waiter(int& total) : count(total) {}
    void wake(WakeReason) override { ++count; }
    int& count;
  };
  open();
  int woken = 0;
  PullRequest request;
  request.group = "g";
  request.topic = "BenchmarkTest";
  request.has_subscription = true;
  request.expression = "red";
  request.suspend_timeout_ms = 15'000;
  ASSERT_EQ(broker->puller().pull(request)->status, PullStatus::kNothing);
  std::unique_ptr<PullWaiter> waiter = std::make_unique<Waiter>(woken);
  ASSERT_EQ(broker->puller().park(request, ChannelId{1}, waiter), ParkOutcome::kParked);
  send("BenchmarkTest", "x", pairs("TAGS=green"));
  EXPECT_EQ(woken, 0);
  send("BenchmarkTest", "y", pairs("TAGS=red"));
  EXPECT_EQ(woken, 1);
  close();
}

TEST_F(BrokerTest, EverythingIsThereAfterACleanRestart) {
  open();
  send("T", "a");
  ASSERT_TRUE(broker->groups().find_or_create("g").has_value());
  ASSERT_TRUE(broker->offsets().commit("g", "T", 0, {1}).has_value());
  close();
  open();
  EXPECT_EQ(pull("T", 0), Bodies{"a"});
  EXPECT_EQ(broker->topics().config("T")->write_queues, 4);
  EXPECT_NE(broker->groups().find("g"), nullptr);
  EXPECT_EQ(broker->offsets().query("g", "T", 0)->value, 1);
  close();
}

TEST_F(BrokerTest, TopicOfAnAcknowledgedMessageSurvivesTheDeathOfTheProcess) {
  open();
  send("T", "a", {}, 3);  // creates the topic; no service tick saves it
  die();
  open();
  EXPECT_EQ(pull("T", 0, 3), Bodies{"a"});
  close();
}

TEST_F(BrokerTest, OffsetsAreSavedByTheClock) {
  open();
  send("T", "a");
  ASSERT_TRUE(broker->offsets().commit("g", "T", 0, {1}).has_value());
  run(options.offsets_interval_ms);
  die();
  open();
  EXPECT_EQ(broker->offsets().query("g", "T", 0)->value, 1);
  close();
}

TEST_F(BrokerTest, ChangeIsOnDiskWhenItsOperatorIsAnswered) {
  open();
  broker->service_tick();
  wakes = 0;
  model::TopicConfig config;
  config.name = "Ordered";
  config.order = true;
  ASSERT_TRUE(broker->topics().update(config).has_value());
  ASSERT_TRUE(broker->offsets().commit("g", "Ordered", 0, {4}).has_value());
  bool saved = false;
  broker->when_saved([&](const Status& status) { saved = status.has_value(); });
  EXPECT_GE(wakes, 2);
  EXPECT_FALSE(saved);
  broker->service_tick();
  EXPECT_TRUE(saved);
  die();
  open();
  EXPECT_TRUE(broker->topics().config("Ordered")->order);
  EXPECT_EQ(broker->offsets().query("g", "Ordered", 0)->value, 4);
  close();
}

TEST_F(BrokerTest, DeletedTopicStaysDeleted) {
  open();
  send("T", "a");
  run(2'000);
  ASSERT_TRUE(broker->admin().delete_topic("T").has_value());
  broker->service_tick();
  die();
  open();
  EXPECT_EQ(broker->topics().find("T"), nullptr);
  send("T", "new");
  EXPECT_EQ(pull("T", 0), Bodies{"new"});
  close();
}

TEST_F(BrokerTest, DelayedMessagesComeOnceAndInTimeAlsoAfterARestart) {
  open();
  send("T", "first", pairs("DELAY=1"));
  send("T", "second", pairs("DELAY=2"));
  run(900);
  EXPECT_EQ(pull("T", 0), Bodies{});
  run(200);
  EXPECT_EQ(pull("T", 0), Bodies{"first"});
  close();
  clock.advance_ms(1'000);
  open();
  run(1'000);
  EXPECT_EQ(pull("T", 0), Bodies{"first"});
  run(2'000);
  EXPECT_EQ(pull("T", 0), (Bodies{"first", "second"}));
  close();
}

TEST_F(BrokerTest, QueueOfALevelKeepsTheDueTimeAsItsTag) {
  open();
  clock.advance_ms(123);
  const store::Appended sent = send("T", "x", pairs("DELAY=2;TAGS=red"));
  const std::int64_t due = clock.wall_ms() + 5'000;
  close();
  auto file = disk->open("data/consumequeue/SCHEDULE_TOPIC_XXXX/1/00000000000000000000",
                         os::OpenMode::kRead);
  ASSERT_TRUE(file.has_value());
  std::array<std::byte, 20> entry{};
  ASSERT_EQ((*file)->read_at(0, entry).value(), entry.size());
  EXPECT_EQ(load_be<std::int64_t>(entry.data()), sent.log_offset.value);
  EXPECT_EQ(load_be<std::int64_t>(entry.data() + 12), due);
}

TEST_F(BrokerTest, FailedMessageGoesThroughAllItsRetriesToTheDeadLetters) {
  open();
  ASSERT_TRUE(broker->groups().find_or_create("g").has_value());
  store::Appended at = send("T", "bad", pairs("UNIQ_KEY=U"));
  model::LogOffset failed = at.log_offset;
  for (int round = 0; round <= 16; ++round) {
    SendBatch batch;
    auto staged = broker->send_back().stage({.group = "g", .offset = failed}, batch);
    ASSERT_TRUE(staged.has_value()) << staged.error().message;
    broker->sender().commit(batch);
    ASSERT_FALSE(batch.outcome(*staged).error.has_value());
    if (round == 16) break;
    run(30'100);  // the longest level here
    const store::ConsumeQueue* queue = store->find_queue("%RETRY%g", 0);
    ASSERT_NE(queue, nullptr);
    ASSERT_EQ(queue->max().value, round + 1);
    store::ReadRequest read;
    read.queue = store->find_queue("%RETRY%g", 0);
    read.offset = {round};
    failed = store->read(read).last_log_offset;
  }
  store::ReadRequest read;
  read.queue = store->find_queue("%DLQ%g", 0);
  ASSERT_NE(read.queue, nullptr);
  const store::ReadResult dead = store->read(read);
  ASSERT_EQ(dead.messages, 1);
  const auto record =
      model::decode_record(dead.spans[0].bytes, model::Verify::kFull).value().record;
  EXPECT_EQ(record.reconsume_times, 17);
  EXPECT_EQ(as_text(record.body), "bad");
  EXPECT_EQ(model::find_property(record.properties, "RETRY_TOPIC"), "T");
  EXPECT_EQ(model::find_property(record.properties, "UNIQ_KEY"), "U");
  close();
}

TEST_F(BrokerTest, StoppedBrokerTakesNothingAndIsStoppedOnce) {
  open();
  ASSERT_TRUE(broker->stop().has_value());
  ASSERT_TRUE(broker->stop().has_value());
  SendBatch batch;
  SendRequest request;
  request.topic = "T";
  request.body = as_bytes("x");
  EXPECT_EQ(broker->sender().stage(request, batch).error().code, Errc::kNotReady);
  EXPECT_GT(broker->service_tick(), clock.monotonic_ms());
  close();
}

TEST_F(BrokerTest, ServiceSaysWhenItWantsToBeCalledAgain) {
  open();
  broker->service_tick();
  const std::int64_t now = clock.monotonic_ms();
  const std::int64_t next = broker->service_tick();
  EXPECT_GT(next, now);
  EXPECT_LE(next, now + 100);
  close();
}

TEST_F(BrokerTest, BrokenConfigurationIsAnErrorNotAnEmptyBroker) {
  open();
  close();
  for (const std::string name : {"data/config/topics.json", "data/config/topics.json.bak"}) {
    auto file = disk->open(name, os::OpenMode::kCreate);
    ASSERT_TRUE(file.has_value());
    ASSERT_TRUE((*file)->write_at(0, as_bytes("garbage")).has_value());
  }
  auto opened = store::MessageStore::open(
      *disk, clock,
      {.root = "data", .log_file_size = 1 << 20, .queue_file_size = 4'000, .threads = false},
      [](const Error&) {});
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  Broker other(options, switches, **opened, *disk, clock, random);
  const Status loaded = other.load();
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().code, Errc::kCorrupt);
}

// Four loops pop and ack at once; in the middle the process dies.
TEST_F(BrokerTest, PopsOfManyThreadsGiveEachMessageToOneAlsoOverAKill) {
  constexpr int kMessages = 600;
  open();
  for (int i = 0; i < kMessages; ++i) send("T", std::to_string(i), {}, i % 4);
  std::mutex mutex;
  std::set<std::pair<std::int32_t, std::int64_t>> acked;
  std::set<std::pair<std::int32_t, std::int64_t>> kept;
  // Another thread may be the one that writes.
  const auto settle = [](Popper& popper, std::uint64_t operation) {
    do {
      popper.flush();
    } while (!popper.committed(operation));
  };
  const auto consume = [&](std::size_t at_most, bool keep_some) {
    const auto work = [&] {
      Popper& popper = broker->popper();
      for (std::size_t had = 0; had < at_most;) {
        const auto result = popper.pop({.group = "g", .topic = "T", .max_messages = 8});
        ASSERT_TRUE(result.has_value()) << result.error().message;
        settle(popper, result->operation);
        if (result->messages == 0) return;
        had += result->messages;
        for (const auto& part : result->parts) {
          for (const auto& message : part.messages) {
            const std::pair place(part.queue_id, message.offset.value);
            const bool keep = keep_some && place.second % 7 == 0;
            if (!keep) {
              const auto done = popper.ack({.group = "g",
                                            .topic = "T",
                                            .queue_id = place.first,
                                            .offset = message.offset,
                                            .token = result->pop_time});
              ASSERT_TRUE(done.has_value());
              settle(popper, *done);
            }
            std::scoped_lock lock(mutex);
            EXPECT_EQ(acked.count(place), 0U) << place.first << " " << place.second;
            EXPECT_TRUE((keep ? kept : acked).insert(place).second || !keep_some);
          }
        }
      }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back(work);
    for (std::thread& thread : threads) thread.join();
  };
  consume(60, true);
  EXPECT_GE(acked.size() + kept.size(), 240U);
  die();
  open();
  consume(kMessages, true);
  EXPECT_EQ(acked.size() + kept.size(), static_cast<std::size_t>(kMessages));
  clock.advance_ms(60'000);
  consume(kMessages, false);
  EXPECT_EQ(acked.size(), static_cast<std::size_t>(kMessages));
  close();
}

}  // namespace
}  // namespace oncemq::broker

#include "broker/timers.h"

#include <map>
#include <memory>
#include <set>

#include <gtest/gtest.h>

#include "base/log.h"
#include "broker/broker.h"
#include "broker/fixture.h"
#include "os/memory_disk.h"
#include "store/message_store.h"

namespace oncemq::broker {
namespace {

namespace property = model::property;
using os::Crash;

// What the sender of a timer knows.
struct SentTimer {
  std::string body;
  std::string unique_key;
  std::int64_t due_ms = 0;
  std::int64_t out_ms = 0;
  std::int64_t end = 0;
  bool acknowledged = false;
};

// A broker on the real store, on a disk in memory, driven by hand.
struct World {
  os::ManualClock clock;
  std::unique_ptr<os::MemoryDisk> disk;
  os::SeededRandom random{7};
  Options options = test_options();
  Switches switches;
  store::CommitPolicy policy = store::CommitPolicy::kFlushed;
  std::uint64_t log_file_size = 64 << 10;
  std::string topic = "T";  // of send() and got(); T is there
  std::unique_ptr<store::MessageStore> store;
  std::unique_ptr<Broker> broker;

  explicit World(std::int64_t wall_ms = 1'700'000'000'000) : clock(wall_ms) {
    disk = std::make_unique<os::MemoryDisk>(&clock);
    options.config_dir = "data/config";
    options.own_dir = "data/once";
  }

  ::testing::AssertionResult open() {
    store::StoreOptions wanted;
    wanted.root = "data";
    wanted.policy = policy;
    wanted.log_file_size = log_file_size;
    wanted.queue_file_size = 4'000;
    wanted.index_slots = 64;
    wanted.index_entries = 4'096;
    wanted.zero_ahead_bytes = 0;
    wanted.free_space_floor = 0;
    wanted.delay_levels_ms = options.delay_levels_ms;
    wanted.threads = false;
    auto opened = store::MessageStore::open(*disk, clock, wanted, [](const Error&) {});
    if (!opened) return ::testing::AssertionFailure() << opened.error().message;
    store = std::move(*opened);
    broker = std::make_unique<Broker>(options, switches, *store, *disk, clock, random);
    if (const Status loaded = broker->load(); !loaded)
      return ::testing::AssertionFailure() << loaded.error().message;
    if (const Status started = broker->start(nullptr); !started)
      return ::testing::AssertionFailure() << started.error().message;
    model::TopicConfig config;
    config.name = "T";
    config.read_queues = config.write_queues = 2;
    EXPECT_TRUE(broker->topics().update(config).has_value());
    return ::testing::AssertionSuccess();
  }
  void close() {
    EXPECT_TRUE(broker->stop().has_value());
    EXPECT_TRUE(store->close().has_value());
    broker.reset();
    store.reset();
  }
  void die(Crash kind) {
    auto left = disk->crash(kind, &random);
    broker.reset();
    store.reset();
    disk = std::move(left);
  }

  void work() {
    while (store->step()) {
    }
    for (int i = 0; i < 50 && broker->timers().tick() == 0; ++i) {
      while (store->step()) {
      }
    }
    while (store->step()) {
    }
  }
  void run(std::int64_t ms, std::int64_t step_ms = 20) {
    for (std::int64_t passed = 0; passed < ms; passed += step_ms) {
      clock.advance_ms(step_ms);
      work();
    }
  }

  Result<SentTimer> send(const std::string& body, const std::string& more,
                         const std::string& key = {}) {
    const std::string properties = pairs("UNIQ_KEY=" + (key.empty() ? body : key) + ";" + more);
    SendRequest request;
    request.producer_group = "pg";
    request.topic = topic;
    request.default_topic = model::topic::kAutoCreate;
    request.queue_id = 1;
    request.born_host = Address::parse("10.0.0.9:50000").value();
    request.body = as_bytes(body);
    request.properties = properties;
    SendBatch batch;
    auto staged = broker->sender().stage(request, batch);
    if (!staged) return fail(std::move(staged.error()));
    broker->sender().commit(batch);
    const SendOutcome outcome = batch.outcome(*staged);
    if (outcome.error) return fail(*outcome.error);
    return SentTimer{body, key.empty() ? body : key, 0, outcome.timer_out_ms, outcome.end.value};
  }
  SentTimer delay(const std::string& body, std::int64_t ms) {
    auto sent = send(body, "TIMER_DELAY_MS=" + std::to_string(ms));
    EXPECT_TRUE(sent.has_value()) << sent.error().message;
    sent->due_ms = clock.wall_ms() + ms;
    return *sent;
  }

  struct Got {
    std::string body;
    std::int64_t stored_ms = 0;
    std::string properties;
  };
  std::vector<Got> got() {
    std::vector<Got> all;
    store::ReadRequest request;
    request.queue = store->find_queue(topic, 1);
    request.max_messages = 1;
    if (request.queue == nullptr) return all;
    for (;;) {
      const store::ReadResult read = store->read(request);
      if (read.status != store::ReadStatus::kFound) {
        if (read.status == store::ReadStatus::kOffsetTooSmall && read.next > request.offset) {
          request.offset = read.next;
          continue;
        }
        return all;
      }
      const auto record = model::decode_record(read.spans[0].bytes, model::Verify::kFull);
      all.push_back({std::string(as_text(record->record.body)), record->record.store_timestamp,
                     std::string(record->record.properties)});
      request.offset = read.next;
    }
  }
  std::vector<std::string> bodies() {
    std::vector<std::string> all;
    for (const Got& got : got()) all.push_back(got.body);
    return all;
  }

  // The answer, after as much work as it takes.
  std::optional<Result<std::string>> recall(const SentTimer& timer, bool work_too = true) {
    auto answer = std::make_shared<std::optional<Result<std::string>>>();
    broker->timers().recall({"T", options.name, timer.out_ms, timer.unique_key}, "pg",
                            [answer](const Result<std::string>& result) { *answer = result; });
    if (work_too) work();
    return *answer;
  }
};

using Bodies = std::vector<std::string>;

class TimersTest : public ::testing::Test, protected World {
 protected:
  void SetUp() override { ASSERT_TRUE(open()); }
};

TEST_F(TimersTest, DeliversWhenDueAndNotBefore) {
  ASSERT_TRUE(send("x", "TAGS=red;TIMER_DELAY_MS=1234;a=1").has_value());
  const std::int64_t sent = clock.wall_ms();
  work();
  clock.advance_ms(1'233);
  work();
  EXPECT_TRUE(got().empty());
  clock.advance_ms(1);
  work();
  const auto all = got();
  ASSERT_EQ(all.size(), 1U);
  const auto value = [&](std::string_view name) {
    return std::string(model::find_property(all[0].properties, name).value_or("-"));
  };
  EXPECT_EQ(all[0].body, "x");
  EXPECT_EQ(value("TAGS"), "red");
  EXPECT_EQ(value("a"), "1");
  EXPECT_EQ(value(property::kTimerDequeueMs), std::to_string(sent + 1'234));
  EXPECT_EQ(value(property::kTimerEnqueueMs), std::to_string(sent));
  EXPECT_EQ(value(property::kOnceTimer), "0:" + std::to_string(sent + 1'234));
  EXPECT_EQ(value(property::kOnceDueMs), "-");
  EXPECT_EQ(value(property::kRealTopic), "-");
  run(3'000);
  EXPECT_EQ(bodies(), Bodies{"x"});
}

TEST_F(TimersTest, TickSaysWhenTheNextIsDue) {
  delay("a", 900);
  work();
  clock.advance_ms(200);
  work();
  EXPECT_EQ(broker->timers().tick(), 700);
  EXPECT_EQ(broker->timers().figures().waiting, 1);
  EXPECT_EQ(broker->timers().figures().next_due_ms, clock.wall_ms() + 700);
  EXPECT_TRUE(broker->timers().figures().next_due_exact);
  EXPECT_GT(broker->timers().figures().memory_bytes, 0U);
  clock.advance_ms(3'000);
  EXPECT_EQ(broker->timers().tick(), Timers::kIdleMs);
  EXPECT_EQ(broker->timers().figures().waiting, 0);
  EXPECT_EQ(broker->timers().figures().next_due_ms, -1);
}

TEST_F(TimersTest, ByDueTimeWhateverTheOrderOfSending) {
  delay("c", 3'000);
  delay("a", 1'000);
  work();
  delay("d", 7'300'000);  // two hours on
  delay("b", 2'000);
  run(4'000);
  EXPECT_EQ(bodies(), (Bodies{"a", "b", "c"}));
  run(7'300'000, 50'000);
  EXPECT_EQ(bodies(), (Bodies{"a", "b", "c", "d"}));
}

TEST_F(TimersTest, ManyInManyHours) {
  std::vector<std::pair<std::int64_t, std::string>> wanted;
  for (int i = 0; i < 1'500; ++i) {
    const std::int64_t ms = 1 + static_cast<std::int64_t>(random.below(30'000'000));
    const SentTimer sent = delay("m" + std::to_string(i), ms);
    wanted.emplace_back(sent.due_ms, sent.body);
    if (i % 100 == 0) work();
  }
  std::stable_sort(wanted.begin(), wanted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  run(30'100'000, 100'000);
  const Bodies all = bodies();
  ASSERT_EQ(all.size(), wanted.size());
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], wanted[i].second);
}

TEST_F(TimersTest, RefusedAppendsAreTriedAgain) {
  delay("x", 100);
  work();
  disk->set_capacity(0);
  run(1'000);
  disk->set_capacity(os::MemoryDisk::kUnlimited);
  for (int i = 0; i < 100 && bodies().empty(); ++i) {
    clock.advance_ms(1'000);
    store->housekeep();
    work();
  }
  EXPECT_EQ(bodies(), Bodies{"x"});
}

TEST_F(TimersTest, MessagesOfADeletedTopicGoWithIt) {
  delay("x", 1'000);
  work();
  ASSERT_TRUE(broker->topics().remove("T").has_value());
  run(2'000);
  EXPECT_EQ(broker->timers().figures().waiting, 0);
}

// What waits is acknowledged, so nothing may hang on a file of the configuration.
TEST_F(TimersTest, ATopicThatAKillCameBeforeIsMadeAgain) {
  topic = "New";
  delay("timer", 1'000);
  ASSERT_TRUE(send("level", "DELAY=1").has_value());
  ASSERT_TRUE(send("half", "TRAN_MSG=true;PGROUP=pg").has_value());
  ASSERT_NE(broker->topics().find("New"), nullptr);
  die(Crash::kProcess);
  ASSERT_TRUE(open());
  ASSERT_EQ(broker->topics().find("New"), nullptr) << "no file names it, no queue has a message";
  TransactionBatch verdicts;
  ASSERT_TRUE(broker->transactions().stage(0, Verdict::kCommit, verdicts).has_value());
  broker->transactions().commit(verdicts);
  run(1'500);
  broker->schedule().tick();
  work();
  Bodies all = bodies();
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, (Bodies{"half", "level", "timer"}));
  EXPECT_EQ(broker->topics().find("New")->read_queues(), options.default_topic_queues);
}

TEST_F(TimersTest, ATopicThatWasDeletedBeforeAKillStaysDeleted) {
  topic = "New";
  delay("timer", 1'000);
  ASSERT_TRUE(send("level", "DELAY=1").has_value());
  work();
  ASSERT_TRUE(broker->topics().remove("New").has_value());
  die(Crash::kProcess);
  ASSERT_TRUE(open());
  run(1'500);
  broker->schedule().tick();
  work();
  EXPECT_EQ(broker->topics().find("New"), nullptr);
  EXPECT_EQ(broker->timers().figures().waiting, 0);
}

// ---- clock

TEST_F(TimersTest, ClockForwardDeliversWhatBecameDue) {
  for (int i = 0; i < 5'000; ++i) delay(std::to_string(i), 3'600'000 + i);
  run(1'000);
  clock.jump_ms(10'000'000);
  broker->timers().tick();  // one round leaves room for others
  while (store->step()) {
  }
  EXPECT_LT(bodies().size(), 5'000U);
  run(1'000);
  EXPECT_EQ(bodies().size(), 5'000U);
}

TEST_F(TimersTest, ClockBackDoublesNothingAndHoldsNothingNewBack) {
  delay("before", 1'000);
  delay("waiting", 60'000);
  run(2'000);
  EXPECT_EQ(bodies(), Bodies{"before"});
  clock.jump_ms(-3'600'000);
  delay("after", 500);
  run(1'000);
  EXPECT_EQ(bodies(), (Bodies{"before", "after"}));
  die(Crash::kProcess);
  ASSERT_TRUE(open());
  delay("later", 500);
  run(1'000);
  EXPECT_EQ(bodies(), (Bodies{"before", "after", "later"}));
  run(3'660'000, 10'000);
  EXPECT_EQ(bodies(), (Bodies{"before", "after", "later", "waiting"}));
}

// ---- restart

TEST_F(TimersTest, CleanStopAndStart) {
  for (int i = 0; i < 50; ++i) delay("m" + std::to_string(i), 100 * (i + 1));
  run(2'500);
  EXPECT_EQ(bodies().size(), 25U);
  close();
  clock.advance_ms(1'000);
  ASSERT_TRUE(open());
  run(2'000);
  const Bodies all = bodies();
  EXPECT_EQ(all.size(), 50U);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 50U);
}

TEST_F(TimersTest, StartsWithoutCheckpointOrIndex) {
  for (int i = 0; i < 40; ++i) delay("m" + std::to_string(i), 100 * (i + 1));
  const SentTimer gone = delay("gone", 3'000);
  run(2'000);
  ASSERT_TRUE(recall(gone)->has_value());
  for (const bool checkpoint_too : {false, true}) {
    die(Crash::kProcess);
    ASSERT_TRUE(disk->remove_tree("data/once/timers").has_value());
    if (checkpoint_too) {
      (void)disk->remove("data/once/timers.json");
      (void)disk->remove("data/once/timers.json.bak");
      (void)disk->remove("data/config/timercheck");
    }
    ASSERT_TRUE(open());
    run(500);
  }
  run(4'000);
  const Bodies all = bodies();
  EXPECT_EQ(all.size(), 40U);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 40U);
}

TEST_F(TimersTest, BrokenIndexIsMadeAgainWhileRunning) {
  for (int i = 0; i < 40; ++i) delay("m" + std::to_string(i), 4'000'000 + i);
  delay("early", 100);
  run(3'000);
  std::string file;
  for (const std::string& name : disk->files())
    if (name.find("once/timers/") != std::string::npos) file = name;
  ASSERT_FALSE(file.empty());
  ASSERT_TRUE(disk->corrupt(file, 30, std::byte{0x40}));
  run(4'000'000, 20'000);
  const Bodies all = bodies();
  EXPECT_EQ(all.size(), 41U);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 41U);
}

// ---- recall

TEST_F(TimersTest, RecalledIsNotDelivered) {
  const SentTimer one = delay("one", 1'000);
  delay("two", 1'000);
  const SentTimer far = delay("far", 100'000'000);
  work();
  EXPECT_EQ(recall(one)->value(), "one");
  EXPECT_EQ(recall(far)->value(), "far");
  EXPECT_EQ(recall(one)->value(), "one") << "asked again";
  run(2'000);
  EXPECT_EQ(bodies(), Bodies{"two"});
  EXPECT_EQ(broker->timers().figures().waiting, 0);
  die(Crash::kProcess);
  ASSERT_TRUE(open());
  work();
  EXPECT_EQ(recall(one)->value(), "one") << "asked after a crash";
  run(100'000'000, 1'000'000);
  EXPECT_EQ(bodies(), Bodies{"two"});
}

TEST_F(TimersTest, DeliveredIsNotRecalled) {
  const SentTimer one = delay("one", 100);
  run(200);
  EXPECT_EQ(recall(one)->error().code, Errc::kMessageNotFound);
  SentTimer unknown = one;
  unknown.unique_key = "nobody";
  EXPECT_EQ(recall(unknown)->error().code, Errc::kMessageNotFound);
  SentTimer moved = delay("later", 5'000);
  moved.out_ms += 1'000;
  EXPECT_EQ(recall(moved)->error().code, Errc::kMessageNotFound);
  run(6'000);
  EXPECT_EQ(bodies(), (Bodies{"one", "later"}));
}

TEST_F(TimersTest, SameKeySentAgainAfterRecall) {
  const std::string at = "TIMER_DELIVER_MS=" + std::to_string(clock.wall_ms() + 5'500);
  SentTimer first = send("first", at, "K").value();
  ASSERT_TRUE(recall(first)->has_value());
  SentTimer second = send("second", at, "K").value();
  work();
  run(1'000);
  EXPECT_TRUE(bodies().empty());
  run(5'000);
  EXPECT_EQ(bodies(), Bodies{"second"});
  EXPECT_EQ(recall(second)->error().code, Errc::kMessageNotFound);
}

TEST_F(TimersTest, RecallWithoutKeyIndexAndAtTheEnd) {
  const SentTimer one = delay("one", 60'000);
  work();
  options.key_index = false;
  EXPECT_EQ(recall(one)->error().code, Errc::kNotSupported);
  options.key_index = true;
  auto answer = std::make_shared<std::optional<Result<std::string>>>();
  broker->timers().recall({"T", options.name, one.out_ms, "one"}, "pg",
                          [answer](const Result<std::string>& result) { *answer = result; });
  close();
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((*answer)->error().code, Errc::kNotReady);
}

TEST_F(TimersTest, SwitchedOff) {
  const SentTimer one = delay("one", 1'000);
  work();
  close();
  options.timer_wheel = false;
  ASSERT_TRUE(open());
  run(2'000);
  EXPECT_TRUE(bodies().empty());
  EXPECT_EQ(recall(one)->error().code, Errc::kNotSupported);
  close();
  options.timer_wheel = true;
  ASSERT_TRUE(open());
  run(100);
  EXPECT_EQ(bodies(), Bodies{"one"});
}

// ---- retention

TEST_F(TimersTest, WaitingTimersMoveBeforeTheirLogFileGoes) {
  const SentTimer far = delay("far", 10LL * 86'400'000);
  const SentTimer taken = delay("taken", 10LL * 86'400'000);
  delay("near", 1'000);
  run(2'000);
  ASSERT_TRUE(recall(taken)->has_value());
  const auto fill = [&] {
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(send("fill", "a=1").has_value());
    work();
  };
  for (int day = 0; day < 8; ++day) {
    fill();
    clock.advance_ms(86'400'000);
    work();
    for (int i = 0; i < 4; ++i) {
      store->clean_now();
      run(1'000);
    }
  }
  EXPECT_GT(store->min_offset().value, 0);
  die(Crash::kProcess);
  ASSERT_TRUE(open());
  for (int day = 0; day < 3; ++day) {
    fill();
    clock.advance_ms(86'400'000);
    work();
  }
  Bodies rest;
  for (const std::string& body : bodies())
    if (body != "fill" && body != "near") rest.push_back(body);
  EXPECT_EQ(rest, Bodies{"far"});
}

// ---- Apache's folder

TEST_F(TimersTest, TimersOfApachesBroker) {
  const TopicEntry* wheel = broker->topics().find(model::topic::kTimer);
  const std::int64_t now = clock.wall_ms();
  const auto put = [&](const std::string& body, std::int64_t out, const std::string& more = {}) {
    const std::string properties =
        pairs("UNIQ_KEY=" + body + ";REAL_TOPIC=T;REAL_QID=1;TIMER_OUT_MS=" + std::to_string(out) +
              ";" + more);
    store::AppendItem item;
    item.message.topic = wheel->name();
    item.message.body = as_bytes(body);
    item.message.properties = properties;
    item.queue = wheel->queue(0);
    ASSERT_TRUE(store->append(std::span(&item, 1)).has_value());
    store->write_out();
  };
  put("delivered by Apache", now - 5'000);
  put("waiting", now + 2'000);
  put("rolled", now + 9'000, "TIMER_ROLL_TIMES=0");
  put("recalled", now + 3'000);
  put("recalled", now + 3'000, "TIMER_DEL_UNIQKEY=T+recalled");
  put("rolled", now + 9'000, "TIMER_ROLL_TIMES=1");
  put("overdue", now - 1'000);
  while (store->step()) {
  }
  die(Crash::kProcess);
  (void)disk->remove("data/once/timers.json");
  ASSERT_TRUE((ApacheTimerCheck{now - 2'000, 6}).save(*disk, "data/config/timercheck", now));
  ASSERT_TRUE(disk->open("data/timerwheel", os::OpenMode::kCreate).has_value());
  ASSERT_TRUE(open());
  EXPECT_FALSE(disk->stat("data/timerwheel").has_value());
  run(2'960);
  EXPECT_EQ(bodies(), Bodies{"overdue"});
  run(40);
  EXPECT_EQ(bodies(), (Bodies{"overdue", "waiting"}));
  die(Crash::kProcess);
  ASSERT_TRUE(open());
  run(10'000);
  EXPECT_EQ(bodies(), (Bodies{"overdue", "waiting", "rolled"}));
  close();
  const auto told = ApacheTimerCheck::load(*disk, "data/config/timercheck");
  ASSERT_TRUE(told.has_value() && told->has_value());
  EXPECT_EQ((*told)->queue_offset, 7);
}

// ---- crash at every step

// A short life: timers of all kinds, recalls before and around their time, deliveries, checkpoints.
struct Life {
  std::vector<SentTimer> sent;
  std::map<std::string, bool> recalled;  // asked for; true: answered with success
};

class TimersCrashTest : public ::testing::TestWithParam<store::CommitPolicy> {
 protected:
  void SetUp() override { log::set_level(log::Level::kError); }
  void TearDown() override { log::set_level(log::Level::kInfo); }

  // Lives until the disk has done `until` operations (or to the end), then dies.
  // False when the life was over before.
  bool live(World& world, Life& life, std::uint64_t until) {
    const auto over = [&] { return world.disk->operations() >= until; };
    std::vector<std::shared_ptr<std::optional<Result<std::string>>>> answers;
    std::vector<std::string> asked;
    const auto look = [&] {
      const std::int64_t committed = world.store->marks().committed().value;
      for (SentTimer& timer : life.sent)
        if (timer.end <= committed) timer.acknowledged = true;
      for (std::size_t i = 0; i < answers.size(); ++i)
        if (answers[i]->has_value() && (*answers[i])->has_value()) life.recalled[asked[i]] = true;
    };
    for (int step = 0; step < 40; ++step) {
      if (over()) return true;
      const std::string number = std::to_string(step);
      for (const std::int64_t ms : {7, 130, 500, 2'600}) {
        auto sent =
            world.send(number + "-" + std::to_string(ms), "TIMER_DELAY_MS=" + std::to_string(ms));
        if (!sent) continue;
        sent->due_ms = world.clock.wall_ms() + ms;
        life.sent.push_back(*sent);
      }
      if (step % 4 == 3) {
        // One that is due about now, one that is not.
        for (const std::size_t back : {3U, 8U}) {
          const SentTimer& timer = life.sent[life.sent.size() - back];
          auto answer = std::make_shared<std::optional<Result<std::string>>>();
          life.recalled.emplace(timer.body, false);
          world.broker->timers().recall(
              {"T", world.options.name, timer.out_ms, timer.unique_key}, "pg",
              [answer](const Result<std::string>& result) { *answer = result; });
          answers.push_back(answer);
          asked.push_back(timer.body);
        }
      }
      for (int i = 0; i < 5; ++i) {
        world.clock.advance_ms(20);
        world.broker->timers().tick();
        if (over()) {
          look();
          return true;
        }
        if ((step + i) % 3 != 0) world.store->step();
        look();
        if (over()) return true;
      }
    }
    return false;
  }
};

TEST_P(TimersCrashTest, EveryTimerOnceWhereverItEnds) {
  int from_checkpoint = 0;
  bool more = true;
  int images = 0;
  for (std::uint64_t until = 60; more; until += 13) {
    for (const Crash kind :
         {Crash::kProcess, Crash::kDropUnsynced, Crash::kKeepUnsynced, Crash::kRandom}) {
      World world;
      world.policy = GetParam();
      ASSERT_TRUE(world.open());
      Life life;
      more = live(world, life, until);
      world.die(kind);
      ++images;
      if (world.disk->stat("data/once/timers.json").has_value()) ++from_checkpoint;
      const std::string where = "operation " + std::to_string(until) + ", crash " +
                                std::to_string(static_cast<int>(kind));
      ASSERT_TRUE(world.open()) << where;
      world.run(300);
      // A second crash in the middle of what the first one left.
      world.die(Crash::kProcess);
      ASSERT_TRUE(world.open()) << where;
      world.run(5'000, 50);
      std::map<std::string, int> count;
      std::map<std::string, std::int64_t> stored;
      for (const World::Got& got : world.got()) {
        ++count[got.body];
        stored[got.body] = got.stored_ms;
      }
      const bool keeps = kind == Crash::kProcess || GetParam() == store::CommitPolicy::kDurable;
      for (const SentTimer& timer : life.sent) {
        const int times = count[timer.body];
        const auto recall = life.recalled.find(timer.body);
        const bool asked = recall != life.recalled.end();
        EXPECT_LE(times, 1) << timer.body << ", " << where;
        if (times == 1) {
          EXPECT_GE(stored[timer.body], timer.due_ms) << timer.body << ", " << where;
        }
        if (!keeps) continue;
        if (asked && recall->second) {
          EXPECT_EQ(times, 0) << timer.body << " was recalled, " << where;
        } else if (timer.acknowledged && !asked) {
          EXPECT_EQ(times, 1) << timer.body << ", " << where;
        }
      }
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(images, 100);
  EXPECT_GT(from_checkpoint, 50) << "the run is too short to say anything";
}

INSTANTIATE_TEST_SUITE_P(Policies, TimersCrashTest,
                         ::testing::Values(store::CommitPolicy::kFlushed,
                                           store::CommitPolicy::kDurable),
                         [](const auto& policy) {
                           return policy.param == store::CommitPolicy::kFlushed ? "Flushed"
                                                                                : "Durable";
                         });

}  // namespace
}  // namespace oncemq::broker

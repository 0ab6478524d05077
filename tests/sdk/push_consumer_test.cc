#include "oncemq/push_consumer.h"

#include <atomic>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/mutex.h"
#include "oncemq/producer.h"
#include "os/thread.h"
#include "tests/sdk/embedded.h"
#include "tests/sdk/inbox.h"

namespace oncemq::sdk {
namespace {

// Opens once.
class Gate {
 public:
  void open() {
    const MutexLock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait() {
    const MutexLock lock(mutex_);
    while (!open_) changed_.wait(mutex_);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool open_ ONCE_GUARDED_BY(mutex_) = false;
};

class PushConsumerBrokerTest : public testing::Test {
 protected:
  PushConsumerBrokerTest() {
    EmbeddedOptions soon;
    for (int level = 0; level < 18; ++level) soon.settings["messageDelayLevel"] += " 1s";
    soon.settings["eventLoopThreads"] = "2";
    broker_ = std::make_unique<EmbeddedBroker>(open_broker(soon));
    // A busy machine is no reason to fail.
    auto producer = Producer::open({.name_servers = {broker_->name_server()},
                                    .timeout = std::chrono::minutes(2),
                                    .attempts = 1'000});
    EXPECT_TRUE(producer);
    producer_ = std::make_unique<Producer>(std::move(*producer));
  }

  void send(Message message) {
    const auto receipt = producer_->send(message);
    ASSERT_TRUE(receipt) << receipt.error().message;
  }
  std::set<std::string> send_many(int first, int end) {
    std::set<std::string> bodies;
    for (int i = first; i < end; ++i) {
      const std::string body = "message " + std::to_string(i);
      send({.topic = "T", .body = body});
      bodies.insert(body);
    }
    return bodies;
  }

  PushConsumerOptions options(std::string group = "g") {
    return {.name_servers = {broker_->name_server()},
            .group = std::move(group),
            .subscriptions = {{.topic = "T"}},
            .threads = 4,
            .start_at = StartAt::kFirst,
            .close_timeout = std::chrono::minutes(2)};
  }
  PushConsumer open(PushConsumerOptions options, Handler handler) {
    auto consumer = PushConsumer::open(std::move(options), std::move(handler));
    EXPECT_TRUE(consumer) << consumer.error().message;
    return std::move(*consumer);
  }
  static Handler done_into(Inbox& inbox) {
    return [&inbox](std::span<const Delivery> batch) {
      inbox.add(batch);
      return Outcome::done();
    };
  }

  std::unique_ptr<EmbeddedBroker> broker_;
  std::unique_ptr<Producer> producer_;
};

TEST_F(PushConsumerBrokerTest, GetsWhatWasSent) {
  send({.topic = "T",
        .body = "hello",
        .tag = "blue",
        .keys = {"k1", "k2"},
        .properties = {{"color", "red"}}});
  Inbox inbox;
  const PushConsumer consumer = open(options(), done_into(inbox));
  const Delivery got = inbox.deliveries(1).at(0);
  EXPECT_EQ(got.message.topic, "T");
  EXPECT_EQ(got.message.body, "hello");
  EXPECT_EQ(got.message.tag, "blue");
  EXPECT_EQ(got.message.keys, (std::vector<std::string>{"k1", "k2"}));
  EXPECT_EQ(got.message.properties, (std::map<std::string, std::string>{{"color", "red"}}));
  EXPECT_EQ(got.message_id.size(), 32U);
  EXPECT_EQ(got.offset_id.size(), 32U);
  EXPECT_NE(got.message_id, got.offset_id);
  EXPECT_EQ(got.queue.topic, "T");
  EXPECT_EQ(got.queue_offset, 0);
  EXPECT_EQ(got.attempt, 1);
  EXPECT_GT(got.born_at_ms, 0);
  EXPECT_GE(got.stored_at_ms, got.born_at_ms);
}

TEST_F(PushConsumerBrokerTest, FiltersByTagAndBySql) {
  PushConsumerOptions tagged = options("tags");
  tagged.subscriptions = {{.topic = "T", .expression = "a || b"}};
  PushConsumerOptions selected = options("sql");
  selected.subscriptions = {
      {.topic = "T", .expression = "price > 10", .kind = Subscription::Kind::kSql92}};
  send({.topic = "T", .body = "1", .tag = "a", .properties = {{"price", "5"}}});
  send({.topic = "T", .body = "2", .tag = "c", .properties = {{"price", "50"}}});
  send({.topic = "T", .body = "3", .tag = "b"});
  Inbox by_tag;
  Inbox by_sql;
  const PushConsumer first = open(std::move(tagged), done_into(by_tag));
  const PushConsumer second = open(std::move(selected), done_into(by_sql));
  EXPECT_EQ(by_tag.bodies(2), (std::set<std::string>{"1", "3"}));
  EXPECT_EQ(by_sql.bodies(1), (std::set<std::string>{"2"}));
}

TEST_F(PushConsumerBrokerTest, WhatIsRefusedComesAgainAndEndsAsADeadLetter) {
  send({.topic = "T", .body = "bad", .tag = "t", .properties = {{"color", "red"}}});
  Inbox inbox;
  PushConsumerOptions refusing = options();
  refusing.retries_max = 2;
  const PushConsumer consumer = open(refusing, [&](std::span<const Delivery> batch) {
    inbox.add(batch);
    return Outcome::again();
  });
  const std::vector<Delivery> got = inbox.deliveries(3);
  for (int i = 0; i < 3; ++i) {
    const Delivery& delivery = got[static_cast<std::size_t>(i)];
    EXPECT_EQ(delivery.attempt, i + 1);
    EXPECT_EQ(delivery.message.topic, "T");
    EXPECT_EQ(delivery.message.tag, "t");
    EXPECT_EQ(delivery.message.properties.at("color"), "red");
    EXPECT_EQ(delivery.message_id, got[0].message_id);
    EXPECT_EQ(delivery.queue.topic, i == 0 ? "T" : "%RETRY%g");
  }
  Inbox dead;
  PushConsumerOptions undertaker = options("undertaker");
  undertaker.subscriptions = {{.topic = "%DLQ%g"}};
  const PushConsumer reader = open(undertaker, done_into(dead));
  EXPECT_EQ(dead.deliveries(1).at(0).message_id, got[0].message_id);
}

TEST_F(PushConsumerBrokerTest, DeadIsDeadAtOnce) {
  send({.topic = "T", .body = "bad"});
  Inbox inbox;
  const PushConsumer consumer = open(options(), [&](std::span<const Delivery> batch) {
    inbox.add(batch);
    return Outcome::dead();
  });
  Inbox dead;
  PushConsumerOptions undertaker = options("undertaker");
  undertaker.subscriptions = {{.topic = "%DLQ%g"}};
  const PushConsumer reader = open(undertaker, done_into(dead));
  EXPECT_EQ(dead.deliveries(1).at(0).message.body, "bad");
  EXPECT_EQ(inbox.all().size(), 1U);
}

TEST_F(PushConsumerBrokerTest, EachMessageOfABatchHasItsOutcome) {
  std::vector<Message> four;
  for (int i = 0; i < 4; ++i) four.push_back({.topic = "T", .body = std::to_string(i)});
  ASSERT_TRUE(producer_->send(four));  // one queue
  Inbox done;
  Inbox again;
  PushConsumerOptions batches = options();
  batches.batch_max = 10;
  const PushConsumer consumer = open(batches, [&](std::span<const Delivery> batch) {
    std::vector<Outcome> each;
    for (const Delivery& delivery : batch) {
      const bool refused = delivery.attempt == 1 && delivery.message.body >= "2";
      (refused ? again : done).add(delivery);
      if (delivery.message.body == "3" && refused) continue;  // the last one has no outcome
      each.push_back(refused ? Outcome::again(1) : Outcome::done());
    }
    return each;
  });
  EXPECT_EQ(done.bodies(4).size(), 4U);
  EXPECT_EQ(again.bodies(2), (std::set<std::string>{"2", "3"}));
  for (const Delivery& delivery : done.all())
    EXPECT_EQ(delivery.attempt, delivery.message.body >= "2" ? 2 : 1);
}

TEST_F(PushConsumerBrokerTest, AHandlerThatThrowsHasRefused) {
  send({.topic = "T", .body = "x"});
  Inbox inbox;
  const PushConsumer consumer = open(options(), [&](std::span<const Delivery> batch) -> Outcomes {
    inbox.add(batch);
    // tidy: throw: what applications do.
    if (batch.front().attempt == 1) throw std::runtime_error("the database is away");
    return Outcome::done();
  });
  EXPECT_EQ(inbox.deliveries(2).at(1).attempt, 2);
}

TEST_F(PushConsumerBrokerTest, TwoMembersShareTheQueuesAndOneThatLeavesHandsThemOver) {
  Inbox both;
  Inbox second_inbox;
  std::atomic<int> by_first{0};
  const PushConsumer first = open(options(), [&](std::span<const Delivery> batch) {
    ++by_first;
    both.add(batch);
    return Outcome::done();
  });
  auto second =
      std::make_unique<PushConsumer>(open(options(), [&](std::span<const Delivery> batch) {
        second_inbox.add(batch);
        both.add(batch);
        return Outcome::done();
      }));
  // Until both have got something; messages go round the queues.
  int sent = 0;
  std::set<std::string> all;
  while (by_first == 0 || second_inbox.all().empty()) {
    all.merge(send_many(sent, sent + 8));
    sent += 8;
    EXPECT_EQ(both.bodies(all.size()), all);
  }
  second.reset();
  const std::size_t before = second_inbox.all().size();
  all.merge(send_many(sent, sent + 16));
  EXPECT_EQ(both.bodies(all.size()), all);
  EXPECT_EQ(second_inbox.all().size(), before);
}

// Handlers of one or more ordered consumers: at most one in a queue, each message once, in order.
class Ordered {
 public:
  void begin(const Queue& queue) {
    const MutexLock lock(mutex_);
    EXPECT_TRUE(busy_.insert(name_of(queue)).second) << name_of(queue);
  }
  void end(const Delivery& delivery, bool done) {
    const MutexLock lock(mutex_);
    const std::string queue = name_of(delivery.queue);
    busy_.erase(queue);
    if (!done) return;
    const auto [last, is_first] = last_.emplace(queue, delivery.queue_offset);
    if (is_first) return;
    EXPECT_EQ(last->second + 1, delivery.queue_offset) << queue;
    last->second = delivery.queue_offset;
  }

 private:
  static std::string name_of(const Queue& queue) {
    return queue.topic + queue.broker + std::to_string(queue.id);
  }
  Mutex mutex_;
  std::set<std::string> busy_ ONCE_GUARDED_BY(mutex_);
  std::map<std::string, std::int64_t> last_ ONCE_GUARDED_BY(mutex_);
};

TEST_F(PushConsumerBrokerTest, AnOrderedQueueWaitsForItsRefusedMessage) {
  const std::set<std::string> all = send_many(0, 40);
  Ordered ordered;
  Inbox done;
  PushConsumerOptions in_order = options();
  in_order.ordered = true;
  in_order.suspend = std::chrono::milliseconds(5);
  in_order.batch_max = 3;
  const PushConsumer consumer = open(in_order, [&](std::span<const Delivery> batch) -> Outcomes {
    ordered.begin(batch.front().queue);
    std::vector<Outcome> each;
    for (const Delivery& delivery : batch) {
      // Every fifth message is refused twice, and with it what lies behind.
      if (delivery.queue_offset % 5 == 2 && delivery.attempt <= 2) break;
      each.push_back(Outcome::done());
    }
    const std::size_t count = each.size();
    for (std::size_t i = 0; i < count; ++i) {
      ordered.end(batch[i], true);
      done.add(batch[i]);
    }
    if (count == 0) ordered.end(batch.front(), false);
    return each;
  });
  EXPECT_EQ(done.bodies(all.size()), all);
  EXPECT_EQ(done.all().size(), all.size());
  for (const Delivery& delivery : done.all())
    EXPECT_EQ(delivery.attempt, delivery.queue_offset % 5 == 2 ? 3 : 1);
}

TEST_F(PushConsumerBrokerTest, AnOrderedMessageThatIsNeverDoneBecomesADeadLetter) {
  std::vector<Message> three;
  for (const char* body : {"good", "bad", "dead"}) three.push_back({.topic = "T", .body = body});
  ASSERT_TRUE(producer_->send(three));  // one queue
  send({.topic = "T", .body = "last"});
  Inbox inbox;
  PushConsumerOptions in_order = options();
  in_order.ordered = true;
  in_order.suspend = std::chrono::milliseconds(5);
  in_order.retries_max = 2;
  const PushConsumer consumer = open(in_order, [&](std::span<const Delivery> batch) -> Outcomes {
    inbox.add(batch);
    const std::string& body = batch.front().message.body;
    if (body == "bad") return Outcome::again();
    return body == "dead" ? Outcome::dead() : Outcome::done();
  });
  Inbox dead;
  PushConsumerOptions undertaker = options("undertaker");
  undertaker.subscriptions = {{.topic = "%DLQ%g"}};
  const PushConsumer reader = open(undertaker, done_into(dead));
  EXPECT_EQ(dead.bodies(2), (std::set<std::string>{"bad", "dead"}));
  (void)inbox.bodies(4);
  EXPECT_EQ(inbox.all().size(), 6U);  // "bad" three times
}

TEST_F(PushConsumerBrokerTest, OrderedQueuesGoFromMemberToMemberWithoutGapOrRepetition) {
  Ordered ordered;
  Inbox both;
  std::atomic<int> by_first{0};
  std::atomic<int> by_second{0};
  const auto counting = [&](std::atomic<int>& count) {
    return [&](std::span<const Delivery> batch) {
      ordered.begin(batch.front().queue);
      ++count;
      both.add(batch);
      ordered.end(batch.front(), true);
      return Outcome::done();
    };
  };
  PushConsumerOptions in_order = options();
  in_order.ordered = true;
  const PushConsumer first = open(in_order, counting(by_first));
  std::set<std::string> all = send_many(0, 30);
  EXPECT_EQ(both.bodies(all.size()), all);
  int sent = 30;
  for (int rounds = 0; rounds < 2; ++rounds) {
    by_second = 0;
    auto second = std::make_unique<PushConsumer>(open(in_order, counting(by_second)));
    while (by_second == 0) {
      all.merge(send_many(sent, sent + 8));
      sent += 8;
      EXPECT_EQ(both.bodies(all.size()), all);
    }
    all.merge(send_many(sent, sent + 30));
    sent += 30;
    second.reset();
  }
  EXPECT_EQ(both.bodies(all.size()), all);
  EXPECT_EQ(both.all().size(), all.size());
}

TEST_F(PushConsumerBrokerTest, NothingIsLostWhenAConsumerClosesInTheMiddle) {
  const std::set<std::string> all = send_many(0, 200);
  Inbox inbox;
  PushConsumerOptions batches = options();
  batches.batch_max = 3;
  for (std::size_t part = 1; part <= 3; ++part) {
    PushConsumer consumer = open(batches, [&](std::span<const Delivery> batch) -> Outcomes {
      inbox.add(batch);
      // Some of what is handled while the consumer closes is refused.
      return batch.front().queue_offset % 7 == 3 && batch.front().attempt == 1 ? Outcome::again()
                                                                               : Outcome::done();
    });
    (void)inbox.deliveries(part * 30);
    consumer.close();
    const std::size_t seen = inbox.all().size();
    consumer.close();
    EXPECT_EQ(inbox.all().size(), seen);  // no handler begins after close()
  }
  const PushConsumer last = open(options(), done_into(inbox));
  EXPECT_EQ(inbox.bodies(all.size()), all);
}

TEST_F(PushConsumerBrokerTest, WhatWasCommittedDoesNotComeAgain) {
  const std::set<std::string> early = send_many(0, 50);
  Inbox inbox;
  {
    const PushConsumer consumer = open(options(), done_into(inbox));
    EXPECT_EQ(inbox.bodies(50), early);
  }
  send({.topic = "T", .body = "late"});
  Inbox later;
  const PushConsumer consumer = open(options(), done_into(later));
  EXPECT_EQ(later.bodies(1), (std::set<std::string>{"late"}));
}

TEST_F(PushConsumerBrokerTest, CloseWaitsForTheHandlerAndCommitsItsMessage) {
  send({.topic = "T", .body = "slow"});
  Inbox inbox;
  Gate began;
  Gate finish;
  {
    PushConsumer consumer = open(options(), [&](std::span<const Delivery> batch) {
      began.open();
      finish.wait();
      inbox.add(batch);
      return Outcome::done();
    });
    began.wait();
    os::Thread closer("closer", [&] { consumer.close(); });
    finish.open();
    closer.join();
    EXPECT_EQ(inbox.all().size(), 1U);
  }
  send({.topic = "T", .body = "next"});
  Inbox later;
  const PushConsumer consumer = open(options(), done_into(later));
  EXPECT_EQ(later.bodies(1), (std::set<std::string>{"next"}));
}

TEST_F(PushConsumerBrokerTest, CloseGivesUpOnAHandlerThatDoesNotEnd) {
  send({.topic = "T", .body = "stuck"});
  Gate began;
  Gate finish;
  PushConsumerOptions impatient = options();
  impatient.close_timeout = std::chrono::milliseconds(10);
  Inbox later;
  {
    PushConsumer consumer = open(impatient, [&](std::span<const Delivery>) {
      began.open();
      finish.wait();
      return Outcome::done();
    });
    began.wait();
    consumer.close();  // returns although the handler is still there
    const PushConsumer next = open(options(), done_into(later));
    EXPECT_EQ(later.deliveries(1).at(0).message.body, "stuck");  // it was never committed
    finish.open();
  }
}

TEST_F(PushConsumerBrokerTest, CloseReturnsWhilePullsWait) {
  const std::set<std::string> all = send_many(0, 1);
  Inbox inbox;
  PushConsumer consumer = open(options(), done_into(inbox));
  EXPECT_EQ(inbox.bodies(1), all);  // it pulls, and waits at the broker by now
  consumer.close();
}

TEST_F(PushConsumerBrokerTest, AHandlerMayClose) {
  (void)send_many(0, 20);
  Inbox inbox;
  PushConsumer* self = nullptr;
  Gate known;
  Gate closed;
  PushConsumerOptions one_by_one = options();
  one_by_one.threads = 1;
  PushConsumer consumer = open(one_by_one, [&](std::span<const Delivery> batch) {
    known.wait();
    inbox.add(batch);
    self->close();
    self->close();
    closed.open();
    return Outcome::done();
  });
  self = &consumer;
  known.open();
  closed.wait();
  consumer.close();
  EXPECT_EQ(inbox.all().size(), 1U);
}

TEST_F(PushConsumerBrokerTest, GoesOnAfterTheBrokerWasRestarted) {
  std::set<std::string> all = send_many(0, 20);
  Inbox inbox;
  const PushConsumer consumer = open(options(), done_into(inbox));
  EXPECT_EQ(inbox.bodies(all.size()), all);
  ASSERT_TRUE(broker_->stop());
  start_again(*broker_);
  all.merge(send_many(20, 40));
  EXPECT_EQ(inbox.bodies(all.size()), all);
}

TEST_F(PushConsumerBrokerTest, EveryMemberOfABroadcastGetsEveryMessageOnce) {
  std::set<std::string> all = send_many(0, 20);
  Inbox first_inbox;
  Inbox second_inbox;
  PushConsumerOptions broadcast = options();
  broadcast.broadcast = true;
  const PushConsumer first = open(broadcast, [&](std::span<const Delivery> batch) {
    first_inbox.add(batch);
    return Outcome::again();  // does not come again
  });
  {
    const PushConsumer second = open(broadcast, done_into(second_inbox));
    EXPECT_EQ(first_inbox.bodies(all.size()), all);
    EXPECT_EQ(second_inbox.bodies(all.size()), all);
  }
  all.merge(send_many(20, 30));
  EXPECT_EQ(first_inbox.bodies(all.size()), all);
  EXPECT_EQ(first_inbox.all().size(), all.size());
  EXPECT_EQ(second_inbox.all().size(), 20U);
  // What is opened again begins where it is told to, not where it was.
  Inbox third_inbox;
  const PushConsumer third = open(broadcast, done_into(third_inbox));
  EXPECT_EQ(third_inbox.bodies(all.size()), all);
}

TEST_F(PushConsumerBrokerTest, ABroadcastGoesOnAfterTheBrokerWasRestarted) {
  std::set<std::string> all = send_many(0, 20);
  Inbox inbox;
  PushConsumerOptions broadcast = options();
  broadcast.broadcast = true;
  const PushConsumer consumer = open(broadcast, done_into(inbox));
  EXPECT_EQ(inbox.bodies(all.size()), all);
  ASSERT_TRUE(broker_->stop());
  start_again(*broker_);
  all.merge(send_many(20, 40));
  EXPECT_EQ(inbox.bodies(all.size()), all);
  EXPECT_EQ(inbox.all().size(), all.size());
}

TEST_F(PushConsumerBrokerTest, ATopicMayComeLater) {
  Inbox inbox;
  const PushConsumer consumer = open(options(), done_into(inbox));
  const std::set<std::string> all = send_many(0, 1);
  EXPECT_EQ(inbox.bodies(1), all);
}

TEST_F(PushConsumerBrokerTest, HoldsNoMoreThanItsBounds) {
  const std::set<std::string> all = send_many(0, 100);
  PushConsumerOptions small = options();
  small.queue_messages_max = 2;
  small.queue_bytes_max = 1;
  small.pull_batch = 1;
  small.threads = 1;
  Inbox inbox;
  const PushConsumer consumer = open(small, done_into(inbox));
  EXPECT_EQ(inbox.bodies(all.size()), all);
}

TEST_F(PushConsumerBrokerTest, OptionsAreChecked) {
  const auto refused = [&](auto change) {
    PushConsumerOptions wrong = options();
    change(wrong);
    const auto got =
        PushConsumer::open(wrong, [](std::span<const Delivery>) { return Outcome::done(); });
    return !got && got.error().code == Errc::kInvalidArgument;
  };
  EXPECT_FALSE(refused([](PushConsumerOptions&) {}));
  EXPECT_TRUE(refused([](PushConsumerOptions& o) { o.name_servers.clear(); }));
  EXPECT_TRUE(refused([](PushConsumerOptions& o) { o.group = "no spaces"; }));
  EXPECT_TRUE(refused([](PushConsumerOptions& o) { o.subscriptions.clear(); }));
  EXPECT_TRUE(refused([](PushConsumerOptions& o) { o.subscriptions[0].topic = "a b"; }));
  EXPECT_TRUE(refused([](PushConsumerOptions& o) { o.subscriptions[0].expression = "||"; }));
  EXPECT_TRUE(refused([](PushConsumerOptions& o) { o.subscriptions.push_back({.topic = "T"}); }));
  EXPECT_TRUE(refused([](PushConsumerOptions& o) { o.threads = 0; }));
  EXPECT_TRUE(refused([](PushConsumerOptions& o) { o.threads = 2'000; }));
  EXPECT_TRUE(refused([](PushConsumerOptions& o) { o.batch_max = 0; }));
  EXPECT_TRUE(refused([](PushConsumerOptions& o) { o.pull_batch = 0; }));
  EXPECT_TRUE(refused([](PushConsumerOptions& o) { o.retries_max = -1; }));
  EXPECT_TRUE(refused([](PushConsumerOptions& o) { o.broadcast = o.ordered = true; }));
  EXPECT_TRUE(refused([](PushConsumerOptions& o) {
    o.broadcast = true;
    o.retries_max = 3;
  }));
  EXPECT_TRUE(
      refused([](PushConsumerOptions& o) { o.close_timeout = std::chrono::milliseconds(-1); }));
  const auto none = PushConsumer::open(options(), nullptr);
  EXPECT_EQ(none.error().code, Errc::kInvalidArgument);
}

}  // namespace
}  // namespace oncemq::sdk

#include "broker/sender.h"

#include <gtest/gtest.h>

#include "broker/fixture.h"
#include "model/message_id.h"

namespace oncemq::broker {
namespace {

namespace property = model::property;

class SenderTest : public ::testing::Test, protected Nouns {
 protected:
  SenderTest() { make_topic("T"); }

  // Stages and commits; the request's number in `batch`.
  SendOutcome send_now(const SendRequest& wanted) {
    batch.clear();
    auto staged = sender.stage(wanted, batch);
    EXPECT_TRUE(staged.has_value()) << staged.error().message;
    sender.commit(batch);
    return batch.outcome(staged.value_or(0));
  }
};

TEST_F(SenderTest, StoresAPlainMessageAsItCame) {
  const std::string properties = pairs("UNIQ_KEY=U1;TAGS=red;KEYS=k");
  SendRequest wanted = request("T", "hello", properties, 2);
  wanted.flag = 5;
  wanted.sys_flag = model::sysflag::kCompressed;
  const SendOutcome outcome = send_now(wanted);
  ASSERT_FALSE(outcome.error.has_value());
  ASSERT_EQ(outcome.items.size(), 1U);
  EXPECT_EQ(outcome.queue_id, 2);
  EXPECT_EQ(outcome.unique_key, "U1");
  EXPECT_EQ(outcome.items[0].result.queue_offset.value, 0);
  EXPECT_EQ(outcome.end.value,
            outcome.items[0].result.log_offset.value + outcome.items[0].result.size);
  EXPECT_TRUE(outcome.wait_committed);

  const model::RecordView record = store.record("T", 2, 0);
  EXPECT_EQ(as_text(record.body), "hello");
  EXPECT_EQ(record.flag, 5);
  EXPECT_EQ(record.sys_flag, model::sysflag::kCompressed);
  EXPECT_EQ(record.born_host.to_string(), "10.0.0.9:50000");
  EXPECT_EQ(record.store_host.to_string(), "10.0.0.1:10911");
  EXPECT_EQ(record.born_timestamp, 1'600'000'000'000);
  EXPECT_EQ(record.properties,
            properties + pairs("MSG_REGION=DefaultRegion;TRACE_ON=true;CLUSTER=C"));
  EXPECT_EQ(store.tags_code("T", 2, 0), model::tags_code("red"));
}

TEST_F(SenderTest, MessageWithoutTagHasNoTagCode) {
  send("T", "x", pairs("UNIQ_KEY=U"));
  EXPECT_EQ(store.tags_code("T", 0, 0), 0);
}

TEST_F(SenderTest, GeneratesTheUniqueKeyOnce) {
  const SendOutcome outcome = send_now(request("T", "a"));
  EXPECT_EQ(outcome.unique_key.size(), 32U);
  const std::string key = property_of(store.record("T", 0, 0), property::kUniqueKey);
  EXPECT_EQ(key, outcome.unique_key);
  send("T", "b");
  EXPECT_NE(property_of(store.record("T", 0, 1), property::kUniqueKey), key);
}

TEST_F(SenderTest, WaitFalseIsAnsweredWhenFlushed) {
  const std::string properties = pairs("WAIT=false");
  EXPECT_FALSE(send_now(request("T", "a", properties)).wait_committed);
}

TEST_F(SenderTest, BrokerPairsOfAnEarlierLifeAreReplaced) {
  const std::string properties =
      pairs("MSG_REGION=elsewhere;a=1;POP_CK=0 1 2;TRACE_ON=false;__CRC32#=123;CLUSTER=old");
  send("T", "a", properties);
  const std::string stored(store.record("T", 0, 0).properties);
  EXPECT_EQ(stored.find("elsewhere"), std::string::npos);
  EXPECT_EQ(stored.find("POP_CK"), std::string::npos);
  EXPECT_EQ(stored.find("__CRC32#"), std::string::npos);
  EXPECT_EQ(stored.find("old"), std::string::npos);
  EXPECT_NE(stored.find(pairs("a=1")), std::string::npos);
  EXPECT_NE(stored.find(pairs("MSG_REGION=DefaultRegion;TRACE_ON=true;CLUSTER=C")),
            std::string::npos);
}

TEST_F(SenderTest, OpenLastPairIsClosed) {
  std::string properties = pairs("a=1;POP_CK=x;b=2");
  properties.pop_back();
  send("T", "a", properties);
  const model::RecordView record = store.record("T", 0, 0);
  EXPECT_EQ(property_of(record, "b"), "2");
  EXPECT_EQ(property_of(record, property::kMsgRegion), "DefaultRegion");
}

TEST_F(SenderTest, NegativeQueueGoesRound) {
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(sender.stage(request("T", "x", {}, -1), batch).has_value());
  }
  sender.commit(batch);
  for (std::int32_t queue = 0; queue < 4; ++queue) EXPECT_EQ(store.count("T", queue), 2U);
}

TEST_F(SenderTest, InnerBatchBitsOfAClientAreNotTrusted) {
  SendRequest wanted = request("T", "x");
  wanted.sys_flag = model::sysflag::kInnerBatch | model::sysflag::kNeedUnwrap |
                    model::sysflag::kStoreHostV6 | model::sysflag::kBornHostV6;
  send_now(wanted);
  EXPECT_EQ(store.record("T", 0, 0).sys_flag, 0);
}

// ---- refusals, in the order in which they are looked for

TEST_F(SenderTest, RefusedWhileClosed) {
  sender.set_accepting(false);
  EXPECT_EQ(refusal(request("T", "x")), Errc::kNotReady);
}

TEST_F(SenderTest, RefusedBeforeTheAcceptTime) {
  switches.start_accept_send_ms = clock.wall_ms() + 1;
  EXPECT_EQ(refusal(request("T", "x")), Errc::kInternal);
  clock.advance_ms(1);
  send("T", "x");
}

TEST_F(SenderTest, OrderedTopicIsRefusedWithoutBrokerPermission) {
  model::TopicConfig config;
  config.name = "O";
  config.order = true;
  ASSERT_TRUE(topics.update(config).has_value());
  send("O", "before");
  switches.permission = model::perm::kRead;
  EXPECT_EQ(refusal(request("O", "x")), Errc::kNoPermission);
  send("T", "still accepted");
  // The batch remembers its last topic; the permission is asked again all the same.
  switches.permission = model::perm::kRead | model::perm::kWrite;
  ASSERT_TRUE(sender.stage(request("O", "x"), batch).has_value());
  switches.permission = model::perm::kRead;
  EXPECT_FALSE(sender.stage(request("O", "x"), batch).has_value());
}

TEST_F(SenderTest, IllegalNamesAreRefused) {
  EXPECT_EQ(refusal(request("a b", "x")), Errc::kInvalidArgument);
  EXPECT_EQ(refusal(request("", "x")), Errc::kInvalidArgument);
  EXPECT_EQ(refusal(request(std::string(128, 't'), "x")), Errc::kInvalidArgument);
}

TEST_F(SenderTest, ForbiddenTargetsAreRefused) {
  EXPECT_EQ(refusal(request("SCHEDULE_TOPIC_XXXX", "x")), Errc::kNoPermission);
  EXPECT_EQ(refusal(request("RMQ_SYS_TRANS_HALF_TOPIC", "x")), Errc::kNoPermission);
}

TEST_F(SenderTest, UnknownTopicIsMadeFromTheDefault) {
  SendRequest wanted = request("New", "x", {}, 3);
  wanted.default_topic_queues = 4;
  send_now(wanted);
  EXPECT_EQ(topics.config("New")->write_queues, 4);
  EXPECT_EQ(topics.config("New")->perm, model::perm::kRead | model::perm::kWrite);
}

TEST_F(SenderTest, UnknownTopicIsRefusedWithoutADefault) {
  SendRequest wanted = request("New", "x");
  wanted.default_topic = "T";
  EXPECT_EQ(refusal(wanted), Errc::kTopicNotFound);
  wanted.default_topic = "nowhere";
  EXPECT_EQ(refusal(wanted), Errc::kTopicNotFound);
  EXPECT_EQ(topics.find("New"), nullptr);
}

TEST_F(SenderTest, QueueOutsideTheTopicIsRefused) {
  EXPECT_EQ(refusal(request("T", "x", {}, 4)), Errc::kInvalidArgument);
}

TEST_F(SenderTest, ReadOnlyTopicIsRefused) {
  make_topic("R", 4, model::perm::kRead);
  EXPECT_EQ(refusal(request("R", "x")), Errc::kNoPermission);
}

TEST_F(SenderTest, BodyLimits) {
  EXPECT_EQ(refusal(request("T", "")), Errc::kMessageIllegal);
  switches.max_message_size = 3;
  EXPECT_EQ(refusal(request("T", "four")), Errc::kMessageIllegal);
  send("T", "abc");
}

TEST_F(SenderTest, PropertyLimitCountsWhatTheBrokerAdds) {
  const std::string limit = pairs("UNIQ_KEY=U;p=" + std::string(32'600, 'v'));
  send("T", "x", limit);
  const std::string beyond = pairs("UNIQ_KEY=U;p=" + std::string(32'700, 'v'));
  EXPECT_EQ(refusal(request("T", "x", beyond)), Errc::kMessageIllegal);
}

TEST_F(SenderTest, HalfMessagesGoToTheHalfTopic) {
  const std::string half = pairs("TRAN_MSG=true;UNIQ_KEY=U;TAGS=t;REAL_TOPIC=forged");
  SendRequest prepared = request("T", "x", half, 3);
  prepared.sys_flag = model::sysflag::kTransactionPrepared;
  SendBatch one;
  const auto staged = sender.stage(prepared, one);
  ASSERT_TRUE(staged.has_value()) << staged.error().message;
  sender.commit(one);
  EXPECT_EQ(one.outcome(*staged).queue_id, 3);
  EXPECT_EQ(one.outcome(*staged).unique_key, "U");
  EXPECT_EQ(store.count("T", 3), 0U);
  const model::RecordView record = store.record("RMQ_SYS_TRANS_HALF_TOPIC", 0, 0);
  EXPECT_EQ(record.sys_flag & model::sysflag::kTransactionMask, 0);
  EXPECT_EQ(property_of(record, "REAL_TOPIC"), "T");
  EXPECT_EQ(property_of(record, "REAL_QID"), "3");
  EXPECT_EQ(property_of(record, "PGROUP"), "pg");
  EXPECT_EQ(property_of(record, "__transactionId__"), "U");
  EXPECT_EQ(store.tags_code("RMQ_SYS_TRANS_HALF_TOPIC", 0, 0), model::tags_code("t"));
}

TEST_F(SenderTest, HalfMessagesCanBeRejected) {
  switches.reject_transaction = true;
  const std::string half = pairs("TRAN_MSG=true");
  EXPECT_EQ(refusal(request("T", "x", half)), Errc::kNoPermission);
  send("T", "others can not");
}

TEST_F(SenderTest, TransactionFlagsNeedTheirProperty) {
  SendRequest flagged = request("T", "x");
  flagged.sys_flag = model::sysflag::kTransactionPrepared;
  EXPECT_EQ(refusal(flagged), Errc::kMessageIllegal);
}

TEST_F(SenderTest, MessageThatIsGivenBackIsNotHalfAgain) {
  const std::string properties = pairs("TRAN_MSG=true;DELAY=1");
  SendRequest back = request("T", "x", properties);
  back.sys_flag = model::sysflag::kTransactionPrepared;
  back.reconsume_times = 1;
  SendBatch one;
  ASSERT_TRUE(sender.stage(back, one).has_value());
  sender.commit(one);
  EXPECT_EQ(store.count("RMQ_SYS_TRANS_HALF_TOPIC", 0), 0U);
  EXPECT_EQ(store.count("SCHEDULE_TOPIC_XXXX", 0), 1U);
}

// ---- delivery times

TEST_F(SenderTest, TimerWaitsInTheWheelTopic) {
  const std::string properties =
      pairs("UNIQ_KEY=U;TAGS=red;TIMER_DELAY_MS=2500;REAL_TOPIC=old;REAL_QID=9;ONCE_TIMER=1:2");
  const SendOutcome outcome = send_now(request("T", "later", properties, 3));
  const std::int64_t due = clock.wall_ms() + 2'500;
  EXPECT_EQ(outcome.queue_id, 3);
  EXPECT_EQ(outcome.topic, "T");
  EXPECT_EQ(outcome.timer_out_ms, due / 1000 * 1000);
  ASSERT_EQ(store.count("rmq_sys_wheel_timer", 0), 1U);
  const model::RecordView record = store.record("rmq_sys_wheel_timer", 0, 0);
  EXPECT_EQ(property_of(record, "REAL_TOPIC"), "T");
  EXPECT_EQ(property_of(record, "REAL_QID"), "3");
  EXPECT_EQ(property_of(record, "TIMER_OUT_MS"), std::to_string(outcome.timer_out_ms));
  EXPECT_EQ(property_of(record, "ONCE_DUE_MS"), std::to_string(due));
  EXPECT_EQ(property_of(record, "ONCE_TIMER"), "(none)");
  EXPECT_EQ(property_of(record, "TIMER_DELAY_MS"), "2500");
}

TEST_F(SenderTest, TimeThatHasComeIsNow) {
  for (const char* text : {"TIMER_DELAY_MS=0", "TIMER_DELAY_SEC=-5", "TIMER_DELIVER_MS=1000",
                           "TIMER_DELAY_SEC=5;TIMER_OUT_MS=1"}) {
    const std::size_t before = store.count("T", 0);
    send("T", "now", pairs(text));
    EXPECT_EQ(store.count("T", 0), before + 1) << text;
  }
  EXPECT_EQ(store.count("rmq_sys_wheel_timer", 0), 0U);
}

TEST_F(SenderTest, TimersThatAreRefused) {
  for (const char* text : {"TIMER_DELAY_SEC=soon", "TIMER_DELAY_MS=1.5", "TIMER_DELIVER_MS=+-1",
                           "TIMER_DELAY_SEC=3456001", "TIMER_DELIVER_MS=9223372036854775807",
                           "TIMER_DELAY_SEC=9223372036854775807", "TIMER_DEL_UNIQKEY=T+U"}) {
    const std::string properties = pairs(text);
    EXPECT_EQ(refusal(request("T", "x", properties)), Errc::kMessageIllegal) << text;
  }
  options.timer_wheel = false;
  const std::string timer = pairs("TIMER_DELAY_SEC=5");
  EXPECT_EQ(refusal(request("T", "x", timer)), Errc::kInternal);
}

TEST_F(SenderTest, DelayLevelWinsOverTimer) {
  const std::string level = pairs("TIMER_DELAY_SEC=5;DELAY=1");
  send("T", "the level wins", level);
  ASSERT_EQ(store.count("SCHEDULE_TOPIC_XXXX", 0), 1U);
  EXPECT_EQ(property_of(store.record("SCHEDULE_TOPIC_XXXX", 0, 0), "TIMER_DELAY_SEC"), "(none)");
}

// ---- delay levels

TEST_F(SenderTest, DelayedMessageWaitsInTheScheduleTopic) {
  const std::string properties = pairs("UNIQ_KEY=U;TAGS=red;DELAY=2;REAL_TOPIC=old;REAL_QID=9");
  const SendOutcome outcome = send_now(request("T", "later", properties, 3));
  EXPECT_EQ(outcome.queue_id, 3);
  EXPECT_EQ(store.count("T", 3), 0U);
  ASSERT_EQ(store.count("SCHEDULE_TOPIC_XXXX", 1), 1U);
  const model::RecordView record = store.record("SCHEDULE_TOPIC_XXXX", 1, 0);
  EXPECT_EQ(record.topic, "SCHEDULE_TOPIC_XXXX");
  EXPECT_EQ(record.queue_id, 1);
  EXPECT_EQ(property_of(record, property::kRealTopic), "T");
  EXPECT_EQ(property_of(record, property::kRealQueueId), "3");
  EXPECT_EQ(property_of(record, property::kDelayLevel), "2");
  EXPECT_EQ(property_of(record, property::kTags), "red");
  EXPECT_EQ(store.tags_code("SCHEDULE_TOPIC_XXXX", 1, 0), clock.wall_ms() + 5'000);
}

TEST_F(SenderTest, LevelAboveTheLastIsClipped) {
  send("T", "x", pairs("DELAY=99"));
  EXPECT_EQ(store.count("SCHEDULE_TOPIC_XXXX", 3), 1U);
}

TEST_F(SenderTest, LevelThatIsNoNumberIsNoDelay) {
  send("T", "x", pairs("DELAY=soon"));
  send("T", "x", pairs("DELAY=0"));
  send("T", "x", pairs("DELAY=-1"));
  EXPECT_EQ(store.count("T", 0), 3U);
}

// ---- retry topics

TEST_F(SenderTest, RetryMessageOfAnUnknownGroupIsRefused) {
  EXPECT_EQ(refusal(request("%RETRY%g", "x")), Errc::kGroupNotFound);
}

TEST_F(SenderTest, RetryMessageAboveTheLimitIsDead) {
  ASSERT_TRUE(groups.find_or_create("g").has_value());
  const std::string properties = pairs("UNIQ_KEY=U;DELAY=3");
  SendRequest wanted = request("%RETRY%g", "x", properties);
  wanted.reconsume_times = 16;
  send_now(wanted);
  EXPECT_EQ(store.count("SCHEDULE_TOPIC_XXXX", 2), 1U);

  wanted.reconsume_times = 17;
  const SendOutcome outcome = send_now(wanted);
  EXPECT_EQ(outcome.queue_id, 0);
  ASSERT_EQ(store.count("%DLQ%g", 0), 1U);
  const model::RecordView record = store.record("%DLQ%g", 0, 0);
  EXPECT_EQ(record.reconsume_times, 17);
  EXPECT_EQ(property_of(record, property::kDelayLevel), "-1");
  EXPECT_EQ(property_of(record, property::kUniqueKey), "U");
  EXPECT_EQ(topics.config("%DLQ%g")->read_queues, 1);
  EXPECT_TRUE(topics.find("%DLQ%g")->readable());
}

TEST_F(SenderTest, ClientsOwnLimitCounts) {
  ASSERT_TRUE(groups.find_or_create("g").has_value());
  SendRequest wanted = request("%RETRY%g", "x");
  wanted.reconsume_times = 3;
  wanted.max_reconsume_times = 2;
  send_now(wanted);
  EXPECT_EQ(store.count("%DLQ%g", 0), 1U);
}

TEST_F(SenderTest, RetryOfAnOrderedGroupIsDead) {
  ASSERT_TRUE(groups.find_or_create("g").has_value());
  const QueueName queue{"T", 0};
  locks.lock("g", "c1", {&queue, 1});
  send("%RETRY%g", "x");
  EXPECT_EQ(store.count("%DLQ%g", 0), 1U);
  clock.advance_ms(options.queue_lock_ms);
  send("%RETRY%g", "x");
  EXPECT_EQ(store.count("%RETRY%g", 0), 1U);
}

// ---- batches

class BatchSendTest : public SenderTest {
 protected:
  SendRequest batch_request(std::string_view properties = {}) {
    SendRequest wanted = request("T", "whole batch", properties, 1);
    wanted.is_batch = true;
    wanted.parts = parts;
    return wanted;
  }
  std::string one = pairs("UNIQ_KEY=own;TAGS=a");
  std::string two = pairs("KEYS=k");
  std::vector<BatchPart> parts{{1, as_bytes("one"), one}, {2, as_bytes("two"), two}};
};

TEST_F(BatchSendTest, MessagesAreContiguousAndKeepTheirOwnIds) {
  const std::string header = pairs("UNIQ_KEY=batch;WAIT=false");
  const SendOutcome outcome = send_now(batch_request(header));
  ASSERT_EQ(outcome.items.size(), 2U);
  EXPECT_EQ(outcome.unique_key, "batch");
  EXPECT_FALSE(outcome.wait_committed);
  EXPECT_EQ(outcome.items[0].result.queue_offset.value, 0);
  EXPECT_EQ(outcome.items[1].result.queue_offset.value, 1);
  EXPECT_EQ(outcome.end.value,
            outcome.items[1].result.log_offset.value + outcome.items[1].result.size);
  const model::RecordView first = store.record("T", 1, 0);
  const model::RecordView second = store.record("T", 1, 1);
  EXPECT_EQ(first.properties, one);
  EXPECT_EQ(first.flag, 1);
  EXPECT_EQ(as_text(second.body), "two");
  const std::string key = property_of(second, property::kUniqueKey);
  EXPECT_EQ(key.size(), 32U);
  EXPECT_NE(key, "batch");
  EXPECT_EQ(store.tags_code("T", 1, 0), model::tags_code("a"));
}

TEST_F(BatchSendTest, RefusedAsAWhole) {
  parts[1].body = {};
  EXPECT_EQ(refusal(batch_request()), Errc::kMessageIllegal);
  parts[1].body = as_bytes("two");
  two = pairs("DELAY=1");
  parts[1].properties = two;
  EXPECT_EQ(refusal(batch_request()), Errc::kMessageIllegal);
  two = pairs("TRAN_MSG=true");
  parts[1].properties = two;
  EXPECT_EQ(refusal(batch_request()), Errc::kMessageIllegal);
  two = pairs("p=" + std::string(32'760, 'v'));
  parts[1].properties = two;
  EXPECT_EQ(refusal(batch_request()), Errc::kMessageIllegal);
}

TEST_F(BatchSendTest, RefusedByItsHeader) {
  const std::string delayed = pairs("DELAY=1");
  EXPECT_EQ(refusal(batch_request(delayed)), Errc::kMessageIllegal);
  SendRequest half = batch_request();
  half.sys_flag = model::sysflag::kTransactionPrepared;
  EXPECT_EQ(refusal(half), Errc::kMessageIllegal);
  ASSERT_TRUE(groups.find_or_create("g").has_value());
  SendRequest retry = batch_request();
  retry.topic = "%RETRY%g";
  retry.queue_id = 0;
  EXPECT_EQ(refusal(retry), Errc::kMessageIllegal);
  parts.clear();
  EXPECT_EQ(refusal(batch_request()), Errc::kMessageIllegal);
}

TEST_F(BatchSendTest, LimitIsThatOfOneMessage) {
  switches.max_message_size = 10;
  EXPECT_EQ(refusal(batch_request()), Errc::kMessageIllegal);
  EXPECT_EQ(store.count("T", 1), 0U);
}

// ---- commit

TEST_F(SenderTest, TickIsOneAppendAndOneWrite) {
  const std::vector<std::string> bodies = {"a", "b", "c"};
  for (const std::string& body : bodies)
    ASSERT_TRUE(sender.stage(request("T", body), batch).has_value());
  sender.commit(batch);
  EXPECT_EQ(store.appends, 1);
  EXPECT_EQ(store.write_outs, 1);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(batch.outcome(i).items[0].result.queue_offset.value, static_cast<std::int64_t>(i));
  EXPECT_EQ(stats.put_total(), 3U);
}

TEST_F(SenderTest, OneBadRequestDoesNotSpoilTheOthers) {
  store.body_limit = 3;
  ASSERT_TRUE(sender.stage(request("T", "abc"), batch).has_value());
  ASSERT_TRUE(sender.stage(request("T", "too long"), batch).has_value());
  ASSERT_TRUE(sender.stage(request("T", "def"), batch).has_value());
  sender.commit(batch);
  EXPECT_FALSE(batch.outcome(0).error.has_value());
  ASSERT_TRUE(batch.outcome(1).error.has_value());
  EXPECT_EQ(batch.outcome(1).error->code, Errc::kMessageIllegal);
  EXPECT_FALSE(batch.outcome(2).error.has_value());
  EXPECT_EQ(batch.outcome(2).end, store.marks().appended());
  EXPECT_EQ(store.count("T", 0), 2U);
  EXPECT_EQ(stats.put_failed_total(), 1U);
}

TEST_F(SenderTest, BatchTooLargeForTheStoreGoesInParts) {
  store.append_limit = 1;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(sender.stage(request("T", "x"), batch).has_value());
  sender.commit(batch);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_FALSE(batch.outcome(i).error.has_value());
  EXPECT_EQ(store.count("T", 0), 3U);
}

TEST_F(SenderTest, StoreThatRefusesIsAskedOnce) {
  store.refuses = Error{Errc::kNotWritable, "disk full"};
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(sender.stage(request("T", "x"), batch).has_value());
  sender.commit(batch);
  EXPECT_EQ(store.appends, 1);
  for (std::size_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(batch.outcome(i).error.has_value());
    EXPECT_EQ(batch.outcome(i).error->code, Errc::kNotWritable);
  }
  EXPECT_EQ(stats.put_failed_total(), 3U);
}

TEST_F(SenderTest, BusyStoreIsToldToTheSender) {
  store.append_errors.push_back({Errc::kBusy, "staging is full"});
  ASSERT_TRUE(sender.stage(request("T", "x"), batch).has_value());
  sender.commit(batch);
  EXPECT_EQ(batch.outcome(0).error->code, Errc::kBusy);
}

TEST_F(SenderTest, ClearedBatchServesAgain) {
  ASSERT_TRUE(sender.stage(request("T", "x"), batch).has_value());
  sender.commit(batch);
  batch.clear();
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.bytes(), 0U);
  ASSERT_TRUE(sender.stage(request("T", "y"), batch).has_value());
  sender.commit(batch);
  EXPECT_EQ(batch.outcome(0).items[0].result.queue_offset.value, 1);
}

TEST_F(SenderTest, DeletedTopicIsForgottenByTheBatch) {
  ASSERT_TRUE(sender.stage(request("T", "x"), batch).has_value());
  ASSERT_TRUE(topics.remove("T").has_value());
  SendRequest wanted = request("T", "x");
  wanted.default_topic = "none";
  auto staged = sender.stage(wanted, batch);
  ASSERT_FALSE(staged.has_value());
  EXPECT_EQ(staged.error().code, Errc::kTopicNotFound);
}

TEST_F(SenderTest, SendsAreCountedByTopic) {
  send("T", "x");
  send("T", "y");
  const auto view = stats.view("TOPIC_PUT_NUMS", "T");
  ASSERT_TRUE(view.has_value());
  EXPECT_EQ(view->minute.sum, 2U);
}

}  // namespace
}  // namespace oncemq::broker

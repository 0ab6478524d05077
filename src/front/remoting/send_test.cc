#include "front/remoting/send.h"

#include "front/remoting/edge_fixture.h"
#include "model/message_id.h"
#include "wire/remoting/body/message_batch.h"

namespace oncemq::front {
namespace {

using ::testing::HasSubstr;

wire::SendHeader header(std::string_view topic) {
  return {.producer_group = "pg",
          .topic = topic,
          .default_topic = "TBW102",
          .default_topic_queue_nums = 4,
          .queue_id = 1,
          .born_timestamp = 1'600'000'000'000};
}

class SendTest : public EdgeTest {};

TEST_F(SendTest, StoresAndTellsWhere) {
  make_topic("T");
  FakeConnection& client = connect("10.0.0.9:50000");
  wire::SendHeader send = header("T");
  const std::string properties = broker::pairs("KEYS=k1;UNIQ_KEY=ABC");
  send.properties = properties;
  for (const bool v2 : {false, true}) {
    const Answer answer = v2 ? call<wire::SendMessageV2>(client, send, "body")
                             : call<wire::SendMessage>(client, send, "body");
    EXPECT_EQ(answer.code, 0) << answer.remark;
    EXPECT_EQ(answer.fields.at("queueId"), "1");
    EXPECT_EQ(answer.fields.at("queueOffset"), v2 ? "1" : "0");
    EXPECT_EQ(answer.fields.at("transactionId"), "ABC");
    EXPECT_EQ(answer.fields.at("MSG_REGION"), "DefaultRegion");
    EXPECT_EQ(answer.fields.at("TRACE_ON"), "true");
    const auto id = model::parse_offset_message_id(answer.fields.at("msgId"));
    ASSERT_TRUE(id.has_value());
    EXPECT_EQ(id->store_host, test_broker.options.address);
  }
  const auto record = test_broker.store.record("T", 1, 1);
  EXPECT_EQ(as_text(record.body), "body");
  EXPECT_EQ(record.born_host.to_string(), "10.0.0.9:50000");
  EXPECT_EQ(model::find_property(record.properties, "KEYS"), "k1");
}

TEST_F(SendTest, ManyOfOneReadAreOneBatchInOrder) {
  make_topic("T");
  FakeConnection& one = connect();
  FakeConnection& two = connect();
  // Properties come out of the scratch of one command: each request keeps its own.
  std::string frames;
  for (int i = 0; i < 8; ++i) {
    wire::SendHeader send = header("T");
    const std::string properties = broker::pairs("KEYS=key" + std::to_string(i));
    send.properties = properties;
    frames += request<wire::SendMessageV2>(send, "body" + std::to_string(i));
  }
  const int appends = test_broker.store.appends;
  feed(one, frames);
  feed(two, request<wire::SendMessageV2>(header("T"), "other"));
  EXPECT_EQ(test_broker.store.appends, appends) << "nothing before the end of the tick";
  EXPECT_TRUE(one.session->owes_answer());
  tick();
  EXPECT_EQ(test_broker.store.appends, appends + 1);
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(take(one).fields.at("queueOffset"), std::to_string(i));
    const auto record = test_broker.store.record("T", 1, static_cast<std::size_t>(i));
    EXPECT_EQ(as_text(record.body), "body" + std::to_string(i));
    EXPECT_EQ(model::find_property(record.properties, "KEYS"), "key" + std::to_string(i));
  }
  EXPECT_EQ(take(two).fields.at("queueOffset"), "8");
  EXPECT_FALSE(one.session->owes_answer());
}

TEST_F(SendTest, OneWayIsStoredWithoutAnswer) {
  make_topic("T");
  FakeConnection& client = connect();
  feed(client, request<wire::SendMessageV2>(header("T"), "body", true));
  feed(client, request<wire::SendMessageV2>(header("bad topic!"), "body", true));
  tick();
  EXPECT_EQ(test_broker.store.count("T", 1), 1U);
  EXPECT_TRUE(client.out.empty());
  EXPECT_FALSE(client.session->owes_answer());
}

TEST_F(SendTest, RefusalsHaveTheCodesThatClientsExpect) {
  make_topic("T");
  make_topic("readonly", 4, model::perm::kRead);
  FakeConnection& client = connect();
  const auto code = [&](const wire::SendHeader& send, std::string_view body = "b") {
    return call<wire::SendMessageV2>(client, send, body).code;
  };
  EXPECT_EQ(code(header("bad topic!")), 29);
  EXPECT_EQ(code(header("SCHEDULE_TOPIC_XXXX")), 16);
  EXPECT_EQ(code(header("readonly")), 16);
  wire::SendHeader unknown = header("unknown");
  unknown.default_topic = "nope";
  EXPECT_EQ(code(unknown), 17);
  wire::SendHeader far = header("T");
  far.queue_id = 4;
  EXPECT_EQ(code(far), 29);
  EXPECT_EQ(code(header("T"), ""), 13);
  test_broker.switches.max_message_size = 3;
  EXPECT_EQ(code(header("T"), "long"), 13);
  wire::SendHeader half = header("T");
  half.sys_flag = model::sysflag::kTransactionPrepared;
  EXPECT_EQ(code(half), 13);
  wire::SendHeader retry = header("%RETRY%nobody");
  EXPECT_EQ(code(retry), 26);
  EXPECT_EQ(test_broker.store.count("T", 1), 0U);
}

TEST_F(SendTest, StoreFailuresAreToldPerRequest) {
  make_topic("T");
  FakeConnection& client = connect();
  test_broker.store.append_errors.push_back({Errc::kNotWritable, "disk full"});
  test_broker.store.append_errors.push_back({Errc::kNotWritable, "disk full"});
  const Answer full = call<wire::SendMessageV2>(client, header("T"), "b");
  EXPECT_EQ(full.code, 14);
  EXPECT_THAT(full.remark, HasSubstr("disk full"));
  test_broker.store.append_errors.clear();
  EXPECT_EQ(call<wire::SendMessageV2>(client, header("T"), "b").code, 0);
}

TEST_F(SendTest, BatchesAreContiguousAndAnsweredWithAllIds) {
  make_topic("T");
  FakeConnection& client = connect();
  std::string batch;
  for (const std::string_view body : {"a", "b", "c"})
    wire::append_to_batch(batch, {.body = as_bytes(body)});
  wire::SendHeader send = header("T");
  send.batch = true;
  const Answer answer = call<wire::SendBatchMessage>(client, send, batch);
  ASSERT_EQ(answer.code, 0) << answer.remark;
  EXPECT_EQ(answer.fields.at("queueOffset"), "0");
  EXPECT_EQ(answer.fields.at("msgId").size(), 3U * 32 + 2);
  EXPECT_EQ(test_broker.store.count("T", 1), 3U);
}

TEST_F(SendTest, BrokenBatchesStoreNothing) {
  make_topic("T");
  FakeConnection& client = connect();
  std::string batch;
  wire::append_to_batch(batch, {.body = as_bytes(std::string_view("a"))});
  wire::SendHeader send = header("T");
  send.batch = true;
  EXPECT_EQ(call<wire::SendBatchMessage>(client, send, batch + "x").code, 13);
  EXPECT_EQ(call<wire::SendBatchMessage>(client, send, "").code, 13);
  EXPECT_EQ(test_broker.store.count("T", 1), 0U);
}

TEST_F(SendTest, SendBackGoesToTheRetryTopic) {
  make_topic("T");
  make_group("g");
  FakeConnection& client = connect();
  ASSERT_EQ(call<wire::SendMessageV2>(client, header("T"), "failing").code, 0);
  const std::int64_t offset = test_broker.store.record("T", 1, 0).log_offset.value;
  const Answer answer = call<wire::ConsumerSendMessageBack>(
      client, {.offset = offset, .group = "g", .delay_level = -1});
  EXPECT_EQ(answer.code, 0) << answer.remark;
  EXPECT_EQ(as_text(test_broker.store.record("%DLQ%g", 0, 0).body), "failing");
}

TEST_F(SendTest, SendBackRefusals) {
  make_group("g");
  FakeConnection& client = connect();
  EXPECT_EQ(call<wire::ConsumerSendMessageBack>(client, {.offset = 77, .group = "g"}).code, 1);
  EXPECT_EQ(call<wire::ConsumerSendMessageBack>(client, {.offset = 0, .group = "nobody"}).code, 26);
  test_broker.switches.permission = model::perm::kRead;
  EXPECT_EQ(call<wire::ConsumerSendMessageBack>(client, {.offset = 0, .group = "g"}).code, 16);
}

// SYNC_FLUSH, with marks that move when the test says so.
class SyncSendTest : public EdgeTest {
 protected:
  SyncSendTest() : EdgeTest(store::CommitPolicy::kDurable) {
    make_topic("T");
    test_broker.store.autocommit = false;
  }
};

TEST_F(SyncSendTest, AnswersAreHeldUntilDurable) {
  FakeConnection& client = connect();
  feed(client, request<wire::SendMessageV2>(header("T"), "b"));
  tick();
  EXPECT_EQ(edge->sends()->held(), 1U);
  EXPECT_TRUE(client.out.empty());
  EXPECT_TRUE(client.session->owes_answer());
  test_broker.store.flush();
  tick();
  EXPECT_TRUE(client.out.empty()) << "flushed is not durable";
  test_broker.store.sync();
  tick();
  EXPECT_EQ(take(client).code, 0);
  EXPECT_EQ(edge->sends()->held(), 0U);
  EXPECT_FALSE(client.session->owes_answer());
}

TEST_F(SyncSendTest, MessagesThatDoNotWaitLeaveWhenFlushed) {
  FakeConnection& client = connect();
  wire::SendHeader send = header("T");
  const std::string properties = broker::pairs("WAIT=false");
  send.properties = properties;
  feed(client, request<wire::SendMessageV2>(header("T"), "waits"));
  feed(client, request<wire::SendMessageV2>(send, "does not"));
  tick();
  EXPECT_TRUE(client.out.empty());
  test_broker.store.flush();
  tick();
  EXPECT_EQ(take(client).opaque, 102);
  EXPECT_TRUE(client.out.empty());
  test_broker.store.sync();
  tick();
  EXPECT_EQ(take(client).opaque, 101);
}

TEST_F(SyncSendTest, AnswersOfSeveralBatchesLeaveInOrder) {
  FakeConnection& client = connect();
  for (int i = 0; i < 3; ++i) {
    feed(client, request<wire::SendMessageV2>(header("T"), "b"));
    tick();
    if (i == 0) test_broker.store.sync();
  }
  tick();
  EXPECT_EQ(take(client).opaque, 101);
  EXPECT_EQ(edge->sends()->held(), 2U);
  test_broker.store.sync();
  tick();
  EXPECT_EQ(take(client).opaque, 102);
  EXPECT_EQ(take(client).opaque, 103);
}

TEST_F(SyncSendTest, TooLateForDurableIsAnsweredTenWithTheWholeHeader) {
  FakeConnection& client = connect();
  feed(client, request<wire::SendMessageV2>(header("T"), "b"));
  tick();
  test_broker.clock.advance_ms(settings.get().sync_flush_timeout_ms + 1);
  tick();  // the timer
  tick();
  const Answer answer = take(client);
  EXPECT_EQ(answer.code, 10);
  EXPECT_EQ(answer.flag, wire::Command::kFlagResponse);
  EXPECT_EQ(answer.fields.at("queueId"), "1");
  EXPECT_EQ(answer.fields.at("queueOffset"), "0");
  EXPECT_FALSE(answer.fields.at("msgId").empty());
  EXPECT_FALSE(client.session->owes_answer());
  test_broker.store.sync();
  tick();
  EXPECT_TRUE(client.out.empty()) << "answered once";
}

TEST_F(SyncSendTest, AClosedConnectionCostsNothing) {
  FakeConnection& gone = connect();
  FakeConnection& stays = connect();
  feed(gone, request<wire::SendMessageV2>(header("T"), "b"));
  feed(stays, request<wire::SendMessageV2>(header("T"), "b"));
  tick();
  disconnect(gone);
  test_broker.store.sync();
  tick();
  EXPECT_EQ(take(stays).code, 0);
  EXPECT_TRUE(gone.out.empty());
}

TEST_F(SyncSendTest, TooManyUnansweredRequestsStopReading) {
  FakeConnection& client = connect();
  std::string frames;
  for (std::size_t i = 0; i < Session::kCallsMax + 10; ++i)
    frames += request<wire::SendMessageV2>(header("T"), "b");
  const std::size_t consumed = feed(client, frames);
  EXPECT_LT(consumed, frames.size());
  EXPECT_TRUE(client.paused);
  tick();
  test_broker.store.sync();
  tick();
  EXPECT_FALSE(client.paused);
  const std::string rest = frames.substr(consumed);
  EXPECT_EQ(feed(client, rest), rest.size());
  tick();
  test_broker.store.sync();
  tick();
  std::size_t answers = 0;
  while (take(client).code == 0) ++answers;
  EXPECT_EQ(answers, Session::kCallsMax + 10);
}

TEST(HeldReplies, KeepOrderThroughCompaction) {
  HeldReplies held;
  std::int64_t pushed = 0;
  std::int64_t popped = 0;
  for (int round = 0; round < 20'000; ++round) {
    for (int i = 0; i < (round < 10'000 ? 2 : 0); ++i) {
      const std::string frame = "frame" + std::to_string(pushed);
      held.push({.end = pushed}, frame);
      ++pushed;
    }
    ASSERT_FALSE(held.empty());
    ASSERT_EQ(held.front().end, popped);
    ASSERT_EQ(held.front_frame(), "frame" + std::to_string(popped));
    held.pop();
    ++popped;
  }
  EXPECT_TRUE(held.empty());
}

}  // namespace
}  // namespace oncemq::front

#include "front/remoting/faults.h"

#include <string>

#include "front/remoting/edge_fixture.h"
#include "wire/remoting/body/faults.h"
#include "wire/remoting/schema/offsets.h"
#include "wire/remoting/schema/pop.h"
#include "wire/remoting/schema/pull.h"
#include "wire/remoting/schema/send.h"

namespace oncemq::front {
namespace {

using ::testing::HasSubstr;
constexpr int kStale = 40013;
constexpr int kNoAnswer = -1;

class FaultsTest : public EdgeTest {
 protected:
  explicit FaultsTest(store::CommitPolicy policy = store::CommitPolicy::kFlushed,
                      bool allow_faults = true)
      : EdgeTest(policy, allow_faults) {
    make_topic("T", 1);
    make_group("g");
  }

  void add(std::string_view fault, std::int64_t count = 0, std::int64_t for_ms = 0) {
    FakeConnection& tool = connect("10.0.0.7:1");
    const Answer answer = call<wire::AddFault>(
        tool, {.fault = fault, .topic = "T", .count = count, .for_ms = for_ms});
    ASSERT_EQ(answer.code, 0) << answer.remark;
  }
  wire::FaultList list() {
    const Answer answer = call<wire::ListFaults>(connect("10.0.0.7:2"), {});
    EXPECT_EQ(answer.code, 0) << answer.remark;
    return wire::decode_body<wire::FaultList>(as_bytes(answer.body)).value();
  }
  static wire::SendHeader header() {
    return {.producer_group = "pg",
            .topic = "T",
            .default_topic = "TBW102",
            .default_topic_queue_nums = 4,
            .properties = ""};
  }
  Answer send(FakeConnection& client) {
    return call<wire::SendMessageV2>(client, header(), "body");
  }
  void send(int count) {
    FakeConnection& client = connect("10.0.0.8:1");
    for (int i = 0; i < count; ++i) ASSERT_EQ(send(client).code, 0);
  }
  Answer pull(FakeConnection& client, std::int64_t offset, std::int32_t flags = 0,
              std::int64_t commit = 0) {
    return call<wire::PullMessage>(client, {.consumer_group = "g",
                                            .topic = "T",
                                            .queue_offset = offset,
                                            .max_messages = 32,
                                            .sys_flag = flags | wire::pullflag::kSubscription,
                                            .commit_offset = commit,
                                            .subscription = "*"});
  }
  std::optional<model::ConsumeOffset> committed_offset() {
    return test_broker.broker.offsets().query("g", "T", 0);
  }
  Answer pop(FakeConnection& client, std::int32_t max = 32) {
    return call<wire::PopMessage>(client, {.consumer_group = "g",
                                           .topic = "T",
                                           .max_messages = max,
                                           .invisible_time = 10'000,
                                           .born_time = test_broker.clock.wall_ms()});
  }
  static std::string handle(const Answer& popped, int offset) {
    return "0 " + popped.fields.at("popTime") + " 10000 0 0 b-a 0 " + std::to_string(offset);
  }
  Answer ack(FakeConnection& client, const std::string& extra, int offset) {
    return call<wire::AckMessage>(
        client, {.consumer_group = "g", .topic = "T", .extra_info = extra, .offset = offset});
  }
};

TEST_F(FaultsTest, AreAddedListedAndCleared) {
  FakeConnection& tool = connect();
  const Answer added = call<wire::AddFault>(
      tool, {.fault = "lose-ack", .topic = "T", .group = "g", .probability = "0.25", .count = 7});
  ASSERT_EQ(added.code, 0) << added.remark;
  EXPECT_EQ(added.fields.at("id"), "1");
  const wire::FaultList told = list();
  ASSERT_EQ(told.faults.size(), 1U);
  const wire::FaultRow& row = told.faults.front();
  EXPECT_EQ(row.fault, "lose-ack");
  EXPECT_EQ(row.topic, "T");
  EXPECT_EQ(row.group, "g");
  EXPECT_EQ(row.probability, 0.25);
  EXPECT_EQ(row.count, 7);
  EXPECT_EQ(row.struck, 0);
  EXPECT_EQ(row.state, "active");
  EXPECT_FALSE(row.sentence.empty());
  EXPECT_EQ(call<wire::ClearFaults>(tool, {.id = 2}).code, 22);
  EXPECT_EQ(call<wire::ClearFaults>(tool, {.id = 1}).code, 0);
  EXPECT_EQ(list().faults.front().state, "cleared");
  EXPECT_EQ(call<wire::ClearFaults>(tool, {}).fields.at("cleared"), "0");
}

TEST_F(FaultsTest, WhatIsWrongIsRefused) {
  FakeConnection& tool = connect();
  EXPECT_THAT(call<wire::AddFault>(tool, {.fault = "lose", .topic = "T"}).remark,
              HasSubstr("is no fault"));
  for (const char* probability : {"x", "2", "0.5 ", "nan"})
    EXPECT_EQ(
        call<wire::AddFault>(tool, {.fault = "pause", .topic = "T", .probability = probability})
            .code,
        29)
        << probability;
  EXPECT_EQ(call<wire::AddFault>(tool, {.fault = "pause", .topic = "a b"}).code, 29);
}

TEST_F(FaultsTest, AnAnswerIsLostAfterTheMessageIsStored) {
  add("lose-send-response", 1);
  FakeConnection& client = connect();
  EXPECT_EQ(send(client).code, kNoAnswer);
  EXPECT_EQ(client.closed, net::CloseReason::kDone);
  EXPECT_FALSE(client.session->owes_answer());
  EXPECT_EQ(test_broker.store.count("T", 0), 1U);
  // The count is reached.
  FakeConnection& again = connect();
  EXPECT_EQ(send(again).code, 0);
  EXPECT_EQ(test_broker.store.count("T", 0), 2U);
}

TEST_F(FaultsTest, AOneWaySendHasNoAnswerToLose) {
  add("lose-send-response", 1);
  FakeConnection& client = connect();
  feed(client, request<wire::SendMessageV2>(header(), "body", true));
  tick();
  EXPECT_EQ(client.closed, std::nullopt);
  EXPECT_EQ(test_broker.store.count("T", 0), 1U);
  EXPECT_EQ(list().faults.front().struck, 0);
}

class DurableFaultsTest : public FaultsTest {
 protected:
  DurableFaultsTest() : FaultsTest(store::CommitPolicy::kDurable) {
    test_broker.store.autocommit = false;
  }
};

TEST_F(DurableFaultsTest, NothingIsLostBeforeItIsCommitted) {
  add("lose-send-response", 1);
  FakeConnection& client = connect();
  EXPECT_EQ(send(client).code, kNoAnswer);
  EXPECT_EQ(client.closed, std::nullopt);
  test_broker.store.sync();
  tick();
  EXPECT_EQ(client.closed, net::CloseReason::kDone);
}

TEST_F(DurableFaultsTest, ALostAnswerThatWaitsTooLongIsLostAsWell) {
  add("lose-send-response", 1);
  FakeConnection& client = connect();
  EXPECT_EQ(send(client).code, kNoAnswer);
  test_broker.clock.advance_ms(settings.get().sync_flush_timeout_ms);
  tick();
  EXPECT_EQ(take(client).code, kNoAnswer);
  EXPECT_EQ(client.closed, net::CloseReason::kDone);
}

TEST_F(FaultsTest, APulledPageIsGivenTwice) {
  send(3);
  add("deliver-twice");
  FakeConnection& client = connect();
  const Answer first = pull(client, 0);
  ASSERT_EQ(first.code, 0);
  EXPECT_EQ(first.fields.at("nextBeginOffset"), "0");
  const Answer second = pull(client, 0);
  EXPECT_EQ(second.body, first.body);
  EXPECT_EQ(second.fields.at("nextBeginOffset"), "3");
}

TEST_F(FaultsTest, APoppedMessageIsGivenTwice) {
  send(2);
  add("deliver-twice", 1);
  FakeConnection& client = connect();
  const Answer first = pop(client);
  EXPECT_EQ(first.fields.at("msgOffsetInfo"), "0 0 0,1");
  const Answer second = pop(client);
  ASSERT_EQ(second.code, 0) << second.remark;
  EXPECT_EQ(second.fields.at("msgOffsetInfo"), "0 0 0");
  EXPECT_EQ(ack(client, handle(first, 0), 0).code, kStale);
  EXPECT_EQ(ack(client, handle(second, 0), 0).code, 0);
  EXPECT_EQ(ack(client, handle(first, 1), 1).code, 0);
}

TEST_F(FaultsTest, APoppedMessageIsNotGivenThreeTimes) {
  send(1);
  add("deliver-twice");
  FakeConnection& client = connect();
  EXPECT_EQ(pop(client).code, 0);
  EXPECT_EQ(pop(client).code, 0);
  EXPECT_EQ(pop(client).code, 210);
}

TEST_F(FaultsTest, ALostAckDoesNothing) {
  send(1);
  add("lose-ack", 1);
  FakeConnection& client = connect();
  const Answer first = pop(client);
  EXPECT_EQ(ack(client, handle(first, 0), 0).code, kNoAnswer);
  EXPECT_FALSE(client.session->owes_answer());
  test_broker.clock.advance_ms(10'000);
  const Answer second = pop(client);
  ASSERT_EQ(second.code, 0) << second.remark;
  EXPECT_EQ(ack(client, handle(second, 0), 0).code, 0);
}

TEST_F(FaultsTest, ALostBatchOfAcksDoesNothing) {
  send(1);
  add("lose-ack", 1);
  FakeConnection& client = connect();
  const std::string body =
      R"({"brokerName":"b","acks":[{"c":"g","t":"T","r":"0","so":0,"q":0,"rq":0,"pt":)" +
      pop(client).fields.at("popTime") + R"(,"it":1,"b":"AQ=="}]})";
  EXPECT_EQ(call<wire::BatchAckMessage>(client, {}, body).code, kNoAnswer);
  EXPECT_EQ(call<wire::BatchAckMessage>(client, {}, body).code, 0);
}

TEST_F(FaultsTest, ALostOffsetIsNotStored) {
  send(2);
  add("lose-ack", 2);
  FakeConnection& client = connect();
  const wire::UpdateConsumerOffset::Header commit{
      .consumer_group = "g", .topic = "T", .commit_offset = 1};
  EXPECT_EQ(call<wire::UpdateConsumerOffset>(client, commit).code, kNoAnswer);
  EXPECT_EQ(pull(client, 0, wire::pullflag::kCommitOffset, 1).code, 0);
  EXPECT_EQ(committed_offset(), std::nullopt);
  EXPECT_EQ(pull(client, 0, wire::pullflag::kCommitOffset, 1).code, 0);
  EXPECT_EQ(committed_offset(), model::ConsumeOffset{1});
  EXPECT_EQ(list().faults.front().state, "count reached");
}

TEST_F(FaultsTest, AnExpiredHandleIsRefusedAndTheMessageIsThereAgain) {
  send(1);
  add("expire-handle", 1);
  FakeConnection& client = connect();
  const Answer first = pop(client);
  const Answer refused = ack(client, handle(first, 0), 0);
  EXPECT_EQ(refused.code, kStale);
  const Answer second = pop(client);
  ASSERT_EQ(second.code, 0) << second.remark;
  EXPECT_EQ(ack(client, handle(second, 0), 0).code, 0);
}

TEST_F(FaultsTest, AHandleExpiresBeforeItIsRenewedOrAckedInABatch) {
  send(2);
  add("expire-handle", 2);
  FakeConnection& client = connect();
  const Answer first = pop(client);
  EXPECT_EQ(call<wire::ChangeInvisibleTime>(client, {.consumer_group = "g",
                                                     .topic = "T",
                                                     .extra_info = handle(first, 0),
                                                     .offset = 0,
                                                     .invisible_time = 60'000})
                .code,
            kStale);
  const std::string body =
      R"({"brokerName":"b","acks":[{"c":"g","t":"T","r":"0","so":0,"q":0,"rq":0,"pt":)" +
      first.fields.at("popTime") + R"(,"it":1,"b":"Ag=="}]})";
  EXPECT_EQ(call<wire::BatchAckMessage>(client, {}, body).code, kStale);
  EXPECT_EQ(pop(client).fields.at("msgOffsetInfo"), "0 0 0,1");
}

TEST_F(FaultsTest, APauseHoldsRequestsUntilItEnds) {
  send(1);
  add("pause", 0, 1000);
  FakeConnection& producer = connect();
  FakeConnection& consumer = connect();
  EXPECT_EQ(send(producer).code, kNoAnswer);
  EXPECT_EQ(pull(consumer, 0).code, kNoAnswer);
  EXPECT_FALSE(producer.session->owes_answer());
  EXPECT_EQ(test_broker.store.count("T", 0), 1U);
  test_broker.clock.advance_ms(999);
  tick();
  EXPECT_EQ(take(producer).code, kNoAnswer);
  test_broker.clock.advance_ms(PauseLane::kLookMs);
  tick();
  tick();
  EXPECT_EQ(take(producer).code, 0);
  EXPECT_EQ(take(consumer).fields.at("nextBeginOffset"), "1");
  EXPECT_EQ(test_broker.store.count("T", 0), 2U);
}

TEST_F(FaultsTest, APauseThatIsClearedLetsRequestsGo) {
  add("pause");
  FakeConnection& producer = connect();
  EXPECT_EQ(send(producer).code, kNoAnswer);
  EXPECT_EQ(call<wire::ClearFaults>(connect(), {}).fields.at("cleared"), "1");
  test_broker.clock.advance_ms(PauseLane::kLookMs);
  tick();
  tick();
  EXPECT_EQ(take(producer).code, 0);
}

TEST_F(FaultsTest, APauseForgetsRequestsOfConnectionsThatAreGone) {
  add("pause", 0, 1000);
  FakeConnection& producer = connect();
  EXPECT_EQ(send(producer).code, kNoAnswer);
  disconnect(producer);
  test_broker.clock.advance_ms(1000);
  tick();
  tick();
  EXPECT_EQ(test_broker.store.count("T", 0), 0U);
}

TEST_F(FaultsTest, APauseHasABound) {
  add("pause");
  FakeConnection& producer = connect();
  for (std::size_t i = 0; i < PauseLane::kHeldMax; ++i) EXPECT_EQ(send(producer).code, kNoAnswer);
  EXPECT_EQ(send(producer).code, 0);
}

class ForbiddenFaultsTest : public FaultsTest {
 protected:
  ForbiddenFaultsTest() : FaultsTest(store::CommitPolicy::kFlushed, false) {}
};

TEST_F(ForbiddenFaultsTest, EveryOrderIsRefused) {
  FakeConnection& tool = connect();
  for (const Answer& answer :
       {call<wire::AddFault>(tool, {.fault = "lose-send-response", .topic = "T"}),
        call<wire::ListFaults>(tool, {}), call<wire::ClearFaults>(tool, {})}) {
    EXPECT_EQ(answer.code, 16);
    EXPECT_EQ(answer.remark,
              "faults are not allowed: the broker must be started with --allow-faults");
  }
  EXPECT_EQ(send(tool).code, 0);
}

}  // namespace
}  // namespace oncemq::front

#include "front/remoting/transactions.h"

#include <gtest/gtest.h>

#include "broker/fixture.h"
#include "front/remoting/channel.h"
#include "front/remoting/edge_fixture.h"
#include "model/message_id.h"
#include "wire/remoting/body/body.h"
#include "wire/remoting/body/transactions.h"
#include "wire/remoting/schema/send.h"

namespace oncemq::front {
namespace {

using wire::ResponseCode;

constexpr std::int32_t kCommit = model::sysflag::kTransactionCommit;
constexpr std::int32_t kRollback = model::sysflag::kTransactionRollback;

struct TransactionsEdgeTest : EdgeTest {
  explicit TransactionsEdgeTest(store::CommitPolicy policy = store::CommitPolicy::kFlushed)
      : EdgeTest(policy) {
    make_topic("T");
  }

  struct Half {
    std::int64_t offset = 0;
    std::int64_t log = 0;
    std::string id;
  };
  Half send_half(FakeConnection& connection, std::string_view id) {
    const std::string properties =
        broker::pairs("TRAN_MSG=true;PGROUP=pg;UNIQ_KEY=" + std::string(id));
    const Answer answer =
        call<wire::SendMessageV2>(connection,
                                  {.producer_group = "pg",
                                   .topic = "T",
                                   .default_topic = "TBW102",
                                   .queue_id = 1,
                                   .sys_flag = model::sysflag::kTransactionPrepared,
                                   .properties = properties},
                                  "body");
    EXPECT_EQ(answer.code, 0) << answer.remark;
    EXPECT_EQ(answer.fields.at("transactionId"), id);
    EXPECT_EQ(answer.fields.at("queueId"), "1");
    const std::int64_t offset = std::stoll(answer.fields.at("queueOffset"));
    const auto record =
        test_broker.store.record(model::topic::kHalf, 0, static_cast<std::size_t>(offset));
    return {offset, record.log_offset.value, std::string(id)};
  }
  static wire::EndTransactionRequest::Header header(const Half& half, std::int32_t verdict) {
    return {.producer_group = "pg",
            .half_offset = half.offset,
            .log_offset = half.log,
            .commit_or_rollback = verdict,
            .message_id = half.id,
            .transaction_id = half.id};
  }
  Answer end(FakeConnection& connection, const Half& half, std::int32_t verdict) {
    return call<wire::EndTransactionRequest>(connection, header(half, verdict));
  }
  std::size_t visible() { return test_broker.store.count("T", 1); }
};

TEST_F(TransactionsEdgeTest, VerdictIsAnsweredAndFinal) {
  FakeConnection& connection = connect();
  const Half half = send_half(connection, "A");
  EXPECT_EQ(visible(), 0U);
  EXPECT_EQ(end(connection, half, kCommit).code, 0);
  EXPECT_EQ(end(connection, half, kCommit).code, 0);
  const Answer opposite = end(connection, half, kRollback);
  EXPECT_EQ(opposite.code, wire::number(ResponseCode::kTransactionFailed));
  EXPECT_EQ(opposite.remark, "the transaction is already committed");
  EXPECT_EQ(visible(), 1U);
}

TEST_F(TransactionsEdgeTest, UnknownChangesNothing) {
  FakeConnection& connection = connect();
  const Half half = send_half(connection, "A");
  EXPECT_EQ(end(connection, half, 0).code, 0);
  EXPECT_EQ(end(connection, half, 4).code, 0);
  EXPECT_EQ(end(connection, half, kRollback).code, 0);
  EXPECT_EQ(visible(), 0U);
}

TEST_F(TransactionsEdgeTest, OneWayVerdictCounts) {
  FakeConnection& connection = connect();
  const Half half = send_half(connection, "A");
  feed(connection, request<wire::EndTransactionRequest>(header(half, kCommit), {}, true));
  tick();
  EXPECT_EQ(visible(), 1U);
  EXPECT_TRUE(connection.out.empty());
}

TEST_F(TransactionsEdgeTest, RequestWithoutItsHalfMessageIsASystemError) {
  FakeConnection& connection = connect();
  Half half = send_half(connection, "A");
  half.log += 7;
  EXPECT_EQ(end(connection, half, kCommit).code, wire::number(ResponseCode::kSystemError));
  half.log -= 7;
  half.id = "B";
  EXPECT_EQ(end(connection, half, kCommit).code, wire::number(ResponseCode::kSystemError));
  EXPECT_EQ(visible(), 0U);
}

TEST_F(TransactionsEdgeTest, ProducerIsAskedOnItsConnection) {
  FakeConnection& connection = connect();
  const Half half = send_half(connection, "A");
  broker::Heartbeat beat;
  beat.client.client_id = "p";
  beat.producer_groups = {"pg"};
  beat.client.channel = channel_id(connection.ref());
  ASSERT_TRUE(test_broker.broker.clients().heartbeat(beat).has_value());
  test_broker.clock.advance_ms(6'000);
  test_broker.broker.service_tick();
  tick();
  const Answer check = take(connection);
  EXPECT_EQ(check.code, 39);
  EXPECT_EQ(check.flag & 2, 2);
  EXPECT_EQ(check.fields.at("tranStateTableOffset"), std::to_string(half.offset));
  EXPECT_EQ(check.fields.at("commitLogOffset"), std::to_string(half.log));
  EXPECT_EQ(check.fields.at("msgId"), "A");
  EXPECT_EQ(check.fields.at("transactionId"), "A");
  EXPECT_EQ(check.fields.at("topic"), "T");
  const auto record = model::decode_record(as_bytes(check.body), model::Verify::kFull);
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->record.topic, "T");
}

TEST_F(TransactionsEdgeTest, OperatorsListAndDecide) {
  FakeConnection& connection = connect();
  const Half a = send_half(connection, "A");
  const Half b = send_half(connection, "B");
  const auto list = [&] {
    const Answer answer = call<wire::ListTransactions>(connection, {.from = 0, .max = 10});
    return wire::decode_body<wire::OpenTransactions>(as_bytes(answer.body)).value();
  };
  ASSERT_EQ(list().transactions.size(), 2U);
  EXPECT_EQ(list().transactions[0].transaction_id, "A");
  EXPECT_EQ(list().transactions[1].half_offset, b.offset);
  EXPECT_EQ(
      call<wire::DecideTransaction>(connection, {.half_offset = a.offset, .commit = true}).code, 0);
  EXPECT_EQ(
      call<wire::DecideTransaction>(connection, {.half_offset = b.offset, .commit = false}).code,
      0);
  EXPECT_EQ(
      call<wire::DecideTransaction>(connection, {.half_offset = b.offset, .commit = true}).code,
      wire::number(ResponseCode::kTransactionFailed));
  EXPECT_EQ(call<wire::DecideTransaction>(connection, {.half_offset = 9, .commit = true}).code,
            wire::number(ResponseCode::kQueryNotFound));
  EXPECT_TRUE(list().transactions.empty());
  EXPECT_EQ(visible(), 1U);
}

TEST_F(TransactionsEdgeTest, OnlyDiscardedOnesAreResumed) {
  FakeConnection& connection = connect();
  const Half half = send_half(connection, "A");
  EXPECT_EQ(call<wire::ResumeCheckHalfMessage>(connection, {.message_id = "no id"}).code,
            wire::number(ResponseCode::kInvalidParameter));
  const std::string id = model::offset_message_id(test_broker.options.address, {half.log});
  EXPECT_EQ(call<wire::ResumeCheckHalfMessage>(connection, {.message_id = id}).code,
            wire::number(ResponseCode::kQueryNotFound));
}

struct DurableTransactionsEdgeTest : TransactionsEdgeTest {
  DurableTransactionsEdgeTest() : TransactionsEdgeTest(store::CommitPolicy::kDurable) {}
};

TEST_F(DurableTransactionsEdgeTest, AnswerWaitsForTheDisk) {
  FakeConnection& connection = connect();
  const Half half = send_half(connection, "A");
  test_broker.store.autocommit = false;
  EXPECT_EQ(end(connection, half, kCommit).code, -1);
  test_broker.store.flush();
  tick();
  EXPECT_EQ(take(connection).code, -1);
  test_broker.store.sync();
  tick();
  EXPECT_EQ(take(connection).code, 0);
}

TEST_F(DurableTransactionsEdgeTest, NobodyIsToldOfAVerdictThatIsNotOnDisk) {
  FakeConnection& first = connect();
  FakeConnection& second = connect();
  const Half half = send_half(first, "A");
  test_broker.store.autocommit = false;
  EXPECT_EQ(end(first, half, kCommit).code, -1);
  EXPECT_EQ(end(second, half, kRollback).code, -1);
  test_broker.store.sync();
  tick();
  EXPECT_EQ(take(first).code, 0);
  EXPECT_EQ(take(second).code, static_cast<int>(wire::ResponseCode::kTransactionFailed));
}

}  // namespace
}  // namespace oncemq::front

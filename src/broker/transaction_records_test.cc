#include "broker/transaction_records.h"

#include <string>

#include <gtest/gtest.h>

#include "broker/fixture.h"
#include "model/record_codec.h"

namespace oncemq::broker {
namespace {

struct TransactionRecordsTest : ::testing::Test, Nouns {
  Arena arena;

  model::RecordView half_record(std::string_view more = {}) {
    make_topic("T");
    const std::string properties = pairs("TRAN_MSG=true;UNIQ_KEY=U;TAGS=t" + std::string(more));
    send("T", "body", properties, 2);
    return store.record(model::topic::kHalf, 0, store.count(model::topic::kHalf, 0) - 1);
  }
  model::RecordView op_record(std::string_view body, std::string_view properties) {
    store::AppendItem item;
    item.message.topic = model::topic::kHalfOp;
    item.message.body = as_bytes(body);
    item.message.properties = properties;
    item.message.born_host = options.address;
    item.message.store_host = options.address;
    item.queue = &store.queue(model::topic::kHalfOp, 0);
    EXPECT_TRUE(store.append(std::span(&item, 1)).has_value());
    return store.record(model::topic::kHalfOp, 0, store.count(model::topic::kHalfOp, 0) - 1);
  }
};

TEST_F(TransactionRecordsTest, HalfMessageTellsWhereItBelongs) {
  const auto half = read_half(half_record(
      ";CHECK_IMMUNITY_TIME_IN_SECONDS=7;TRANSACTION_CHECK_TIMES=3;TRAN_PREPARED_QUEUE_OFFSET=9"));
  ASSERT_TRUE(half.has_value());
  EXPECT_EQ(half->topic, "T");
  EXPECT_EQ(half->queue_id, 2);
  EXPECT_EQ(half->group, "pg");
  EXPECT_EQ(half->unique_key, "U");
  EXPECT_EQ(half->transaction_id, "U");
  EXPECT_EQ(half->immunity_ms, 7000);
  EXPECT_EQ(half->checks, 3);
  EXPECT_EQ(half->prepared_offset, 9);
}

TEST_F(TransactionRecordsTest, NumbersThatAreNoneCountAsAbsent) {
  const auto half =
      read_half(half_record(";CHECK_IMMUNITY_TIME_IN_SECONDS=soon;TRANSACTION_CHECK_TIMES=-2;"
                            "TRAN_PREPARED_QUEUE_OFFSET=1x"));
  ASSERT_TRUE(half.has_value());
  EXPECT_EQ(half->immunity_ms, -1);
  EXPECT_EQ(half->checks, 0);
  EXPECT_EQ(half->prepared_offset, -1);
  const auto endless =
      read_half(half_record(";CHECK_IMMUNITY_TIME_IN_SECONDS=9223372036854775807"));
  EXPECT_GT(endless->immunity_ms, 0);
}

TEST_F(TransactionRecordsTest, RecordsWithoutDestinationAreNone) {
  model::RecordView record;
  for (const char* text :
       {"UNIQ_KEY=U", "REAL_TOPIC=T", "REAL_TOPIC=T;REAL_QID=x", "REAL_TOPIC=T;REAL_QID=-1",
        "REAL_QID=1", "REAL_TOPIC=RMQ_SYS_TRANS_HALF_TOPIC;REAL_QID=0"}) {
    const std::string properties = pairs(text);
    record.properties = properties;
    EXPECT_FALSE(read_half(record).has_value()) << text;
  }
}

TEST_F(TransactionRecordsTest, CommittedMessageIsTheHalfOneInItsPlace) {
  const model::RecordView record = half_record();
  store::AppendItem item;
  ASSERT_TRUE(make_committed(*read_half(record), *topics.find("T"), item, arena).has_value());
  EXPECT_EQ(item.queue, topics.find("T")->queue(2));
  EXPECT_EQ(item.message.topic, "T");
  EXPECT_EQ(item.message.sys_flag & model::sysflag::kTransactionMask,
            model::sysflag::kTransactionCommit);
  EXPECT_EQ(item.message.prepared_transaction_offset, record.log_offset);
  EXPECT_EQ(as_text(item.message.body), "body");
  EXPECT_EQ(item.message.tags_code, model::tags_code("t"));
  EXPECT_EQ(model::find_property(item.message.properties, "REAL_TOPIC"), "T");
}

TEST_F(TransactionRecordsTest, OpRecordsSayWhatTheyWereMadeOf) {
  const std::vector<OpEntry> entries{{12, TransactionState::kCommitted},
                                     {15, TransactionState::kRolledBack},
                                     {16, TransactionState::kDiscarded},
                                     {1, TransactionState::kResumed}};
  store::AppendItem item;
  make_op(entries, *topics.find(model::topic::kHalfOp), options.address, 5, item, arena);
  EXPECT_EQ(as_text(item.message.body), "12,15,16,1,");
  EXPECT_EQ(model::find_property(item.message.properties, "TAGS"), "d");
  EXPECT_EQ(item.message.tags_code, model::tags_code("d"));
  ASSERT_TRUE(store.append(std::span(&item, 1)).has_value());
  EXPECT_EQ(read_op(store.record(model::topic::kHalfOp, 0, 0)), entries);
}

TEST_F(TransactionRecordsTest, FullOpRecordFitsApachesLimit) {
  const std::vector<OpEntry> entries(kOpEntries, {INT64_MAX, TransactionState::kCommitted});
  store::AppendItem item;
  make_op(entries, *topics.find(model::topic::kHalfOp), options.address, 5, item, arena);
  EXPECT_LE(item.message.body.size(), 4096U);
}

TEST_F(TransactionRecordsTest, ApachesOpRecordsAreRead) {
  const std::string tag = pairs("TAGS=d");
  using Entries = std::vector<OpEntry>;
  EXPECT_EQ(read_op(op_record("12,15,", tag)), (Entries{{12}, {15}}));
  EXPECT_EQ(read_op(op_record("12", tag)), (Entries{{12}}));  // 4.x
  EXPECT_EQ(read_op(op_record("x,,-3,99999999999999999999,7", tag)), (Entries{{7}}));
  // A letter that no version writes, and too few of them.
  const std::string strange = pairs("TAGS=d;ONCE_VERDICTS=?");
  EXPECT_EQ(read_op(op_record("1,2,", strange)), (Entries{{1}, {2}}));
}

TEST_F(TransactionRecordsTest, CheckCarriesTheRealMessageAndItsNumber) {
  const model::RecordView record = half_record();
  const std::string body = make_check_body(*read_half(record), 3);
  const auto decoded = model::decode_record(as_bytes(body), model::Verify::kFull);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(static_cast<std::size_t>(decoded->size), body.size());
  EXPECT_EQ(decoded->record.topic, "T");
  EXPECT_EQ(decoded->record.queue_id, 2);
  EXPECT_EQ(decoded->record.queue_offset, record.queue_offset);
  EXPECT_EQ(decoded->record.log_offset, record.log_offset);
  EXPECT_EQ(as_text(decoded->record.body), "body");
  EXPECT_EQ(property_of(decoded->record, "TRANSACTION_CHECK_TIMES"), "3");
}

}  // namespace
}  // namespace oncemq::broker

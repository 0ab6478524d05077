#include "broker/record_copy.h"

#include <gtest/gtest.h>

namespace oncemq::broker {
namespace {

namespace sysflag = model::sysflag;

model::RecordView record() {
  model::RecordView record;
  record.topic = "t";
  record.queue_id = 3;
  record.flag = 9;
  record.queue_offset.value = 17;
  record.log_offset.value = 4'711;
  record.sys_flag = sysflag::kCompressed | sysflag::kTransactionPrepared | sysflag::kBornHostV6 |
                    sysflag::kStoreHostV6 | 0x700;
  record.born_timestamp = 5;
  record.born_host = Address::parse("10.0.0.9:50000").value();
  record.store_timestamp = 6;
  record.store_host = Address::parse("10.0.0.1:10911").value();
  record.reconsume_times = 2;
  record.prepared_transaction_offset.value = 99;
  record.body = as_bytes("body");
  record.properties =
      "a\x01"
      "1\x02";
  return record;
}

TEST(RecordCopy, IsTheSameMessage) {
  const model::RecordView from = record();
  const model::Message copy = copy_of(from);
  EXPECT_EQ(copy.flag, 9);
  EXPECT_EQ(copy.born_timestamp, 5);
  EXPECT_EQ(copy.born_host, from.born_host);
  EXPECT_EQ(copy.store_host, from.store_host);
  EXPECT_EQ(copy.reconsume_times, 2);
  EXPECT_EQ(copy.body.data(), from.body.data());
  EXPECT_EQ(copy.body.size(), from.body.size());
  // The encoder says how wide the hosts are; compression and the bits of other versions stay.
  EXPECT_EQ(copy.sys_flag, sysflag::kCompressed | sysflag::kTransactionPrepared | 0x700);
  EXPECT_EQ(plain_copy_of(from).sys_flag, sysflag::kCompressed | 0x700);
}

TEST(RecordCopy, GoesNowhereByItself) {
  const model::Message copy = copy_of(record());
  EXPECT_TRUE(copy.topic.empty());
  EXPECT_EQ(copy.queue_id, 0);
  EXPECT_TRUE(copy.properties.empty());
  EXPECT_TRUE(copy.extra_properties.empty());
  EXPECT_EQ(copy.tags_code, 0);
  EXPECT_EQ(copy.prepared_transaction_offset.value, 0);
  EXPECT_TRUE(copy.wait_committed);
}

}  // namespace
}  // namespace oncemq::broker

#include "broker/send_back.h"

#include <gtest/gtest.h>

#include "broker/fixture.h"
#include "model/message_id.h"

namespace oncemq::broker {
namespace {

namespace property = model::property;

class SendBackTest : public ::testing::Test, protected Nouns {
 protected:
  SendBackTest() {
    make_topic("T");
    EXPECT_TRUE(groups.find_or_create("g").has_value());
  }

  SendBackRequest back(const store::Appended& failed, std::int32_t level = 0) const {
    SendBackRequest request;
    request.group = "g";
    request.offset = failed.log_offset;
    request.delay_level = level;
    return request;
  }
  SendOutcome give_back(const SendBackRequest& request) {
    batch.clear();
    auto staged = send_back.stage(request, batch);
    EXPECT_TRUE(staged.has_value()) << staged.error().message;
    sender.commit(batch);
    return batch.outcome(staged.value_or(0));
  }
  Errc refused(const SendBackRequest& request) {
    auto staged = send_back.stage(request, batch);
    EXPECT_FALSE(staged.has_value());
    EXPECT_TRUE(batch.empty());
    return staged.has_value() ? Errc::kInternal : staged.error().code;
  }
  std::string id_of(const store::Appended& message) const {
    return model::offset_message_id(options.address, message.log_offset);
  }
};

TEST_F(SendBackTest, FirstRetryWaitsOnLevelThree) {
  const store::Appended failed = send("T", "body", pairs("UNIQ_KEY=U;TAGS=red;a=1;WAIT=true"));
  const SendOutcome outcome = give_back(back(failed));
  ASSERT_FALSE(outcome.error.has_value());
  EXPECT_EQ(outcome.unique_key, "U");
  ASSERT_EQ(store.count("SCHEDULE_TOPIC_XXXX", 2), 1U);
  const model::RecordView record = store.record("SCHEDULE_TOPIC_XXXX", 2, 0);
  EXPECT_EQ(as_text(record.body), "body");
  EXPECT_EQ(record.reconsume_times, 1);
  EXPECT_EQ(record.born_host.to_string(), "10.0.0.9:50000");
  EXPECT_EQ(record.born_timestamp, 1'600'000'000'000);
  EXPECT_EQ(property_of(record, property::kRealTopic), "%RETRY%g");
  EXPECT_EQ(property_of(record, property::kRealQueueId), "0");
  EXPECT_EQ(property_of(record, property::kRetryTopic), "T");
  EXPECT_EQ(property_of(record, property::kOriginMessageId), id_of(failed));
  EXPECT_EQ(property_of(record, property::kWait), "false");
  EXPECT_EQ(property_of(record, property::kDelayLevel), "3");
  EXPECT_EQ(property_of(record, property::kTags), "red");
  EXPECT_EQ(property_of(record, "a"), "1");
  EXPECT_EQ(stats.view("SNDBCK_PUT_NUMS", "T@g")->minute.sum, 1U);
}

TEST_F(SendBackTest, OriginStaysThroughAllRounds) {
  const store::Appended failed = send("T", "body", pairs("UNIQ_KEY=U"));
  give_back(back(failed));
  clock.advance_ms(10'000);
  schedule.tick();
  ASSERT_EQ(store.count("%RETRY%g", 0), 1U);
  const model::RecordView retried = store.record("%RETRY%g", 0, 0);
  SendBackRequest again = back(failed);
  again.offset = retried.log_offset;
  give_back(again);
  ASSERT_EQ(store.count("SCHEDULE_TOPIC_XXXX", 3), 1U);  // level 4
  const model::RecordView second = store.record("SCHEDULE_TOPIC_XXXX", 3, 0);
  EXPECT_EQ(second.reconsume_times, 2);
  EXPECT_EQ(property_of(second, property::kRetryTopic), "T");
  EXPECT_EQ(property_of(second, property::kOriginMessageId), id_of(failed));
  // One of each, however many rounds.
  const std::string text(second.properties);
  EXPECT_EQ(text.find("REAL_TOPIC"), text.rfind("REAL_TOPIC"));
  EXPECT_EQ(text.find("WAIT"), text.rfind("WAIT"));
  EXPECT_EQ(text.find("DELAY"), text.rfind("DELAY"));
  EXPECT_EQ(text.find("MSG_REGION"), text.rfind("MSG_REGION"));
}

TEST_F(SendBackTest, ClientChoosesTheLevel) {
  give_back(back(send("T", "x"), 1));
  EXPECT_EQ(store.count("SCHEDULE_TOPIC_XXXX", 0), 1U);
  give_back(back(send("T", "x"), 99));
  EXPECT_EQ(store.count("SCHEDULE_TOPIC_XXXX", 3), 1U);
}

TEST_F(SendBackTest, NegativeLevelIsDeadAtOnce) {
  const store::Appended failed = send("T", "x", pairs("TAGS=red;DELAY=nonsense"));
  give_back(back(failed, -1));
  ASSERT_EQ(store.count("%DLQ%g", 0), 1U);
  const model::RecordView record = store.record("%DLQ%g", 0, 0);
  EXPECT_EQ(record.reconsume_times, 1);
  EXPECT_EQ(property_of(record, property::kRetryTopic), "T");
  EXPECT_EQ(property_of(record, property::kOriginMessageId), id_of(failed));
  EXPECT_EQ(property_of(record, property::kDelayLevel), "(none)");
  EXPECT_EQ(store.tags_code("%DLQ%g", 0, 0), model::tags_code("red"));
  EXPECT_EQ(stats.view("DLQ_PUT_NUMS", "T@g")->minute.sum, 1U);
}

TEST_F(SendBackTest, DeadAfterTheMaximum) {
  SendRequest wanted = request("T", "x");
  wanted.reconsume_times = 15;
  ASSERT_TRUE(sender.stage(wanted, batch).has_value());
  wanted.reconsume_times = 16;
  ASSERT_TRUE(sender.stage(wanted, batch).has_value());
  sender.commit(batch);
  const store::Appended fifteen = batch.outcome(0).items[0].result;
  const store::Appended sixteen = batch.outcome(1).items[0].result;
  give_back(back(fifteen));
  EXPECT_EQ(store.count("SCHEDULE_TOPIC_XXXX", 3), 1U);
  give_back(back(sixteen));
  ASSERT_EQ(store.count("%DLQ%g", 0), 1U);
  EXPECT_EQ(store.record("%DLQ%g", 0, 0).reconsume_times, 17);
  SendBackRequest own = back(fifteen);
  own.max_reconsume_times = 15;
  give_back(own);
  EXPECT_EQ(store.count("%DLQ%g", 0), 2U);
}

TEST_F(SendBackTest, GroupWithoutRetryQueuesStoresNothing) {
  model::GroupConfig config;
  config.name = "none";
  config.retry_queues = 0;
  ASSERT_TRUE(groups.update(config).has_value());
  SendBackRequest request = back(send("T", "x"));
  request.group = "none";
  const SendOutcome outcome = give_back(request);
  EXPECT_FALSE(outcome.error.has_value());
  EXPECT_TRUE(outcome.items.empty());
  EXPECT_EQ(outcome.end.value, 0);
}

TEST_F(SendBackTest, RetriesGoRoundTheRetryQueues) {
  model::GroupConfig config;
  config.name = "wide";
  config.retry_queues = 2;
  ASSERT_TRUE(groups.update(config).has_value());
  SendBackRequest request = back(send("T", "x"));
  request.group = "wide";
  ASSERT_TRUE(send_back.stage(request, batch).has_value());
  ASSERT_TRUE(send_back.stage(request, batch).has_value());
  sender.commit(batch);
  EXPECT_NE(property_of(store.record("SCHEDULE_TOPIC_XXXX", 2, 0), property::kRealQueueId),
            property_of(store.record("SCHEDULE_TOPIC_XXXX", 2, 1), property::kRealQueueId));
}

TEST_F(SendBackTest, Refusals) {
  const store::Appended failed = send("T", "x");
  SendBackRequest request = back(failed);
  request.group = "unknown";
  EXPECT_EQ(refused(request), Errc::kGroupNotFound);

  request = back(failed);
  request.offset = {failed.log_offset.value + 1};
  EXPECT_EQ(refused(request), Errc::kMessageNotFound);

  switches.permission = model::perm::kRead;
  EXPECT_EQ(refused(back(failed)), Errc::kNoPermission);
  switches.permission = model::perm::kRead | model::perm::kWrite;
  make_topic("%RETRY%g", 1, model::perm::kRead);
  EXPECT_EQ(refused(back(failed)), Errc::kNoPermission);
}

TEST_F(SendBackTest, NoRoomForTheRetryProperties) {
  const store::Appended failed = send("T", "x", pairs("UNIQ_KEY=U;p=" + std::string(32'500, 'v')));
  EXPECT_EQ(refused(back(failed)), Errc::kMessageIllegal);
}

}  // namespace
}  // namespace oncemq::broker

#include "model/topic.h"

#include <string>

#include <gtest/gtest.h>

namespace oncemq::model {
namespace {

TEST(Topic, NamesWithPrefixes) {
  EXPECT_EQ(topic::retry_topic("g"), "%RETRY%g");
  EXPECT_EQ(topic::dlq_topic("g"), "%DLQ%g");
  EXPECT_TRUE(topic::is_retry("%RETRY%g"));
  EXPECT_FALSE(topic::is_retry("RETRY%g"));
  EXPECT_TRUE(topic::is_dlq("%DLQ%g"));
  EXPECT_FALSE(topic::is_dlq("%RETRY%g"));
}

TEST(Topic, SystemTopicsAndForbiddenTargets) {
  EXPECT_TRUE(topic::is_system("TBW102"));
  EXPECT_TRUE(topic::is_system("rmq_sys_wheel_timer"));
  EXPECT_TRUE(topic::is_system("SCHEDULE_TOPIC_XXXX"));
  EXPECT_FALSE(topic::is_system("orders"));
  EXPECT_TRUE(topic::is_forbidden_target("SCHEDULE_TOPIC_XXXX"));
  EXPECT_TRUE(topic::is_forbidden_target("RMQ_SYS_TRANS_OP_HALF_TOPIC"));
  EXPECT_FALSE(topic::is_forbidden_target("BenchmarkTest"));
  EXPECT_FALSE(topic::is_forbidden_target("%RETRY%g"));
}

TEST(Topic, LegalNames) {
  EXPECT_TRUE(check_topic_name("a").has_value());
  EXPECT_TRUE(check_topic_name("Az09%|_-").has_value());
  EXPECT_TRUE(check_topic_name(std::string(127, 'a')).has_value());
  EXPECT_TRUE(check_topic_name("%RETRY%" + std::string(248, 'a')).has_value());
  EXPECT_TRUE(check_topic_name("%DLQ%" + std::string(250, 'a')).has_value());
}

TEST(Topic, IllegalNamesSayWhy) {
  for (const auto& [name, why] : {std::pair<std::string, std::string>{"", "empty"},
                                  {std::string(128, 'a'), "127"},
                                  {"%RETRY%" + std::string(249, 'a'), "255"},
                                  {"a b", "'a b'"},
                                  {"a/b", "'a/b'"},
                                  {"..", "'..'"},
                                  {std::string("a\0b", 3), "other characters"},
                                  {"\xC3\xA9", "other characters"}}) {
    const auto status = check_topic_name(name);
    ASSERT_FALSE(status.has_value()) << name;
    EXPECT_EQ(status.error().code, Errc::kInvalidArgument);
    EXPECT_NE(status.error().message.find(why), std::string::npos) << status.error().message;
  }
}

TEST(Group, NamesHaveTwoLimits) {
  EXPECT_TRUE(check_group_name(std::string(120, 'g')).has_value());
  EXPECT_FALSE(check_group_name(std::string(121, 'g')).has_value());
  EXPECT_TRUE(check_group_name(std::string(255, 'g'), kMaxClientGroupSize).has_value());
  EXPECT_FALSE(check_group_name(std::string(256, 'g'), kMaxClientGroupSize).has_value());
  EXPECT_FALSE(check_group_name("").has_value());
  EXPECT_FALSE(check_group_name("g@h").has_value());
}

}  // namespace
}  // namespace oncemq::model

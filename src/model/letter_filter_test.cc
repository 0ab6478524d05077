#include "model/letter_filter.h"

#include <gtest/gtest.h>

#include "model/properties.h"

namespace oncemq::model {
namespace {

// A letter that died at 500.
struct Dead {
  explicit Dead(std::string_view tag, std::string_view amount = {}) {
    append_property(properties, "TAGS", tag);
    append_property(properties, "KEYS", "order-1 eu");
    append_property(properties, "UNIQ_KEY", "UNIQUE");
    append_property(properties, "ORIGIN_MESSAGE_ID", "ORIGIN");
    append_property(properties, "RETRY_TOPIC", "orders");
    append_property(properties, "DEAD_CAUSE", "retries");
    if (!amount.empty()) append_property(properties, "amount", amount);
  }
  // NOLINTNEXTLINE(google-explicit-constructor): what wants() looks at
  operator LetterFilter::Letter() const {
    return {.id = "ID", .died_ms = 500, .properties = properties};
  }
  std::string properties;
};

LetterFilter where(std::string_view expression) {
  LetterFilter filter;
  EXPECT_TRUE(filter.set_where(expression).has_value());
  return filter;
}

TEST(LetterFilter, NothingGivenSelectsAll) {
  EXPECT_TRUE(LetterFilter().wants(Dead("paid", "5")));
}

TEST(LetterFilter, ExpressionLooksAtProperties) {
  EXPECT_TRUE(where("amount > 3").wants(Dead("paid", "5")));
  EXPECT_FALSE(where("amount > 5").wants(Dead("paid", "5")));
  EXPECT_TRUE(where("TAGS = 'paid' AND RETRY_TOPIC = 'orders'").wants(Dead("paid")));
  EXPECT_TRUE(where("DEAD_CAUSE IN ('refused', 'retries')").wants(Dead("paid")));
}

TEST(LetterFilter, UnknownIsNotSelected) {
  EXPECT_FALSE(where("amount > 3").wants(Dead("paid")));
  EXPECT_FALSE(where("NOT (amount > 3)").wants(Dead("paid")));
  EXPECT_FALSE(where("amount > 3").wants(Dead("paid", "many")));
  EXPECT_TRUE(where("amount IS NULL").wants(Dead("paid")));
}

TEST(LetterFilter, ABrokenExpressionIsRefused) {
  LetterFilter filter;
  const Status refused = filter.set_where("amount >");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::kSubscriptionBroken);
  EXPECT_EQ(filter.where, nullptr);
}

TEST(LetterFilter, AnIdIsAnyOfThree) {
  for (const char* id : {"ID", "UNIQUE", "ORIGIN"}) {
    LetterFilter filter;
    filter.ids = {"other", id};
    EXPECT_TRUE(filter.wants(Dead("paid"))) << id;
  }
  LetterFilter filter;
  filter.ids = {"other"};
  EXPECT_FALSE(filter.wants(Dead("paid")));
}

TEST(LetterFilter, AKeyIsAWholeWord) {
  LetterFilter filter;
  for (const char* key : {"order-1", "eu"}) {
    filter.key = key;
    EXPECT_TRUE(filter.wants(Dead("paid"))) << key;
  }
  for (const char* key : {"order", "e", "order-1 e", "u", "order-12"}) {
    filter.key = key;
    EXPECT_FALSE(filter.wants(Dead("paid"))) << key;
  }
}

TEST(LetterFilter, PropertiesAndOriginalTopic) {
  LetterFilter filter;
  filter.topic = "orders";
  filter.properties = {{"amount", "5"}, {"DEAD_CAUSE", "retries"}};
  EXPECT_TRUE(filter.wants(Dead("paid", "5")));
  EXPECT_FALSE(filter.wants(Dead("paid", "6")));
  EXPECT_FALSE(filter.wants(Dead("paid")));
  filter.topic = "order";
  EXPECT_FALSE(filter.wants(Dead("paid", "5")));
}

TEST(LetterFilter, AllConditionsHold) {
  LetterFilter filter = where("amount > 3");
  filter.tags = {"paid", "sent"};
  filter.begin_ms = 500;
  EXPECT_TRUE(filter.wants(Dead("sent", "5")));
  EXPECT_FALSE(filter.wants(Dead("sent", "3")));
  EXPECT_FALSE(filter.wants(Dead("lost", "5")));
  filter.begin_ms = 501;
  EXPECT_FALSE(filter.wants(Dead("sent", "5")));
  filter.begin_ms = 0;
  filter.end_ms = 499;
  EXPECT_FALSE(filter.wants(Dead("sent", "5")));
}

TEST(LetterFilter, TimesInOrder) {
  LetterFilter filter;
  EXPECT_TRUE(filter.check_times().has_value());
  filter.begin_ms = filter.end_ms = 5;
  EXPECT_TRUE(filter.check_times().has_value());
  filter.begin_ms = 6;
  EXPECT_FALSE(filter.check_times().has_value());
}

}  // namespace
}  // namespace oncemq::model

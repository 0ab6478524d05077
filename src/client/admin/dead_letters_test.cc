#include "client/admin/dead_letters.h"

#include <gtest/gtest.h>

#include "model/properties.h"

namespace oncemq::client {
namespace {

StoredMessage letter(std::string_view tag, std::string_view amount) {
  StoredMessage message;
  message.id = "ID";
  message.store_ms = 500;
  model::append_property(message.properties, "TAGS", tag);
  model::append_property(message.properties, "RETRY_TOPIC", "orders");
  model::append_property(message.properties, "DEAD_CAUSE", "retries");
  if (!amount.empty()) model::append_property(message.properties, "amount", amount);
  return message;
}

LetterSelection where(std::string_view expression) {
  LetterSelection selection;
  selection.where =
      std::make_shared<const model::SqlFilter>(model::SqlFilter::compile(expression).value());
  return selection;
}

TEST(LetterSelection, NothingGivenSelectsAll) {
  EXPECT_TRUE(LetterSelection().wants(letter("paid", "5")));
}

TEST(LetterSelection, ExpressionLooksAtProperties) {
  EXPECT_TRUE(where("amount > 3").wants(letter("paid", "5")));
  EXPECT_FALSE(where("amount > 5").wants(letter("paid", "5")));
  EXPECT_TRUE(where("TAGS = 'paid' AND RETRY_TOPIC = 'orders'").wants(letter("paid", "")));
  EXPECT_TRUE(where("DEAD_CAUSE IN ('refused', 'retries')").wants(letter("paid", "")));
}

TEST(LetterSelection, UnknownIsNotSelected) {
  EXPECT_FALSE(where("amount > 3").wants(letter("paid", "")));
  EXPECT_FALSE(where("NOT (amount > 3)").wants(letter("paid", "")));
  EXPECT_FALSE(where("amount > 3").wants(letter("paid", "many")));
  EXPECT_TRUE(where("amount IS NULL").wants(letter("paid", "")));
}

TEST(LetterSelection, AllConditionsHold) {
  LetterSelection selection = where("amount > 3");
  selection.tags = {"paid", "sent"};
  selection.begin_ms = 500;
  EXPECT_TRUE(selection.wants(letter("sent", "5")));
  EXPECT_FALSE(selection.wants(letter("sent", "3")));
  EXPECT_FALSE(selection.wants(letter("lost", "5")));
  selection.begin_ms = 501;
  EXPECT_FALSE(selection.wants(letter("sent", "5")));
}

}  // namespace
}  // namespace oncemq::client

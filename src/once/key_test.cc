#include "once/key.h"

#include <stdexcept>

#include <gtest/gtest.h>

namespace oncemq::once {
namespace {

sdk::Delivery delivery() {
  sdk::Delivery delivery;
  delivery.message.topic = "paid";
  delivery.message.keys = {"order-1", "customer-2"};
  delivery.message.properties = {{"payment", "p-3"}};
  delivery.message_id = "ID4";
  delivery.attempt = 5;
  return delivery;
}

TEST(OnceKeyTest, ComesFromWhatWasChosen) {
  EXPECT_EQ(claim_of(delivery(), by_unique_key(), Scope::kTopic)->key, "ID4");
  EXPECT_EQ(claim_of(delivery(), by_keys(), Scope::kTopic)->key, "order-1 customer-2");
  EXPECT_EQ(claim_of(delivery(), by_property("payment"), Scope::kTopic)->key, "p-3");
  const KeyOf own = [](const sdk::Delivery& of) { return of.message.topic + "/x"; };
  EXPECT_EQ(claim_of(delivery(), own, Scope::kTopic)->key, "paid/x");
}

TEST(OnceKeyTest, BelongsToItsTopicUnlessTheGroupIsMeant) {
  EXPECT_EQ(claim_of(delivery(), by_keys(), Scope::kTopic)->topic, "paid");
  EXPECT_EQ(claim_of(delivery(), by_keys(), Scope::kGroup)->topic, "");
  EXPECT_EQ(claim_of(delivery(), by_keys(), Scope::kGroup)->attempt, 5);
}

TEST(OnceKeyTest, AMessageWithoutAUsableKeyIsRefused) {
  EXPECT_FALSE(claim_of(delivery(), by_property("other"), Scope::kTopic));
  const auto sized = [](std::size_t size) {
    return claim_of(
        delivery(), [size](const sdk::Delivery&) { return std::string(size, 'k'); }, Scope::kTopic);
  };
  EXPECT_TRUE(sized(255));
  EXPECT_FALSE(sized(256));
  const auto thrown = claim_of(
      delivery(),
      [](const sdk::Delivery&) -> std::string { throw std::runtime_error("no such field"); },
      Scope::kTopic);
  ASSERT_FALSE(thrown);
  EXPECT_EQ(thrown.error().message, "no such field");
}

TEST(OnceKeyTest, ATopicThatNoBrokerHasDoesNotReachTheDatabase) {
  sdk::Delivery odd = delivery();
  odd.message.topic = "a'; DROP TABLE ledger; --";
  EXPECT_FALSE(claim_of(odd, by_unique_key(), Scope::kTopic));
}

}  // namespace
}  // namespace oncemq::once

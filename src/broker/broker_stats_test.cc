#include "broker/broker_stats.h"

#include <gtest/gtest.h>

namespace oncemq::broker {
namespace {

class BrokerStatsTest : public ::testing::Test {
 protected:
  // Time passes as the service thread sees it.
  void run(int seconds, std::uint64_t puts_per_second = 0) {
    for (int i = 0; i < seconds; ++i) {
      stats.put(puts_per_second, puts_per_second * 100);
      clock.advance_ms(1'000);
      EXPECT_EQ(stats.tick(), clock.monotonic_ms() + 1'000);
    }
  }
  os::ManualClock clock;  // 2023-11-14T22:13:20Z
  BrokerStats stats{clock};
};

TEST_F(BrokerStatsTest, RatesOverThreeSpans) {
  run(600, 10);
  run(5, 100);
  const Rates rates = stats.put_rates();
  EXPECT_DOUBLE_EQ(rates.ten_seconds, 55);
  EXPECT_DOUBLE_EQ(rates.minute, (55 * 10.0 + 5 * 100) / 60);
  EXPECT_DOUBLE_EQ(rates.ten_minutes, (595 * 10.0 + 5 * 100) / 600);
  EXPECT_EQ(stats.put_total(), 6'500U);
  EXPECT_EQ(stats.put_bytes_total(), 650'000U);
}

TEST_F(BrokerStatsTest, YoungBrokerAnswersWithWhatItHas) {
  EXPECT_EQ(stats.put_rates().ten_seconds, 0);
  run(2, 10);
  EXPECT_DOUBLE_EQ(stats.put_rates().ten_minutes, 10);
  EXPECT_EQ(stats.put_rates().to_string(), "10.0000 10.0000 10.0000");
}

TEST_F(BrokerStatsTest, PullsByResult) {
  stats.get("T", "g", 8, 800);
  stats.get_missed();
  run(1);
  EXPECT_DOUBLE_EQ(stats.get_found_rates().minute, 1);
  EXPECT_DOUBLE_EQ(stats.get_missed_rates().minute, 1);
  EXPECT_DOUBLE_EQ(stats.get_total_rates().minute, 2);
  EXPECT_DOUBLE_EQ(stats.get_message_rates().minute, 8);
  EXPECT_EQ(stats.get_total(), 8U);
  EXPECT_EQ(stats.view("GROUP_GET_SIZE", "T@g")->minute.sum, 800U);
  EXPECT_DOUBLE_EQ(stats.group_get_tps("T", "g"), 8);
  EXPECT_EQ(stats.group_get_tps("T", "h"), 0);
}

TEST_F(BrokerStatsTest, UnknownStatisticsAreNothing) {
  EXPECT_EQ(stats.view("TOPIC_PUT_NUMS", "T"), std::nullopt);
  EXPECT_EQ(stats.topic_put_tps("T"), 0);
}

TEST_F(BrokerStatsTest, WindowsForget) {
  StatsItem& item = stats.item("TOPIC_PUT_NUMS", "T");
  EXPECT_EQ(&item, &stats.item("TOPIC_PUT_NUMS", "T"));
  item.add(60, 2);
  run(30);
  StatsView view = *stats.view("TOPIC_PUT_NUMS", "T");
  EXPECT_EQ(view.minute.sum, 60U);
  EXPECT_DOUBLE_EQ(view.minute.tps, 2);
  EXPECT_DOUBLE_EQ(view.minute.average, 30);
  run(60);
  view = *stats.view("TOPIC_PUT_NUMS", "T");
  EXPECT_EQ(view.minute.sum, 0U);
  EXPECT_EQ(view.hour.sum, 60U);
  run(2 * 3'600);
  view = *stats.view("TOPIC_PUT_NUMS", "T");
  EXPECT_EQ(view.hour.sum, 0U);
  EXPECT_EQ(view.day.sum, 60U);
}

TEST_F(BrokerStatsTest, MidnightKeepsTheTotals) {
  stats.put(5, 0);
  stats.get("T", "g", 2, 0);
  clock.advance_ms(2 * 3'600'000);  // past midnight
  stats.tick();
  EXPECT_EQ(stats.days().put_today_morning, 5U);
  EXPECT_EQ(stats.days().put_yesterday_morning, 0U);
  EXPECT_EQ(stats.days().get_today_morning, 2U);
  stats.put(1, 0);
  clock.advance_ms(24 * 3'600'000);
  stats.tick();
  EXPECT_EQ(stats.days().put_today_morning, 6U);
  EXPECT_EQ(stats.days().put_yesterday_morning, 5U);
}

TEST_F(BrokerStatsTest, FailuresAndRetriesAreCounted) {
  stats.put_failed();
  EXPECT_EQ(stats.put_failed_total(), 1U);
  stats.sent_back("T", "g");
  stats.dead_letter("T", "g");
  EXPECT_EQ(stats.view("SNDBCK_PUT_NUMS", "T@g")->minute.sum, 1U);
  EXPECT_EQ(stats.view("DLQ_PUT_NUMS", "T@g")->minute.sum, 1U);
}

}  // namespace
}  // namespace oncemq::broker

#include <gtest/gtest.h>

#include "client/load/bench.h"

namespace oncemq::client {
namespace {

BenchReport sample() {
  BenchReport report{.seconds = 2,
                     .messages = 1000,
                     .acknowledged = 1001,
                     .requests = 1003,
                     .bytes = 4'194'304,
                     .lost = 1,
                     .p50_ns = 1'500'000,
                     .own_cpu_s = 0.25,
                     .broker_cpu_s = 0.5,
                     .broker_rss = 1'048'576,
                     .broker_private = 524'288};
  report.refused = {{2, 3}, {14, 4}};
  return report;
}

TEST(BenchReport, ComputesItsRates) {
  EXPECT_DOUBLE_EQ(sample().messages_per_s(), 500);
  EXPECT_DOUBLE_EQ(sample().messages_per_cpu_s(), 2000);
  EXPECT_EQ(sample().refused_total(), 7U);
  EXPECT_DOUBLE_EQ(BenchReport().messages_per_s(), 0);
}

TEST(BenchReport, JsonHasTheNumbersOfPlanAndReport) {
  const auto json =
      Json::parse(bench_json({.window = 7, .wait = false, .broker_pid = 5}, sample()).dump());
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)["bench"].as_string(), "send");
  EXPECT_EQ((*json)["asked"]["window"].as_int(), 7);
  EXPECT_FALSE((*json)["asked"]["wait"].as_bool(true));
  EXPECT_EQ((*json)["messages"].as_int(), 1000);
  EXPECT_EQ((*json)["refusedByCode"]["14"].as_int(), 4);
  EXPECT_DOUBLE_EQ((*json)["latencyMs"]["p50"].as_double(), 1.5);
  EXPECT_DOUBLE_EQ((*json)["messagesPerBrokerCpuSecond"].as_double(), 2000);
  EXPECT_EQ((*json)["brokerRssBytes"].as_int(), 1'048'576);
  EXPECT_EQ((*json)["brokerPrivateBytes"].as_int(), 524'288);
  EXPECT_FALSE(json->has("error"));
}

TEST(BenchReport, JsonWithoutAProcessHasNoNumbersOfIt) {
  BenchReport report = sample();
  report.error = "connection ended: peer_closed";
  const Json json = bench_json({.kind = BenchKind::kE2e}, report);
  EXPECT_FALSE(json.has("brokerCpuSeconds"));
  EXPECT_FALSE(json["asked"].has("wait"));
  EXPECT_EQ(json["error"].as_string(), report.error);
}

TEST(BenchReport, TimersHaveTheirOwnLines) {
  BenchReport report = sample();
  report.stored_p50_ns = 2'000'000;
  report.stored_max_ns = 9'000'000;
  report.early = 3;
  report.doubled = 4;
  const BenchPlan plan{.kind = BenchKind::kE2e, .delay_ms = 100, .delay_spread_ms = 50};
  const Json json = bench_json(plan, report);
  EXPECT_EQ(json["asked"]["delayMs"].as_int(), 100);
  EXPECT_EQ(json["asked"]["delaySpreadMs"].as_int(), 50);
  EXPECT_DOUBLE_EQ(json["storedLatenessMs"]["max"].as_double(), 9);
  EXPECT_EQ(json["early"].as_int(), 3);
  EXPECT_EQ(json["doubled"].as_int(), 4);
  EXPECT_NE(bench_text(plan, report).find("p50 2, p99 0, max 9; early 3, doubled 4"),
            std::string::npos);
  EXPECT_FALSE(bench_json({.kind = BenchKind::kE2e}, report).has("early"));
}

TEST(BenchReport, TextTellsWhatWentWrong) {
  BenchReport report = sample();
  report.error = "connection ended: peer_closed";
  const std::string text = bench_text({.kind = BenchKind::kE2e, .broker_pid = 5}, report);
  EXPECT_NE(text.find("1000 messages in 2.00 s, 500 per second, 2.0 MiB/s"), std::string::npos);
  EXPECT_NE(text.find("refused 7, lost 1, code 2: 3, code 14: 4"), std::string::npos);
  EXPECT_NE(text.find("ended early: connection ended"), std::string::npos);
  EXPECT_NE(
      text.find(
          "0.50 CPU seconds, 2000 messages per CPU second, 1.0 MiB RSS, 0.5 MiB of it private"),
      std::string::npos);
}

}  // namespace
}  // namespace oncemq::client
